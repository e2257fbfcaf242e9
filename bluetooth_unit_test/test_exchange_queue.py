"""Conversations: requests in pieces, in a queue, written twice, and withdrawn."""

import pytest

from bluetooth.egwttp import GREETING, Request, parse_page, pieces
from bluetooth.errors import GatewayAway
from bluetooth.exchange import MAX_PENDING, REPEAT_S, REQUEST_TIMEOUT_S, SILENCE_S
from bluetooth.paths import Access
from bluetooth_unit_test.phones import HELLO, JOIN, PHONE, STATE, Phones

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("most_bytes", (1, 20, 182))
async def test_request_in_several_writes(most_bytes: int) -> None:
    """A request longer than a write is put together and executed once."""
    phones = Phones()
    for piece in pieces(JOIN.encode(), most_bytes):
        phones.exchange.write(PHONE, piece)
    await phones.time.advance(SILENCE_S + REQUEST_TIMEOUT_S)

    assert [("POST", "/api/wifi", JOIN.body)] == phones.gateway.asked
    assert [200] == phones.statuses
    assert phones.time.is_quiet


async def test_writes_of_two_phones_do_not_mix() -> None:
    """Each client's pieces, and each client's answer, are its own."""
    phones = Phones()
    mine, yours = pieces(JOIN.encode(), 40), pieces(HELLO.encode(), 40)
    for a, b in zip(mine, yours, strict=False):
        phones.exchange.write("mine", a)
        phones.exchange.write("yours", b)
    for a in mine[len(yours) :]:
        phones.exchange.write("mine", a)
    await phones.time.settle()
    locations = {client: parse_page(page).location for client, page in phones.sent}

    assert {"mine": "/api/wifi", "yours": "/api/hello"} == locations
    assert "/api/hello" == parse_page(phones.exchange.read("yours")).location


async def test_pause_within_a_request() -> None:
    """After SILENCE_S without the rest the phone is told, and its next request is read."""
    phones = Phones()
    phones.exchange.write(PHONE, JOIN.encode()[:-5])
    await phones.time.advance(SILENCE_S - 0.1)
    waiting = list(phones.statuses)
    await phones.time.advance(0.1)

    assert ([], [408]) == (waiting, phones.statuses)
    assert 200 == (await phones.ask(HELLO)).status
    assert phones.time.is_quiet


async def test_drip_of_a_request() -> None:
    """A request that never pauses and never ends is given up after REQUEST_TIMEOUT_S."""
    phones = Phones()
    phones.exchange.write(PHONE, b"POST /api/echo EGWTTP/1.1\r\nContent-Length: 60000\r\n\r\n")
    for _ in range(int(REQUEST_TIMEOUT_S / 2) - 1):
        await phones.time.advance(2)
        phones.exchange.write(PHONE, b"x")
    waiting = list(phones.statuses)
    await phones.time.advance(2)

    assert ([], [408]) == (waiting, phones.statuses)


async def test_malformed_request() -> None:
    """A malformed write is answered at once, in the same framing."""
    phones = Phones()
    phones.exchange.write(PHONE, b"hello?\r\n\r\n")

    assert [400] == phones.statuses
    assert 400 == parse_page(phones.exchange.read(PHONE)).status


async def test_requests_are_executed_in_order() -> None:
    """A phone that does not wait gets each answer, in the order of its requests."""
    phones = Phones()
    phones.gateway.hold()
    for request in (HELLO, STATE, JOIN):
        phones.write(request)
    await phones.time.settle()
    asked_first = list(phones.gateway.asked)
    phones.gateway.release()
    await phones.time.settle()

    assert [("GET", "/api/hello", b"")] == asked_first
    assert ["/api/hello", "/api/state", "/api/wifi"] == [page.location for page in phones.pages]


async def test_too_many_requests_at_once() -> None:
    """Beyond MAX_PENDING the answer is 503 at once, and the others are not disturbed."""
    phones = Phones()
    phones.gateway.hold()
    for number in range(MAX_PENDING + 1):
        phones.write(Request("POST", "/api/echo", str(number).encode()))
    await phones.time.settle()
    refused = list(phones.statuses)
    phones.gateway.release()
    await phones.time.settle()

    assert [503] == refused
    assert [503] + [200] * MAX_PENDING == phones.statuses


async def test_request_written_again_while_it_is_under_way() -> None:
    """A write that was repeated is the same request: one execution, one answer."""
    phones = Phones()
    phones.gateway.hold()
    phones.write(JOIN)
    phones.write(JOIN)
    await phones.time.settle()
    phones.gateway.release()
    await phones.time.settle()

    assert [200] == phones.statuses
    assert 1 == len(phones.gateway.asked)


async def test_request_between_two_equal_ones() -> None:
    """A GET after a change is a new one, though the same GET went before the change."""
    phones = Phones()
    phones.gateway.hold()
    for request in (STATE, JOIN, STATE):
        phones.write(request)
    phones.gateway.release()
    await phones.time.settle()

    assert ["/api/state", "/api/wifi", "/api/state"] == [
        path for _, path, _ in phones.gateway.asked
    ]


