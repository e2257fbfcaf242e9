"""The contract that every box keeps, wherever it stands: in this process, in a guest, on a desk.

`--ble-address ADDRESS` names one whose button was just pressed, and which lets apps without
encryption in; `--ble-label-file FILE` holds its label. Nothing here changes it for good. Where the
tests can see the gateway behind it, they look at what that was asked.
"""

import asyncio
import json

import pytest

from ble_rest_test.fixtures import Saw
from ble_rest_test.recorder import Recorder
from ble_rest_test.stand import OTHER_LABEL, Stand
from ble_rest_test.words import MTUS, RawPhone, text
from bluetooth import egwttp
from bluetooth.client.errors import NoAnswer, NotLetIn
from bluetooth.client.improv_talk import ImprovRefused
from bluetooth.egwttp import GREETING, PAGE_BYTES, Request
from bluetooth.gatt import IMPROV_RESULT_UUID, SERVICES
from bluetooth.improv import Capability, Command, Error, Packet, State
from bluetooth.label import Label
from bluetooth.record import Reason

pytestmark = pytest.mark.real_time

HELLO = Request("GET", "/api/hello")


@pytest.fixture
def label(any_box: Stand) -> Label:
    """Of the box."""
    if any_box.label is None:
        pytest.skip("give the box's label with --ble-label-file")
    return any_box.label


# ---- what is there -------------------------------------------------------------------------------


async def test_the_three_services_are_there(any_box: Stand) -> None:
    """All primary, whatever else the system adds."""
    async with any_box.phone() as phone:
        found = phone.link.service_uuids

    assert {each.uuid for each in SERVICES} <= found


async def test_a_characteristic_that_is_not_there(any_box: Stand) -> None:
    """Is said to be none of ours."""
    async with any_box.phone() as phone:
        with pytest.raises(NoAnswer, match="none of ours"):
            await phone.link.read("00000000-0000-4000-8000-000000000000")


async def test_the_door_says_how_it_stands(any_box: Stand) -> None:
    """Open, for some time more, and which sessions it speaks."""
    async with any_box.phone() as phone:
        state = await phone.state()

    assert ("open", True, (1,)) == (state.state, state.legacy, state.sessions)
    assert state.left_s is not None and state.left_s > 0


# ---- plain requests ------------------------------------------------------------------------------


@pytest.mark.parametrize("mtu", MTUS)
async def test_what_is_sent_comes_back(any_box: Stand, saw: Saw, mtu: int) -> None:
    """In many writes and many pages, with characters of every length, executed once."""
    words = text(450)

    async with any_box.phone(mtu=mtu) as phone:
        reply = await phone.post("/api/echo", json.dumps(words, ensure_ascii=False).encode())

    assert 200 == reply.status
    assert words == reply.json()["echo"]
    assert saw.exactly(("POST", "/api/echo"))


async def test_a_value_longer_than_a_write_is_put_together(any_box: Stand, saw: Saw) -> None:
    """A phone may let its system cut one write of 400 bytes (prepare, execute) at any MTU."""
    words = "x" * 300
    request = Request("POST", "/api/echo", json.dumps(words).encode())

    async with any_box.phone(mtu=48) as phone:
        page = await (await RawPhone.of(phone)).page(request.encode())

    assert (200, words) == (page.status, json.loads(page.body)["echo"])
    assert saw.exactly(("POST", "/api/echo"))


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
        (b"GET /api/hello EGWTTP/1.1\r\nX: " + b"x" * 500, 431),
    ],
    ids=["word", "bytes", "http", "no_slash", "no_colon", "minus", "longer", "put", "path", "body"]
    + ["head"],
)
async def test_what_cannot_be_read_is_said_to_be(
    any_box: Stand, saw: Saw, written: bytes, status: int
) -> None:
    """In the same framing, with words; and the next request is answered."""
    async with any_box.phone() as phone:
        raw = await RawPhone.of(phone)
        pieces = egwttp.pieces(written, phone.link.write_bytes)
        page = await raw.page(*pieces)
        after = await raw.page(HELLO.encode())

    assert status == page.status
    assert json.loads(page.body)["error"]
    assert 200 == after.status
    assert saw.exactly(("GET", "/api/hello"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/api/openapi.json"),
        ("GET", "/api/inverter/modbus"),
        ("POST", "/api/crypto/sign"),
        ("POST", "/api/bluetooth/window"),
        ("GET", "/api/notification/../settings"),
        ("GET", "//api/hello"),
        ("DELETE", "/api/settings"),
    ],
)
async def test_what_is_not_offered_is_forbidden(
    any_box: Stand, saw: Saw, method: str, path: str
) -> None:
    """The gateway does not see it, though it may have it."""
    async with any_box.phone() as phone:
        reply = await phone.ask(method, path)

    assert 403 == reply.status
    assert "not offered" in reply.words
    assert saw.exactly()


