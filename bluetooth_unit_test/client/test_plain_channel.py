"""Plain requests on a phone's side: pages, lost notifications, answers to something else."""

import asyncio

import pytest

from bluetooth.client.errors import NoAnswer, TooSlow
from bluetooth.client.plain_channel import (
    LOOK_AGAIN_S,
    MAX_BEGINNINGS,
    PAGE_TIMEOUT_S,
    PlainChannel,
)
from bluetooth.egwttp import GREETING, Assembler, Request, Response, refusal
from bluetooth.gatt import REQUEST_UUID, RESPONSE_UUID
from bluetooth.phone_session import MAX_ANSWER_BYTES
from bluetooth_unit_test.client.fake_link import FakeLink
from bluetooth_unit_test.client.link_contract import soon

GET = Request("GET", "/api/state")


class AnsweringBox:
    """Answers on a link as a box does, or as a test says."""

    def __init__(self, link: FakeLink, body: bytes = b"{}", status: int = 200) -> None:
        self.link = link
        self.response = Response(status, "", "", "", body)
        self.requests: list[Request] = []
        self.notifies = True
        self._assembler = Assembler()
        link.values[RESPONSE_UUID] = GREETING
        link.on_write = self.written

    def written(self, uuid: str, value: bytes) -> None:
        """A phone wrote."""
        request = self._assembler.feed(value)
        if uuid == REQUEST_UUID and request is not None:
            self.requests.append(request)
            self.answer(request)

    def answer(self, request: Request) -> None:
        """At once, from what is held."""
        held = self.response
        answer = Response(held.status, "", request.path, request.method, held.body)
        self.say(answer.page(request.offset))

    def say(self, page: bytes) -> None:
        """This is the value now."""
        self.link.values[RESPONSE_UUID] = page
        if self.notifies:
            self.link.notify(RESPONSE_UUID, page)


class LoopClock:
    """`ports.Clock` of the running loop: virtual where that is."""

    def monotonic(self) -> float:
        """Seconds."""
        return asyncio.get_running_loop().time()


async def channel(link: FakeLink) -> PlainChannel:
    """A conversation."""
    return await PlainChannel.open(link, LoopClock())


@pytest.mark.parametrize(("write_bytes", "length"), [(20, 0), (20, 500), (244, 5000)])
async def test_an_answer_of_many_pages(
    radio_loop: asyncio.AbstractEventLoop, write_bytes: int, length: int
) -> None:
    """Each is asked for from where the last one ended."""
    link = FakeLink(write_bytes)
    box = AnsweringBox(link, bytes(each % 251 for each in range(length)))

    response = await (await channel(link)).ask(GET, 10.0)

    assert box.response.body == response.body
    assert [0] == [each.offset for each in box.requests][:1]
    assert all(len(value) <= write_bytes for _, value in link.written)


async def test_a_notification_that_is_lost_costs_a_moment(
    radio_loop: asyncio.AbstractEventLoop,
) -> None:
    """The answer is read all the same."""
    link = FakeLink()
    AnsweringBox(link, b"x" * 900).notifies = False
    began = radio_loop.time()

    response = await (await channel(link)).ask(GET, 10.0)

    assert b"x" * 900 == response.body
    assert 2 * LOOK_AGAIN_S <= radio_loop.time() - began <= 3 * LOOK_AGAIN_S


async def test_what_answers_something_else_is_passed_over(
    radio_loop: asyncio.AbstractEventLoop,
) -> None:
    """The greeting, 102, another path, another page; then the answer."""
    link = FakeLink()
    box = AnsweringBox(link)
    values = [
        GREETING,
        Response(102, "", GET.path, "GET", b"").page(),
        Response(200, "", "/api/other", "GET", b"{}").page(),
        Response(200, "", GET.path, "POST", b"{}").page(),
        Response(200, "", GET.path, "GET", b"x" * 900).page(400),
        Response(200, "", GET.path, "GET", b"right").page(),
    ]
    box.answer = lambda request: None  # type: ignore[method-assign]  # The test answers.
    talk = await channel(link)

    asking = asyncio.ensure_future(talk.ask(GET, 10.0))
    await soon(lambda: bool(link.written))
    for number, value in enumerate(values):
        box.say(value)
        await soon(lambda reads=number: link.reads > reads)  # type: ignore[misc]  # Bound here.

    assert b"right" == (await asking).body


