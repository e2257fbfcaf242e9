"""The pages that people read: what they link to exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")


def pages() -> list[Path]:
    """Every page of the root and of docs/."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file of this repository leads to one."""
    targets = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if ":" not in link]

    broken = [target for target in targets if not (page.parent / target).exists()]

    assert [] == broken
