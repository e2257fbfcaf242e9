"""A session on a phone's side, before the door itself."""

import asyncio

import pytest

from bluetooth.client.errors import LinkLost, NoAnswer, NotLetIn, TooSlow
from bluetooth.client.session_channel import (
    MAX_REQUEST_ID,
    WELCOME_TIMEOUT_S,
    SessionChannel,
    ended,
)
from bluetooth.egwttp import Request, Response
from bluetooth.fragment import WINDOW
from bluetooth.gatt import SESSION_UUID
from bluetooth.phone_session import Told
from bluetooth.record import Close, EventKind, Reason
from bluetooth.session import Asked, Hellos, Session
from bluetooth_unit_test.client.fake_link import FakeLink
from bluetooth_unit_test.client.test_plain_channel import LoopClock

KEY = bytes(range(32))
GET = Request("GET", "/api/state")


class SealedBox:
    """The box's side of a session on a link."""

    def __init__(self, link: FakeLink, key: bytes = KEY) -> None:
        self.link = link
        self.session = Session(key, Hellos())
        self.asked: list[Asked] = []
        self.body = b"{}"
        self.is_mute = False
        self.in_flight = 0
        link.on_write = self.written

    def written(self, uuid: str, value: bytes) -> None:
        """A phone wrote."""
        for each in self.session.receive(value, 0.0):
            if isinstance(each, Asked):
                self.asked.append(each)
                text = Response(200, "", GET.path, "GET", self.body).page(0, 2**21)
                if not self.is_mute:
                    self.session.answer(each.id, text, 0.0)
        self.flush()

    def flush(self) -> None:
        """Send what may be sent."""
        taken = self.session.take(0.0)
        self.in_flight = max(self.in_flight, len(taken))
        for fragment in taken:
            self.link.notify(SESSION_UUID, fragment)


async def opened(link: FakeLink, told: list[Told], key: bytes = KEY) -> SessionChannel:
    """A session."""
    return await SessionChannel.open(link, LoopClock(), key, told.append)


@pytest.mark.parametrize(("write_bytes", "length"), [(20, 3000), (244, 50_000), (508, 5)])
async def test_an_answer_of_many_fragments(
    radio_loop: asyncio.AbstractEventLoop, write_bytes: int, length: int
) -> None:
    """The phone acknowledges as it goes; no more than the window is ever on its way."""
    link = FakeLink(write_bytes)
    box = SealedBox(link)
    box.body = b"x" * length

    response = await (await opened(link, [])).ask(GET, 10.0)

    assert box.body == response.body
    assert box.in_flight <= WINDOW
    assert all(len(value) <= write_bytes for _, value in link.written)


async def test_another_secret_is_said_to_be(radio_loop: asyncio.AbstractEventLoop) -> None:
    """With what to do about it."""
    link = FakeLink()
    SealedBox(link, bytes(32))

    with pytest.raises(NotLetIn, match="does not take the label's secret: compare it"):
        await opened(link, [])


async def test_a_box_without_the_secret_is_found_out(radio_loop: asyncio.AbstractEventLoop) -> None:
    """Whoever answers with a welcome of his own knows nothing of ours."""
    link = FakeLink(60)
    link.on_write = lambda uuid, value: link.notify(SESSION_UUID, b"\xc0\x02" + bytes(range(48)))

    with pytest.raises(NotLetIn, match="does not take the label's secret"):
        await opened(link, [])


async def test_nobody_answers(radio_loop: asyncio.AbstractEventLoop) -> None:
    """Neither the hello nor a request: both have their time."""
    link = FakeLink()
    began = radio_loop.time()
    with pytest.raises(TooSlow):
        await opened(link, [])
    hello_s = radio_loop.time() - began
    box = SealedBox(link)
    talk = await opened(link, [])
    box.is_mute = True
    began = radio_loop.time()
    with pytest.raises(TooSlow):
        await talk.ask(GET, 33.0)

    assert WELCOME_TIMEOUT_S == pytest.approx(hello_s, abs=0.1)
    assert 33.0 == pytest.approx(radio_loop.time() - began, abs=0.1)


async def test_events_are_handed_on(radio_loop: asyncio.AbstractEventLoop) -> None:
    """In order, when the next answer is waited for."""
    link, told = FakeLink(), list[Told]()
    box = SealedBox(link)
    talk = await opened(link, told)
    await talk.ask(GET, 10.0)

    for value in (b"one", b"two"):
        box.session.tell(EventKind.PROGRESS, value)
        box.flush()
    await talk.ask(GET, 10.0)

    assert [b"one", b"two"] == [each.value for each in told]
    assert {EventKind.PROGRESS} == {each.kind for each in told}


async def test_ids_of_requests_go_round(radio_loop: asyncio.AbstractEventLoop) -> None:
    """A byte has so many; each answer is the right one's."""
    link = FakeLink()
    box = SealedBox(link)
    talk = await opened(link, [])

    for _ in range(MAX_REQUEST_ID + 2):
        await talk.ask(GET, 10.0)

    assert [1, 2] == [each.id for each in box.asked[-2:]]
    assert {*range(1, MAX_REQUEST_ID + 1)} == {each.id for each in box.asked}


@pytest.mark.parametrize("fragment", [b"\xc5\x03x", b"\x00", b"\xc1\x03" + bytes(30)])
async def test_a_session_that_breaks(
    radio_loop: asyncio.AbstractEventLoop, fragment: bytes
) -> None:
    """Says to connect again."""
    link = FakeLink()
    box = SealedBox(link)
    talk = await opened(link, [])
    box.is_mute = True
    link.notify(SESSION_UUID, fragment)

    with pytest.raises(NoAnswer, match="connect again"):
        await talk.ask(GET, 10.0)


async def test_goodbye_ends_it_on_both_sides(radio_loop: asyncio.AbstractEventLoop) -> None:
    """The box forgets it."""
    link = FakeLink()
    box = SealedBox(link)
    talk = await opened(link, [])
    await talk.ask(GET, 10.0)

    await talk.close()

    assert box.session.is_over


@pytest.mark.parametrize("reason", Reason)
def test_every_end_has_its_error(reason: Reason) -> None:
    """The door, the secret, or the connection."""
    error = ended(Close(reason, "why"))

    lets_not_in = (Reason.WRONG_SECRET, Reason.DOOR_CLOSED, Reason.REPLAYED)
    assert (NotLetIn if reason in lets_not_in else LinkLost) is type(error)
    assert "why" in str(error) or "compare it" in str(error)
