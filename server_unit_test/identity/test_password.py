"""The owner's password, digested."""

from dataclasses import replace

import pytest

from server.identity import password
from server.identity.password import (
    BLOCK,
    COST,
    DIGEST_BYTES,
    MAX_COST,
    SALT_BYTES,
    digested,
    is_right,
)


def test_the_right_one_is_right_and_no_other() -> None:
    """Also where only the case or the end differs."""
    kept = digested("correct horse")

    answers = [is_right(text, kept) for text in ("correct horse", "Correct horse", "correct hors")]

    assert [True, False, False] == answers


def test_what_is_kept_has_its_sizes_and_costs() -> None:
    """As shipped; 128 * COST * BLOCK bytes fit the smallest box."""
    kept = digested("correct horse")

    assert (SALT_BYTES, DIGEST_BYTES, COST) == (len(kept.salt), len(kept.digest), kept.cost)
    assert 128 * COST * BLOCK <= 32 * 1024**2


def test_the_same_password_is_kept_differently_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its salt."""
    monkeypatch.setattr(password, "COST", 2)

    assert digested("correct horse").digest != digested("correct horse").digest


def test_the_digest_is_that_of_rfc_7914() -> None:
    """Its third test vector, cut to our length: N 16384, r 8, p 1."""
    kept = digested("pleaseletmein", b"SodiumChloride")

    assert "7023bdcb3afd7348461c06cd81fd38eb" in kept.digest.hex()


@pytest.mark.parametrize(("cost", "block"), [(MAX_COST * 2, 8), (1, 8), (0, 8), (16, 64)])
def test_costs_that_no_gateway_uses_are_refused(cost: int, block: int) -> None:
    """A crafted file cannot take all memory."""
    kept = replace(digested("correct horse"), cost=cost, block=block)

    with pytest.raises(ValueError, match="costs that no gateway uses"):
        is_right("correct horse", kept)


def test_any_text_can_be_digested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also half a surrogate pair, which JSON lets through."""
    monkeypatch.setattr(password, "COST", 2)

    assert is_right("\udc80", digested("\udc80"))
