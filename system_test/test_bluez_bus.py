"""Route B: our peripheral, and real bless, before a fake bluetoothd on a real message bus."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from bumble import core
from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from bluetooth.bless_mending import MENDED_VERSION
from bluetooth.bless_peripheral import BlessPeripheral, add_services
from bluetooth.bluez import BluezPeripheral, adapter, advertising
from bluetooth.errors import AdapterMissing, PeripheralLost
from bluetooth.gatt import Advertisement
from bluetooth.ports import Peripheral
from bluetooth_unit_test.bluez.fake_bus import turn
from bluetooth_unit_test.contracts.peripheral import (
    ADVERTISEMENT,
    ANSWER_TIMEOUT_S,
    BURST,
    FIRST,
    NOTIFIED,
    READ_ONLY,
    SECOND,
    SERVICES,
    WRITTEN,
    PeripheralContract,
    RecordedValues,
    SeveralAdvertisementsContract,
    pattern,
)
from system_test.bluez_stage import BluezStage
from virtual_radio.bluez_bus.bluetoothd import MAX_ADVERTISEMENTS
from virtual_radio.bluez_bus.bus_room import BusRoom
from virtual_radio.bluez_bus.private_bus import PrivateBus
from virtual_radio.radio import Radio

pytestmark = [pytest.mark.system, pytest.mark.anyio]

ROUNDS = 50
"""Openings and closings after which no descriptor may be left."""

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def anyio_backend() -> str:
    """Everything here runs on asyncio."""
    return "asyncio"


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateBus]:
    """A message bus of our own."""
    with PrivateBus(tmp_path_factory.mktemp("bus")) as private:
        yield private


@pytest.fixture
def system_bus(bus: PrivateBus, monkeypatch: pytest.MonkeyPatch) -> PrivateBus:
    """...which stands in for the machine's."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
    return bus


async def make_stage(bus: PrivateBus, peripheral: Peripheral) -> BluezStage:
    """A fake bluetoothd that runs, its radio, and the peripheral under test."""
    return BluezStage(peripheral, await BusRoom.open(bus.address, Radio()))


class TestBluezPeripheral(PeripheralContract, SeveralAdvertisementsContract):
    """Ours keeps the contract."""

    @pytest.fixture
    async def stage(self, system_bus: PrivateBus) -> AsyncIterator[BluezStage]:
        """Ours."""
        stage = await make_stage(system_bus, BluezPeripheral())
        yield stage
        await stage.close()


class TestBlessPeripheral(PeripheralContract):
    """Real bless, mended, keeps it too."""

    @pytest.fixture
    async def stage(self, system_bus: PrivateBus) -> AsyncIterator[BluezStage]:
        """bless."""
        stage = await make_stage(system_bus, BlessPeripheral())
        yield stage
        await stage.close()


@pytest.fixture(params=[BluezPeripheral, BlessPeripheral])
async def stage(
    request: pytest.FixtureRequest, system_bus: PrivateBus
) -> AsyncIterator[BluezStage]:
    """Either of them; for what BlueZ does beyond the port."""
    stage = await make_stage(system_bus, request.param())
    yield stage
    await stage.close()


@pytest.fixture
async def ours(system_bus: PrivateBus) -> AsyncIterator[BluezStage]:
    """Our own, waiting for nothing before it advertises again."""
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    stage = await make_stage(system_bus, BluezPeripheral(wait=wait))
    yield stage
    await stage.close()


async def serve(stage: BluezStage) -> RecordedValues:
    """Open and advertise."""
    values = RecordedValues({READ_ONLY: pattern(60)})
    await stage.peripheral.open(SERVICES, values)
    await stage.peripheral.advertise([ADVERTISEMENT])
    return values


async def lost(stage: BluezStage) -> None:
    """Until the peripheral says so."""
    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        await stage.peripheral.wait_lost()


async def serves(stage: BluezStage) -> bool:
    """Whether a phone gets what it asks for."""
    return pattern(60) == await (await stage.visit()).read(READ_ONLY)


async def test_a_restart_of_bluetoothd_is_survived(stage: BluezStage) -> None:
    """It is noticed, and serving goes on with the new one, again and again."""
    for _ in range(3):
        await serve(stage)
        await stage.daemon.restart()
        await lost(stage)
    await serve(stage)

    assert await serves(stage)


async def test_an_adapter_that_is_pulled_out_comes_back(stage: BluezStage) -> None:
    """While it is out there is none, in words; once it is back it serves."""
    await serve(stage)

    await stage.daemon.remove_adapter()
    await lost(stage)
    opening = asyncio.create_task(serve(stage))
    stage.daemon.return_adapter()
    await opening

    assert await serves(stage)


