"""The encrypted session over the air: what it carries, whom it keeps out, and what a stranger with
a recorder makes of it."""

import asyncio
import json

import pytest

from ble_rest_test.stand import LABEL, NAME, OTHER_LABEL, LocalStand
from ble_rest_test.words import ANSWER_TIMEOUT_S, MTUS, asked, bodies, text
from bluetooth.client.box import Box
from bluetooth.client.errors import NotLetIn
from bluetooth.client.mailbox import Mailbox
from bluetooth.door import Policy
from bluetooth.egwttp import Request
from bluetooth.gatt import SESSION_UUID
from bluetooth.label import scanned
from bluetooth.phone_session import PhoneSession, Welcomed
from bluetooth.record import Close, Reason
from bluetooth.window import MAX_BAD_ATTEMPTS
from bluetooth_unit_test.http_gateway import HttpGateway

pytestmark = pytest.mark.real_time

new = pytest.mark.parametrize("policy", [Policy(configured=False)], ids=["new"])

SECRET_WORD = "correct horse battery staple"


@pytest.mark.parametrize("mtu", MTUS)
async def test_a_session_carries_requests(box: LocalStand, stub: HttpGateway, mtu: int) -> None:
    """One after another, whatever the connection carries."""
    stub.says("POST", "/api/settings", {"success": True})

    async with box.phone(LABEL, mtu=mtu) as phone:
        first = await phone.get("/api/hello")
        second = await phone.post("/api/settings", {"name": "Keller"})
        third = await phone.get("/api/inverter/modbus")

    assert (200, {"message": "hello"}) == (first.status, first.json())
    assert (200, 403) == (second.status, third.status)
    assert [("GET", "/api/hello"), ("POST", "/api/settings")] == asked(stub)


@pytest.mark.parametrize(("mtu", "length"), [(23, 2048), (247, 20_000), (517, 200_000)])
async def test_a_long_answer_arrives_whole(
    box: LocalStand, stub: HttpGateway, mtu: int, length: int
) -> None:
    """In one piece, after one execution; the phone acknowledges on the way."""
    content = text(length // 3).encode()
    stub.says("GET", "/api/supported", content)

    async with box.phone(LABEL, mtu=mtu) as phone:
        reply = await phone.get("/api/supported")

    assert content == reply.body
    assert 1 == len(asked(stub))


@pytest.mark.parametrize(("mtu", "length"), [(23, 600), (247, 60_000)])
async def test_a_long_request_arrives_whole(
    box: LocalStand, stub: HttpGateway, mtu: int, length: int
) -> None:
    """In as many records as it needs."""
    stub.says("POST", "/api/settings", {"success": True})
    body = json.dumps({"name": "x" * length}).encode()

    async with box.phone(LABEL, mtu=mtu) as phone:
        reply = await phone.post("/api/settings", body)

    assert 200 == reply.status
    assert [body] == bodies(stub)


async def test_the_label_can_be_scanned(box: LocalStand) -> None:
    """What the QR code holds opens the session, and names the box."""
    label, name = scanned(LABEL.pairing_text(NAME))

    async with box.phone(label) as phone:
        reply = await phone.get("/api/hello")

    assert NAME == name == phone.sighting.name
    assert 200 == reply.status


@new
async def test_another_label_is_refused(closed_box: LocalStand, stub: HttpGateway) -> None:
    """In words, as a bad attempt; the right one goes in and the count begins anew."""
    async with closed_box.phone(OTHER_LABEL) as phone:
        with pytest.raises(NotLetIn, match="does not take the label"):
            await phone.get("/api/hello")
        wrong = await phone.state()
    async with closed_box.phone(LABEL) as phone:
        await phone.get("/api/hello")
        right = await phone.state()

    assert MAX_BAD_ATTEMPTS - 1 == wrong.attempts_left
    assert MAX_BAD_ATTEMPTS == right.attempts_left
    assert [("GET", "/api/hello")] == asked(stub)


async def test_nothing_of_it_is_in_the_air(box: LocalStand, stub: HttpGateway) -> None:
    """Neither what is asked nor what is answered; in the clear both are."""
    stub.says("POST", "/api/wifi", {"ip": "10.11.12.13"})
    body = {"ssid": "Home", "psk": SECRET_WORD}

    async with box.phone(LABEL) as phone:
        sealed = await phone.post("/api/wifi", body)
    over_air = _air(box)
    async with box.phone() as phone:
        await phone.post("/api/wifi", body)

    assert {"ip": "10.11.12.13"} == sealed.json()
    assert not any(word in over_air for word in (SECRET_WORD.encode(), b"10.11.12.13"))
    assert SECRET_WORD.encode() in _air(box)


@new
async def test_a_recorded_session_is_worth_nothing(
    closed_box: LocalStand, stub: HttpGateway
) -> None:
    """Sent again, on another connection, it is refused as a replay and executes nothing."""
    stub.says("POST", "/api/settings", {"success": True})
    async with closed_box.phone() as phone:
        thief = await Recorder.of(phone)
        await thief.say(thief.session.hello())
        await thief.until_welcome()
        request = Request("POST", "/api/settings", b"{}").encode()
        await thief.say(thief.session.ask(1, request))
        await thief.heard()
    async with closed_box.phone() as phone:
        again = await Recorder.of(phone)
        await again.say(thief.said)
        close = await again.closed()
        state = await phone.state()

    assert Reason.REPLAYED is close.reason
    assert MAX_BAD_ATTEMPTS - 1 == state.attempts_left
    assert [("POST", "/api/settings")] == asked(stub)


@new
async def test_an_altered_record_ends_the_session(
    closed_box: LocalStand, stub: HttpGateway
) -> None:
    """One bit is enough; the request is not executed."""
    async with closed_box.phone() as phone:
        talk = await Recorder.of(phone)
        await talk.say(talk.session.hello())
        await talk.until_welcome()
        writes = talk.session.ask(1, Request("GET", "/api/hello").encode())
        await talk.say([*writes[:-1], writes[-1][:-1] + bytes([writes[-1][-1] ^ 1])])
        close = await talk.closed()

    assert Reason.FORGED is close.reason
    assert [] == asked(stub)


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
    box: LocalStand, fragment: bytes, reason: Reason
) -> None:
    """And a phone that then begins properly is let in."""
    async with box.phone() as phone:
        talk = await Recorder.of(phone)
        await talk.say([fragment])
        close = await talk.closed()
    async with box.phone(LABEL) as phone:
        reply = await phone.get("/api/hello")

    assert reason is close.reason
    assert close.text
    assert 200 == reply.status


