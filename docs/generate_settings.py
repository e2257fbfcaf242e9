"""Writes docs/settings.md: every setting with its default, its bounds, its variable, its meaning.

`--check` fails when the page is not current. Bounds and names come from `server.model.setting`,
meanings from the docstrings in `server/model/configuration.py`, so the page cannot drift.
"""

import argparse
import ast
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from server.model.setting import DEVICE, ENDPOINT, SETTINGS
from server.model.setting_rule import Rule
from server.settings import MAX_BROKEN_SETTINGS

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "settings.md"
SOURCE = ROOT / "server" / "model" / "configuration.py"
BAR = "\\|"
"""What stands for | within a table."""

HEAD = """# Settings

Every setting can be given in four places. The upper one counts:

1. the command line (`--host`, `--port`, `--log-level`; `--data` says where the file lies),
2. an environment variable `EGRET_…`; an empty one counts as not given,
3. `settings.json` in the data folder (`EGRET_DATA`, else `data`),
4. the default.

None is needed: a box without any settings starts, and is configured on its page. What the page
and the API change is written to `settings.json`, at once and whole, with mode 0600. What the
environment or the command line has settled cannot be changed there, and is never written into
the file: the answer names where to change it.

The file holds what differs from the defaults, as nested JSON:

```json
{
  "version": 1,
  "name": "Cellar",
  "api": {"host": "0.0.0.0"},
  "harvest": {"endpoints": ["https://ingest.example.org/gw/data/"]},
  "devices": [{"endpoint": {"host": "192.168.1.20"}, "profile": "auto"}]
}
```

`POST /api/settings` takes the same form and merges it: objects key by key, lists as a whole, and
`null` takes a setting back to its default. One wrong key or value refuses the whole change.

Lists in variables are JSON, or for addresses also separated by commas; yes and no are `true` and
`false` (or `1`, `0`, `yes`, `no`, `on`, `off`).

## When something is wrong

Nothing wrong with the settings keeps the box from starting. Each problem is logged and shown on
the page in words.

| what | follows |
|---|---|
| a variable that names no setting | it is ignored, and the nearest name is suggested |
| a variable or option with a bad value | it is ignored; the next place in the list above counts |
| `settings.json` is no JSON object | moved to `settings.json.broken-<n>`; the defaults count |
| it holds an unknown key or a bad value | that alone is ignored, and one bad item of a list by \
itself; a copy as it was goes to `settings.json.broken-<n>` |
| it cannot be read | it stays where it is; the first change sets it aside and writes a new one |

The newest MAX_BROKEN_SETTINGS broken files are kept.

## All settings

| setting | variable | default | may be | meaning |
|---|---|---|---|---|
"""

DEVICES = """
## A device

Each item of `devices` is an object with these keys. `endpoint` may also be short, in one word:
`"modbus_tcp://192.168.1.20:502"` or just `"192.168.1.20"`, which is handy in a variable:

```sh
EGRET_DEVICES='[{"endpoint": "192.168.1.20", "name": "Roof"}]'
```

| key | default | may be |
|---|---|---|
"""

TAIL = """
Without a `device_id` a device is called after its place, `<host>-<port>-<unit_id>`. No two
devices may have the same.
"""


def meanings(source: str) -> Mapping[str, str]:
    """`Class.field` -> the docstring below the field."""
    found: dict[str, str] = {}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for field, following in zip(node.body, node.body[1:], strict=False):
            text = _text(following)
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and text:
                found[f"{node.name}.{field.target.id}"] = text
    return found


def _text(node: ast.stmt) -> str:
    """The string that a statement consists of, on one line, or ""."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
        return ""
    return " ".join(str(node.value.value).split())


def meaning(path: str, found: Mapping[str, str]) -> str:
    """What a setting is for; every one must say."""
    section, _, key = path.rpartition(".")
    name = f"{section.capitalize()}Config.{key}" if section else f"Configuration.{key}"
    return found[name]


def value(default: object) -> str:
    """A default as JSON has it, without the .0 of whole numbers."""
    plain = int(default) if isinstance(default, float) and default.is_integer() else default
    return f"`{json.dumps(plain)}`"


def setting_rows() -> Iterator[str]:
    """One row per setting."""
    found = meanings(SOURCE.read_text(encoding="utf-8"))
    for path, setting in SETTINGS.items():
        cells = (
            f"`{path}`",
            f"`{setting.variable}`",
            value(setting.default),
            setting.rule.words,
            meaning(path, found),
        )
        yield f"| {' | '.join(each.replace('|', BAR) for each in cells)} |"


def device_rows() -> Iterator[str]:
    """One row per key of a device, those of its endpoint first."""
    yield from _rows("endpoint.", ENDPOINT)
    yield from _rows("", DEVICE)


def _rows(prefix: str, table: Mapping[str, tuple[Rule, object]]) -> Iterator[str]:
    for key, (rule, default) in table.items():
        shown = "must be given" if default is None else value(default)
        yield f"| `{prefix}{key}` | {shown} | {rule.words.replace('|', BAR)} |"


def page() -> str:
    """The whole page."""
    note = "\nMade from the source by `make docs`; change the source, not this page.\n"
    settings = "\n".join(setting_rows()) + "\n"
    head = HEAD.replace("MAX_BROKEN_SETTINGS", str(MAX_BROKEN_SETTINGS))
    return head + settings + DEVICES + "\n".join(device_rows()) + "\n" + TAIL + note


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
