"""EGWTTP in the clear, over the air, before a gateway that answers what the test says."""

import asyncio
import json
import socket
from collections.abc import Iterator

import pytest

from ble_rest_test.fixtures import MakeStand
from ble_rest_test.stand import LocalStand
from ble_rest_test.words import MTUS, RawPhone, asked, bodies, held_back, text
from bluetooth import egwttp
from bluetooth.door import Policy
from bluetooth.egwttp import GREETING, PAGE_BYTES, Page, Request
from bluetooth_unit_test.http_gateway import HttpGateway, hang, hang_up

pytestmark = pytest.mark.real_time


@pytest.mark.parametrize("mtu", MTUS)
async def test_a_request_is_answered(box: LocalStand, stub: HttpGateway, mtu: int) -> None:
    """Whatever the connection carries."""
    async with box.phone(mtu=mtu) as phone:
        reply = await phone.get("/api/hello")
        room = phone.link.write_bytes

    assert (200, {"message": "hello"}) == (reply.status, reply.json())
    assert min(mtu - 3, 508) == room
    assert [("GET", "/api/hello")] == asked(stub)


@pytest.mark.parametrize(
    ("status", "reason"), [(200, "OK"), (201, "Created"), (404, "Not Found"), (599, "Of Our Own")]
)
async def test_the_status_line_is_the_gateways(
    box: LocalStand, stub: HttpGateway, status: int, reason: str
) -> None:
    """Number and words."""
    stub.says("GET", "/api/state", {"a": 1}, status, reason)

    async with box.phone() as phone:
        reply = await phone.get("/api/state")

    assert (status, reason, {"a": 1}) == (reply.status, reply.reason, reply.json())


async def test_the_three_methods_arrive(box: LocalStand, stub: HttpGateway) -> None:
    """As they are, each with its body."""
    for method in ("GET", "POST", "DELETE"):
        stub.says(method, "/api/device", {"did": method})

    async with box.phone() as phone:
        did = [
            (await phone.get("/api/device")).json()["did"],
            (await phone.post("/api/device", {"ip": "10.0.0.2"})).json()["did"],
            (await phone.delete("/api/device", {"id": "x"})).json()["did"],
        ]

    assert ["GET", "POST", "DELETE"] == did
    assert [b"", b'{"ip": "10.0.0.2"}', b'{"id": "x"}'] == bodies(stub)


@pytest.mark.parametrize(
    ("mtu", "length"), [(23, 2048), (48, 2048), (247, 2048), (517, 2048), (247, 20_000), (517, 0)]
)
async def test_a_long_answer_is_of_one_execution(
    box: LocalStand, stub: HttpGateway, mtu: int, length: int
) -> None:
    """It arrives whole, in pages, and the gateway was asked once."""
    content = bytes(32 + each * 7 % 95 for each in range(length))
    stub.says("GET", "/api/supported", content)

    async with box.phone(mtu=mtu) as phone:
        reply = await phone.get("/api/supported")

    assert content == reply.body
    assert [("GET", "/api/supported")] == asked(stub)


async def test_every_page_can_be_read_by_itself(box: LocalStand, stub: HttpGateway) -> None:
    """No page ends inside a character, none is longer than a value, and each is filled."""
    whole = text(1500)
    stub.says("GET", "/api/supported", whole.encode())
    pages: list[Page] = []
    lengths: list[int] = []

    async with box.phone(mtu=247) as phone:
        raw = await RawPhone.of(phone)
        wanted: Request | None = Request("GET", "/api/supported")
        collected = egwttp.Pages(Request("GET", "/api/supported"))
        while wanted is not None:
            pages.append(await raw.page(*egwttp.pieces(wanted.encode(), 244)))
            lengths.append(len(await raw.read()))
            wanted = collected.add(pages[-1])

    assert whole == "".join(page.body.decode() for page in pages)
    assert all(PAGE_BYTES - 3 <= length <= PAGE_BYTES for length in lengths[:-1])
    assert 1 == len(asked(stub))


async def test_pages_are_of_one_moment(box: LocalStand, stub: HttpGateway) -> None:
    """What the gateway says later changes no page of what it said before."""
    stub.says("GET", "/api/state", b"a" * 900)

    async with box.phone() as phone:
        raw = await RawPhone.of(phone)
        first = await raw.page(Request("GET", "/api/state").encode())
        stub.says("GET", "/api/state", b"b" * 900)
        second = await raw.page(Request("GET", "/api/state", offset=len(first.body)).encode())

    assert len(first.body) == second.offset
    assert b"a" * (len(first.body) + len(second.body)) == first.body + second.body