async def test_a_session_is_ended_by_a_goodbye_and_begun_anew(box: LocalStand) -> None:
    """As often as one likes."""
    statuses = []
    for _ in range(3):
        async with box.phone(LABEL) as phone:
            statuses.append((await phone.get("/api/hello")).status)

    assert [200] * 3 == statuses


class Recorder:
    """A phone that keeps what it writes, and may write what it likes."""

    def __init__(self, box: Box, mail: Mailbox, session: PhoneSession) -> None:
        self.session = session
        self.said: list[bytes] = []
        self._link = box.link
        self._mail = mail

    @classmethod
    async def of(cls, box: Box) -> "Recorder":
        """Subscribe to the session characteristic."""
        mail = Mailbox(box.link)
        await mail.subscribe(SESSION_UUID)
        room = box.link.write_bytes
        return cls(box, mail, PhoneSession(LABEL.session_key(), room, room))

    async def say(self, fragments: list[bytes]) -> None:
        """Write these."""
        for each in fragments:
            self.said.append(each)
            await self._link.write(SESSION_UUID, each)

    async def heard(self) -> bytes:
        """The next notification."""
        _, value = await self._mail.next(ANSWER_TIMEOUT_S)
        return value

    async def until_welcome(self) -> None:
        """The handshake is over."""
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            while not any(
                isinstance(each, Welcomed) for each in self.session.receive(await self.heard())
            ):
                continue

    async def closed(self) -> Close:
        """What the box says of the end of it, past all that it says before."""
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            while True:
                for each in self.session.receive(await self.heard()):
                    if isinstance(each, Close):
                        return each


def _air(box: LocalStand) -> bytes:
    """Everything that went over the radio until now."""
    return b"".join(packet.content for packet in box.place.radio.capture)
