"""Names and passwords of networks: what may be, and what is said of the rest."""

import pytest

from server.errors import WifiRefused
from server.model.request import JoinWifi
from server.model.wifi import (
    KEY_DIGITS,
    MAX_PSK_BYTES,
    MAX_SSID_BYTES,
    MIN_PSK_BYTES,
    WifiReason,
    checked_psk,
    checked_ssid,
    shown_ssid,
)


@pytest.mark.parametrize(
    "ssid", ["a", "x" * MAX_SSID_BYTES, "ö" * (MAX_SSID_BYTES // 2), "caf\\xe9" * 6]
)
def test_a_name_of_up_to_32_bytes_is_taken(ssid: str) -> None:
    """Also one whose bytes are spelt, because they are no text."""
    assert ssid == checked_ssid(ssid)


@pytest.mark.parametrize("ssid", ["", "x" * (MAX_SSID_BYTES + 1), "ö" * 17, "\\x" * 99])
def test_any_other_name_is_refused(ssid: str) -> None:
    """Before anything is asked of the radio."""
    with pytest.raises(WifiRefused) as caught:
        checked_ssid(ssid)

    assert WifiReason.BAD_NAME == caught.value.reason


@pytest.mark.parametrize(
    "psk", ["", "x" * MIN_PSK_BYTES, "x" * MAX_PSK_BYTES, "0aF9" * (KEY_DIGITS // 4), "ööööö"]
)
def test_a_password_of_8_to_63_bytes_or_a_key_is_taken(psk: str) -> None:
    """None at all is for open networks."""
    assert psk == checked_psk(psk)


@pytest.mark.parametrize(
    ("psk", "reason"),
    [
        ("x" * (MIN_PSK_BYTES - 1), WifiReason.TOO_SHORT),
        ("x" * (MAX_PSK_BYTES + 1), WifiReason.TOO_LONG),
        ("g" * KEY_DIGITS, WifiReason.TOO_LONG),
        ("ö" * 32, WifiReason.TOO_LONG),
        ("sesame123\n", WifiReason.BAD_PASSWORD),
    ],
)
def test_any_other_password_is_refused_without_repeating_it(psk: str, reason: WifiReason) -> None:
    """The words say what is wrong with it."""
    with pytest.raises(WifiRefused) as caught:
        checked_psk(psk)

    assert reason == caught.value.reason
    assert psk not in f"{caught.value} {caught.value!r}"


def test_a_request_to_join_does_not_show_its_password() -> None:
    """Requests may stand in a log of a bug."""
    assert "sesame123" not in repr(JoinWifi("Home", "sesame123"))


def test_bytes_that_are_no_text_are_spelt() -> None:
    """Everything else is as it is."""
    assert ("Zuhause ☀", "caf\\xe9") == (shown_ssid("Zuhause ☀".encode()), shown_ssid(b"caf\xe9"))
