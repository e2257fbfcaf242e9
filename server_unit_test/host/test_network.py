"""The box's own address and names."""

from pathlib import Path

from server.host.network import LOOPBACK, own_names, read_address

HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
DEFAULT = "wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
LOCAL = "eth0\t0000A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n"
ADDRESSES = {"eth0": "192.168.0.2", "wlan0": "192.168.0.3", "docker0": None}


def test_the_interface_with_the_default_route_counts(tmp_path: Path) -> None:
    """That is the one the house sees the box through."""
    routes = tmp_path / "route"
    routes.write_text(HEAD + LOCAL + DEFAULT)

    assert "192.168.0.3" == read_address(routes, lambda: ADDRESSES, ADDRESSES.get)


def test_without_a_default_route_the_first_address_counts(tmp_path: Path) -> None:
    """A house without internet still has a network."""
    routes = tmp_path / "route"
    routes.write_text(HEAD + LOCAL)

    assert "192.168.0.2" == read_address(routes, lambda: ["docker0", "eth0"], ADDRESSES.get)


def test_without_a_network_it_is_loopback(tmp_path: Path) -> None:
    """The box works alone."""
    assert LOOPBACK == read_address(tmp_path / "none", lambda: [], ADDRESSES.get)
    assert LOOPBACK == read_address(tmp_path / "none", lambda: ["x"], lambda _: "127.0.0.5")


def test_this_machine_has_some_address() -> None:
    """The kernel answers the real questions as well."""
    assert 4 == len(read_address().split("."))


def test_names_are_bare_and_in_private_domains() -> None:
    """Domains that nobody can register cannot belong to a foreign page."""
    expected = ("hut", "hut.local", "hut.lan", "hut.home.arpa", "hut.internal")

    assert expected == own_names("Hut.example.com")
    assert own_names()
