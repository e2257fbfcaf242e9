"""bless as it is used where there is no BlueZ, with a server that does as it is told."""

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bluetooth import bless_peripheral as module
from bluetooth.bless_peripheral import BlessPeripheral, PlainSystem, add_services, on_loop
from bluetooth.errors import AdapterMissing, PeripheralLost, Refused
from bluetooth.gatt import SERVICES as ALL
from bluetooth.gatt import Advertisement, AttError, Service
from bluetooth_unit_test.bluez.fake_bus import turn
from bluetooth_unit_test.contracts.peripheral import (
    ADVERTISEMENT,
    NOTIFIED,
    OTHER,
    READ_ONLY,
    SERVICES,
    WRITTEN,
    RecordedValues,
)

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[1]

SOON_S = 0.02
"""A wait that is meant to end without an answer."""


class FakeCharacteristic:
    """One of bless's."""

    def __init__(self, uuid: str, properties: Any, permissions: Any) -> None:
        self.uuid = uuid
        self.properties = properties
        self.permissions = permissions
        self.value = bytearray()


class FakeService:
    """One of bless's."""

    def __init__(self) -> None:
        self.characteristics: dict[str, FakeCharacteristic] = {}

    def get_characteristic(self, uuid: str) -> FakeCharacteristic:
        """By UUID."""
        return self.characteristics[uuid]


