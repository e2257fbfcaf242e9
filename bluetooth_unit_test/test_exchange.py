"""Conversations: one execution for a request, and pages of one moment for its answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluetooth.egwttp import GREETING, PAGE_BYTES, Pages, Request, parse_page
from bluetooth.errors import GatewayAway, GatewaySlow
from bluetooth.exchange import (
    MAX_CLIENTS,
    MAX_SNAPSHOT_BYTES,
    MAX_SNAPSHOTS,
    REQUEST_TIMEOUT_S,
    SILENCE_S,
    SNAPSHOT_AGE_S,
)
from bluetooth.gateway import MAX_ANSWER_BYTES
from bluetooth.paths import JOIN_TIMEOUT_S
from bluetooth_unit_test.phones import HELLO, JOIN, PHONE, STATE, Phones

pytestmark = pytest.mark.anyio


async def test_a_request_is_answered() -> None:
    """The answer is notified to who asked, can be read, and is the gateway's."""
    phones = Phones()
    page = await phones.ask(HELLO)

    assert (200, "/api/hello", "GET") == (page.status, page.location, page.method)
    assert {"message": "hello"} == json.loads(page.body)
    assert phones.sent == [(PHONE, phones.exchange.read(PHONE))]
    assert phones.time.is_quiet


async def test_greeting_before_any_request() -> None:
    """The response characteristic says hello until there is an answer."""
    phones = Phones()
    phones.exchange.write("other", b"POST /api/echo EGWTTP/1.1\r\n")

    assert (GREETING, GREETING) == (phones.exchange.read(PHONE), phones.exchange.read("other"))
    phones.exchange.close()
    await phones.time.advance(SILENCE_S)


async def test_reading_while_the_gateway_works() -> None:
    """An older answer is not taken for the new one: reading says that it is not there yet."""
    phones = Phones()
    await phones.ask(HELLO)
    phones.gateway.hold()
    phones.write(STATE)
    page = parse_page(phones.exchange.read(PHONE))

    assert (102, "/api/state", 0) == (page.status, page.location, page.total_bytes)
    phones.gateway.release()
    await phones.time.settle()
    assert 200 == parse_page(phones.exchange.read(PHONE)).status


async def test_pages_of_one_execution() -> None:
    """A long answer is executed once and arrives whole, whatever the gateway would say now."""
    phones = Phones()
    pages = Pages(STATE)
    request = pages.add(await phones.ask(STATE))
    phones.gateway.says("GET", "/api/state", {"text": "changed"})
    while request is not None:
        page = await phones.ask(request)
        page.body.decode("utf-8")
        request = pages.add(page)

    assert {"text": "\u00fc\u20ac\U0001f50b" * 400} == json.loads(pages.response().body)
    assert [("GET", "/api/state", b"")] == phones.gateway.asked
    assert all(len(page) <= PAGE_BYTES for _, page in phones.sent)


async def test_pages_of_a_post() -> None:
    """A POST with a long answer acts once, and its pages belong to its body."""
    phones = Phones()
    phones.gateway.says("POST", "/api/echo", {"echo": "x" * 900})
    echo = Request("POST", "/api/echo", b'"x"')
    await phones.ask(echo)
    page = await phones.ask(Request("POST", "/api/echo", b'"x"', 400))
    other = await phones.ask(Request("POST", "/api/echo", b'"y"', 400))

    assert (200, 400) == (page.status, page.offset)
    assert 410 == other.status
    assert 1 == len(phones.gateway.asked)


async def test_asking_anew_is_a_new_execution() -> None:
    """Offset 0 asks the gateway again, and later pages are those of the new answer."""
    phones = Phones()
    await phones.ask(STATE)
    phones.gateway.says("GET", "/api/state", {"text": "n" * 900})
    await phones.ask(STATE)
    page = await phones.ask(Request("GET", "/api/state", b"", 400))

    assert b"n" * 100 == page.body[:100]
    assert 2 == len(phones.gateway.asked)


async def test_page_that_is_past_the_end() -> None:
    """An Offset beyond the body is 416, which says how long it is."""
    phones = Phones()
    await phones.ask(HELLO)

    assert 416 == (await phones.ask(Request("GET", "/api/hello", b"", 4000))).status


async def test_answers_are_kept_for_a_while() -> None:
    """An answer that was not paged for SNAPSHOT_AGE_S is gone; paging keeps it."""
    phones = Phones()
    await phones.ask(STATE)
    later = Request("GET", "/api/state", b"", 10)
    await phones.time.advance(SNAPSHOT_AGE_S)
    kept = await phones.ask(later)
    await phones.time.advance(SNAPSHOT_AGE_S + 1)
    gone = await phones.ask(later)

    assert (200, 410) == (kept.status, gone.status)
    assert 1 == len(phones.gateway.asked)


async def test_answers_are_kept_in_number() -> None:
    """MAX_SNAPSHOTS answers are kept, the ones used last."""
    phones = Phones()
    bodies = [str(number).encode() for number in range(MAX_SNAPSHOTS + 1)]
    for body in bodies:
        await phones.ask(Request("POST", "/api/echo", body))
    statuses = [(await phones.ask(Request("POST", "/api/echo", body, 1))).status for body in bodies]

    assert [410] + [200] * MAX_SNAPSHOTS == statuses


