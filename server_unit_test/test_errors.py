"""Errors carry what is needed to decide, print as words, and survive being copied."""

import copy
import pickle

import pytest

from server.errors import (
    EgretError,
    PeerFault,
    Permanent,
    ProtocolError,
    RegisterRefused,
    Retry,
    SinkUnavailable,
)

SAMPLES = (
    ProtocolError("wrong unit", b"\x01\x83"),
    RegisterRefused(2, "illegal data address at 5000"),
    SinkUnavailable("503", 30.0),
)


def test_a_protocol_error_shows_its_evidence_as_hex() -> None:
    """The frame that broke the rules stands in the text, for the log and the page."""
    assert "wrong unit [01 83]" == str(ProtocolError("wrong unit", b"\x01\x83"))
    assert "wrong unit" == str(ProtocolError("wrong unit"))


@pytest.mark.parametrize("error", SAMPLES)
def test_an_error_survives_copying(error: EgretError) -> None:
    """Text and fields are the same in the copy, however it is made."""
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (str(error), vars(error)) == (str(twin), vars(twin))


def test_every_error_says_what_to_do_next() -> None:
    """Each class belongs to exactly one family: retry, the peer's fault, or permanent."""
    families = (Retry, PeerFault, Permanent)
    leaves = [each for family in families for each in family.__subclasses__()]

    assert set(families) == set(EgretError.__subclasses__())
    assert [1] * len(leaves) == [
        sum(issubclass(leaf, family) for family in families) for leaf in leaves
    ]
