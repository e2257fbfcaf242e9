"""Interfaces, from the kernel's files."""

from pathlib import Path

from server.host.interfaces import MAX_INTERFACES, Interface, read_interfaces

ROUTE = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
DEFAULT = "wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\n"
ADDRESSES = {"eth0": None, "wlan0": "192.168.0.3", "docker0": "172.17.0.1"}


def test_what_the_kernel_says_is_told(tmp_path: Path) -> None:
    """A cable, a radio, and a bridge that is neither."""
    for name, operstate, inside in (
        ("eth0", "down", "device"),
        ("wlan0", "up", "phy80211"),
        ("docker0", "up", "bridge"),
    ):
        folder = tmp_path / name
        (folder / inside).mkdir(parents=True)
        (folder / "type").write_text("1\n")
        (folder / "address").write_text(f"02:00:00:00:00:{len(name):02}\n")
        (folder / "operstate").write_text(f"{operstate}\n")
    routes = tmp_path / "route"
    routes.write_text(ROUTE + DEFAULT)

    found = read_interfaces(tmp_path, routes, lambda: ADDRESSES, ADDRESSES.get)

    assert (
        Interface("eth0", "", "02:00:00:00:00:04", wired=True),
        Interface(
            "wlan0", "192.168.0.3", "02:00:00:00:00:05", wireless=True, up=True, default_route=True
        ),
        Interface("docker0", "172.17.0.1", "02:00:00:00:00:07", up=True),
    ) == found


def test_what_the_kernel_does_not_say_is_absent(tmp_path: Path) -> None:
    """No file, no fact; and no more interfaces than a box could have."""
    names = [f"veth{each}" for each in range(MAX_INTERFACES + 1)]

    found = read_interfaces(tmp_path, tmp_path / "none", lambda: names, lambda _: None)

    assert MAX_INTERFACES == len(found)
    assert Interface("veth0") == found[0]


def test_this_machine_can_be_read() -> None:
    """The real files as well."""
    assert "lo" not in [each.name for each in read_interfaces()]
