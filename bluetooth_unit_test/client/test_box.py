"""A box before a program: which way its questions go, and what it hears meanwhile."""

import asyncio
import json

import pytest

from bluetooth.client.box import (
    ANSWER_MARGIN_S,
    DEFAULT_TIMEOUT_S,
    GOODBYE_TIMEOUT_S,
    Box,
    Reply,
    connect,
    open_box,
)
from bluetooth.client.errors import AttRefused, LinkLost, NotLetIn, TooSlow, Unusable
from bluetooth.client.finding import SETTLE_S
from bluetooth.client.link import Sighting
from bluetooth.gatt import DOOR_STATE_UUID, EGRET, NATIVE, PROGRESS_UUID
from bluetooth.label import Label
from bluetooth.paths import JOIN_TIMEOUT_S, QUICK_TIMEOUT_S
from bluetooth.record import EventKind
from bluetooth_unit_test.client.fake_link import FakeLink, FakeRadio
from bluetooth_unit_test.client.link_contract import soon
from bluetooth_unit_test.client.test_plain_channel import AnsweringBox, LoopClock
from bluetooth_unit_test.client.test_session_channel import SealedBox

HERE = Sighting("AA:01", "Egret 1", -60, frozenset({EGRET.uuid, NATIVE.uuid}))
LABEL = Label(bytes(16))
OPEN = b'{"state":"open","left_s":9,"legacy":true,"attempts_left":5,"session":[1]}'
CLOSED = b'{"state":"closed"}'
STEP = b'{"number":1,"ssid":"Home","step":"connecting","reason":null,"message":"%s"}'


def air(link: FakeLink, door: bytes = OPEN) -> FakeRadio:
    """A radio with one box in range."""
    link.values[DOOR_STATE_UUID] = door
    radio = FakeRadio(HERE)
    radio.links[HERE.address] = link
    return radio


async def visited(link: FakeLink, label: Label | None = None) -> Box:
    """Connected."""
    return await open_box(air(link), HERE, label, LoopClock())


async def test_a_program_finds_connects_and_asks(radio_loop: asyncio.AbstractEventLoop) -> None:
    """And leaves nothing open."""
    link = FakeLink()
    answering = AnsweringBox(link, b'{"a": 1}')

    async with connect(radio=air(link), clock=LoopClock()) as box:
        reply = await box.get("/api/version")
        was_sealed = box.is_sealed

    assert (200, {"a": 1}, True) == (reply.status, reply.json(), reply.is_ok)
    assert not was_sealed
    assert link.is_closed
    assert ["/api/version"] == [each.path for each in answering.requests]
    assert SETTLE_S == pytest.approx(radio_loop.time(), abs=0.1)


async def test_with_a_label_everything_is_sealed(radio_loop: asyncio.AbstractEventLoop) -> None:
    """And the last word is a goodbye."""
    link = FakeLink()
    sealed = SealedBox(link, LABEL.session_key())

    async with connect(HERE.address, label=LABEL, radio=air(link), clock=LoopClock()) as box:
        await box.post("/api/settings", {"name": "x"})

    assert 1 == len(sealed.asked)
    assert sealed.asked[0].text.endswith(b'{"name": "x"}')
    assert sealed.session.is_over


async def test_a_goodbye_is_not_waited_for(radio_loop: asyncio.AbstractEventLoop) -> None:
    """A box that no longer answers writes keeps nobody."""
    link = FakeLink()
    SealedBox(link, LABEL.session_key())
    box = await visited(link, LABEL)
    await box.get("/api/hello")

    async def stuck(uuid: str, value: bytes) -> None:
        await asyncio.Event().wait()

    link.write = stuck  # type: ignore[method-assign]
    await box.close()

    assert link.is_closed
    assert GOODBYE_TIMEOUT_S == pytest.approx(radio_loop.time(), abs=0.1)


@pytest.mark.parametrize(
    ("path", "limit_s"),
    [
        ("/api/hello", QUICK_TIMEOUT_S + ANSWER_MARGIN_S),
        ("/api/wifi", JOIN_TIMEOUT_S + ANSWER_MARGIN_S),
        ("/api/nothing", DEFAULT_TIMEOUT_S),
    ],
)
async def test_each_path_has_its_time(
    radio_loop: asyncio.AbstractEventLoop, path: str, limit_s: float
) -> None:
    """Longer than the box's own, so that its words come first."""
    link = FakeLink()
    box = await visited(link)
    method = "POST" if path == "/api/wifi" else "GET"

    with pytest.raises(TooSlow):
        await box.ask(method, path)

    assert limit_s == pytest.approx(radio_loop.time(), abs=0.1)