async def test_a_refusal_without_a_path_is_for_us(radio_loop: asyncio.AbstractEventLoop) -> None:
    """What the box could not read, it cannot name."""
    link = FakeLink()
    box = AnsweringBox(link)
    box.answer = lambda request: box.say(refusal(400, "no").page())  # type: ignore[method-assign]

    response = await (await channel(link)).ask(GET, 10.0)

    assert 400 == response.status


async def test_an_answer_that_is_gone_is_begun_anew_once(
    radio_loop: asyncio.AbstractEventLoop,
) -> None:
    """A GET; of a change nobody knows what a second time would do."""
    link = FakeLink()
    box = AnsweringBox(link, b"x" * 900)
    answer = box.answer
    lost: list[Request] = []

    def forget_once(request: Request) -> None:
        if request.offset and len(lost) < losses:
            lost.append(request)
            box.say(refusal(410, "gone", request.path, request.method).page())
        else:
            answer(request)

    box.answer = forget_once  # type: ignore[method-assign]
    losses = 1
    talk = await channel(link)
    whole = await talk.ask(GET, 10.0)
    lost.clear()
    with pytest.raises(NoAnswer, match="begin again"):
        await talk.ask(Request("POST", "/api/echo"), 10.0)
    lost.clear()
    losses = MAX_BEGINNINGS
    with pytest.raises(NoAnswer):
        await talk.ask(GET, 10.0)

    assert b"x" * 900 == whole.body


async def test_a_box_that_says_nothing(radio_loop: asyncio.AbstractEventLoop) -> None:
    """Is given up after the time that was given; a later page has its own."""
    link = FakeLink()
    box = AnsweringBox(link)
    box.answer = lambda request: None  # type: ignore[method-assign]
    talk = await channel(link)
    began = radio_loop.time()
    with pytest.raises(TooSlow, match="GET /api/state was not answered within 40 s"):
        await talk.ask(GET, 40.0)
    first_s = radio_loop.time() - began

    def only_first(request: Request) -> None:
        if not request.offset:
            box.say(Response(200, "", GET.path, "GET", b"x" * 900).page())

    box.answer = only_first  # type: ignore[method-assign]
    began = radio_loop.time()
    with pytest.raises(TooSlow):
        await talk.ask(GET, 40.0)

    assert 40.0 == pytest.approx(first_s, abs=0.1)
    assert PAGE_TIMEOUT_S == pytest.approx(radio_loop.time() - began, abs=0.1)


@pytest.mark.parametrize("value", [b"HTTP/1.1 200 OK\r\n\r\n", b"\xff" * 20, b""])
async def test_nonsense_is_no_answer(radio_loop: asyncio.AbstractEventLoop, value: bytes) -> None:
    """And says so."""
    link = FakeLink()
    box = AnsweringBox(link)
    box.answer = lambda request: box.say(value)  # type: ignore[method-assign]

    with pytest.raises(NoAnswer, match="does not answer as it should"):
        await (await channel(link)).ask(GET, 10.0)


async def test_an_answer_without_an_end_is_not_begun(
    radio_loop: asyncio.AbstractEventLoop,
) -> None:
    """A box that promises a gigabyte is none of ours."""
    link = FakeLink()
    box = AnsweringBox(link)
    head = f"EGWTP/1.1 200 OK\r\nLocation: {GET.path}\r\nMethod: GET\r\nContent-Length: "
    box.answer = lambda request: box.say(  # type: ignore[method-assign]
        f"{head}{MAX_ANSWER_BYTES + 1}\r\n\r\nx".encode()
    )

    with pytest.raises(NoAnswer, match="more than a box may send"):
        await (await channel(link)).ask(GET, 10.0)
    assert 1 == len(box.requests)
