"""The pages that people read: what they link to exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")


NAMED = re.compile(r"\bdocs/[\w./-]+\.(?:md|svg|png)\b")


def pages() -> list[Path]:
    """Every page of the root and of docs/."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file of this repository leads to one."""
    targets = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if ":" not in link]

    broken = [target for target in targets if not (page.parent / target).exists()]

    assert [] == broken


@pytest.mark.parametrize("folder", ["server", "simulator", "demo", "benchmark", "system_test"])
def test_pages_named_in_the_code_exist(folder: str) -> None:
    """A reader who is sent to a page by a docstring or a help text finds it."""
    named = {
        (path.relative_to(ROOT).as_posix(), page)
        for path in sorted((ROOT / folder).rglob("*.py"))
        for page in NAMED.findall(path.read_text(encoding="utf-8"))
    }

    missing = sorted(f"{path}: {page}" for path, page in named if not (ROOT / page).exists())

    assert [] == missing
