"""EGWTTP in the clear, over the air, before a gateway that answers what the test says."""

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


async def test_a_change_written_twice_is_made_once(box: LocalStand, stub: HttpGateway) -> None:
    """A phone that has lost an answer may ask again; what it reads again is read anew."""
    stub.says("POST", "/api/device", {"status": "ok"})
    post, get = Request("POST", "/api/device", b"{}"), Request("GET", "/api/hello")

    async with box.phone() as phone:
        raw = await RawPhone.of(phone)
        answers = [await raw.page(each.encode()) for each in (post, post, get, get)]

    assert [200] * 4 == [each.status for each in answers]
    assert [("POST", "/api/device"), *[("GET", "/api/hello")] * 2] == asked(stub)


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
