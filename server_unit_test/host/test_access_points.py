"""From access points to a list that a person chooses from."""

from typing import Any

import pytest

from server.host.access_points import MAX_NETWORKS, Found, listed, named, networks_of
from server.model.wifi import Security, WifiNetwork

PSK, ENTERPRISE, SAE, OWE = 0x100, 0x200, 0x400, 0x800


def point(ssid: bytes, strength: int = 50, flags: int = 1, wpa: int = 0, rsn: int = PSK) -> Any:
    """What NetworkManager says of one access point."""
    return {"Ssid": ssid, "Strength": strength, "Flags": flags, "WpaFlags": wpa, "RsnFlags": rsn}


@pytest.mark.parametrize(
    ("flags", "wpa", "rsn", "security"),
    [
        (0, 0, 0, Security.OPEN),
        (0, 0, OWE, Security.OPEN),
        (1, 0, 0, Security.WEP),
        (1, PSK, 0, Security.WPA),
        (1, PSK, PSK, Security.WPA2),
        (1, 0, PSK, Security.WPA2),
        (1, 0, PSK | SAE, Security.WPA2),
        (1, 0, SAE, Security.WPA3),
        (1, 0, ENTERPRISE, Security.ENTERPRISE),
        (1, ENTERPRISE, 0, Security.ENTERPRISE),
        (1, 0, ENTERPRISE | PSK, Security.WPA2),
    ],
)
def test_flags_say_how_a_network_is_protected(
    flags: int, wpa: int, rsn: int, security: Security
) -> None:
    """One that takes both WPA2 and WPA3 is as strong as WPA2."""
    (found,) = networks_of([point(b"a", flags=flags, wpa=wpa, rsn=rsn)])

    assert (security, bool(rsn & SAE)) == (found.security, found.sae)


def test_a_network_is_listed_once_with_its_strongest_access_point() -> None:
    """Strongest first; what any of its access points takes counts."""
    found = networks_of([point(b"a", 30, rsn=SAE), point(b"b", 60), point(b"a", 70)])

    assert [Found(b"a", 70, Security.WPA2, sae=True), Found(b"b", 60, Security.WPA2)] == found


def test_networks_that_hide_their_name_are_left_out() -> None:
    """Some send no name, some zeros."""
    assert [] == networks_of([point(b""), point(b"\0" * 8)])


def test_the_list_is_bounded_and_says_what_is_stored() -> None:
    """The strongest stay."""
    found = networks_of([point(b"%d" % each, 100 - each) for each in range(MAX_NETWORKS + 5)])

    networks = listed(found, {b"1"})

    assert MAX_NETWORKS == len(networks)
    assert WifiNetwork("0", 100, Security.WPA2, saved=False) == networks[0]
    assert WifiNetwork("1", 99, Security.WPA2, saved=True) == networks[1]


def test_a_name_is_found_as_it_is_listed() -> None:
    """Text goes before a spelling, so that nobody's name can stand in for another's."""
    spelt, plain = Found(b"\xe9", 90, Security.WPA2), Found(b"\\xe9", 10, Security.WPA2)

    assert plain == named([spelt, plain], "\\xe9")
    assert spelt == named([spelt], "\\xe9")
    assert named([spelt], "e") is None
