"""The door: who sits at it, what it shows, and what it does when it turns."""

import json

import pytest

from bluetooth.door import TICK_S, Policy
from bluetooth.errors import Refused
from bluetooth.gatt import (
    DOOR_STATE_UUID,
    EGRET,
    IMPROV,
    IMPROV_DATA_UUID,
    IMPROV_STATE_UUID,
    NATIVE,
    REQUEST_UUID,
    RESPONSE_UUID,
    SESSION_UUID,
    AttError,
)
from bluetooth.improv import Capability
from bluetooth.record import EventKind, Reason
from bluetooth.seat import FAREWELL_S, SEAT_IDLE_S
from bluetooth.session import IDLE_TIMEOUT_S
from bluetooth.window import DEFAULT_WINDOW_S, MAX_BAD_ATTEMPTS, MIN_PAUSE_S, State
from bluetooth_unit_test.house import (
    CONFIGURED,
    NEW,
    OTHER_PHONE,
    PHONE,
    House,
    Phone,
)

pytestmark = pytest.mark.anyio


def uuids(house: House) -> list[str]:
    """Services in the air."""
    return [each.service_uuids[0] for each in house.door.advertisements("Egret")]


async def test_after_a_start_a_configured_box_is_silent() -> None:
    """It sends nothing, and nothing needs to be done about it."""
    house = House(CONFIGURED)

    assert () == house.door.advertisements("Egret")
    assert house.door.is_still
    assert State.CLOSED is house.door.standing().state


async def test_opened_it_is_found_and_closes_by_itself() -> None:
    """All three services are in the air for the window, and then none."""
    house = House(CONFIGURED)
    house.door.open("the button")
    found = uuids(house)
    await house.pass_time(DEFAULT_WINDOW_S)

    assert [EGRET.uuid, NATIVE.uuid, IMPROV.uuid] == found
    assert [] == uuids(house)
    assert house.door.is_still


async def test_improv_is_announced_as_it_asks() -> None:
    """Its state and capabilities stand beside its service, in every state of the door."""
    house = House(NEW)
    before = house.door.advertisements("Egret")[2]
    house.door.open("the button")
    after = house.door.advertisements("Egret")[2]

    assert (IMPROV.uuid,) == before.service_uuids
    assert 1 == before.service_data[IMPROV_DATA_UUID][0]
    assert 2 == after.service_data[IMPROV_DATA_UUID][0]
    assert "Egret" == after.name


async def test_improv_announces_no_scan_on_a_box_without_wifi() -> None:
    """Known a moment after the door has opened, and when a phone comes in."""
    house = House(NEW)
    house.gateway.says("GET", "/api/wifi", {"available": False})
    before = house.door.advertisements("Egret")[2].service_data[IMPROV_DATA_UUID][1]
    house.door.read(PHONE, DOOR_STATE_UUID)
    await house.time.settle()
    after = house.door.advertisements("Egret")[2].service_data[IMPROV_DATA_UUID][1]

    assert Capability.SCAN_WIFI == before ^ after
    assert not Capability.SCAN_WIFI & after


async def test_without_legacy_apps_only_the_session_is_offered() -> None:
    """What is not let in is not announced either."""
    house = House(Policy(configured=False, legacy_apps=False))

    assert [EGRET.uuid] == uuids(house)


async def test_the_doors_own_value_says_how_it_stands() -> None:
    """State, seconds left, whether old apps may enter, attempts left, versions of the session."""
    house = House(CONFIGURED)
    house.door.open("the owner")
    await house.pass_time(60)

    assert {
        "state": "open",
        "left_s": 120,
        "legacy": True,
        "attempts_left": MAX_BAD_ATTEMPTS,
        "session": [1],
    } == house.state()
    house.door.obey(Policy(configured=True, legacy_apps=False))
    assert house.state()["legacy"] is False


async def test_each_turn_of_the_door_is_notified() -> None:
    """Whoever subscribed sees it open and close, in the clear and inside a session."""
    house = House(NEW)
    phone = Phone(house).begin()
    await phone.ask("GET", "/api/hello")
    house.door.open("the button")
    await house.time.settle()
    phone.hear()

    assert ["open"] == [json.loads(value)["state"] for value in house.said(DOOR_STATE_UUID)]
    assert [EventKind.DOOR] == [each.kind for each in phone.told]


async def test_a_second_phone_is_sent_away() -> None:
    """One at a time; the first one notices nothing."""
    house = House(CONFIGURED)
    house.door.open("the button")
    await house.ask("GET", "/api/hello")

    for uuid in (DOOR_STATE_UUID, RESPONSE_UUID, IMPROV_STATE_UUID):
        with pytest.raises(Refused, match="another phone") as refused:
            house.door.read(OTHER_PHONE, uuid)
        assert AttError.INSUFFICIENT_RESOURCES is refused.value.code
    with pytest.raises(Refused):
        house.door.write(OTHER_PHONE, SESSION_UUID, b"\xc0\x01")
    assert {OTHER_PHONE} == set(house.sent_away)
    assert 200 == (await house.ask("GET", "/api/hello")).status


