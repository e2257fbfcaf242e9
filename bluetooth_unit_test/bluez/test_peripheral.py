"""The port on a bus in memory: what the contract over a real one cannot see."""

import asyncio

import pytest
from dbus_fast import Variant

from bluetooth.bluez import BluezPeripheral
from bluetooth.bluez import adapter as adapter_module
from bluetooth.bluez import peripheral as module
from bluetooth.bluez import words
from bluetooth.bluez.application import ROOT
from bluetooth.bluez.bus import DbusRefused
from bluetooth.errors import AdapterMissing, PeripheralLost
from bluetooth_unit_test.bluez.fake_bus import PHONE, FakeBus, turn
from bluetooth_unit_test.contracts.peripheral import (
    ADVERTISEMENT,
    NOTIFIED,
    SERVICES,
    WRITTEN,
    RecordedValues,
)

pytestmark = pytest.mark.anyio

SOON_S = 0.02
"""A wait that is meant to end without an answer."""


class Bench:
    """A peripheral, and every bus that it connected to."""

    def __init__(self) -> None:
        self.buses: list[FakeBus] = []
        self.next_bus = FakeBus()
        self.values = RecordedValues()
        self.peripheral = BluezPeripheral("hci0", self.connect)

    async def connect(self) -> FakeBus:
        """As Connect."""
        self.buses.append(self.next_bus)
        self.next_bus = FakeBus()
        return self.buses[-1]

    async def serve(self) -> FakeBus:
        """Open and advertise."""
        await self.peripheral.open(SERVICES, self.values)
        await self.peripheral.advertise([ADVERTISEMENT])
        return self.buses[-1]

    def write(self, sender: str = "") -> None:
        """A phone writes, or somebody who says so."""
        options = {"device": Variant("o", PHONE)}
        path = f"{ROOT}/service00/char01"
        bus = self.buses[-1]
        bus.ask(path, words.CHARACTERISTIC, "WriteValue", b"x", options, sender=sender)


@pytest.fixture
async def bench() -> Bench:
    """It is closed."""
    return Bench()


async def test_it_registers_one_application(bench: Bench) -> None:
    """And asks nothing else of the adapter."""
    bus = await bench.serve()

    members = [member for _, member, _ in bus.calls if member != "AddMatch"]
    await bench.peripheral.close()

    assert [
        "GetManagedObjects",
        "GetNameOwner",
        "RegisterApplication",
        "RegisterAdvertisement",
    ] == members
    assert (ROOT, {}) == bus.asked("RegisterApplication")[0]


async def test_closing_takes_back_in_order(bench: Bench) -> None:
    """The advertisement first, so that nobody comes to a closed door."""
    bus = await bench.serve()

    await bench.peripheral.close()

    members = [member for _, member, _ in bus.calls]
    assert ["UnregisterAdvertisement", "UnregisterApplication"] == members[-2:]
    assert bus.closed.is_set()


async def test_closing_has_a_bound(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bluetoothd that hangs holds up nobody; the connection ends all the same."""
    monkeypatch.setattr(module, "CLOSE_BUDGET_S", SOON_S)
    bus = await bench.serve()

    async def hang(*arguments: object) -> tuple[object, ...]:
        await asyncio.Event().wait()
        return ()

    bus.call = hang  # type: ignore[method-assign, assignment]
    async with asyncio.timeout(5):
        await bench.peripheral.close()

    assert bus.closed.is_set()


async def test_only_bluetoothd_is_answered(bench: Bench) -> None:
    """Anybody else is refused, and nothing is written."""
    await bench.serve()

    with pytest.raises(DbusRefused, match="only bluetoothd"):
        bench.write(sender=":1.66")
    bench.write()
    await bench.peripheral.close()

    assert [(PHONE, WRITTEN, b"x")] == bench.values.writes


async def test_a_refused_application_is_said(bench: Bench) -> None:
    """And leaves no connection behind."""
    bench.next_bus.refusals["RegisterApplication"] = DbusRefused("org.bluez.Error.Failed", "no")

    with pytest.raises(AdapterMissing, match="does not take our services"):
        await bench.serve()

    assert bench.buses[-1].closed.is_set()


async def test_a_bluetoothd_that_goes_while_opening_is_missing(bench: Bench) -> None:
    """It is for whoever opens to try again."""
    bench.next_bus.refusals["RegisterApplication"] = PeripheralLost("no answer")

    with pytest.raises(AdapterMissing, match="went away again"):
        await bench.serve()

    assert bench.buses[-1].closed.is_set()


async def test_a_table_that_is_wrong_leaves_no_connection(bench: Bench) -> None:
    """It is a mistake of ours, and said as one."""
    with pytest.raises(ValueError, match="there twice"):
        await bench.peripheral.open((*SERVICES, SERVICES[0]), bench.values)

    assert bench.buses[-1].closed.is_set()


async def test_a_missing_adapter_leaves_no_connection(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is looked for."""
    monkeypatch.setattr(adapter_module, "READY_TIMEOUT_S", SOON_S)
    for _ in range(3):
        bench.next_bus.adapters.clear()
        with pytest.raises(AdapterMissing):
            await bench.serve()

    assert [True] * 3 == [each.closed.is_set() for each in bench.buses]


async def test_opening_other_services_is_opening_anew(bench: Bench) -> None:
    """bluetoothd cannot be shown a changed application."""
    first = await bench.serve()
    await bench.peripheral.open(SERVICES[:1], bench.values)
    second = bench.buses[-1]
    await bench.peripheral.close()

    assert first is not second
    assert first.closed.is_set()


async def test_the_end_of_the_bus_is_a_loss(bench: Bench) -> None:
    """As much as that of bluetoothd."""
    bus = await bench.serve()

    bus.closed.set()
    async with asyncio.timeout(5):
        await bench.peripheral.wait_lost()

    with pytest.raises(PeripheralLost, match="not open"):
        await bench.peripheral.advertise([])
    await bench.peripheral.close()


async def test_a_lost_one_is_not_asked_to_take_back(bench: Bench) -> None:
    """It has forgotten already, and would be waited for."""
    bus = await bench.serve()
    bench.write()
    bus.change_owner("")

    await bench.peripheral.close()

    assert [] == bus.asked("UnregisterApplication")
    assert PHONE == bench.values.gone.get_nowait()


async def test_notifications_keep_their_order(bench: Bench) -> None:
    """And name the characteristic."""
    bus = await bench.serve()

    for number in range(5):
        bench.peripheral.notify(NOTIFIED, bytes((number,)))
    sent = [await bus.emitted.get() for _ in range(5)]
    await bench.peripheral.close()

    assert [(f"{ROOT}/service01/char00", bytes((number,))) for number in range(5)] == sent


async def test_a_bus_that_takes_no_signal_ends_nothing(bench: Bench) -> None:
    """That it is lost is said by wait_lost."""
    bus = await bench.serve()

    async def emit(*arguments: object) -> None:
        raise PeripheralLost("gone")

    bus.emit = emit  # type: ignore[method-assign, assignment]
    bench.peripheral.notify(NOTIFIED, b"x")
    await turn()
    bench.peripheral.notify(NOTIFIED, b"y")

    await bench.peripheral.close()


async def test_closed_it_is_lost_at_once() -> None:
    """Nobody waits for what is not there."""
    peripheral = BluezPeripheral()

    async with asyncio.timeout(5):
        await peripheral.wait_lost()
        await peripheral.disconnect(PHONE)
        await peripheral.close()

    with pytest.raises(PeripheralLost):
        await peripheral.advertise([])