@pytest.mark.parametrize(("mtu", "length"), [(23, 600), (48, 2048), (247, 20_000)])
async def test_a_long_request_is_put_together(
    box: LocalStand, stub: HttpGateway, mtu: int, length: int
) -> None:
    """However many writes it takes; UTF-8 may be cut anywhere in between."""
    body = {"name": text(length // 3)}
    stub.says("POST", "/api/device", {"status": "ok"})

    async with box.phone(mtu=mtu) as phone:
        reply = await phone.post("/api/device", json.dumps(body, ensure_ascii=False).encode())

    assert 200 == reply.status
    assert [body] == [json.loads(each) for each in bodies(stub)]


async def test_a_value_longer_than_a_write_is_put_together_too(
    box: LocalStand, stub: HttpGateway
) -> None:
    """A phone may let its system cut one write of 500 bytes (prepare, execute) at any MTU."""
    stub.says("POST", "/api/device", {"status": "ok"})
    request = Request("POST", "/api/device", b'"' + b"x" * 400 + b'"')

    async with box.phone(mtu=48) as phone:
        page = await (await RawPhone.of(phone)).page(request.encode())

    assert 200 == page.status
    assert [request.body] == bodies(stub)


@pytest.mark.parametrize(
    ("written", "status"),
    [
        (b"hello", 400),
        (b"\x00\xff\xfe", 400),
        (b"GET /api/hello HTTP/1.1\r\n\r\n", 400),
        (b"GET api/hello EGWTTP/1.1\r\n\r\n", 400),
        (b"GET /api/hello EGWTTP/1.1\r\nnonsense\r\n\r\n", 400),
        (b"GET /api/hello EGWTTP/1.1\r\nOffset: -1\r\n\r\n", 400),
        (b"POST /api/echo EGWTTP/1.1\r\nContent-Length: 1\r\n\r\nxx", 400),
        (b"PUT /api/hello EGWTTP/1.1\r\n\r\n", 405),
        (b"GET /" + b"a" * 300 + b" EGWTTP/1.1\r\n\r\n", 414),
        (b"POST /api/echo EGWTTP/1.1\r\nContent-Length: 999999\r\n\r\n", 413),
        (b"GET /api/hello EGWTTP/1.1\r\nX: " + b"x" * 470, 431),
    ],
    ids=["word", "bytes", "http", "no_slash", "no_colon", "minus", "longer", "put", "path", "body"]
    + ["head"],
)
async def test_what_cannot_be_read_is_said_to_be(
    box: LocalStand, stub: HttpGateway, written: bytes, status: int
) -> None:
    """In the same framing, with words; and the next request is answered."""
    if status == 431:
        written = written + b"x" * (520 - len(written))

    async with box.phone() as phone:
        raw = await RawPhone.of(phone)
        page = await raw.page(*egwttp.pieces(written, 500))
        after = await raw.page(Request("GET", "/api/hello").encode())

    assert status == page.status
    assert json.loads(page.body)["error"]
    assert 200 == after.status
    assert [("GET", "/api/hello")] == asked(stub)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/api/inverter/modbus"),
        ("POST", "/api/crypto/sign"),
        ("POST", "/api/bluetooth/window"),
        ("GET", "/api/notification/../settings"),
        ("GET", "//api/hello"),
        ("DELETE", "/api/settings"),
    ],
)
async def test_what_is_not_offered_is_forbidden(
    box: LocalStand, stub: HttpGateway, method: str, path: str
) -> None:
    """The gateway does not see it."""
    async with box.phone() as phone:
        reply = await phone.ask(method, path)

    assert 403 == reply.status
    assert "not offered" in reply.words
    assert [] == asked(stub)