class FakeServer:
    """As much of a BlessServer as is used."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.services: dict[str, FakeService] = {}
        self.running: list[str] = []
        """The names under which it was started; "" where it was stopped."""
        self.updated: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self.fault: Exception | None = None
        self.read_request_func: Callable[[Any], Any] = bytes
        self.write_request_func: Callable[[Any, Any], None] = lambda one, value: None

    async def add_new_service(self, uuid: str) -> None:
        """Remembers it."""
        self._fail()
        self.services[uuid] = FakeService()

    async def add_new_characteristic(
        self, service: str, uuid: str, properties: Any, value: Any, permissions: Any
    ) -> None:
        """Remembers it."""
        made = FakeCharacteristic(uuid, properties, permissions)
        self.services[service].characteristics[uuid] = made

    async def start(self) -> None:
        """Advertises."""
        self._fail()
        self.running.append(self.name)

    async def stop(self) -> None:
        """Advertises no more."""
        self._fail()
        self.running.append("")

    def get_service(self, uuid: str) -> FakeService:
        """By UUID."""
        return self.services[uuid]

    def update_value(self, service: str, uuid: str) -> bool:
        """Notifies."""
        self._fail()
        self.updated.put_nowait((uuid, bytes(self.services[service].characteristics[uuid].value)))
        return True

    def read(self, uuid: str) -> bytes:
        """A central reads."""
        return bytes(self.read_request_func(self._find(uuid)))

    def write(self, uuid: str, value: bytes) -> None:
        """A central writes."""
        self.write_request_func(self._find(uuid), bytearray(value))

    def _find(self, uuid: str) -> FakeCharacteristic:
        found = {
            key: one for each in self.services.values() for key, one in each.characteristics.items()
        }
        return found[uuid]

    def _fail(self) -> None:
        if self.fault is not None:
            raise self.fault


class Bench:
    """A peripheral, and every server that it made."""

    def __init__(self) -> None:
        self.servers: list[FakeServer] = []
        self.values = RecordedValues({READ_ONLY: b"read"})
        self.peripheral = BlessPeripheral("Egret", "", PlainSystem, self.make)

    def make(self, name: str, **options: Any) -> FakeServer:
        """In place of BlessServer."""
        self.servers.append(FakeServer(name))
        return self.servers[-1]

    async def serve(self, services: Sequence[Service] = SERVICES) -> FakeServer:
        """Open and advertise."""
        await self.peripheral.open(services, self.values)
        await self.peripheral.advertise([ADVERTISEMENT])
        return self.servers[-1]


@pytest.fixture
async def bench() -> Bench:
    """It is closed."""
    return Bench()


async def test_it_serves_what_it_is_given(bench: Bench) -> None:
    """Every service with its characteristics, none of which bless may answer for by itself."""
    server = await bench.serve(ALL)

    served = {uuid: set(each.characteristics) for uuid, each in server.services.items()}
    await bench.peripheral.close()

    assert {each.uuid: {one.uuid for one in each.characteristics} for each in ALL} == served


async def test_properties_and_permissions_are_blesss() -> None:
    """Whoever may write needs no right to read."""
    from bless.backends.attribute import GATTAttributePermissions as Permissions
    from bless.backends.characteristic import GATTCharacteristicProperties as Properties

    server = FakeServer("x")
    await add_services(server, SERVICES)

    written, notified = server._find(WRITTEN), server._find(NOTIFIED)
    assert Properties.read | Properties.write | Properties.write_without_response == (
        written.properties
    )
    assert Permissions.readable | Permissions.writeable == written.permissions
    assert Properties.read | Properties.notify == notified.properties
    assert Permissions.readable == notified.permissions


async def test_a_central_reads_and_writes(bench: Bench) -> None:
    """Nobody knows who it is."""
    server = await bench.serve()

    read = server.read(READ_ONLY)
    server.write(WRITTEN, b"written")
    await bench.peripheral.close()

    assert b"read" == read
    assert [("", WRITTEN, b"written")] == bench.values.writes


async def test_another_thread_asks_the_event_loop(bench: Bench) -> None:
    """macOS and Windows ask on threads of theirs; state belongs to one thread."""
    server = await bench.serve()
    threads: list[int] = []
    bench.values.read = (  # type: ignore[method-assign]
        lambda client, uuid: threads.append(threading.get_ident()) or b"from the loop"
    )

    read = await asyncio.to_thread(server.read, READ_ONLY)
    await bench.peripheral.close()

    assert b"from the loop" == read
    assert [threading.get_ident()] == threads


async def test_a_refusal_is_empty_there(bench: Bench) -> None:
    """bless has no way to say it; it must not end its thread."""
    server = await bench.serve()
    bench.values.refused = Refused(AttError.READ_NOT_PERMITTED, "closed")

    read = await asyncio.to_thread(server.read, READ_ONLY)
    await asyncio.to_thread(server.write, WRITTEN, b"x")
    await bench.peripheral.close()

    assert b"" == read
    assert [] == bench.values.writes


async def test_a_loop_that_is_busy_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The system's thread gets an empty answer after CALLBACK_TIMEOUT_S."""
    monkeypatch.setattr(module, "CALLBACK_TIMEOUT_S", SOON_S)
    answers: list[str] = []
    loop = asyncio.get_running_loop()
    thread = threading.Thread(
        target=lambda: answers.append(on_loop(loop, lambda: "too late", "nothing"))
    )

    with caplog.at_level(logging.WARNING):
        thread.start()
        thread.join(5)  # The loop does nothing meanwhile.

    assert ["nothing"] == answers
    assert ["the event loop was too slow for a central"] == caplog.messages


async def test_it_advertises_under_the_name_it_is_given(bench: Bench) -> None:
    """One advertisement; changing it interrupts, repeating it does not."""
    server = await bench.serve()
    await bench.peripheral.advertise([ADVERTISEMENT])
    await bench.peripheral.advertise([Advertisement((), "")])
    await bench.peripheral.advertise([])
    await bench.peripheral.advertise([])
    await bench.peripheral.close()

    assert ["Egret 1", "", "Egret", ""] == server.running


async def test_closing_stops_it(bench: Bench) -> None:
    """Once, and whoever was served has left."""
    server = await bench.serve()
    server.read(READ_ONLY)

    await bench.peripheral.close()
    await bench.peripheral.close()

    assert ["Egret 1", ""] == server.running
    assert "" == bench.values.gone.get_nowait()