async def test_bodies_go_as_they_are_or_as_json(radio_loop: asyncio.AbstractEventLoop) -> None:
    """Bytes, nothing, or a value."""
    link = FakeLink()
    answering = AnsweringBox(link)
    box = await visited(link)

    for body in (b"\x00bytes", None, {"a": [1]}, "text"):
        await box.delete("/api/device", body)

    assert [b"\x00bytes", b"", b'{"a": [1]}', b'"text"'] == [e.body for e in answering.requests]


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/api/x"), ("GET", "api/x"), ("GET", "/api/é"), ("GET", "/a b")]
)
async def test_what_cannot_be_asked(
    radio_loop: asyncio.AbstractEventLoop, method: str, path: str
) -> None:
    """Is said before anything is sent."""
    link = FakeLink()
    box = await visited(link)

    with pytest.raises(Unusable, match="percent-encoded"):
        await box.ask(method, path)

    assert [] == link.written


async def test_a_closed_door_is_not_asked_through(radio_loop: asyncio.AbstractEventLoop) -> None:
    """It says so itself; once it is open it is asked."""
    link = FakeLink()
    AnsweringBox(link)
    box = await open_box(air(link, CLOSED), HERE, None, LoopClock())
    with pytest.raises(NotLetIn, match="press the button"):
        await box.get("/api/hello")
    link.values[DOOR_STATE_UUID] = OPEN

    reply = await box.get("/api/hello")

    assert 200 == reply.status


async def test_a_box_of_an_earlier_kind_is_asked_all_the_same(
    radio_loop: asyncio.AbstractEventLoop,
) -> None:
    """It has no door and no progress."""
    link = FakeLink()
    AnsweringBox(link)
    link.service_uuids = frozenset({NATIVE.uuid})
    box = await open_box(air(link, b"nonsense"), HERE, None, LoopClock())
    await box.follow(lambda report: None)

    assert 200 == (await box.get("/api/hello")).status


@pytest.mark.parametrize("heard_first", [LinkLost("gone"), AttRefused(0x0E)])
async def test_being_sent_away_at_once_is_another_phone(
    heard_first: Exception, radio_loop: asyncio.AbstractEventLoop
) -> None:
    """Or a door that has just closed; nothing stays open. The refusal may be heard before the end,
    and BlueZ has no name for the code that tells why."""
    link = FakeLink()

    async def ended(uuid: str) -> bytes:
        raise heard_first

    link.read = ended  # type: ignore[method-assign]

    with pytest.raises(NotLetIn, match="another phone"):
        await visited(link)
    assert link.is_closed


async def test_progress_is_followed_in_the_clear(radio_loop: asyncio.AbstractEventLoop) -> None:
    """What was cut is read; nonsense is passed over."""
    link = FakeLink()
    box = await visited(link)
    told: list[str] = []
    await box.follow(lambda report: told.append(report["message"]))

    link.tell(PROGRESS_UUID, STEP % b"short")
    link.tell(PROGRESS_UUID, STEP % (b"long " * 60))
    await soon(lambda: len(told) == 2)
    reads = link.reads
    link.tell(PROGRESS_UUID, b"nonsense")
    await soon(lambda: link.reads > reads)
    await box.close()

    assert ["short", "long " * 60] == told


async def test_progress_is_followed_in_a_session(radio_loop: asyncio.AbstractEventLoop) -> None:
    """Other events are not progress."""
    link = FakeLink()
    sealed = SealedBox(link, LABEL.session_key())
    box = await visited(link, LABEL)
    told: list[str] = []
    await box.follow(lambda report: told.append(report["message"]))
    await box.get("/api/hello")

    for kind, value in ((EventKind.DOOR, OPEN), (EventKind.PROGRESS, STEP % b"joining")):
        sealed.session.tell(kind, value)
        sealed.flush()
    await box.get("/api/hello")

    assert ["joining"] == told


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "no"}', "no"),
        (b'{"message": "in words", "error": "code"}', "in words"),
        (b'{"error": 1}', "500 Oops"),
        (b"[]", "500 Oops"),
        (b"<html>", "500 Oops"),
        (b"[" * 5000, "500 Oops"),
    ],
)
def test_the_words_of_an_error(body: bytes, words: str) -> None:
    """The gateway's own, else its status."""
    reply = Reply(500, "Oops", body)

    assert (words, False) == (reply.words, reply.is_ok)


def test_a_reply_is_json_or_raises() -> None:
    """As json does."""
    assert {"a": 1} == Reply(200, "", b'{"a": 1}').json()
    with pytest.raises(json.JSONDecodeError):
        Reply(200, "", b"x").json()
