"""Which address and names the box tells of itself, with no packet sent."""

from pathlib import Path

import pytest

from server.host.network import LOOPBACK, own_names, read_address

HEADER = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
ADDRESSES = {"eth0": "192.168.1.7", "wlan0": "192.168.2.7", "odd0": "127.0.1.1"}


def routes(folder: Path, *rows: tuple[str, str, str]) -> Path:
    """A routing table of (interface, destination, mask), as the kernel writes it."""
    path = folder / "route"
    lines = [f"{name}\t{to}\t0101A8C0\t0003\t0\t0\t0\t{mask}\t0\t0\t0\n" for name, to, mask in rows]
    path.write_text(HEADER + "".join(lines))
    return path


@pytest.mark.parametrize(
    ("rows", "names", "expected"),
    [
        ([("wlan0", "00000000", "00000000")], ["eth0", "wlan0"], "192.168.2.7"),
        ([("eth0", "0001A8C0", "00FFFFFF")], ["eth0", "wlan0"], "192.168.1.7"),
        ([], ["wlan0"], "192.168.2.7"),
        ([("gone0", "00000000", "00000000")], ["eth0"], "192.168.1.7"),
        ([], ["down0", "eth0"], "192.168.1.7"),
        ([], ["odd0"], LOOPBACK),
        ([], [], LOOPBACK),
    ],
)
def test_the_default_routes_address_comes_first(
    tmp_path: Path, rows: list[tuple[str, str, str]], names: list[str], expected: str
) -> None:
    """Else the first interface that has one, else loopback: a LAN without internet is fine."""
    address = read_address(routes(tmp_path, *rows), lambda: names, ADDRESSES.get)

    assert expected == address


@pytest.mark.parametrize("content", ["", "rubbish", HEADER + "short\trow\n\n"])
def test_a_routing_table_that_says_nothing_is_no_error(tmp_path: Path, content: str) -> None:
    """The interfaces themselves are asked then."""
    path = tmp_path / "route"
    path.write_text(content)

    address = read_address(path, lambda: ["eth0"], ADDRESSES.get)

    assert "192.168.1.7" == address


def test_no_routing_table_is_no_error(tmp_path: Path) -> None:
    """Not every system has that file."""
    address = read_address(tmp_path / "none", lambda: ["eth0"], ADDRESSES.get)

    assert "192.168.1.7" == address


def test_this_machine_answers() -> None:
    """The kernel's own answer is an address of four numbers."""
    parts = read_address().split(".")

    assert [True] * 4 == [part.isdecimal() and int(part) < 256 for part in parts]


@pytest.mark.parametrize(
    ("hostname", "expected"),
    [
        ("Egret", ("egret", "egret.local", "egret.lan", "egret.home.arpa", "egret.internal")),
        (
            "egret.example.org",
            ("egret", "egret.local", "egret.lan", "egret.home.arpa", "egret.internal"),
        ),
    ],
)
def test_own_names_are_bare_and_private(hostname: str, expected: tuple[str, ...]) -> None:
    """A name that somebody could register is not ours, whatever the machine calls itself."""
    assert expected == own_names(hostname)


def test_this_machine_has_a_name() -> None:
    """Without an argument the machine is asked."""
    assert own_names()[0] == own_names()[0].lower()
