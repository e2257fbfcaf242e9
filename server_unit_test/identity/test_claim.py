"""What makes somebody the owner."""

from pathlib import Path

import pytest

from server.identity.claim import CODE_DIGITS, Claim
from server.identity.label import load_or_make


def test_the_label_claims_a_box_at_any_time(tmp_path: Path) -> None:
    """Whoever holds it holds the box: forgotten passwords, sold boxes."""
    label = load_or_make(tmp_path)
    claim = Claim(label)

    assert claim.is_right(label.printed(), claimed=False)
    assert claim.is_right(label.printed(), claimed=True)


def test_the_code_claims_a_box_that_nobody_owns(tmp_path: Path) -> None:
    """However it is typed, and never again after that."""
    claim = Claim(load_or_make(tmp_path))

    assert claim.is_right(claim.code, claimed=False)
    assert claim.is_right(claim.code.lower().replace("-", " "), claimed=False)
    assert not claim.is_right(claim.code, claimed=True)


def test_each_start_has_a_code_of_its_own() -> None:
    """Three groups of four, which nobody guesses."""
    codes = {Claim(None).code for _ in range(50)}

    assert 50 == len(codes)
    assert {CODE_DIGITS + 2} == {len(each) for each in codes}


@pytest.mark.parametrize("text", ["", "-", "0000-0000-0000", "x" * 10_000, "\ud800", "é", "\0"])
def test_nothing_else_claims_it(tmp_path: Path, text: str) -> None:
    """Also where there is no label: nothing is not something."""
    for claim in (Claim(load_or_make(tmp_path)), Claim(None)):
        assert not claim.is_right(text, claimed=False)
        assert not claim.is_right(text, claimed=True)


def test_its_text_form_shows_nothing(tmp_path: Path) -> None:
    """For logs and errors."""
    claim = Claim(load_or_make(tmp_path))

    assert claim.code not in repr(claim)
    assert claim.code.replace("-", "") not in repr(claim)