async def test_when_the_first_phone_has_left_the_next_may_come() -> None:
    """Its seat is free at once, and nothing of it is left for the next."""
    house = House(CONFIGURED)
    house.door.open("the button")
    await house.ask("GET", "/api/settings")
    house.door.left(PHONE)

    assert not house.door.is_visited
    assert b"Hello ble World" == house.door.read(OTHER_PHONE, RESPONSE_UUID)


async def test_a_phone_that_says_nothing_is_sent_away() -> None:
    """It does not keep others out."""
    house = House(NEW)
    await house.ask("GET", "/api/hello")
    await house.pass_time(SEAT_IDLE_S - 2 * TICK_S)
    before = list(house.sent_away)
    await house.pass_time(3 * TICK_S + FAREWELL_S)

    assert ([], [PHONE]) == (before, house.sent_away)
    assert not house.door.is_visited
    assert SEAT_IDLE_S > IDLE_TIMEOUT_S


async def test_when_it_closes_whoever_is_inside_is_told_and_sent_away() -> None:
    """First the words, then, when they have arrived, the end of the connection."""
    house = House(CONFIGURED)
    house.door.open("the button")
    phone = Phone(house).begin()
    await phone.ask("GET", "/api/hello")
    house.door.close("the owner")
    phone.hear()
    before = list(house.sent_away)
    await house.time.advance(FAREWELL_S)

    assert phone.closed is not None
    assert (Reason.DOOR_CLOSED, True) == (phone.closed.reason, "button" in phone.closed.text)
    assert ([], [PHONE]) == (before, house.sent_away)


async def test_a_phone_that_comes_to_a_closed_door_is_told_and_sent_away() -> None:
    """Whatever way it found to connect."""
    house = House(CONFIGURED)
    page = await house.ask("POST", "/api/settings", b"{}")
    await house.time.advance(FAREWELL_S)

    assert 403 == page.status
    assert [PHONE] == house.sent_away
    assert [] == house.executed()


async def test_who_configures_a_new_box_may_finish() -> None:
    """The session goes on when the first device is set up."""
    house = House(NEW)
    phone = Phone(house).begin()
    await phone.ask("GET", "/api/hello")
    house.door.obey(CONFIGURED)

    assert State.SETTLING is house.door.standing().state
    assert 200 == (await phone.ask("POST", "/api/settings", b"{}")).status
    await house.pass_time(DEFAULT_WINDOW_S)
    assert State.CLOSED is house.door.standing().state


async def test_the_fifth_bad_attempt_pauses_the_door() -> None:
    """It falls silent, the phone is sent away, and the button does not help at once."""
    house = House(CONFIGURED)
    house.door.open("the button")
    statuses = [
        (await house.ask("GET", "/api/hello")).status,
    ]
    house.door.obey(Policy(configured=True, legacy_apps=False))
    for _ in range(MAX_BAD_ATTEMPTS):
        statuses.append((await house.ask("POST", "/api/settings", b"{}")).status)
    await house.time.advance(FAREWELL_S)

    assert [200] + [403] * MAX_BAD_ATTEMPTS == statuses
    assert State.PAUSED is house.door.standing().state
    assert ([], [PHONE]) == (uuids(house), house.sent_away)
    assert not house.door.open("the button")
    await house.pass_time(MIN_PAUSE_S)
    assert house.door.open("the button")


async def test_the_loss_of_the_radio_frees_the_seat() -> None:
    """Nobody is connected through an adapter that has gone."""
    house = House(NEW)
    await house.ask("GET", "/api/hello")
    house.door.lost()
    house.door.lost()

    assert not house.door.is_visited


async def test_what_cannot_be_read_or_written_is_refused() -> None:
    """Each characteristic has its direction."""
    house = House(NEW)

    with pytest.raises(Refused) as refused:
        house.door.read(PHONE, REQUEST_UUID)
    assert AttError.READ_NOT_PERMITTED is refused.value.code
    with pytest.raises(Refused) as refused:
        house.door.write(PHONE, RESPONSE_UUID, b"x")
    assert AttError.WRITE_NOT_PERMITTED is refused.value.code


async def test_stopping_says_goodbye() -> None:
    """The phone inside learns that it is not its fault."""
    house = House(NEW)
    phone = Phone(house).begin()
    await phone.ask("GET", "/api/hello")
    house.door.stop()
    phone.hear()

    assert phone.closed is not None
    assert Reason.GOODBYE is phone.closed.reason


async def test_on_a_system_that_does_not_tell_who_asks_there_is_one_phone() -> None:
    """Its name is empty, and it is served like any other."""
    house = House(NEW)

    assert 200 == (await house.ask("GET", "/api/hello", client="")).status
    assert 200 == (await house.ask("GET", "/api/hello", client="")).status
