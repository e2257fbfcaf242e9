"""What is put right in bless; that it works over a bus is in `system_test/test_bluez_bus.py`."""

import asyncio
from importlib.metadata import version
from typing import Any

import pytest
from bless.backends.bluezdbus.dbus import service as bless_service
from bless.backends.bluezdbus.dbus.application import BlueZGattApplication
from bless.backends.bluezdbus.dbus.characteristic import BlueZGattCharacteristic
from dbus_next import Variant
from dbus_next.errors import DBusError

from bluetooth import bless_mending as module
from bluetooth.bless_mending import MENDED_VERSION, MendedBluez, MendedCharacteristic
from bluetooth.bless_peripheral import add_services
from bluetooth.bluez.bus import SIGNALS_BETWEEN_ANSWERS
from bluetooth.errors import AdapterMissing, PeripheralLost, Refused
from bluetooth.gatt import AttError
from bluetooth.served_values import ServedValues
from bluetooth_unit_test.bluez.fake_bus import HCI0, PHONE, FakeBus
from bluetooth_unit_test.contracts.peripheral import (
    FIRST,
    READ_ONLY,
    SERVICES,
    RecordedValues,
    pattern,
)

pytestmark = pytest.mark.anyio


class FakeConnection:
    """In place of dbus-next's connection: remembers what is exported."""

    def __init__(self) -> None:
        self.exported: dict[str, Any] = {}
        self.ended = asyncio.Event()
        self.sent: list[Any] = []
        self.fault: Exception | None = None

    def export(self, path: str, interface: Any) -> None:
        """Remembers it."""
        self.exported[path] = interface

    def unexport(self, path: str, interface: Any = None) -> None:
        """Forgets it."""
        self.exported.pop(path, None)

    def disconnect(self) -> None:
        """Ends."""
        self.ended.set()

    async def wait_for_disconnect(self) -> None:
        """Until it ends."""
        await self.ended.wait()

    async def send(self, message: Any) -> None:
        """Remembers it."""
        if self.fault is not None:
            raise self.fault
        self.sent.append(message)

    async def call(self, message: Any) -> None:
        """Answers."""
        await self.send(message)


class Wrapped:
    """bless's own wrapper around what is on the bus, and around a service."""

    def __init__(self, gatt: Any) -> None:
        self.gatt = gatt

    def get_characteristic(self, uuid: str) -> "Wrapped":
        """By UUID."""
        return Wrapped(next(each for each in self.gatt.characteristics if each.UUID == uuid))


class Server:
    """A BlessServer on BlueZ, without its bus; its application is bless's own."""

    def __init__(self) -> None:
        self.bus = FakeConnection()
        self.app = BlueZGattApplication("Egret", "org.bluez", self.bus)
        self.adapter = None
        self.calls: list[str] = []
        for name in ("register", "unregister", "start_advertising", "stop_advertising"):
            setattr(self.app, name, self._called(name))
        self.fault: Exception | None = None

    @property
    def setup_task(self) -> Any:
        """Nothing to wait for."""
        return self._called("setup")(None)

    async def add_new_service(self, uuid: str) -> None:
        """As bless."""
        await self.app.add_service(uuid)

    async def add_new_characteristic(
        self, service: str, uuid: str, properties: Any, value: Any, permissions: Any
    ) -> None:
        """As bless."""
        await self.app.add_characteristic(service, uuid, b"", [])

    def get_service(self, uuid: str) -> Wrapped:
        """As bless."""
        return Wrapped(next(each for each in self.app.services if each.UUID == uuid))

    def _called(self, name: str) -> Any:
        async def called(adapter: Any) -> None:
            self.calls.append(name)
            if self.fault is not None:
                raise self.fault

        return called


class Bench:
    """A mended bless on a fake bus."""

    def __init__(self) -> None:
        self.bus = FakeBus()
        self.left: list[str] = []
        self.values = RecordedValues({READ_ONLY: pattern(60)})
        self.server = Server()
        self.system = MendedBluez("", self.connect)

    async def connect(self) -> FakeBus:
        """As Connect."""
        return self.bus

    async def build(self) -> dict[str, Any]:
        """Ready to serve."""
        options = await self.system.prepare(self.left.append)
        served = ServedValues(self.values)
        await self.system.build(self.server, SERVICES, served, add_services)
        return options

    def characteristic(self, uuid: str) -> Any:
        """One that is served."""
        found = [each for each in self.server.bus.exported.values() if hasattr(each, "UUID")]
        return next(each for each in found if each.UUID == uuid)


@pytest.fixture
async def bench() -> Bench:
    """Not built yet."""
    return Bench()


def options(offset: int = 0, client: str = PHONE, **more: Any) -> dict[str, Variant]:
    """As bluetoothd's, in dbus-next's types."""
    given = {"device": Variant("o", client)} | more
    return given | ({"offset": Variant("q", offset)} if offset else {})


def test_the_mended_version_is_the_one_that_is_installed() -> None:
    """Another one may need other mending, or none: look at it, then raise MENDED_VERSION."""
    assert MENDED_VERSION == version("bless")


async def test_every_service_is_primary(bench: Bench) -> None:
    """Not only the first."""
    await bench.build()

    assert [True, True] == [each.Primary for each in bench.server.app.services]


async def test_long_reads_come_from_a_snapshot(bench: Bench) -> None:
    """Of the central that asks."""
    await bench.build()
    read = module._read_value
    one = bench.characteristic(READ_ONLY)

    first = read(one, options())
    bench.values.held[READ_ONLY] = pattern(60, seed=3)
    other = read(one, options(client="/other"))
    second = read(one, options(22))

    assert pattern(60) == first
    assert pattern(60, seed=3) == other
    assert pattern(60)[22:] == second