@pytest.mark.parametrize("mtu", MTUS)
async def test_a_notification_is_the_beginning_of_the_value(any_box: Stand, mtu: int) -> None:
    """Cut to what the connection carries; the whole can be read."""
    request = Request("POST", "/api/echo", json.dumps("x" * 900).encode())

    async with any_box.phone(mtu=mtu) as phone:
        raw = await RawPhone.of(phone)
        await raw.write(*egwttp.pieces(request.encode(), phone.link.write_bytes))
        notified = await raw.notified()
        value = await raw.read()

    assert PAGE_BYTES == len(value)
    assert 20 <= len(notified)
    assert value.startswith(notified)


async def test_requests_are_answered_in_order(any_box: Stand) -> None:
    """Apps exist that do not wait; each notification names what it answers."""
    names = ("hello", "version", "name", "hello")

    async with any_box.phone() as phone:
        raw = await RawPhone.of(phone)
        for name in names:
            await raw.write(Request("GET", f"/api/{name}").encode())
        heard = [(await raw.notified()).split(b"\r\n")[1].decode() for _ in names]

    assert [f"Location: /api/{name}" for name in names] == heard


async def test_before_any_request_it_greets(any_box: Stand) -> None:
    """As apps of this family know it."""
    async with any_box.phone() as phone:
        greeting = await (await RawPhone.of(phone)).read()

    assert GREETING == greeting


async def test_an_offset_without_an_answer_is_gone(any_box: Stand) -> None:
    """A page of what is no longer kept, and one beyond the end."""
    async with any_box.phone() as phone:
        raw = await RawPhone.of(phone)
        gone = await raw.page(Request("GET", "/api/hello", offset=5).encode())
        await raw.page(HELLO.encode())
        beyond = await raw.page(Request("GET", "/api/hello", offset=9999).encode())

    assert (410, 416) == (gone.status, beyond.status)


async def test_many_requests_in_a_row(any_box: Stand) -> None:
    """None is lost, none is answered with another's answer; two at once wait for each other."""
    async with any_box.phone() as phone:
        numbers = [(await phone.post("/api/echo", each)).json()["echo"] for each in range(30)]
        both = await asyncio.gather(phone.post("/api/echo", "a"), phone.post("/api/echo", "b"))

    assert list(range(30)) == numbers
    assert ["a", "b"] == [each.json()["echo"] for each in both]


# ---- sessions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mtu", MTUS)
async def test_a_session_carries_the_same(any_box: Stand, saw: Saw, label: Label, mtu: int) -> None:
    """Long requests and long answers, and what is not offered. A write takes a slow box 60 ms."""
    words = text(25 * mtu)

    async with any_box.phone(label, mtu=mtu) as phone:
        reply = await phone.post("/api/echo", json.dumps(words, ensure_ascii=False).encode())
        hello = await phone.get("/api/hello")
        forbidden = await phone.get("/api/inverter/modbus")

    assert words == reply.json()["echo"]
    assert (200, 403) == (hello.status, forbidden.status)
    assert saw.exactly(("POST", "/api/echo"), ("GET", "/api/hello"))


async def test_sessions_follow_one_another(any_box: Stand, label: Label) -> None:
    """As often as one likes."""
    statuses = []
    for _ in range(3):
        async with any_box.phone(label) as phone:
            statuses.append((await phone.get("/api/hello")).status)

    assert [200] * 3 == statuses


async def test_another_label_is_refused(any_box: Stand, saw: Saw, label: Label) -> None:
    """In words, as a bad attempt; the right one goes in, and the count begins anew."""
    async with any_box.phone() as phone:
        before = await phone.state()
    async with any_box.phone(OTHER_LABEL) as phone:
        with pytest.raises(NotLetIn, match="does not take the label"):
            await phone.get("/api/hello")
        wrong = await phone.state()
    async with any_box.phone(label) as phone:
        await phone.get("/api/hello")
        right = await phone.state()

    assert before.attempts_left - 1 == wrong.attempts_left
    assert 5 == right.attempts_left
    assert saw.exactly(("GET", "/api/hello"))


async def test_a_recorded_session_is_worth_nothing(any_box: Stand, saw: Saw, label: Label) -> None:
    """Sent again, on another connection, it is refused as a replay and executes nothing."""
    async with any_box.phone() as phone:
        thief = await Recorder.of(phone, label)
        await thief.say(thief.session.hello())
        await thief.until_welcome()
        request = Request("POST", "/api/echo", b"1")
        await thief.say(thief.session.ask(1, request.encode()))
        await thief.heard()
    async with any_box.phone() as phone:
        again = await Recorder.of(phone, label)
        await again.say(thief.said)
        close = await again.closed()

    assert Reason.REPLAYED is close.reason
    assert saw.exactly(("POST", "/api/echo"))
    await _goes_on(any_box, label)