@pytest.mark.parametrize(("request_", "executions"), ((JOIN, 1), (HELLO, 2)))
async def test_request_written_again_soon(request_: Request, executions: int) -> None:
    """Within REPEAT_S a change that is written again gets its answer again; a GET is a new one."""
    phones = Phones()
    await phones.ask(request_)
    await phones.time.advance(REPEAT_S)
    again = await phones.ask(request_)

    assert 200 == again.status
    assert executions == len(phones.gateway.asked)


async def test_change_written_again_later() -> None:
    """After REPEAT_S the same change is meant once more."""
    phones = Phones()
    await phones.ask(JOIN)
    await phones.time.advance(REPEAT_S + 0.1)
    await phones.ask(JOIN)

    assert 2 == len(phones.gateway.asked)


async def test_change_that_did_not_reach_the_gateway() -> None:
    """While the gateway was away nothing was executed: asking again at once asks it again."""
    phones = Phones()
    phones.gateway.says("POST", "/api/wifi", GatewayAway("away"))
    away = await phones.ask(JOIN)
    phones.gateway.says("POST", "/api/wifi", {"status": "ok"})

    assert (502, 200) == (away.status, (await phones.ask(JOIN)).status)


async def test_phone_that_left() -> None:
    """What was kept for a phone is forgotten; an answer that comes later is told to nobody."""
    phones = Phones()
    await phones.ask(STATE)
    phones.gateway.hold()
    phones.write(HELLO)
    phones.write(JOIN)
    await phones.time.settle()
    phones.exchange.left(PHONE)
    phones.gateway.release()
    await phones.time.settle()

    assert 1 == len(phones.sent)
    assert 2 == len(phones.gateway.asked)  # The one that was waiting is not begun any more.
    assert GREETING == phones.exchange.read(PHONE)
    assert 410 == (await phones.ask(Request("GET", "/api/state", b"", 100))).status
    assert phones.time.is_quiet


async def test_unfinished_request_of_a_phone_that_left() -> None:
    """Its pieces do not become part of what the next connection sends."""
    phones = Phones()
    phones.exchange.write(PHONE, JOIN.encode()[:20])
    phones.exchange.left(PHONE)
    page = await phones.ask(HELLO)
    await phones.time.advance(SILENCE_S)

    assert (200, 1) == (page.status, len(phones.sent))
    assert phones.time.is_quiet


async def test_what_waits_is_withdrawn_in_words() -> None:
    """The window closes: what the gateway is asked already goes on, nothing more is begun."""
    phones = Phones()
    phones.gateway.hold()
    phones.write(JOIN)
    await phones.time.settle()
    phones.write(STATE)
    phones.write(HELLO)
    phones.exchange.withdraw(frozenset({Access.GREET}), "the door is closed")
    refused = phones.pages
    phones.gateway.release()
    await phones.time.settle()

    assert [(403, "/api/state")] == [(page.status, page.location) for page in refused]
    assert [403, 200, 200] == phones.statuses
    assert ["/api/wifi", "/api/hello"] == [path for _, path, _ in phones.gateway.asked]
    assert not phones.exchange.is_busy


async def test_a_request_whose_work_has_not_begun_is_withdrawn_too() -> None:
    """Taken, but the gateway was not asked yet."""
    phones = Phones()
    phones.write(JOIN)
    phones.exchange.withdraw(frozenset(), "the door is closed")
    await phones.time.settle()

    assert ([403], []) == (phones.statuses, phones.gateway.asked)
    assert phones.time.is_quiet


async def test_what_waited_is_begun_only_if_it_is_allowed_still() -> None:
    """Whoever closes the door need not tell every conversation at that very moment."""
    phones = Phones()
    phones.gateway.hold()
    phones.write(HELLO)
    await phones.time.settle()
    phones.write(JOIN)
    phones.verdict = "the door is closed"
    phones.gateway.release()
    await phones.time.settle()

    assert [200, 403] == phones.statuses
    assert ["/api/hello"] == [path for _, path, _ in phones.gateway.asked]


async def test_clients_that_come_and_go_in_haste_leave_one_watcher() -> None:
    """However many begin a request and vanish, there is one piece of work, and it ends."""
    phones = Phones()
    for number in range(1000):
        phones.exchange.write(f"{number}", b"POST /api/echo EGWTTP/1.1")
        phones.exchange.left(f"{number}")
    tasks = len(phones.time.tasks)
    await phones.time.advance(SILENCE_S)

    assert (1, [], True) == (tasks, phones.sent, phones.time.is_quiet)


async def test_each_client_has_its_own_time() -> None:
    """The one that began later is given up later."""
    phones = Phones()
    phones.exchange.write("a", b"POST /api/echo EGWTTP/1.1")
    await phones.time.advance(1.0)
    phones.exchange.write("b", b"POST /api/echo EGWTTP/1.1")
    await phones.time.advance(SILENCE_S - 1.0)
    first = [client for client, _ in phones.sent]
    await phones.time.advance(1.0)

    assert (["a"], ["a", "b"]) == (first, [client for client, _ in phones.sent])