async def test_an_adapter_without_power_is_switched_on(stage: BluezStage) -> None:
    """Losing power is losing the adapter; opening again gives it power."""
    await serve(stage)

    await stage.daemon.power_off()
    await lost(stage)
    await serve(stage)

    assert await serves(stage)


async def test_opening_waits_for_bluetoothd(stage: BluezStage) -> None:
    """At boot the service may be there first."""
    await stage.daemon.stop()
    opening = asyncio.create_task(serve(stage))

    await stage.daemon.start()
    await opening

    assert await serves(stage)


async def test_no_bluetoothd_is_said_in_words(
    stage: BluezStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do about it, and within a bound."""
    monkeypatch.setattr(adapter, "READY_TIMEOUT_S", 0.2)
    await stage.daemon.stop()

    with pytest.raises(AdapterMissing, match="systemctl status bluetooth"):
        await serve(stage)


@pytest.mark.parametrize("kind", [BluezPeripheral, BlessPeripheral])
async def test_an_adapter_of_another_name_is_not_taken(
    system_bus: PrivateBus, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever names one gets that one or none; those that are there are named."""
    monkeypatch.setattr(adapter, "READY_TIMEOUT_S", 0.2)
    stage = await make_stage(system_bus, kind(adapter="hci7"))
    try:
        with pytest.raises(AdapterMissing, match="hci7.*there: hci0"):
            await serve(stage)
    finally:
        await stage.close()


@pytest.mark.parametrize("kind", [BluezPeripheral, BlessPeripheral])
async def test_no_message_bus_is_said_in_words(
    tmp_path: Path, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without D-Bus, a container without its socket."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")

    with pytest.raises(AdapterMissing, match="no system message bus"):
        await kind().open(SERVICES, RecordedValues())


async def test_a_message_bus_that_ends_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bus itself may be restarted; then everything is registered anew."""
    with PrivateBus(tmp_path_factory.mktemp("short")) as private:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", private.address)
        stage = await make_stage(private, BluezPeripheral())
        await serve(stage)

    await lost(stage)

    with pytest.raises(PeripheralLost):
        await stage.peripheral.advertise([])
    await stage.close()


async def test_the_adapters_name_is_the_owners(stage: BluezStage) -> None:
    """It is the same while it serves, and afterwards."""
    before = stage.daemon.alias
    await serve(stage)
    during = stage.daemon.alias

    await stage.peripheral.close()

    assert [before, before] == [during, stage.daemon.alias]


@pytest.mark.parametrize(
    "kind", ["bluetooth.bluez:BluezPeripheral", "bluetooth.bless_peripheral:BlessPeripheral"]
)
async def test_a_killed_service_leaves_nothing(system_bus: PrivateBus, kind: str) -> None:
    """No application, no advertisement, and the adapter's name as it was."""
    stage = await make_stage(system_bus, BluezPeripheral())
    before = stage.daemon.alias
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "system_test.bluez_service", kind, cwd=ROOT, stdout=-1
    )
    assert service.stdout is not None
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            assert b"serving\n" == await service.stdout.readline()
        served = await serves(stage)

        service.send_signal(signal.SIGKILL)
        await service.wait()
        silence = await stage.hear(FIRST.uuid)
    finally:
        with suppress(ProcessLookupError):
            service.kill()
        await service.communicate()
        await stage.close()

    assert served
    assert silence is None
    assert (before, 0, 0) == (
        stage.daemon.alias,
        stage.daemon.applications,
        stage.daemon.advertisements,
    )


async def test_a_released_advertisement_is_registered_again(ours: BluezStage) -> None:
    """bluetoothd may give one up; a phone that looks later finds the box all the same."""
    await serve(ours)
    await ours.peripheral.advertise([ADVERTISEMENT, Advertisement((SECOND.uuid,), "Egret 1")])

    await ours.daemon.release_advertisements()

    assert ADVERTISEMENT == await ours.hear(FIRST.uuid)
    assert await ours.hear(SECOND.uuid) is not None


async def test_more_advertisements_than_fit_are_not_fatal(ours: BluezStage) -> None:
    """Those that bluetoothd takes are sent; if it takes none, the peripheral is lost."""
    await serve(ours)
    many = [Advertisement((FIRST.uuid,), f"Egret {each}") for each in range(7)]
    too_long = Advertisement((FIRST.uuid, SECOND.uuid), "Egret")

    await ours.peripheral.advertise(many)
    taken = ours.daemon.advertisements
    with pytest.raises(PeripheralLost, match="takes no advertisement"):
        await ours.peripheral.advertise([too_long])

    assert MAX_ADVERTISEMENTS == taken
    assert 0 == ours.daemon.advertisements