async def test_a_notification_is_an_update(bench: Bench) -> None:
    """Of the characteristic that was named; others are nobody's."""
    server = await bench.serve()

    bench.peripheral.notify("33333333-0000-4000-8000-000000000003", b"unknown")
    bench.peripheral.notify(NOTIFIED, b"news")
    updated = await server.updated.get()
    await bench.peripheral.close()
    bench.peripheral.notify(NOTIFIED, b"too late")

    assert (NOTIFIED, b"news") == updated
    assert server.updated.empty()


async def test_a_fault_in_notifying_costs_one(bench: Bench) -> None:
    """Whatever bless thinks of it, the next is sent."""
    server = await bench.serve()
    server.fault = IndexError("list index out of range")
    bench.peripheral.notify(NOTIFIED, b"news")
    for _ in range(3):
        await turn()

    server.fault = None
    bench.peripheral.notify(NOTIFIED, b"more")
    updated = await server.updated.get()
    await bench.peripheral.close()

    assert (NOTIFIED, b"more") == updated


async def test_what_bless_raises_is_said(bench: Bench) -> None:
    """It raises anything at all."""
    server = await bench.serve()
    server.fault = RuntimeError("no Bluetooth")

    with pytest.raises(PeripheralLost, match="cannot stop: no Bluetooth"):
        await bench.peripheral.advertise([OTHER])
    with pytest.raises(PeripheralLost, match="cannot advertise: no Bluetooth"):
        await bench.peripheral.advertise([OTHER])
    await bench.peripheral.close()


async def test_closing_what_fails_is_no_error(bench: Bench) -> None:
    """There is nothing more to do."""
    server = await bench.serve()
    server.fault = RuntimeError("no Bluetooth")

    await bench.peripheral.close()

    with pytest.raises(PeripheralLost, match="not open"):
        await bench.peripheral.advertise([])


async def test_opening_twice_keeps_the_server(bench: Bench) -> None:
    """The values that came last are served; other services are served anew."""
    server = await bench.serve()

    await bench.peripheral.open(SERVICES, RecordedValues({READ_ONLY: b"new"}))
    read = server.read(READ_ONLY)
    await bench.peripheral.open(SERVICES[:1], bench.values)
    await bench.peripheral.close()

    assert b"new" == read
    assert 2 == len(bench.servers)


async def test_a_system_that_breaks_off_while_opening_is_missing() -> None:
    """It is for whoever opens to try again; nothing is left."""

    class Breaking(PlainSystem):
        closed = False

        async def build(self, *arguments: Any) -> None:
            raise PeripheralLost("gone")

        async def close(self) -> None:
            self.closed = True
            await super().close()

    system = Breaking()
    peripheral = BlessPeripheral("Egret", "", lambda: system, lambda name: FakeServer(name))

    with pytest.raises(AdapterMissing, match="gone"):
        await peripheral.open(SERVICES, RecordedValues())

    assert system.closed


async def test_without_a_watch_it_is_lost_when_it_is_closed(bench: Bench) -> None:
    """And nobody can be sent away."""
    await bench.serve()
    waiting = asyncio.create_task(bench.peripheral.wait_lost())

    await bench.peripheral.disconnect("")
    early = waiting.done()
    await bench.peripheral.close()
    async with asyncio.timeout(5):
        await waiting
        await bench.peripheral.wait_lost()

    assert not early


@pytest.mark.parametrize(
    ("platform", "name"), [("linux", "MendedBluez"), ("darwin", "PlainSystem")]
)
async def test_every_system_gets_its_own(
    monkeypatch: pytest.MonkeyPatch, platform: str, name: str
) -> None:
    """And only Linux what is for BlueZ."""
    monkeypatch.setattr(module.sys, "platform", platform)

    made = type(module.system_here())

    assert name == made.__name__


def test_importing_it_brings_no_systems_library() -> None:
    """macOS and Windows have no D-Bus; what is for Linux is imported when it is used."""
    child = "import bluetooth.bless_peripheral, sys; print([m for m in sys.modules if 'bus' in m])"

    printed = subprocess.run(
        [sys.executable, "-c", child], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert ("[]\n", "") == (printed.stdout, printed.stderr)
