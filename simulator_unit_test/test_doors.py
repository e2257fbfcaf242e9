"""The table of doors, and opening them."""

import asyncio
import gc
import socket
import warnings
from contextlib import ExitStack

import pytest

from simulator.clock import ManualClock
from simulator.door_settings import DoorSettings
from simulator.doors import (
    DEFAULT_PORTS,
    DOORS,
    CannotOpenError,
    Doors,
    OpenDoor,
    Ports,
    at,
    ports_of,
)
from simulator.plant import VirtualPlant
from simulator_unit_test.turn import Turn


class Hatch:
    """A door that opens at the ports it is told, or 1000 more where 0 is."""

    name = "hatch"

    def __init__(self) -> None:
        self.opened: list[tuple[int, ...]] = []

    async def open(self, host: str, *ports: int) -> tuple[int, ...]:
        self.opened.append(ports)
        return tuple(port or 1000 for port in ports)

    async def close(self) -> None:
        self.opened.clear()


def test_every_door_has_its_ports() -> None:
    """A line in one table has its line in the other."""
    assert list(DOORS) == list(DEFAULT_PORTS)


def test_a_door_opens_where_it_was() -> None:
    """A free port is kept: closed and opened again, the door has the same address."""
    hatch = Hatch()
    opened = OpenDoor(hatch, "127.0.0.1", (0, 8082))

    async def twice() -> list[tuple[int, ...]]:
        await opened.open()
        await opened.open()
        return list(hatch.opened)

    assert [(0, 8082), (1000, 8082)] == asyncio.run(twice())
    assert "127.0.0.1:1000:8082" == opened.address


def test_an_ipv6_address_is_told_from_its_ports() -> None:
    """By brackets, as in a URL."""
    assert ("[::1]:80:8082", "127.0.0.1:80") == (at("::1", 80, 8082), at("127.0.0.1", 80))


class Unwritable(Hatch):
    """A door that cannot keep a file of its own."""

    async def open(self, host: str, *ports: int) -> tuple[int, ...]:
        raise PermissionError(13, "Permission denied", "/keys/winet.pem")


def test_a_file_that_cannot_be_kept_is_no_matter_of_ports() -> None:
    """The refusal names the file and no port."""
    with pytest.raises(PermissionError, match="winet.pem") as refused:
        asyncio.run(OpenDoor(Unwritable(), "127.0.0.1", (443,)).open())

    assert not isinstance(refused.value, CannotOpenError)


@pytest.mark.parametrize(
    ("name", "ports", "words"),
    [
        ("cellar", 1, "no door 'cellar'; there are: modbus"),
        ("modbus", (1, 2), "has one port, like 5020; not 2"),
        ("winet", 8082, "has two ports, like 10080:18082; not 1"),
        ("modbus", 65536, "a number from 0 to 65535"),
        ("modbus", -1, "a number from 0 to 65535"),
    ],
)
def test_ports_refused(name: str, ports: Ports, words: str) -> None:
    """A door that is not there, or ports that cannot be, are told in words."""
    with pytest.raises(ValueError, match=words):
        ports_of(name, ports)


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("name", DOORS)
def test_whoever_comes_while_a_door_closes_is_dropped(name: str, turns: int) -> None:
    """However many turns of the loop it had, nothing of its connection is left behind."""
    plant = VirtualPlant(clock=ManualClock(0.0))
    ports = (0,) * len(DEFAULT_PORTS[name])
    doors = Doors({name: ports}, "127.0.0.1", plant.face, plant.troubles, DoorSettings())

    async def come_and_close(clients: ExitStack) -> list[socket.socket]:
        await doors.open()
        came = [
            clients.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            for port in doors.named(name).ports
            for _ in range(2)
        ]
        for _ in range(turns):
            await Turn()
        await doors.close()
        return came

    with warnings.catch_warnings(record=True) as left, ExitStack() as clients:
        warnings.simplefilter("always")
        answers = {heard(client) for client in asyncio.run(come_and_close(clients))}
        gc.collect()

    assert {b""} == answers
    assert [] == [str(each.message) for each in left]


def heard(client: socket.socket) -> bytes:
    """What comes before the end of a connection, if it ends."""
    client.settimeout(0.2)
    try:
        return client.recv(1)
    except ConnectionError:
        return b""
    except TimeoutError:
        return b"it stays open"