async def test_a_name_that_is_too_long_is_cut_at_a_character(ours: BluezStage) -> None:
    """A scan response has room for 29 bytes."""
    await serve(ours)

    await ours.peripheral.advertise([Advertisement((FIRST.uuid,), "x" + "é" * 20)])
    heard = await ours.hear(FIRST.uuid)

    assert heard is not None
    assert "x" + "é" * 14 == heard.name
    assert advertising.MAX_NAME_BYTES == len(heard.name.encode())


async def test_only_bluetoothd_is_answered(ours: BluezStage, bus: PrivateBus) -> None:
    """Another process on the bus can neither read nor write."""
    values = await serve(ours)
    stranger = await MessageBus(bus_address=bus.address).connect()
    owners = [name for name, _ in ours.daemon.registered()]
    call = Message(
        destination=owners[0],
        path="/org/egret/gatt/service00/char00",
        interface="org.bluez.GattCharacteristic1",
        member="ReadValue",
        signature="a{sv}",
        body=[{}],
    )

    reply = await stranger.call(call)
    stranger.disconnect()
    await stranger.wait_for_disconnect()

    assert reply is not None
    assert MessageType.ERROR == reply.message_type
    assert [] == values.reads


async def test_characteristics_say_what_they_are(ours: BluezStage) -> None:
    """Each has a description for people, long or short."""
    await serve(ours)
    phone = await ours.visit()
    found = phone.session.find(WRITTEN)

    described = found.get_descriptor(core.UUID.from_16_bits(0x2901))

    assert described is not None
    assert b"written" == await phone.session.ask(described.read_value())


async def test_writes_without_response_arrive_in_order(stage: BluezStage) -> None:
    """All of them, though nobody confirms any."""
    values = await serve(stage)
    phone = await stage.visit(247)

    for number in range(20):
        await phone.session.write_without_response(WRITTEN, bytes((number,)))
    await phone.write(WRITTEN, b"\xff")

    assert [*range(20), 255] == [value[0] for _, _, value in values.writes]


async def test_a_message_bus_that_stands_still_loses_nothing(
    stage: BluezStage, bus: PrivateBus
) -> None:
    """A burst of long notifications waits for it; the connection survives."""
    await serve(stage)
    phone = await stage.visit(517)
    heard = await phone.subscribe(NOTIFIED)
    await phone.read(READ_ONLY)
    assert bus.process_id is not None

    os.kill(bus.process_id, signal.SIGSTOP)
    try:
        for number in range(BURST):
            stage.peripheral.notify(NOTIFIED, bytes((number,)) * 500)
            await turn()
    finally:
        os.kill(bus.process_id, signal.SIGCONT)

    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        received = [(await heard.get())[0] for _ in range(BURST)]
    assert list(range(BURST)) == received


@pytest.mark.parametrize("kind", [BluezPeripheral, BlessPeripheral])
async def test_no_descriptor_is_left(system_bus: PrivateBus, kind: Any) -> None:
    """However often it is opened and closed."""
    stage = await make_stage(system_bus, kind())
    try:
        await serve(stage)
        await stage.peripheral.close()
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(ROUNDS):
            await serve(stage)
            await stage.peripheral.close()
        after = len(os.listdir("/proc/self/fd"))
    finally:
        await stage.close()

    assert before == after
    assert (0, 0) == (stage.daemon.applications, stage.daemon.advertisements)


async def test_bless_as_it_is_still_has_its_faults(system_bus: PrivateBus) -> None:
    """Why it is mended: this fails once bless reads from the offset and has only primary services;
    then `bluetooth/bless_mending.py` can go."""
    import bless

    stage = await make_stage(system_bus, BluezPeripheral())
    server = bless.BlessServer(name="Egret")
    server.read_request_func = lambda characteristic: bytearray(pattern(60))
    await add_services(server, SERVICES)
    await server.start()
    try:
        phone = await stage.visit(23)
        first = await phone.read_part(READ_ONLY, 0)
        second = await phone.read_part(READ_ONLY, 22)
        services = phone.services()
        alias = stage.daemon.alias
    finally:
        await server.stop()
        server.bus.disconnect()
        await server.bus.wait_for_disconnect()
        server.bus._stream.close()
        server.bus._sock.close()
        await stage.close()

    assert "0.3.0" == MENDED_VERSION
    assert first == second
    assert SECOND.uuid not in services
    assert "Egret" == alias
