"""The end of a window: who waits for an answer, what was queued, and who closes it."""

import pytest

from bluetooth import egwttp, improv
from bluetooth.door import TICK_S, Policy
from bluetooth.egwttp import Request
from bluetooth.gatt import IMPROV_COMMAND_UUID, IMPROV_RESULT_UUID, REQUEST_UUID, RESPONSE_UUID
from bluetooth.improv_flow import AUTHORIZED_S
from bluetooth.paths import JOIN_TIMEOUT_S
from bluetooth.record import Reason
from bluetooth.seat import FAREWELL_S, SEAT_IDLE_S
from bluetooth.session import IDLE_TIMEOUT_S
from bluetooth.window import DEFAULT_WINDOW_S, MAX_BAD_ATTEMPTS
from bluetooth_unit_test.house import CONFIGURED, PHONE, House, Phone

pytestmark = pytest.mark.anyio

JOIN = b'{"ssid":"home","psk":"secret99"}'


async def test_who_waits_for_a_slow_join_is_not_sent_away() -> None:
    """Neither its session nor its seat is lost while the box has not answered."""
    house = House(Policy(configured=True, window_s=600.0))
    house.door.open("the button")
    house.gateway.says("POST", "/api/wifi", {"status": "ok"})
    phone = Phone(house).begin()
    await phone.ask("GET", "/api/hello")
    house.gateway.hold()
    number = phone.send("POST", "/api/wifi", JOIN)
    await house.pass_time(JOIN_TIMEOUT_S)
    house.gateway.release()
    answers = await phone.answers()

    assert JOIN_TIMEOUT_S > SEAT_IDLE_S > IDLE_TIMEOUT_S
    assert (200, []) == (answers[number].status, house.sent_away)


async def test_who_waits_for_a_slow_join_in_the_clear_is_not_sent_away_either() -> None:
    """An app that does not read while it waits keeps its seat."""
    house = House(Policy(configured=True, window_s=600.0))
    house.door.open("the button")
    house.gateway.hold()
    house.door.write(PHONE, REQUEST_UUID, Request("POST", "/api/wifi", JOIN).encode())
    await house.pass_time(JOIN_TIMEOUT_S)
    waiting = list(house.sent_away)
    house.gateway.release()
    await house.pass_time(SEAT_IDLE_S + TICK_S)

    assert ([], [PHONE]) == (waiting, house.sent_away)


async def test_when_it_closes_nothing_is_begun_any_more() -> None:
    """What a phone has queued is refused in words; what the gateway is asked already goes on."""
    house = House(CONFIGURED)
    house.door.open("the button")
    house.gateway.hold()
    house.door.write(PHONE, REQUEST_UUID, Request("GET", "/api/settings").encode())
    await house.time.settle()
    house.door.write(PHONE, REQUEST_UUID, Request("POST", "/api/device", b"{}").encode())
    house.door.close("the owner")
    (refused,) = [egwttp.parse_page(each) for each in house.said(RESPONSE_UUID)]
    house.gateway.release()
    await house.time.advance(FAREWELL_S)

    assert (403, "/api/device") == (refused.status, refused.location)
    assert ([], [PHONE]) == (house.executed("POST"), house.sent_away)


async def test_when_legacy_apps_are_turned_off_nothing_of_theirs_is_begun_any_more() -> None:
    """The owner's word counts at once, and what was queued is no bad attempt."""
    house = House(CONFIGURED)
    house.door.open("the button")
    house.gateway.hold()
    house.door.write(PHONE, REQUEST_UUID, Request("GET", "/api/settings").encode())
    await house.time.settle()
    house.door.write(PHONE, REQUEST_UUID, Request("POST", "/api/device", b"{}").encode())
    house.door.obey(Policy(configured=True, legacy_apps=False))
    house.gateway.release()
    await house.time.settle()

    assert [] == house.executed("POST")
    assert MAX_BAD_ATTEMPTS == house.state()["attempts_left"]


