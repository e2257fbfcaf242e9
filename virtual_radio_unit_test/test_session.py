"""A connection as a central sees it."""

import asyncio

import pytest

from virtual_radio.central import Central
from virtual_radio.clock import elapse
from virtual_radio.gatt import Disconnected, GattError, NoSuchAttribute
from virtual_radio.peripheral import Peripheral
from virtual_radio.radio import Radio
from virtual_radio.session import MAX_NOTIFICATIONS, Notifications
from virtual_radio_unit_test.lamp import ALARM, APPLICATION_ERROR, BROKEN, LAMP, LOG, STATE
from virtual_radio_unit_test.lamp import SWITCH, Lamp, log_value

MTUS = (None, 23, 48, 247, 517)
NO_SUCH = "6e4000ff-b5a3-f393-e0a9-e50e24dcca9e"


@pytest.mark.parametrize("mtu", MTUS)
@pytest.mark.parametrize("size", [0, 1, 21, 22, 23, 46, 47, 246, 511, 512])
async def test_values_arrive_whole_at_every_mtu(
    radio: Radio, central: Central, mtu: int | None, size: int
) -> None:
    """Read in one or in many reads; sizes around the edges of each MTU."""
    lamp = Lamp()
    lamp.log.value = log_value(size)
    peripheral = await radio.peripheral("Lamp", lamp.services)

    session = await central.connect(peripheral.address, mtu=mtu)

    assert (mtu or 23, log_value(size)) == (session.mtu, await session.read(LOG))


@pytest.mark.parametrize("mtu", MTUS)
@pytest.mark.parametrize("size", [0, 20, 21, 45, 244, 512])
async def test_writes_arrive_whole_at_every_mtu(
    radio: Radio, central: Central, mtu: int | None, size: int
) -> None:
    """In one write, or prepared and executed where it does not fit."""
    lamp = Lamp()
    peripheral = await radio.peripheral("Lamp", lamp.services)
    session = await central.connect(peripheral.address, mtu=mtu)

    await session.write(LOG, log_value(size))

    assert log_value(size) == lamp.log.value


async def test_a_single_read_brings_the_first_bytes(radio: Radio, central: Central) -> None:
    """MTU - 1 of them."""
    peripheral = await radio.peripheral("Lamp", Lamp().services)
    session = await central.connect(peripheral.address, mtu=48)

    assert log_value(300)[:47] == await session.read_once(LOG)


async def test_a_long_write_may_be_short(radio: Radio, central: Central) -> None:
    """Prepared and executed all the same."""
    lamp = Lamp()
    peripheral = await radio.peripheral("Lamp", lamp.services)
    session = await central.connect(peripheral.address)

    await session.write_long(LOG, b"short")

    assert b"short" == lamp.log.value


async def test_writes_without_response_arrive_in_order(radio: Radio, central: Central) -> None:
    """A hundred of them, and the peripheral knows from whom."""
    lamp = Lamp()
    peripheral = await radio.peripheral("Lamp", lamp.services)
    session = await central.connect(peripheral.address)

    for number in range(100):
        await session.write_without_response(SWITCH, bytes([number]))
    await elapse(0.1)

    assert [(central.address, bytes([number])) for number in range(100)] == lamp.switched


async def test_a_write_without_response_must_fit(radio: Radio, central: Central) -> None:
    """It has no second half."""
    peripheral = await radio.peripheral("Lamp", Lamp().services)
    session = await central.connect(peripheral.address)

    with pytest.raises(ValueError, match="MTU 23"):
        await session.write_without_response(SWITCH, bytes(21))


async def test_notifications_arrive_in_order(radio: Radio, central: Central) -> None:
    """A hundred of them, cut to MTU - 3; none after unsubscribing."""
    peripheral = await radio.peripheral("Lamp", Lamp().services)
    session = await central.connect(peripheral.address)
    brought = await session.subscribe(STATE)

    for number in range(100):
        await peripheral.notify(STATE, bytes([number]) * 30)
    values = [await brought.next() for _ in range(100)]
    await session.unsubscribe(STATE)
    await peripheral.notify(STATE, b"late")
    await elapse(1.0)

    assert [bytes([number]) * 20 for number in range(100)] == values
    assert 0 == len(brought)


async def test_an_indication_is_confirmed(radio: Radio, central: Central) -> None:
    """It returns when the central has it."""
    peripheral = await radio.peripheral("Lamp", Lamp().services)
    session = await central.connect(peripheral.address)
    brought = await session.subscribe(ALARM, indicate=True)

    await peripheral.indicate(ALARM, b"fire")

    assert (1, b"fire") == (len(brought), await brought.next())


