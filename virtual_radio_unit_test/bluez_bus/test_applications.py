"""Registered applications; the message bus is played, the host is real."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from dbus_fast import Message, Variant
from dbus_fast.errors import DBusError

from virtual_radio.bluez_bus.applications import MAX_NOTIFICATIONS, Applications
from virtual_radio.bluez_bus.asking import sender
from virtual_radio.bluez_bus.mirror import SERVICE
from virtual_radio.central import Central
from virtual_radio.peripheral import Peripheral
from virtual_radio_unit_test.bluez_bus.test_mirror import (
    PHONE,
    SERVICE_UUID,
    TREE,
    UUID,
    FakeConnection,
)

OWNER = ":1.5"


@pytest.fixture
def connection() -> FakeConnection:
    """Answers for the application, whose service is primary."""
    service = TREE["/app/s"][SERVICE] | {"Primary": Variant("b", True)}
    tree = TREE | {"/app/s": {SERVICE: service}}
    return FakeConnection({"GetManagedObjects": ("a{oa{sa{sv}}}", tree)})


@pytest.fixture
def applications(
    peripheral: Peripheral,
    connection: FakeConnection,
    radio_loop: asyncio.AbstractEventLoop,
) -> Iterator[Applications]:
    """None is registered."""

    async def start() -> Applications:
        made = Applications(peripheral.device, lambda phone: PHONE)
        made.start(connection)  # type: ignore[arg-type]  # As much as is used.
        return made

    made = radio_loop.run_until_complete(start())
    yield made
    radio_loop.run_until_complete(made.stop())


async def register(applications: Applications) -> None:
    """By OWNER."""
    sender.set(OWNER)
    await applications.register("/app")


def changed(value: bytes, owner: str = OWNER) -> Message:
    """The application, or another `owner`, says that its value is this."""
    body = ["org.bluez.GattCharacteristic1", {"Value": Variant("ay", value)}, []]
    signal = Message.new_signal("/app/s/c", "a.Face", "PropertiesChanged", "sa{sv}as", body)
    signal.sender = owner
    return signal


async def test_a_registered_one_is_served(
    applications: Applications, peripheral: Peripheral, central: Central
) -> None:
    """Until it is taken back, or its connection ends."""
    await register(applications)
    session = await central.connect(peripheral.address)
    applications.forget(":1.66")
    still = applications.registered()
    applications.forget(OWNER)

    assert SERVICE_UUID in session.services
    assert [(OWNER, "/app")] == still
    assert [] == applications.registered()


async def test_twice_is_once_too_often(applications: Applications) -> None:
    """And what is not registered cannot be taken back."""
    await register(applications)

    with pytest.raises(DBusError, match="Already Exists"):
        await register(applications)
    await applications.unregister("/app")
    with pytest.raises(DBusError, match="Does Not Exist"):
        await applications.unregister("/app")


async def test_a_change_is_a_notification(
    applications: Applications,
    connection: FakeConnection,
    peripheral: Peripheral,
    central: Central,
) -> None:
    """To who subscribed, of which the application hears; a stranger's word counts nothing."""
    await register(applications)
    session = await central.connect(peripheral.address)
    brought = await session.subscribe(UUID)

    applications.hear_value(changed(b"lie", owner=":1.66"))
    applications.hear_value(changed(b"news"))
    received = await brought.next()
    await session.unsubscribe(UUID)
    await session.disconnect()

    members: list[Any] = [member for _, member, _ in connection.calls]
    assert (b"news", 0) == (received, len(brought))
    assert ["GetManagedObjects", "StartNotify", "StopNotify"] == members


async def test_a_flood_loses_the_oldest(
    applications: Applications,
    peripheral: Peripheral,
    central: Central,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No more than MAX_NOTIFICATIONS wait."""
    await register(applications)
    session = await central.connect(peripheral.address)
    brought = await session.subscribe(UUID)

    with caplog.at_level(logging.WARNING):
        for number in range(MAX_NOTIFICATIONS + 2):
            applications.hear_value(changed(number.to_bytes(2, "big")))
        received = [await brought.next() for _ in range(MAX_NOTIFICATIONS)]
    await session.disconnect()

    assert (2).to_bytes(2, "big") == received[0]
    assert 2 == caplog.messages.count("too many notifications; the oldest is dropped")