async def test_when_its_time_is_over_an_answer_under_way_is_heard_yet() -> None:
    """Joining takes a while: the phone learns how it ended, can do nothing else, and goes."""
    house = House(CONFIGURED)
    house.door.open("the button")
    house.gateway.says("POST", "/api/wifi", {"status": "ok"})
    await house.pass_time(DEFAULT_WINDOW_S - 5)
    phone = Phone(house).begin()
    await phone.ask("GET", "/api/hello")
    house.gateway.hold()
    number = phone.send("POST", "/api/wifi", JOIN)
    await house.pass_time(10)
    more = phone.send("POST", "/api/device", b"{}")
    refused = (await phone.answers())[more]
    silent = house.door.advertisements("Egret")
    house.gateway.release()
    answered = (await phone.answers())[number]
    await house.pass_time(2 * TICK_S)
    phone.hear()

    assert (403, (), 200) == (refused.status, silent, answered.status)
    assert ["/api/wifi"] == house.executed("POST")
    assert phone.closed is not None and Reason.DOOR_CLOSED is phone.closed.reason
    assert [PHONE] == house.sent_away
    assert house.door.is_still


@pytest.mark.parametrize("late", [False, True])
async def test_the_owner_closes_it_at_once(late: bool) -> None:
    """Also on somebody who waits for an answer, and on somebody who stayed for one."""
    house = House(CONFIGURED)
    house.door.open("the button")
    phone = Phone(house).begin()
    await phone.ask("GET", "/api/hello")
    house.gateway.hold()
    phone.send("POST", "/api/wifi", JOIN)
    await house.pass_time(DEFAULT_WINDOW_S + 5 if late else 1)
    before = list(house.sent_away)
    house.door.close("the owner")
    phone.hear()
    await house.time.advance(FAREWELL_S)
    house.gateway.release()
    await house.time.settle()

    assert phone.closed is not None and Reason.DOOR_CLOSED is phone.closed.reason
    assert ([], [PHONE]) == (before, house.sent_away)


async def test_no_new_session_begins_while_an_answer_is_waited_for() -> None:
    """The time is over; a hello of the phone that stayed ends what it had."""
    house = House(CONFIGURED)
    house.door.open("the button")
    phone = Phone(house).begin()
    await phone.ask("GET", "/api/hello")
    house.gateway.hold()
    phone.send("POST", "/api/wifi", JOIN)
    await house.pass_time(DEFAULT_WINDOW_S + 5)
    phone.hear()
    again = Phone(house).begin()
    house.gateway.release()
    await house.pass_time(2 * TICK_S)

    assert again.closed is not None and Reason.DOOR_CLOSED is again.closed.reason
    assert [PHONE] == house.sent_away


async def test_improv_hears_how_its_join_ended_although_the_time_is_over() -> None:
    """The result arrives before the phone is sent away."""
    house = House(CONFIGURED)
    house.gateway.says("POST", "/api/wifi", {"status": "ok", "ip": "10.0.0.7"})
    house.gateway.says("GET", "/api/network/address", {"ip": "10.0.0.7", "port": 80})
    house.door.open("the button")
    await house.pass_time(DEFAULT_WINDOW_S - 5)
    house.door.open("the button")
    await house.pass_time(AUTHORIZED_S - 5)
    house.gateway.hold()
    house.door.write(
        PHONE, IMPROV_COMMAND_UUID, improv.Credentials("home", "secret99").packet().encode()
    )
    await house.pass_time(DEFAULT_WINDOW_S)
    before = list(house.sent_away)
    house.gateway.release()
    await house.time.settle()
    results = house.said(IMPROV_RESULT_UUID)
    await house.pass_time(2 * TICK_S)

    assert [improv.result(improv.Command.WIFI_SETTINGS, ["http://10.0.0.7/"])] == results
    assert ([], [PHONE]) == (before, house.sent_away)
