"""Requests inside a session: executed, answered with their number, bounded."""

import pytest

from bluetooth.egwttp import Request
from bluetooth.gatt import SESSION_UUID
from bluetooth.gateway import MAX_ANSWER_BYTES
from bluetooth.record import Reason
from bluetooth.session import HANDSHAKE_TIMEOUT_S
from bluetooth.session_desk import MAX_UNDERWAY, WHOLE_BYTES
from bluetooth_unit_test.house import NEW, OTHER_KEY, House, Phone, words

pytestmark = pytest.mark.anyio


async def test_answers_come_whole_with_their_number() -> None:
    """Twenty kilobytes in one answer, where plain EGWTTP needs fifty pages."""
    house = House(NEW)
    phone = Phone(house).begin()
    house.gateway.says("GET", "/api/supported", b'"' + b"x" * 20_000 + b'"')
    first, second = phone.send("GET", "/api/supported"), phone.send("GET", "/api/hello")
    answers = await phone.answers()

    assert {first, second} == set(answers)
    assert 20_002 == len(answers[first].body) == answers[first].total_bytes
    assert b'{"message": "hello"}' == answers[second].body


async def test_the_largest_answers_fit() -> None:
    """As much as the gateway may answer, as often as may be under way."""
    assert WHOLE_BYTES >= MAX_UNDERWAY * MAX_ANSWER_BYTES


async def test_a_slow_answer_does_not_hold_up_a_quick_one() -> None:
    """Requests of one session run side by side; each executes once."""
    house = House(NEW)
    phone = Phone(house).begin()
    house.gateway.hold()
    phone.send("POST", "/api/wifi", b'{"ssid":"home"}')
    await house.time.settle()
    phone.send("GET", "/api/hello")
    await house.time.settle()
    executed = house.executed()
    house.gateway.release()

    assert ["/api/wifi", "/api/hello"] == executed
    assert {1, 2} == set(await phone.answers())
    assert ["/api/wifi"] == house.executed("POST")


async def test_more_requests_than_may_be_under_way_are_refused() -> None:
    """The phone is told to wait; those under way go on."""
    house = House(NEW)
    phone = Phone(house).begin()
    house.gateway.hold()
    for _ in range(MAX_UNDERWAY):
        phone.send("GET", "/api/hello")
    refused = await phone.ask("GET", "/api/hello")
    house.gateway.release()

    assert (503, f"{MAX_UNDERWAY} requests are under way; wait for their answers") == (
        refused.status,
        words(refused),
    )
    assert MAX_UNDERWAY == len(await phone.answers())


async def test_a_number_is_used_again_only_after_its_answer() -> None:
    """Two answers with one number could not be told apart."""
    house = House(NEW)
    phone = Phone(house).begin()
    house.gateway.hold()
    text = Request("GET", "/api/hello").encode()
    phone.write(phone.session.ask(9, text))
    await house.time.settle()
    phone.write(phone.session.ask(9, text))
    refused = (await phone.answers())[9]
    house.gateway.release()

    assert (503, True) == (refused.status, "another id" in words(refused))
    assert 200 == (await phone.answers())[9].status


@pytest.mark.parametrize("text", [b"nonsense", b"GET hello EGWTTP/1.1\r\n\r\n", b"\xff" * 900])
async def test_a_request_that_is_none_is_answered_in_words(text: bytes) -> None:
    """The session stands: a bug of an app is no attempt to get in."""
    house = House(NEW)
    phone = Phone(house).begin()
    phone.write(phone.session.ask(1, text))
    page = (await phone.answers())[1]

    assert 400 <= page.status < 500
    assert words(page)
    assert 200 == (await phone.ask("GET", "/api/hello")).status


async def test_half_a_request_is_answered_in_time() -> None:
    """Content-Length says more than came: there is an answer all the same."""
    house = House(NEW)
    phone = Phone(house).begin()
    head = b"POST /api/settings EGWTTP/1.1\r\nContent-Length: 10\r\n\r\n{}"
    phone.write(phone.session.ask(1, head))
    await house.time.advance(10.0)

    assert 408 == (await phone.answers())[1].status
    assert [] == house.executed()


async def test_an_answer_for_a_session_that_is_over_is_dropped() -> None:
    """The next session gets none of the last one's answers, under whatever number."""
    house = House(NEW)
    phone = Phone(house).begin()
    house.gateway.hold()
    phone.send("GET", "/api/settings")
    await house.time.settle()
    again = Phone(house).begin()
    house.gateway.says("GET", "/api/hello", {"message": "later"})
    number = again.send("GET", "/api/hello")
    house.gateway.release()
    answers = await again.answers()

    assert [number] == list(answers)
    assert b'{"message": "later"}' == answers[number].body


async def test_nothing_is_executed_before_the_phone_has_shown_the_secret() -> None:
    """A wrong label gets as far as one message."""
    house = House(NEW)
    phone = Phone(house, key=OTHER_KEY)
    phone.begin()

    assert phone.closed is not None
    assert Reason.WRONG_SECRET is phone.closed.reason
    assert [] == house.executed()


async def test_an_unfinished_handshake_is_given_up() -> None:
    """And then no time needs to be kept for it."""
    house = House(NEW)
    phone = Phone(house).begin()
    await house.pass_time(HANDSHAKE_TIMEOUT_S + 1)
    phone.hear()

    assert phone.closed is not None
    assert Reason.TIMEOUT is phone.closed.reason
    house.door.left(phone.client)
    assert house.door.is_still


async def test_garbage_leaves_nothing_to_be_looked_at() -> None:
    """What began no session is forgotten at the next beat."""
    house = House(NEW)
    house.door.write("phone 1", SESSION_UUID, b"garbage")
    said = house.said(SESSION_UUID)
    await house.pass_time(1.0)
    house.door.left("phone 1")

    assert 1 == len(said)
    assert house.door.is_still