async def test_answers_are_kept_in_bytes() -> None:
    """Answers together have at most MAX_SNAPSHOT_BYTES; the newest one always stays."""
    phones = Phones()
    phones.gateway.says("POST", "/api/echo", b"x" * MAX_ANSWER_BYTES)
    fit = MAX_SNAPSHOT_BYTES // MAX_ANSWER_BYTES
    bodies = [str(number).encode() for number in range(fit + 1)]
    for body in bodies:
        await phones.ask(Request("POST", "/api/echo", body))
    statuses = [(await phones.ask(Request("POST", "/api/echo", body, 1))).status for body in bodies]

    assert [410] + [200] * fit == statuses


async def test_status_line_is_the_gateways() -> None:
    """What HTTP said is what the phone reads, with its reason."""
    phones = Phones()
    phones.gateway.says("POST", "/api/wifi", {"reason": "wrong_password"}, 422, "Unprocessable")
    page = await phones.ask(JOIN)

    assert (422, "Unprocessable") == (page.status, page.reason)
    assert {"reason": "wrong_password"} == json.loads(page.body)


async def test_delete_works() -> None:
    """DELETE reaches the gateway with its body."""
    phones = Phones()
    phones.gateway.says("DELETE", "/api/device", {"status": "ok"})
    page = await phones.ask(Request("DELETE", "/api/device", b'{"id": "x"}'))

    assert (200, "DELETE") == (page.status, page.method)
    assert [("DELETE", "/api/device", b'{"id": "x"}')] == phones.gateway.asked


@pytest.mark.parametrize(
    ("error", "status"), ((GatewaySlow("slow"), 504), (GatewayAway("away"), 502))
)
async def test_gateway_that_does_not_answer(error: Exception, status: int) -> None:
    """Slow is 504 and away is 502, in words."""
    phones = Phones()
    phones.gateway.says("GET", "/api/hello", error)
    page = await phones.ask(HELLO)

    assert (status, str(error)) == (page.status, json.loads(page.body)["error"])


async def test_each_request_has_its_own_time() -> None:
    """The row says how long the gateway may take."""
    phones = Phones()
    await phones.ask(JOIN)

    assert [JOIN_TIMEOUT_S] == phones.gateway.timeouts_s


async def test_path_that_the_gateway_would_not_take() -> None:
    """A query that is none is the phone's fault: 400."""
    phones = Phones()

    assert 400 == (await phones.ask(Request("GET", "/api/hello?a#b"))).status
    assert [] == phones.gateway.asked


async def test_what_is_not_offered_is_403() -> None:
    """A path off the list is refused and the door hears of it."""
    phones = Phones()
    sign = Request("POST", "/api/crypto/sign", b"{}")
    page = await phones.ask(sign)

    assert (403, "/api/crypto/sign") == (page.status, page.location)
    assert [(PHONE, sign, None)] == phones.judged
    assert [] == phones.gateway.asked


async def test_what_the_door_refuses_is_403() -> None:
    """The door's words are what the phone is told; nothing is executed."""
    phones = Phones()
    phones.verdict = "press the button at the box first"
    page = await phones.ask(JOIN)

    assert (403, phones.verdict) == (page.status, json.loads(page.body)["error"])
    assert [] == phones.gateway.asked


async def test_pages_are_refused_once_the_door_is_shut() -> None:
    """A kept answer is no way around a closed window."""
    phones = Phones()
    await phones.ask(STATE)
    phones.verdict = "the window is closed"

    assert 403 == (await phones.ask(Request("GET", "/api/state", b"", 100))).status


async def test_many_clients() -> None:
    """Beyond MAX_CLIENTS the one that was silent longest is forgotten."""
    phones = Phones()
    for number in range(MAX_CLIENTS + 1):
        await phones.ask(HELLO, f"phone {number}")

    assert GREETING == phones.exchange.read("phone 0")
    assert GREETING != phones.exchange.read("phone 1")


async def test_longer_pages_inside_a_session() -> None:
    """A channel that carries longer values gets longer pages."""
    phones = Phones(page_bytes=2048)
    await phones.ask(STATE)

    assert 2040 < len(phones.sent[-1][1]) <= 2048


async def test_bug_while_executing() -> None:
    """A mistake of ours is raised where the service sees it, and the next request is executed."""
    phones = Phones()
    phones.gateway.says("GET", "/api/hello", ZeroDivisionError())
    phones.write(HELLO)
    with pytest.raises(ZeroDivisionError):
        await phones.time.settle()
    phones.gateway.says("GET", "/api/hello", {})

    assert 200 == (await phones.ask(HELLO)).status


@given(st.lists(st.binary(max_size=600), max_size=10))
async def test_no_bytes_break_the_conversation(writes: list[bytes]) -> None:
    """Whatever a phone writes, and pauses, the next request is answered."""
    phones = Phones()
    for each in writes:
        phones.exchange.write(PHONE, each)
    await phones.time.advance(REQUEST_TIMEOUT_S)

    assert 200 == (await phones.ask(HELLO)).status
    assert all(len(page) <= PAGE_BYTES for _, page in phones.sent)
    assert phones.time.is_quiet