async def test_an_altered_record_ends_the_session(any_box: Stand, saw: Saw, label: Label) -> None:
    """One bit is enough; the request is not executed."""
    async with any_box.phone() as phone:
        talk = await Recorder.of(phone, label)
        await talk.say(talk.session.hello())
        await talk.until_welcome()
        writes = talk.session.ask(1, HELLO.encode())
        await talk.say([*writes[:-1], writes[-1][:-1] + bytes([writes[-1][-1] ^ 1])])
        close = await talk.closed()

    assert Reason.FORGED is close.reason
    assert saw.exactly()
    await _goes_on(any_box, label)


@pytest.mark.parametrize(
    ("fragment", "reason"),
    [
        (b"\xc0\x04\x00", Reason.NO_SESSION),
        (b"\xc0\x01\x09\x00\x14" + bytes(48), Reason.VERSION),
        (b"\xc0\x01\x01\x00\x14" + bytes(48), Reason.WRONG_SECRET),
        (b"\xc0\x01\x01\x00", Reason.MALFORMED),
        (b"\xc1\x01\x01", Reason.NO_SESSION),
    ],
    ids=["ack", "version", "secret", "short", "middle"],
)
async def test_what_is_no_session_is_closed_in_words(
    any_box: Stand, label: Label, fragment: bytes, reason: Reason
) -> None:
    """And a phone that then begins properly is let in."""
    async with any_box.phone() as phone:
        talk = await Recorder.of(phone, label)
        await talk.say([fragment])
        close = await talk.closed()

    assert reason is close.reason
    assert close.text
    await _goes_on(any_box, label)


# ---- Improv --------------------------------------------------------------------------------------


async def test_improv_begins_authorised(any_box: Stand) -> None:
    """The button has done that; no error, no result, and it says what every box can."""
    async with any_box.phone() as phone:
        talk = await phone.improv()
        found = (await talk.state(), await talk.error())
        capabilities = await talk.capabilities()
        result = await phone.link.read(IMPROV_RESULT_UUID)

    wanted = Capability.DEVICE_INFO | Capability.DEVICE_NAME
    assert (State.AUTHORIZED, Error.NONE) == found
    assert wanted in capabilities
    assert b"" == result


@pytest.mark.parametrize("mtu", MTUS)
async def test_improv_says_what_the_box_is(any_box: Stand, mtu: int) -> None:
    """Firmware and version are those of the gateway; a result that is cut can be read whole."""
    async with any_box.phone(mtu=mtu) as phone:
        version = (await phone.get("/api/version")).json()["version"]
        talk = await phone.improv()
        info = await talk.info()
        name = await talk.name()

    assert ["Egret", version, name] == [*info[:2], info[3]]


@pytest.mark.parametrize(
    ("packet", "error"),
    [
        (b"\x04\x00\x05", Error.INVALID_RPC),
        (b"\x01\x03\x01\x02\x03\x0a", Error.INVALID_RPC),
        (Packet(Command.WIFI_SETTINGS, b"\x00\x00").encode(), Error.INVALID_RPC),
        (Packet(Command.WIFI_SETTINGS, b"\x21" + b"x" * 33 + b"\x00").encode(), Error.INVALID_RPC),
        (Packet(Command.SCAN_WIFI, b"x").encode(), Error.INVALID_RPC),
        (Packet(0x77).encode(), Error.UNKNOWN_RPC),
        (Packet(Command.IDENTIFY).encode(), Error.UNKNOWN_RPC),
        (Packet(Command.HOSTNAME, b"not a host name").encode(), Error.BAD_HOSTNAME),
    ],
    ids=["sum", "strings", "empty", "long", "data", "unknown", "identify", "hostname"],
)
async def test_a_bad_command_of_improv(any_box: Stand, packet: bytes, error: Error) -> None:
    """The error of the specification; the next command takes it back and works."""
    async with any_box.phone() as phone:
        talk = await phone.improv()
        with pytest.raises(ImprovRefused) as refused:
            await talk.send(packet, packet[0])
        info = await talk.info()
        after = await talk.error()

    assert error is refused.value.error
    assert "Egret" == info[0]
    assert Error.NONE is after


async def _goes_on(any_box: Stand, label: Label) -> None:
    """The right label takes back the attempt that was counted."""
    async with any_box.phone(label) as phone:
        assert 200 == (await phone.get("/api/hello")).status
