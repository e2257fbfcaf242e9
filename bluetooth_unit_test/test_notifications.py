"""Notifications on their way out, before a system that is slow, faulty or gone."""

import asyncio
import logging

import pytest

from bluetooth.errors import BluetoothError, PeripheralLost
from bluetooth.notifications import MAX_WAITING_NOTIFICATIONS, Notifications
from bluetooth_unit_test.bluez.fake_bus import turn

pytestmark = pytest.mark.anyio

UUID = "11111111-0000-4000-8000-00000000000a"


class System:
    """Takes notifications while `free` is set."""

    def __init__(self) -> None:
        self.taken: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self.free = asyncio.Event()
        self.free.set()
        self.errors: list[Exception] = []
        self.under_way = 0
        self.most_under_way = 0

    async def send(self, uuid: str, value: bytes) -> None:
        """As Send."""
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await turn()
        await self.free.wait()
        self.under_way -= 1
        if self.errors:
            raise self.errors.pop()
        self.taken.put_nowait((uuid, value))


async def test_they_keep_their_order_one_at_a_time() -> None:
    """However many there are."""
    system = System()
    notifications = Notifications(system.send)

    for number in range(100):
        notifications.put(UUID, bytes((number,)))
    taken = [await system.taken.get() for _ in range(100)]
    await notifications.close()

    assert [(UUID, bytes((number,))) for number in range(100)] == taken
    assert 1 == system.most_under_way


async def test_a_slow_system_loses_the_oldest(caplog: pytest.LogCaptureFixture) -> None:
    """No more than MAX_WAITING_NOTIFICATIONS wait; the log says that and how many."""
    system = System()
    system.free.clear()
    notifications = Notifications(system.send)
    notifications.put(UUID, b"under way")
    while not system.under_way:
        await turn()

    with caplog.at_level(logging.WARNING):
        for number in range(MAX_WAITING_NOTIFICATIONS + 3):
            notifications.put(UUID, number.to_bytes(2, "big"))
        system.free.set()
        taken = [await system.taken.get() for _ in range(MAX_WAITING_NOTIFICATIONS + 1)]
        while len(caplog.records) < 2:
            await turn()
    await notifications.close()

    assert [b"under way", (3).to_bytes(2, "big")] == [value for _, value in taken[:2]]
    assert system.taken.empty()
    assert [3] == [each.__dict__["count"] for each in caplog.records if "count" in each.__dict__]


async def test_a_fault_costs_one(caplog: pytest.LogCaptureFixture) -> None:
    """The next is sent."""
    system = System()
    system.errors.append(BluetoothError("refused"))
    notifications = Notifications(system.send)

    notifications.put(UUID, b"lost")
    notifications.put(UUID, b"sent")
    taken = await system.taken.get()
    await notifications.close()

    assert (UUID, b"sent") == taken
    assert ["cannot notify"] == caplog.messages


async def test_after_the_loss_nothing_is_sent() -> None:
    """Nor does anything raise."""
    system = System()
    system.errors.append(PeripheralLost("gone"))
    notifications = Notifications(system.send)

    for _ in range(2 * MAX_WAITING_NOTIFICATIONS):
        notifications.put(UUID, b"x")
        await turn()
    await notifications.close()
    await notifications.close()

    assert system.taken.empty()


async def test_a_bug_behind_one_silences_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """It is in the log, and the next one goes out."""
    system = System()
    system.errors.append(RuntimeError("a bug"))
    notifications = Notifications(system.send)
    notifications.put(UUID, b"lost")
    notifications.put(UUID, b"next")
    taken = await asyncio.wait_for(system.taken.get(), 10.0)
    await notifications.close()

    assert (UUID, b"next") == taken
    assert ["a notification failed"] == [each.getMessage() for each in caplog.records]
