"""What a phone does at the door: EGWTTP in the clear, Improv, and sessions keyed by the label.

Owns the conversation over one connection; knows no guest. The halves of the wire formats that a
phone needs are the product's own (bluetooth.egwttp, bluetooth.improv, bluetooth.phone_session).
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Self

from bluetooth import egwttp
from bluetooth.gatt import (
    IMPROV_COMMAND_UUID,
    IMPROV_ERROR_UUID,
    IMPROV_RESULT_UUID,
    IMPROV_STATE_UUID,
    PROGRESS_UUID,
    REQUEST_UUID,
    RESPONSE_UUID,
    SESSION_UUID,
)
from bluetooth.improv import State, parse_packet
from bluetooth.phone_session import Answered, PhoneSession, Told, Welcomed
from bluetooth.record import Close, EventKind, Reason
from virtual_radio.gatt import Disconnected
from virtual_radio.session import Notifications, Session

ANSWER_TIMEOUT_S = 120.0
"""For the slowest thing that a phone asks for: joining a network that is not there."""

WRITE_BYTES = 508
"""BlueZ 5.66 counts the head of a request when it compares a write with the longest value, 512
bytes (src/shared/gatt-server.c, check_length): longer ones are refused with 0x0D."""

HEAD_BYTES = 3
"""Of a write or notification, beside its value."""


def encoded(body: object) -> bytes:
    """A body as an app sends it; nothing for None."""
    return b"" if body is None else json.dumps(body, ensure_ascii=False).encode()


class SessionEnded(Exception):
    """The box closed the session."""

    def __init__(self, close: Close) -> None:
        super().__init__(f"{close.reason.name}: {close.text}")
        self.reason: Reason = close.reason
        self.text = close.text


class Phone:
    """One connection to a box."""

    def __init__(self, session: Session, answers: Notifications) -> None:
        self.session = session
        self._answers = answers

    @classmethod
    async def begin(cls, session: Session) -> Self:
        """As apps do: subscribe to answers first."""
        return cls(session, await session.subscribe(RESPONSE_UUID))

    @property
    def write_bytes(self) -> int:
        """Most bytes of one write."""
        return min(self.session.mtu - HEAD_BYTES, WRITE_BYTES)

    # ---- EGWTTP in the clear -----------------------------------------------------------------

    async def page(self, request: egwttp.Request) -> egwttp.Page:
        """One page of an answer."""
        for piece in egwttp.pieces(request.encode(), self.write_bytes):
            await self.session.write(REQUEST_UUID, piece)
        return await self.answered()

    async def answered(self) -> egwttp.Page:
        """The page that the next notification announces; the notification is cut to the MTU."""
        while True:
            await self.next(self._answers)
            page = egwttp.parse_page(await self.session.read(RESPONSE_UUID))
            if not page.is_pending:
                return page

    async def ask(self, method: str, path: str, body: object = None) -> egwttp.Response:
        """A whole answer, however many pages it has."""
        content = encoded(body)
        request: egwttp.Request | None = egwttp.Request(method, path, content)
        assert request is not None
        pages = egwttp.Pages(request)
        while request is not None:
            request = pages.add(await self.page(request))
        return pages.response()

    async def next(self, notified: Notifications) -> bytes:
        """The next value of a subscription. Raises Disconnected when the box sends us away before,
        TimeoutError after ANSWER_TIMEOUT_S."""
        value = asyncio.ensure_future(notified.next(ANSWER_TIMEOUT_S))
        gone = asyncio.ensure_future(self.session.wait_disconnected(2 * ANSWER_TIMEOUT_S))
        try:
            await asyncio.wait({value, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not value.done():
                raise Disconnected("the box sent this phone away")
            return value.result()
        finally:
            value.cancel()
            gone.cancel()

    # ---- Improv ------------------------------------------------------------------------------

    async def improv(self) -> "ImprovTalk":
        """Subscribe to everything that Improv tells."""
        uuids = (IMPROV_STATE_UUID, IMPROV_ERROR_UUID, IMPROV_RESULT_UUID)
        return ImprovTalk(self, {uuid: await self.session.subscribe(uuid) for uuid in uuids})

    # ---- a session ---------------------------------------------------------------------------

    async def pair(self, key: bytes) -> "PairedTalk":
        """Open a session with a label's key. Raises SessionEnded when the box refuses."""
        room = self.write_bytes
        notified = await self.session.subscribe(SESSION_UUID)
        talk = PairedTalk(self, PhoneSession(key, room, room), notified)
        await talk.open()
        return talk

    async def progress(self) -> Notifications:
        """Subscribe to the progress of joining a network."""
        return await self.session.subscribe(PROGRESS_UUID)


class ImprovTalk:
    """Improv over one connection."""

    def __init__(self, phone: Phone, told: dict[str, Notifications]) -> None:
        self._phone = phone
        self._session = phone.session
        self.states = told[IMPROV_STATE_UUID]
        self.errors = told[IMPROV_ERROR_UUID]
        self.results = told[IMPROV_RESULT_UUID]
        self._room = phone.write_bytes

    async def command(self, packet: bytes) -> None:
        """Write a command, in pieces where it is longer than a write."""
        for start in range(0, len(packet), self._room):
            await self._session.write(IMPROV_COMMAND_UUID, packet[start : start + self._room])

    async def result(self) -> bytes:
        """The data of the next result."""
        return parse_packet(await self._phone.next(self.results)).data

    async def next_state(self) -> State:
        """The next change of the current state."""
        return State((await self._phone.next(self.states))[0])

    async def state(self) -> int:
        """Value of the current state."""
        return (await self._session.read(IMPROV_STATE_UUID))[0]


class PairedTalk:
    """A session over one connection."""

    def __init__(self, phone: Phone, session: PhoneSession, notified: Notifications) -> None:
        self._phone = phone
        self._session = session
        self._notified = notified
        self._last_id = 0
        self.told: list[Told] = []
        """Events, in order."""

    async def open(self) -> None:
        """The handshake."""
        await self._write(self._session.hello())
        await self._until(lambda got: isinstance(got, Welcomed))

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and JSON of a request inside the session. Raises SessionEnded."""
        content = encoded(body)
        self._last_id = (self._last_id + 1) % 256
        number = self._last_id
        await self._write(self._session.ask(number, egwttp.Request(method, path, content).encode()))
        answered = await self._until(lambda got: isinstance(got, Answered) and got.id == number)
        page = egwttp.parse_page(answered.text)
        assert page.total_bytes == len(page.body)
        return page.status, json.loads(page.body)

    async def goodbye(self) -> None:
        """End the session."""
        await self._write(self._session.goodbye())

    @property
    def progress(self) -> list[dict[str, Any]]:
        """What was told of joining a network, in order."""
        return [json.loads(each.value) for each in self.told if each.kind == EventKind.PROGRESS]

    async def wait_told(self, step: str) -> None:
        """Until this step of joining a network has been told; it may come after the answer."""
        while step not in [each["step"] for each in self.progress]:
            await self._until(lambda got: isinstance(got, Told))

    async def _write(self, writes: list[bytes]) -> None:
        for each in writes:
            await self._phone.session.write(SESSION_UUID, each)

    async def _until(self, wanted: Callable[[object], bool]) -> Any:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            while True:
                for got in self._session.receive(await self._phone.next(self._notified)):
                    if isinstance(got, Close):
                        raise SessionEnded(got)
                    if isinstance(got, Told):
                        self.told.append(got)
                    if wanted(got):
                        return got
                await self._write(self._session.acknowledgements())
