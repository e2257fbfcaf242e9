"""The class of an error says what to do next."""

import inspect

import pytest

from server import errors
from server.errors import EgretError, PeerFault, Permanent, ProtocolError, Retry, SinkUnavailable

FAMILIES = (Retry, PeerFault, Permanent)
EVERY = [
    each
    for _, each in inspect.getmembers(errors, inspect.isclass)
    if each not in (EgretError, *FAMILIES)
]


@pytest.mark.parametrize("error", EVERY, ids=lambda each: each.__name__)
def test_an_error_belongs_to_one_family_and_says_why(error: type[Exception]) -> None:
    """Try again, the peer's fault, or a person has to act: never two of them, never none."""
    assert 1 == sum(issubclass(error, family) for family in FAMILIES)
    assert issubclass(error, EgretError) and error.__doc__


def test_a_broken_frame_is_kept_as_evidence() -> None:
    """In hexadecimal digits behind the words; without one there are the words alone."""
    error = ProtocolError("wrong length", b"\x00\xff")

    assert ("wrong length [00 ff]", b"\x00\xff") == (str(error), error.frame)
    assert "no frame" == str(ProtocolError("no frame"))


def test_a_refusal_keeps_the_devices_code() -> None:
    """Whoever reads registers decides by it."""
    error = errors.RegisterRefused(2, "illegal data address")

    assert (2, "illegal data address") == (error.code, str(error))


def test_an_endpoint_may_ask_for_a_pause() -> None:
    """Or ask for none."""
    assert (30.0, None) == (
        SinkUnavailable("429", retry_after_s=30.0).retry_after_s,
        SinkUnavailable("503").retry_after_s,
    )