async def test_a_refusal_is_an_error_of_bluez(bench: Bench) -> None:
    """In dbus-next's own class, which makes it a reply."""
    await bench.build()
    bench.values.refused = Refused(AttError.INSUFFICIENT_AUTHORIZATION, "closed")

    with pytest.raises(DBusError) as refused:
        module._write_value(bench.characteristic(READ_ONLY), b"x", options())

    assert "org.bluez.Error.NotAuthorized" == refused.value.type


async def test_whether_a_long_write_may_begin_writes_nothing(bench: Bench) -> None:
    """As with our own."""
    await bench.build()
    asked = options(**{"prepare-authorize": Variant("b", True)})

    module._write_value(bench.characteristic(READ_ONLY), b"", asked)

    assert [] == bench.values.writes


async def test_bless_itself_stays_as_it_is(bench: Bench) -> None:
    """Also when adding fails."""

    async def fail(server: Any, services: Any) -> None:
        assert bless_service.BlueZGattCharacteristic is MendedCharacteristic
        raise RuntimeError("no")

    await bench.system.prepare(bench.left.append)
    with pytest.raises(AdapterMissing, match="bless cannot serve: no"):
        await bench.system.build(bench.server, SERVICES, ServedValues(bench.values), fail)

    assert BlueZGattCharacteristic is bless_service.BlueZGattCharacteristic


async def test_the_adapters_name_is_not_set(bench: Bench) -> None:
    """The advertisement carries the name."""
    await bench.build()

    await bench.server.app.set_name(None, "Egret")
    await bench.system.advertise(bench.server, "Egret 1")

    assert "Egret 1" == bench.server.app.app_name
    assert [] == bench.bus.asked("Set")


async def test_it_is_made_for_the_adapter_that_was_found(bench: Bench) -> None:
    """bless takes any adapter whose path contains the name it is given."""
    assert {"adapter": HCI0.rpartition("/")[2]} == await bench.build()


async def test_what_bless_raises_is_a_loss(bench: Bench) -> None:
    """It raises bare exceptions and dbus-next's."""
    await bench.build()
    bench.server.fault = RuntimeError("gone")

    with pytest.raises(PeripheralLost):
        await bench.system.advertise(bench.server, "x")
    with pytest.raises(PeripheralLost):
        await bench.system.silence(bench.server)


async def test_notifications_are_handed_over_one_by_one(bench: Bench) -> None:
    """With what bluetoothd looks for; a bus that takes none is lost."""
    await bench.build()

    await bench.system.notify(bench.server, FIRST.uuid, READ_ONLY, b"news")
    bench.server.bus.fault = BlockingIOError()
    with pytest.raises(PeripheralLost):
        await bench.system.notify(bench.server, FIRST.uuid, READ_ONLY, b"more")

    (sent,) = bench.server.bus.sent
    assert bench.characteristic(READ_ONLY).path == sent.path
    assert ("PropertiesChanged", b"news") == (sent.member, sent.body[1]["Value"].value)


async def test_the_bus_is_seen_to_read(bench: Bench) -> None:
    """Before a burst fills the socket."""
    await bench.build()

    for _ in range(SIGNALS_BETWEEN_ANSWERS):
        await bench.system.notify(bench.server, FIRST.uuid, READ_ONLY, b"news")

    assert "GetId" == bench.server.bus.sent[-1].member


async def test_the_end_of_blesss_own_connection_is_a_loss(bench: Bench) -> None:
    """bless does not notice."""
    await bench.build()

    bench.server.bus.ended.set()

    async with asyncio.timeout(5):
        await bench.system.wait_lost()


async def test_a_bluetoothd_that_hangs_is_a_loss(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bless would wait for ever."""
    monkeypatch.setattr(module, "CALL_TIMEOUT_S", 0.02)
    monkeypatch.setattr(module, "CLOSE_TIMEOUT_S", 0.02)
    await bench.build()

    async def hang(adapter: Any) -> None:
        await asyncio.Event().wait()

    for name in ("start_advertising", "stop_advertising", "unregister"):
        setattr(bench.server.app, name, hang)

    with pytest.raises(PeripheralLost):
        await bench.system.advertise(bench.server, "x")
    with pytest.raises(PeripheralLost):
        await bench.system.silence(bench.server)
    async with asyncio.timeout(5):
        await bench.system.close()


async def test_departures_and_losses_are_noticed(bench: Bench) -> None:
    """By a watch of our own."""
    await bench.build()

    bench.bus.change(PHONE, "org.bluez.Device1", Connected=False)
    await bench.system.disconnect(PHONE)
    before = bench.system.is_lost()
    bench.bus.change_owner("")
    await bench.system.wait_lost()

    assert [PHONE] == bench.left
    assert 1 == len(bench.bus.asked("Disconnect"))
    assert [False, True] == [before, bench.system.is_lost()]


@pytest.mark.parametrize(("lost", "expected"), [(False, 1), (True, 0)])
async def test_closing_gives_everything_back(bench: Bench, lost: bool, expected: int) -> None:
    """Both connections to the bus too; what is lost need not be asked."""
    await bench.build()
    if lost:
        bench.bus.change_owner("")

    await bench.system.close()
    await bench.system.close()

    assert expected == bench.server.calls.count("unregister")
    assert bench.server.bus.ended.is_set()
    assert bench.bus.closed.is_set()
    assert bench.system.is_lost()
    await bench.system.wait_lost()


async def test_closing_what_was_never_opened_is_no_error() -> None:
    """There is nothing to give back."""
    system = MendedBluez("")

    await system.close()
    await system.disconnect(PHONE)
    await system.wait_lost()

    assert system.is_lost()
