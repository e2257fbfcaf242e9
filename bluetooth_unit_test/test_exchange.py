"""Conversations: one execution for a request, and pages of one moment for its answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluetooth.egwttp import GREETING, PAGE_BYTES, Page, Pages, Request, parse_page, pieces
from bluetooth.errors import GatewayAway, GatewaySlow
from bluetooth.exchange import (
    MAX_CLIENTS,
    MAX_PENDING,
    MAX_SNAPSHOT_BYTES,
    MAX_SNAPSHOTS,
    REPEAT_S,
    REQUEST_TIMEOUT_S,
    SILENCE_S,
    SNAPSHOT_AGE_S,
    Exchange,
)
from bluetooth.gateway import MAX_ANSWER_BYTES
from bluetooth.paths import JOIN_TIMEOUT_S, Access, Rule
from bluetooth_unit_test.fake_gateway import FakeGateway
from bluetooth_unit_test.virtual_time import VirtualTime

pytestmark = pytest.mark.anyio

PHONE = "AA:BB:CC:DD:EE:FF"
HELLO = Request("GET", "/api/hello")
STATE = Request("GET", "/api/state")
JOIN = Request("POST", "/api/wifi", b'{"ssid": "home", "psk": "secret99"}')


class Phones:
    """An exchange, and what phones received from it."""

    def __init__(self, page_bytes: int = PAGE_BYTES) -> None:
        self.time = VirtualTime()
        self.gateway = FakeGateway()
        self.gateway.says("GET", "/api/hello", {"message": "hello"})
        self.gateway.says("GET", "/api/state", {"text": "\u00fc\u20ac\U0001f50b" * 400})
        self.gateway.says("POST", "/api/wifi", {"status": "ok"})
        self.gateway.says("POST", "/api/echo", {"echo": 1})
        self.sent: list[tuple[str, bytes]] = []
        self.judged: list[tuple[str, Request, Rule | None]] = []
        self.verdict = ""
        self.exchange = Exchange(
            self.gateway,
            self.time,
            self.time.spawn,
            self.time.wait,
            self._judge,
            lambda client, page: self.sent.append((client, page)),
            page_bytes,
        )

    def _judge(self, client: str, request: Request, rule: Rule | None) -> str:
        self.judged.append((client, request, rule))
        return self.verdict

    def write(self, request: Request, client: str = PHONE) -> None:
        self.exchange.write(client, request.encode())

    async def ask(self, request: Request, client: str = PHONE) -> Page:
        """Write a request; the page that was notified."""
        self.write(request, client)
        await self.time.settle()
        return parse_page(self.sent[-1][1])

    @property
    def pages(self) -> list[Page]:
        return [parse_page(page) for _, page in self.sent]

    @property
    def statuses(self) -> list[int]:
        return [page.status for page in self.pages]


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
