"""Where the box is reached, and how it is connected."""

from dataclasses import replace

from server.model.wifi import WifiView
from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import RADIO


def test_address_and_port_are_the_boxs_own(api: Api) -> None:
    """The port is the one that the server really listens on."""
    assert {"ip": "192.0.2.2", "port": api.port} == api.json("/api/network/address")


def test_both_eras_find_their_keys(api: Api) -> None:
    """The earlier one reads `connections`, the later one everything else."""
    answer = api.json("/api/network")

    connections = answer.pop("connections")
    assert {
        "ip": "192.0.2.2",
        "eth0_mac": "02:00:00:00:00:01",
        "wlan0_mac": "02:00:00:00:00:02",
        "interfaces": {"wlan0": "192.0.2.3", "docker0": "172.17.0.1"},
        "wifi_connected": True,
        "ethernet_connected": False,
        "internet_connection": True,
        "wifi_ssid": "Home",
    } == answer
    assert ["Home", "Wired"] == [each["connection"]["id"] for each in connections]
    assert {"ssid": "Home", "hidden": False} == connections[0]["802-11-wireless"]
    assert "802-11-wireless" not in connections[1]
    assert "psk" not in str(connections)


def test_a_default_route_counts_where_nobody_looks_for_the_internet(api: Api) -> None:
    """What NetworkManager found out goes first."""
    api.desk.publish(wifi=WifiView(replace(RADIO, internet=False)))
    assert api.json("/api/network")["internet_connection"] is False

    api.desk.publish(wifi=WifiView(replace(RADIO, internet=None, connected=None)))
    answer = api.json("/api/network")

    assert (True, True, None) == (
        answer["internet_connection"],
        answer["wifi_connected"],
        answer["wifi_ssid"],
    )
