"""Connection profiles: what is tried, what is stored, what is shown."""

from server.host.access_points import Found
from server.host.wifi_profile import (
    DHCP_TIMEOUT_S,
    described,
    is_ours,
    kept,
    ssid_of,
    tried,
    uuid_of,
)
from server.model.wifi import Security, WifiConnection

HOME = Found(b"Home", 80, Security.WPA2)


def plain(profile: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """A profile without the bus's types."""
    return {
        name: {key: getattr(value, "value", value) for key, value in section.items()}
        for name, section in profile.items()
    }


def test_a_network_is_tried_without_connecting_by_itself() -> None:
    """And with less patience for addresses than usual, because somebody waits."""
    profile = plain(tried(HOME, "sesame123", hidden=False))  # type: ignore[arg-type]  # Any values

    assert {"key-mgmt": "wpa-psk", "psk": "sesame123"} == profile["802-11-wireless-security"]
    assert profile["connection"]["autoconnect"] is False
    assert DHCP_TIMEOUT_S == profile["ipv4"]["dhcp-timeout"]
    assert b"Home" == profile["802-11-wireless"]["ssid"]


def test_key_management_is_what_the_network_takes() -> None:
    """WPA3's own only where there is nothing else; none where there is no password."""
    wpa3, open_, owe = (
        Found(b"a", 1, Security.WPA3, sae=True),
        Found(b"a", 1, Security.OPEN),
        Found(b"a", 1, Security.OPEN, owe=True),
    )

    found = [tried(each, psk, False) for each, psk in ((wpa3, "x" * 8), (open_, ""), (owe, ""))]

    words = [each.get("802-11-wireless-security", {}).get("key-mgmt") for each in found]
    assert ["sae", None, "owe"] == [each and each.value for each in words]


def test_what_has_proved_itself_is_stored_as_such() -> None:
    """The same profile by its uuid; it connects by itself."""
    profile = plain(kept(HOME, "sesame123", True, "u-1"))  # type: ignore[arg-type]  # Any values

    assert ("u-1", True) == (profile["connection"]["uuid"], profile["connection"]["autoconnect"])
    assert "dhcp-timeout" not in profile["ipv4"]
    assert profile["802-11-wireless"]["hidden"] is True
    assert is_ours(profile)


def test_a_stored_profile_is_shown_without_secrets() -> None:
    """Of whatever kind it is."""
    profile = plain(kept(HOME, "sesame123", False, "u-1"))  # type: ignore[arg-type]  # Any values
    wired = {"connection": {"id": "Wired", "uuid": "u-2", "type": "802-3-ethernet"}}

    expected = WifiConnection("Home", "u-1", "802-11-wireless", "Home", True, False, "auto", "auto")
    assert expected == described(profile)
    assert WifiConnection("Wired", "u-2", "802-3-ethernet") == described(wired)
    assert "sesame123" not in repr(described(profile))


def test_only_networks_that_are_joined_have_a_name() -> None:
    """A hotspot of the box's own is none of ours, nor is a cable."""
    hotspot = {"802-11-wireless": {"ssid": b"Egret", "mode": "ap"}}

    assert (b"Home", None, None) == (
        ssid_of({"802-11-wireless": {"ssid": b"Home"}}),
        ssid_of(hotspot),
        ssid_of({"802-3-ethernet": {}}),
    )
    assert (False, "") == (is_ours(hotspot), uuid_of(hotspot))
