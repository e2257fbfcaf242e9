"""When there is a TLS door, and how a fingerprint is shown."""

import pytest

from server.model.encryption import TLS_CHOICES, colons, is_offered, lacks


@pytest.mark.parametrize(
    ("tls", "host", "expected"),
    [
        ("auto", "127.0.0.1", False),
        ("auto", "::1", False),
        ("auto", "localhost", False),
        ("auto", "0.0.0.0", True),
        ("auto", "::", True),
        ("auto", "192.0.2.7", True),
        ("on", "127.0.0.1", True),
        ("off", "0.0.0.0", False),
    ],
)
def test_tls_is_offered_where_others_can_listen(tls: str, host: str, expected: bool) -> None:
    """On loopback there is nobody to hide from, unless the owner wants it."""
    assert tls in TLS_CHOICES

    assert expected == is_offered(tls, host)


def test_a_fingerprint_is_shown_as_browsers_show_it() -> None:
    """So that a person compares like with like."""
    assert "00:AB:9F" == colons("00ab9f")


def test_what_a_certificate_lacks_is_told_whatever_the_case() -> None:
    """Host names have no capitals."""
    assert ("other",) == lacks(("Box", "192.0.2.7"), ("box", "192.0.2.7", "other"))
