"""Requests inside an encrypted session; see bluetooth.phone_session for its bytes.

One request at a time; events that come meanwhile are handed on as they come.
"""

from collections.abc import Callable

from bluetooth.client.errors import ClientError, LinkLost, NoAnswer, NotLetIn, TooSlow
from bluetooth.client.link import Link
from bluetooth.client.mailbox import Mailbox
from bluetooth.egwttp import NotAPage, Request, Response, parse_page
from bluetooth.gatt import SESSION_UUID
from bluetooth.phone_session import Answered, Got, PhoneSession, Told, Welcomed
from bluetooth.ports import Clock
from bluetooth.record import Close, Reason, SessionFault

WELCOME_TIMEOUT_S = 20.0
"""For the box's half of the handshake: what it gives us for ours."""

MAX_REQUEST_ID = 255

_WRONG_SECRET = (
    "this box does not take the label's secret: compare it with the box's own label, then `label"
    " set` again"
)


class SessionChannel:
    """One session from hello to goodbye."""

    def __init__(
        self,
        link: Link,
        clock: Clock,
        session: PhoneSession,
        mail: Mailbox,
        told: Callable[[Told], None],
    ) -> None:
        self._link = link
        self._clock = clock
        self._session = session
        self._mail = mail
        self._told = told
        self._id = 0

    @classmethod
    async def open(
        cls, link: Link, clock: Clock, session_key: bytes, told: Callable[[Told], None]
    ) -> "SessionChannel":
        """Shake hands. Raises NotLetIn for a wrong secret, and what Link raises."""
        mail = Mailbox(link)
        await mail.subscribe(SESSION_UUID)
        room = link.write_bytes
        channel = cls(link, clock, PhoneSession(session_key, room, room), mail, told)
        await channel._write(channel._session.hello())
        await channel._until(lambda got: isinstance(got, Welcomed), WELCOME_TIMEOUT_S)
        return channel

    async def ask(self, request: Request, timeout_s: float) -> Response:
        """The whole answer. Raises what Link raises, NotLetIn and NoAnswer."""
        self._id = self._id % MAX_REQUEST_ID + 1
        number = self._id
        await self._write(self._session.ask(number, request.encode()))
        answered = await self._until(
            lambda got: isinstance(got, Answered) and got.id == number, timeout_s
        )
        assert isinstance(answered, Answered)
        try:
            page = parse_page(answered.text)
        except NotAPage as error:
            raise NoAnswer(f"the box does not answer as it should: {error}") from error
        return Response(page.status, page.reason, page.location, page.method, page.body)

    async def close(self) -> None:
        """Say goodbye. Raises what Link raises."""
        await self._write(self._session.goodbye())

    async def _write(self, writes: list[bytes]) -> None:
        for each in writes:
            await self._link.write(SESSION_UUID, each)

    async def _until(self, wanted: Callable[[Got], bool], timeout_s: float) -> Got:
        """Take what comes until what is wanted came."""
        until = self._clock.monotonic() + timeout_s
        while (left_s := until - self._clock.monotonic()) > 0:
            _, fragment = await self._mail.next(left_s)
            found = None
            for got in self._receive(fragment):
                if isinstance(got, Close):
                    raise ended(got)
                if isinstance(got, Told):
                    self._told(got)
                found = got if wanted(got) else found
            await self._write(self._session.acknowledgements())
            if found is not None:
                return found
        raise TooSlow(f"the box did not answer within {timeout_s:g} s: try again")

    def _receive(self, fragment: bytes) -> list[Got]:
        try:
            return self._session.receive(fragment)
        except SessionFault as fault:
            if fault.reason is Reason.WRONG_SECRET:
                raise NotLetIn(_WRONG_SECRET) from fault
            raise NoAnswer(f"the session broke: {fault}; connect again") from fault


def ended(close: Close) -> ClientError:
    """The error for the end of a session that the box has told."""
    if close.reason is Reason.WRONG_SECRET:
        return NotLetIn(_WRONG_SECRET)
    if close.reason in (Reason.DOOR_CLOSED, Reason.REPLAYED):
        return NotLetIn(close.text or "the box's door is closed: press its button, then try again")
    return LinkLost(f"the box ended the session: {close.text or close.reason.name.lower()}")