async def test_no_notification_is_a_timeout(radio: Radio, central: Central) -> None:
    """Waiting ends."""
    peripheral = await radio.peripheral("Lamp", Lamp().services)
    session = await central.connect(peripheral.address)
    brought = await session.subscribe(STATE)

    with pytest.raises(TimeoutError):
        await brought.next(timeout_s=2.0)


async def test_what_cannot_notify_is_named(radio: Radio, central: Central) -> None:
    """Before anything is sent."""
    peripheral = await radio.peripheral("Lamp", Lamp().services)
    session = await central.connect(peripheral.address)

    with pytest.raises(ValueError, match="neither notifications nor indications"):
        await session.subscribe(LOG)


def test_notifications_that_nobody_takes_are_bounded() -> None:
    """The oldest make room."""

    async def main() -> tuple[int, bytes]:
        brought = Notifications()
        for number in range(MAX_NOTIFICATIONS + 1):
            brought.put(number.to_bytes(4, "big"))
        return len(brought), await brought.next()

    assert (MAX_NOTIFICATIONS, (1).to_bytes(4, "big")) == asyncio.run(main())


async def test_errors_of_the_peer_keep_their_code(radio: Radio, central: Central) -> None:
    """An application error, a write that is not permitted, and the connection lives on."""
    peripheral = await radio.peripheral("Lamp", Lamp().services)
    session = await central.connect(peripheral.address)

    with pytest.raises(GattError) as broken:
        await session.read(BROKEN)
    with pytest.raises(GattError) as forbidden:
        await session.write(BROKEN, b"x")

    assert (APPLICATION_ERROR, 0x03) == (broken.value.code, forbidden.value.code)
    assert b"off" == await session.read(STATE)


async def test_a_value_that_is_too_long_is_refused(radio: Radio, central: Central) -> None:
    """513 bytes: invalid attribute value length."""
    peripheral = await radio.peripheral("Lamp", Lamp().services)
    session = await central.connect(peripheral.address)

    with pytest.raises(GattError) as refused:
        await session.write(LOG, bytes(513))

    assert 0x0D == refused.value.code


async def test_what_the_peer_does_not_have_is_named(radio: Radio, central: Central) -> None:
    """Before anything is sent."""
    peripheral = await radio.peripheral("Lamp", Lamp().services)
    session = await central.connect(peripheral.address)

    with pytest.raises(NoSuchAttribute, match=NO_SUCH):
        await session.read(NO_SUCH)


async def test_services_are_discovered(radio: Radio, central: Central) -> None:
    """With their characteristics, in the peer's order."""
    peripheral = await radio.peripheral("Lamp", Lamp().services)

    session = await central.connect(peripheral.address)

    assert (STATE, LOG, SWITCH, BROKEN, ALARM) == session.services[LAMP]


async def test_a_peer_that_vanishes_ends_the_waiting(radio: Radio, central: Central) -> None:
    """Disconnected after the supervision timeout, with its reason; later requests at once."""
    peripheral = await radio.peripheral("Lamp", Lamp().services)
    session = await central.connect(peripheral.address)
    called: list[bool] = []
    session.when_gone(lambda: called.append(session.connected))
    radio.out_of_range(peripheral)

    with pytest.raises(Disconnected):
        await session.read(STATE)
    with pytest.raises(Disconnected, match="not connected"):
        await session.read(STATE)

    assert (0x08, [False]) == (session.reason, called)


async def test_a_peer_that_says_goodbye_is_heard(peripheral: Peripheral, central: Central) -> None:
    """The reason is the peer's."""
    session = await central.connect(peripheral.address)

    await peripheral.disconnect()

    assert 0x13 == await session.wait_disconnected()


async def test_disconnecting_twice_is_once(peripheral: Peripheral, central: Central) -> None:
    """The reason is our own."""
    session = await central.connect(peripheral.address)

    await session.disconnect()
    await session.disconnect()

    assert 0x16 == session.reason


async def test_both_may_hang_up_at_once(peripheral: Peripheral, central: Central) -> None:
    """Whoever is later finds it over, and neither fails."""
    for _ in range(3):
        session = await central.connect(peripheral.address)
        await asyncio.gather(session.disconnect(), peripheral.disconnect(), central.close())

        assert not session.connected


async def test_a_peer_that_does_not_answer_is_a_timeout(radio: Radio, central: Central) -> None:
    """The connection lives, but no answer comes within the protocol's thirty seconds."""
    peripheral = await radio.peripheral("Lamp", Lamp().services)
    session = await central.connect(peripheral.address)
    radio.latency_s = 60.0

    with pytest.raises(TimeoutError):
        await session.read(STATE)

    assert session.connected
