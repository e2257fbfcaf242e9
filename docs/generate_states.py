"""Writes docs/states.md: the gateway's mode and the device link, drawn from their tables.

`--check` fails when the page is not current. The page is made from the tables that the program
runs on, so it is true by construction.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from server.devices.link import ASLEEP_RETRY_S, BREAKER_FAILURES, LINK_BACKOFF
from server.devices.link_table import LINK
from server.engine.modes import ALLOWED_WHILE_STOPPING, RANKS, STANDING, Mode, mermaid
from server.engine.task import Kind

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "states.md"

OPENING = """\
# States

Written by `make docs` from the tables that the program runs on. Do not edit it.
"""

LINK_TEXT = f"""\
Any pair of state and event that is not drawn here raises an error: it cannot happen. After a
failure the link is tried again within {LINK_BACKOFF.first_s:g} s at first, then within twice as
long each time up to {LINK_BACKOFF.ceiling_s:g} s, at a moment drawn at random. After
{BREAKER_FAILURES} failures in a row the device counts as asleep (the night, a switch turned off)
and is tried about every {ASLEEP_RETRY_S:g} s.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield OPENING
    yield "## The mode of the gateway\n"
    yield "The first question that is answered with yes gives the mode.\n"
    yield f"```mermaid\n{mermaid()}\n```\n"
    yield "| mode | when | on entry |"
    yield "|---|---|---|"
    for row in STANDING:
        yield f"| {row.mode} | {row.when} | {row.on_entry} |"
    yield "\n### Who goes first\n"
    yield "Among tasks that are due on one lane, the lower rank goes first.\n"
    yield "| kind | " + " | ".join(Mode) + " |"
    yield "|---" * (len(Mode) + 1) + "|"
    for kind in Kind:
        cells = (_rank(mode, kind) for mode in Mode)
        yield f"| {kind} | " + " | ".join(cells) + " |"
    yield "\n## The link of a device\n"
    yield f"```mermaid\n{LINK.mermaid()}\n```\n"
    yield LINK_TEXT.rstrip()


def _rank(mode: Mode, kind: Kind) -> str:
    if mode is Mode.STOPPING and kind not in ALLOWED_WHILE_STOPPING:
        return "not started"
    return str(RANKS[mode][kind])


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="fail if the page is not current")
    if parser.parse_args().check:
        current = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        if current != page():
            print(f"{PAGE.relative_to(ROOT)} is not current; run: make docs", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
