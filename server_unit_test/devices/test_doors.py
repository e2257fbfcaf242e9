"""Which ways are tried for an address, and in what order."""

import pytest

from server.devices import doors
from server.model.device import KNOWN_SCHEMES, Endpoint


def tried(port: int | None = None, scheme: str = "") -> list[tuple[str, int]]:
    """Scheme and port of each way."""
    return [(each.scheme, each.port) for each in doors.ways("10.0.0.1", port, scheme)]


def known(*ways: tuple[str, int]) -> list[tuple[str, int]]:
    """Those whose scheme this program has."""
    return [way for way in ways if way[0] in KNOWN_SCHEMES]


def test_an_address_alone_is_tried_every_way() -> None:
    """Plain Modbus first, the dongle's web interface last."""
    expected = known(("modbus_tcp", 502), ("sungrow_tcp", 502), ("winet", 443), ("winet", 8082))

    assert expected == tried()


@pytest.mark.parametrize("port", [80, 443, 8082])
def test_a_port_of_the_web_interface_is_tried_as_such_first(port: int) -> None:
    """The port is kept to."""
    assert known(("winet", port), ("modbus_tcp", port)) == tried(port)


def test_the_port_of_modbus_is_plain_or_encrypted() -> None:
    """Plain first: it is what most devices speak."""
    assert known(("modbus_tcp", 502), ("sungrow_tcp", 502)) == tried(502)


def test_any_other_port_may_be_anything() -> None:
    """A forwarded one, or a simulated one."""
    expected = known(("modbus_tcp", 5021), ("sungrow_tcp", 5021), ("winet", 5021))

    assert expected == tried(5021)


def test_a_way_that_is_given_is_kept_to() -> None:
    """With its own port where none is given."""
    assert [("modbus_tcp", 502)] == tried(scheme="modbus_tcp")
    assert [("sungrow_tcp", 443)] == tried(443, "sungrow_tcp")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("winet", 443), ("winet", 8082), True),
        (("winet", 502), ("winet", 80), True),
        (("winet", 18443), ("winet", 18443), True),
        (("winet", 18443), ("winet", 443), False),
        (("modbus_tcp", 502), ("winet", 502), False),
        (("modbus_tcp", 502), ("modbus_tcp", 502), False),
    ],
)
def test_a_dongle_is_one_through_all_its_ports(
    one: tuple[str, int], other: tuple[str, int], same: bool
) -> None:
    """It has one session to give; only a web interface is a dongle's for sure."""
    first, second = (Endpoint(scheme, "10.0.0.1", port) for scheme, port in (one, other))

    assert same == doors.same_dongle(first, second)
    assert not doors.same_dongle(first, Endpoint(other[0], "10.0.0.2", other[1]))


def test_ways_are_said_in_words() -> None:
    """As they stand in docs/devices/sungrow.md; what has no name is called by its scheme."""
    (way,) = doors.ways("10.0.0.1", 1502, "modbus_tcp")

    assert "Modbus TCP on port 1502" == doors.said(way)