@pytest.fixture
def lonely_box(make_stand: MakeStand) -> Iterator[LocalStand]:
    """A box whose gateway does not run."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        box = make_stand(f"http://127.0.0.1:{unused.getsockname()[1]}", Policy())
        box.button.press()
        yield box


async def test_a_gateway_that_is_away_is_502(lonely_box: LocalStand) -> None:
    """Said in words, at once."""
    async with lonely_box.phone() as phone:
        reply = await phone.get("/api/hello")

    assert 502 == reply.status
    assert "gateway" in reply.words


@pytest.fixture
def hasty_box(make_stand: MakeStand, stub: HttpGateway, policy: Policy) -> LocalStand:
    """A box that gives its gateway 0.3 s where it would give it 10."""
    box = make_stand(stub.url, policy, patience=0.03)
    box.button.press()
    return box


async def test_a_gateway_that_breaks_off_is_502(box: LocalStand, stub: HttpGateway) -> None:
    """A half answer is none; the next request works."""
    stub.says("GET", "/api/state", hang_up)

    async with box.phone() as phone:
        broken = await phone.get("/api/state")
        after = await phone.get("/api/hello")

    assert (502, 200) == (broken.status, after.status)


async def test_a_gateway_that_is_slow_is_504(hasty_box: LocalStand, stub: HttpGateway) -> None:
    """Within the time that the path has; the phone is told in words."""
    stub.says("GET", "/api/state", hang)

    async with hasty_box.phone() as phone:
        slow = await phone.get("/api/state")

    assert 504 == slow.status
    assert "did not answer" in slow.words


async def test_reading_meanwhile_says_so(box: LocalStand, stub: HttpGateway) -> None:
    """The greeting before any request, 102 while one is under way, then its answer."""
    with held_back(stub, "GET", "/api/network", {"ip": "10.0.0.1"}) as let_go:
        async with box.phone() as phone:
            raw = await RawPhone.of(phone)
            greeting = await raw.read()
            await raw.write(Request("GET", "/api/network").encode())
            meanwhile = egwttp.parse_page(await raw.read())
            let_go.set()
            await raw.notified()
            answer = egwttp.parse_page(await raw.read())

    assert GREETING == greeting
    assert (102, "/api/network") == (meanwhile.status, meanwhile.location)
    assert (200, b'{"ip": "10.0.0.1"}') == (answer.status, answer.body)


@pytest.mark.parametrize("mtu", MTUS)
async def test_a_notification_is_the_beginning_of_the_value(
    box: LocalStand, stub: HttpGateway, mtu: int
) -> None:
    """Cut to what the connection carries; the whole can be read."""
    stub.says("GET", "/api/state", b"x" * 900)

    async with box.phone(mtu=mtu) as phone:
        raw = await RawPhone.of(phone)
        request = Request("GET", "/api/state").encode()
        await raw.write(*egwttp.pieces(request, mtu - 3))
        notified = await raw.notified()
        value = await raw.read()

    assert PAGE_BYTES == len(value)
    assert value[: mtu - 3] == notified


async def test_a_change_written_twice_is_made_once(box: LocalStand, stub: HttpGateway) -> None:
    """A phone that has lost an answer may ask again; what it reads again is read anew."""
    stub.says("POST", "/api/device", {"status": "ok"})
    post, get = Request("POST", "/api/device", b"{}"), Request("GET", "/api/hello")

    async with box.phone() as phone:
        raw = await RawPhone.of(phone)
        answers = [await raw.page(each.encode()) for each in (post, post, get, get)]

    assert [200] * 4 == [each.status for each in answers]
    assert [("POST", "/api/device"), *[("GET", "/api/hello")] * 2] == asked(stub)


async def test_requests_are_answered_in_order(box: LocalStand, stub: HttpGateway) -> None:
    """Apps exist that do not wait; each notification names what it answers."""
    names = ("hello", "version", "name", "uptime")
    for name in names:
        stub.says("GET", f"/api/{name}", {"is": name})

    async with box.phone() as phone:
        raw = await RawPhone.of(phone)
        for name in names:
            await raw.write(Request("GET", f"/api/{name}").encode())
        notified = [egwttp.parse_page(await raw.notified()) for _ in names]

    assert [f"/api/{name}" for name in names] == [page.location for page in notified]


async def test_an_offset_without_an_answer_is_gone(box: LocalStand) -> None:
    """A page of what is no longer kept, and one beyond the end."""
    async with box.phone() as phone:
        raw = await RawPhone.of(phone)
        gone = await raw.page(Request("GET", "/api/hello", offset=5).encode())
        await raw.page(Request("GET", "/api/hello").encode())
        beyond = await raw.page(Request("GET", "/api/hello", offset=9999).encode())

    assert (410, 416) == (gone.status, beyond.status)


async def test_a_pause_within_a_request_is_told(timed_box: LocalStand, stub: HttpGateway) -> None:
    """The rest is waited for only so long; what follows is a new request."""
    assert timed_box.time is not None
    head, tail = egwttp.pieces(Request("POST", "/api/echo", b"x" * 40).encode(), 60)[:2]

    async with timed_box.phone() as phone:
        raw = await RawPhone.of(phone)
        await raw.write(head)
        await timed_box.time.advance(5.0)
        await raw.notified()
        late = egwttp.parse_page(await raw.read())
        after = await raw.page(Request("GET", "/api/hello").encode())

    assert (408, 200) == (late.status, after.status)
    assert [("GET", "/api/hello")] == asked(stub)
    assert tail


async def test_fifty_requests_in_a_row(box: LocalStand, stub: HttpGateway) -> None:
    """None is lost, none is answered with another's answer."""
    for number in range(10):
        stub.says("GET", f"/api/notification/{number}", {"id": number})

    async with box.phone() as phone:
        answers = [
            (await phone.get(f"/api/notification/{each % 10}")).json()["id"] for each in range(50)
        ]
        both = await asyncio.gather(phone.get("/api/notification/3"), phone.get("/api/hello"))

    assert [each % 10 for each in range(50)] == answers
    assert [{"id": 3}, {"message": "hello"}] == [each.json() for each in both]
