"""What every `ports.Peripheral` keeps to.

Whoever has one makes a class `Test...(PeripheralContract, SeveralAdvertisementsContract)` with a
fixture `stage` in it; the stage says how a central reaches the peripheral, and how its system is
lost and comes back.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from bluetooth.errors import PeripheralLost, Refused
from bluetooth.gatt import Advertisement, AttError, Characteristic, Property, Service
from bluetooth.ports import Peripheral

ANSWER_TIMEOUT_S = 20.0
"""Whatever a test waits for comes in milliseconds; on a loaded machine in seconds."""

MTUS = (23, 48, 247, 517)
"""The least there is, the least BlueZ takes, what most phones ask for, and the most."""

FULL_BYTES = 512
"""The longest value."""

BURST = 200
"""Notifications at once, of which none may be lost."""

READ_ONLY = "11111111-0000-4000-8000-00000000000a"
WRITTEN = "11111111-0000-4000-8000-00000000000b"
NOTIFIED = "22222222-0000-4000-8000-00000000000a"

READ = frozenset((Property.READ,))
WRITE = frozenset((Property.READ, Property.WRITE, Property.WRITE_WITHOUT_RESPONSE))
NOTIFY = frozenset((Property.READ, Property.NOTIFY))

FIRST = Service(
    "11111111-0000-4000-8000-000000000001",
    (Characteristic(READ_ONLY, READ, "read only"), Characteristic(WRITTEN, WRITE, "written")),
)
SECOND = Service(
    "22222222-0000-4000-8000-000000000002", (Characteristic(NOTIFIED, NOTIFY, "notified"),)
)
SERVICES = (FIRST, SECOND)

ADVERTISEMENT = Advertisement((FIRST.uuid,), "Egret 1")
OTHER = Advertisement((SECOND.uuid,), "Egret 1", {"00004677-0000-1000-8000-00805f9b34fb": b"state"})

CODES = (
    AttError.INSUFFICIENT_AUTHORIZATION,
    AttError.INVALID_VALUE_LENGTH,
    AttError.INVALID_OFFSET,
    AttError.UNLIKELY,
)
"""Those that every system can say for a read and for a write alike."""


class AttRefused(Exception):
    """A central was answered with an ATT error."""

    def __init__(self, code: int) -> None:
        super().__init__(f"ATT error 0x{code:02X}")
        self.code = code


class Central(Protocol):
    """A central that is connected."""

    client: str
    """As the peripheral names it to `Values`."""

    def services(self) -> Sequence[str]:
        """UUIDs of the primary services that it discovered."""
        ...

    async def read(self, uuid: str) -> bytes:
        """A value, in as many reads as it takes. Raises AttRefused."""
        ...

    async def read_part(self, uuid: str, offset: int) -> bytes:
        """One read: at most MTU - 1 bytes. Raises AttRefused."""
        ...

    async def write(self, uuid: str, value: bytes) -> None:
        """With response, in parts if it must be. Raises AttRefused."""
        ...

    async def subscribe(self, uuid: str) -> "asyncio.Queue[bytes]":
        """Where notifications arrive from now on."""
        ...

    async def leave(self) -> None:
        """Disconnect."""
        ...

    async def wait_sent_away(self) -> None:
        """Return when it is no longer connected."""
        ...


class Stage(Protocol):
    """A peripheral, and its surroundings. It is closed when the fixture ends."""

    peripheral: Peripheral

    async def visit(self, mtu: int = 23) -> Central:
        """A new central, connected."""
        ...

    async def hear(self, service_uuid: str) -> Advertisement | None:
        """What is in the air for this service; None after a while of nothing."""
        ...

    async def lose(self) -> None:
        """bluetoothd goes, or what is like it."""
        ...

    async def restore(self) -> None:
        """It is back."""
        ...


@dataclass
class RecordedValues:
    """`ports.Values` that says what happened to it."""

    held: dict[str, bytes] = field(default_factory=dict)
    refused: Exception | None = None
    reads: list[tuple[str, str]] = field(default_factory=list)
    writes: list[tuple[str, str, bytes]] = field(default_factory=list)
    gone: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)

    def read(self, client: str, uuid: str) -> bytes:
        """What is held; the reading is counted."""
        self.reads.append((client, uuid))
        if self.refused is not None:
            raise self.refused
        return self.held.get(uuid, b"")

    def write(self, client: str, uuid: str, value: bytes) -> None:
        """Holds it."""
        if self.refused is not None:
            raise self.refused
        self.writes.append((client, uuid, value))
        self.held[uuid] = value

    def left(self, client: str) -> None:
        """Remembers it."""
        self.gone.put_nowait(client)


def pattern(length: int, seed: int = 0) -> bytes:
    """Bytes that show where each of them stood."""
    return bytes((seed + each * 7 + each // 251) % 256 for each in range(length))


@pytest.mark.anyio
class PeripheralContract:
    """Inherit, and add a fixture `stage`."""

    @pytest.fixture
    def values(self) -> RecordedValues:
        """What stands behind the characteristics."""
        return RecordedValues()

    async def _serve(self, stage: Stage, values: RecordedValues) -> None:
        await stage.peripheral.open(SERVICES, values)
        await stage.peripheral.advertise([ADVERTISEMENT])

    async def test_every_service_is_primary(self, stage: Stage, values: RecordedValues) -> None:
        """A central that looks for primary services finds all of them."""
        await self._serve(stage, values)

        central = await stage.visit()

        assert {each.uuid for each in SERVICES} <= set(central.services())

    @pytest.mark.parametrize("mtu", MTUS)
    @pytest.mark.parametrize("length", [0, 1, 22, 23, 246, 300, FULL_BYTES])
    async def test_a_value_arrives_whole(
        self, stage: Stage, values: RecordedValues, mtu: int, length: int
    ) -> None:
        """Whatever its length, and however small the parts in which it is read."""
        values.held[READ_ONLY] = pattern(length)
        await self._serve(stage, values)
        central = await stage.visit(mtu)

        read = await central.read(READ_ONLY)

        assert pattern(length) == read

    async def test_a_long_read_is_of_one_moment(self, stage: Stage, values: RecordedValues) -> None:
        """A value that changes under a reader is still read as it was at its beginning."""
        values.held[READ_ONLY] = pattern(100)
        await self._serve(stage, values)
        central = await stage.visit(23)

        parts = [await central.read_part(READ_ONLY, 0)]
        values.held[READ_ONLY] = pattern(100, seed=99)
        while len(parts[-1]) == 22:
            parts.append(await central.read_part(READ_ONLY, sum(map(len, parts))))

        assert pattern(100) == b"".join(parts)
        assert 1 == len(values.reads)

    async def test_two_centrals_read_each_its_own(
        self, stage: Stage, values: RecordedValues
    ) -> None:
        """One that begins to read does not change what another is in the middle of."""
        values.held[READ_ONLY] = pattern(60)
        await self._serve(stage, values)
        one, other = await stage.visit(23), await stage.visit(23)

        first = await one.read_part(READ_ONLY, 0)
        values.held[READ_ONLY] = pattern(60, seed=9)
        await other.read_part(READ_ONLY, 0)
        first += await one.read_part(READ_ONLY, 22)
        second = await other.read_part(READ_ONLY, 22)

        assert pattern(60)[:44] == first
        assert pattern(60, seed=9)[22:44] == second
        assert one.client != other.client
        assert [(one.client, READ_ONLY), (other.client, READ_ONLY)] == values.reads

    async def test_reading_beyond_the_end_is_refused(
        self, stage: Stage, values: RecordedValues
    ) -> None:
        """At the end there is nothing more; beyond it there is an error."""
        values.held[READ_ONLY] = pattern(22)
        await self._serve(stage, values)
        central = await stage.visit(23)
        await central.read_part(READ_ONLY, 0)

        at_the_end = await central.read_part(READ_ONLY, 22)
        with pytest.raises(AttRefused) as beyond:
            await central.read_part(READ_ONLY, 23)

        assert b"" == at_the_end
        assert AttError.INVALID_OFFSET == beyond.value.code

    @pytest.mark.parametrize("mtu", MTUS)
    @pytest.mark.parametrize("length", [1, 20, 21, 300, FULL_BYTES])
    async def test_a_write_arrives_whole(
        self, stage: Stage, values: RecordedValues, mtu: int, length: int
    ) -> None:
        """Once, and in one piece, however many parts it was sent in."""
        await self._serve(stage, values)
        central = await stage.visit(mtu)

        await central.write(WRITTEN, pattern(length))

        assert [(central.client, WRITTEN, pattern(length))] == values.writes

    async def test_notifications_arrive_in_order(
        self, stage: Stage, values: RecordedValues
    ) -> None:
        """A burst of them too, at every central that subscribed."""
        await self._serve(stage, values)
        centrals = [await stage.visit(48), await stage.visit(247)]
        heard = [await central.subscribe(NOTIFIED) for central in centrals]

        for number in range(BURST):
            stage.peripheral.notify(NOTIFIED, bytes((number,)) * 20)

        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            received = [[(await queue.get())[0] for _ in range(BURST)] for queue in heard]
        assert [list(range(BURST))] * 2 == received

    @pytest.mark.parametrize("code", CODES)
    async def test_a_refused_read_has_its_code(
        self, stage: Stage, values: RecordedValues, code: AttError
    ) -> None:
        """The central is told which error it was."""
        values.refused = Refused(code, "not now")
        await self._serve(stage, values)
        central = await stage.visit()

        with pytest.raises(AttRefused) as refused:
            await central.read(READ_ONLY)

        assert code == refused.value.code

    @pytest.mark.parametrize("code", [*CODES, AttError.WRITE_NOT_PERMITTED])
    async def test_a_refused_write_has_its_code(
        self, stage: Stage, values: RecordedValues, code: AttError
    ) -> None:
        """The central is told which error it was."""
        values.refused = Refused(code, "not now")
        await self._serve(stage, values)
        central = await stage.visit()

        with pytest.raises(AttRefused) as refused:
            await central.write(WRITTEN, b"x")

        assert code == refused.value.code

    async def test_a_fault_of_ours_hurts_one_answer(
        self, stage: Stage, values: RecordedValues
    ) -> None:
        """An unexpected exception is an unlikely error; the next read works."""
        values.held[READ_ONLY] = b"fine"
        values.refused = ZeroDivisionError("a bug")
        await self._serve(stage, values)
        central = await stage.visit()

        with pytest.raises(AttRefused) as refused:
            await central.read(READ_ONLY)
        values.refused = None
        after = await central.read(READ_ONLY)

        assert AttError.UNLIKELY == refused.value.code
        assert b"fine" == after

    async def test_a_central_that_leaves_is_said_to(
        self, stage: Stage, values: RecordedValues
    ) -> None:
        """Under the name under which it asked, once."""
        await self._serve(stage, values)
        central = await stage.visit()
        await central.read(READ_ONLY)

        await central.leave()

        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            gone = await values.gone.get()
        assert central.client == gone
        assert values.gone.empty()

    async def test_a_central_is_sent_away(self, stage: Stage, values: RecordedValues) -> None:
        """Only that one."""
        await self._serve(stage, values)
        one, other = await stage.visit(), await stage.visit()
        await one.read(READ_ONLY)

        await stage.peripheral.disconnect(one.client)

        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await one.wait_sent_away()
        assert b"" == await other.read(READ_ONLY)

    async def test_sending_nobody_away_is_no_error(
        self, stage: Stage, values: RecordedValues
    ) -> None:
        """A central that is not there, a name that is none."""
        await self._serve(stage, values)

        for client in ("", "nobody", "/org/bluez/hci0/dev_00_00_00_00_00_00"):
            await stage.peripheral.disconnect(client)

        assert values.gone.empty()

    async def test_it_advertises_what_it_is_told(
        self, stage: Stage, values: RecordedValues
    ) -> None:
        """The service and the name, until it is told to be silent."""
        await self._serve(stage, values)

        heard = await stage.hear(FIRST.uuid)
        await stage.peripheral.advertise([])
        silence = await stage.hear(FIRST.uuid)

        assert ADVERTISEMENT == heard
        assert silence is None

    async def test_it_goes_on_advertising_beside_a_central(
        self, stage: Stage, values: RecordedValues
    ) -> None:
        """A connection does not hide the box from the next phone."""
        await self._serve(stage, values)
        await stage.visit()

        heard = await stage.hear(FIRST.uuid)

        assert ADVERTISEMENT == heard

    async def test_losing_the_system_is_noticed(self, stage: Stage, values: RecordedValues) -> None:
        """wait_lost returns, advertising says so, and opening again serves again."""
        values.held[READ_ONLY] = b"again"
        await self._serve(stage, values)
        await (await stage.visit()).read(READ_ONLY)

        await stage.lose()
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await stage.peripheral.wait_lost()
        with pytest.raises(PeripheralLost):
            await stage.peripheral.advertise([OTHER])
        stage.peripheral.notify(NOTIFIED, b"nobody hears this")
        await stage.restore()
        await self._serve(stage, values)
        read = await (await stage.visit()).read(READ_ONLY)

        assert b"again" == read

    async def test_a_central_lost_with_the_system_has_left(
        self, stage: Stage, values: RecordedValues
    ) -> None:
        """At the latest when it is opened again, nothing of it is kept."""
        await self._serve(stage, values)
        central = await stage.visit()
        await central.read(READ_ONLY)

        await stage.lose()
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await stage.peripheral.wait_lost()
        await stage.restore()
        await self._serve(stage, values)

        assert central.client == values.gone.get_nowait()
        assert values.gone.empty()

    async def test_opening_twice_is_opening_once(
        self, stage: Stage, values: RecordedValues
    ) -> None:
        """Centrals stay connected, and are served by the values that came last."""
        await self._serve(stage, RecordedValues())
        central = await stage.visit()

        values.held[READ_ONLY] = b"new"
        await stage.peripheral.open(SERVICES, values)

        assert b"new" == await central.read(READ_ONLY)

    async def test_closing_takes_everything_back(
        self, stage: Stage, values: RecordedValues
    ) -> None:
        """It falls silent; closing again, and using it closed, is no error but to advertise."""
        await self._serve(stage, values)

        await stage.peripheral.close()
        await stage.peripheral.close()
        stage.peripheral.notify(NOTIFIED, b"nobody")
        await stage.peripheral.disconnect("nobody")
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await stage.peripheral.wait_lost()
        silence = await stage.hear(FIRST.uuid)

        assert silence is None
        with pytest.raises(PeripheralLost):
            await stage.peripheral.advertise([ADVERTISEMENT])

    async def test_it_opens_again_after_closing(self, stage: Stage, values: RecordedValues) -> None:
        """As often as one likes."""
        values.held[READ_ONLY] = b"open"
        for _ in range(3):
            await self._serve(stage, values)
            await stage.peripheral.close()
        await self._serve(stage, values)

        assert b"open" == await (await stage.visit()).read(READ_ONLY)

    async def test_notifying_what_is_not_served_is_no_error(
        self, stage: Stage, values: RecordedValues
    ) -> None:
        """Neither before it is open nor for a UUID that nobody knows."""
        stage.peripheral.notify(NOTIFIED, b"too early")
        await self._serve(stage, values)

        stage.peripheral.notify("33333333-0000-4000-8000-000000000003", b"unknown")

        assert b"" == await (await stage.visit()).read(NOTIFIED)


@pytest.mark.anyio
class SeveralAdvertisementsContract:
    """For those that send every advertisement as it was given; bless sends only one."""

    async def test_it_advertises_several(self, stage: Stage, values: RecordedValues) -> None:
        """In turn, each as it was given; and what is taken out falls silent."""
        await stage.peripheral.open(SERVICES, values)

        await stage.peripheral.advertise([ADVERTISEMENT, OTHER])
        both = [await stage.hear(FIRST.uuid), await stage.hear(SECOND.uuid)]
        await stage.peripheral.advertise([OTHER])
        one = [await stage.hear(FIRST.uuid), await stage.hear(SECOND.uuid)]

        assert [ADVERTISEMENT, OTHER] == both
        assert [None, OTHER] == one
