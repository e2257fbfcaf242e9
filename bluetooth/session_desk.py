"""The phone in an encrypted session: its requests are executed, its answers go back sealed.

Joins bluetooth.session (which knows bytes and time) with an Exchange (which executes requests at
the gateway). One session at a time, because one phone at a time is let in.
"""

import logging
from collections.abc import Callable
from typing import Protocol

from bluetooth.egwttp import refusal
from bluetooth.exchange import Exchange, Judge
from bluetooth.fragment import MAX_WAITING_BYTES, FragmentWrong, Outbox, parse
from bluetooth.ports import Clock, Gateway, Spawn, Wait
from bluetooth.record import Close, EventKind, Reason
from bluetooth.session import Asked, Ended, Heard, Hellos, Opened, Phase, Session, begins_hello

log = logging.getLogger(__name__)

MAX_UNDERWAY = 4
"""Requests of one session that are not answered yet; the next is answered 503."""

WHOLE_BYTES = MAX_WAITING_BYTES
"""Page size inside a session: there an answer is one piece."""


class Watch(Protocol):
    """Who hears what a client showed of itself."""

    @property
    def opened(self) -> Callable[[], None]:
        """A client has shown that it holds the secret."""
        ...

    @property
    def failed(self) -> Callable[[str], None]:
        """A client made a bad attempt."""
        ...


class SessionDesk:
    """The session of the phone that is let in. On the event loop only.

    `notify` sends a fragment; `watch` hears of sessions that stand and of bad attempts.
    """

    def __init__(
        self,
        session_key: bytes,
        gateway: Gateway,
        clock: Clock,
        spawn: Spawn,
        wait: Wait,
        judge: Judge,
        notify: Callable[[bytes], None],
        watch: Watch,
    ) -> None:
        self._key = session_key
        self._clock = clock
        self._notify = notify
        self._watch = watch
        self._hellos = Hellos()
        self._exchange = Exchange(gateway, clock, spawn, wait, judge, self._answered, WHOLE_BYTES)
        self._session: Session | None = None
        self._client = ""
        self._count = 0
        self._underway: set[str] = set()

    @property
    def is_open(self) -> bool:
        """Whether a phone that holds the secret is inside."""
        return self._session is not None and self._session.phase is Phase.OPEN

    @property
    def is_quiet(self) -> bool:
        """Whether no time needs to be kept: there is no session, nor the beginning of one."""
        return self._session is None

    @property
    def is_begun(self) -> bool:
        """Whether a handshake was made."""
        return self._session is not None and self._session.phase is not Phase.NONE

    @property
    def is_busy(self) -> bool:
        """Whether the phone inside waits for an answer."""
        return bool(self._underway)

    def write(self, client: str, value: bytes) -> None:
        """A client wrote to the session characteristic. Never raises."""
        if self._session is None or client != self._client:
            self.end(Reason.GOODBYE, "another phone came", tell=False)
            self._session, self._client = Session(self._key, self._hellos), client
        session = self._session
        self._take(session, session.receive(value, self._clock.monotonic()))
        self._flush(session)

    def write_shut(self, client: str, value: bytes, why: str) -> None:
        """As `write`, while no session may begin (`why`, in words). One that stands goes on: an
        answer may be under way still. A hello is not judged, lest what it is told shows whether
        it holds the secret. Never raises."""
        if self.is_open and not _says_hello(value):
            self.write(client, value)
        elif self.is_begun:
            self.end(Reason.DOOR_CLOSED, why)
        elif _says_hello(value):
            for fragment in Outbox().last_words(Close(Reason.DOOR_CLOSED, why).encode()):
                self._notify(fragment)

    def tell(self, kind: EventKind, value: bytes) -> None:
        """Tell the phone inside what happened; nobody else learns it."""
        if self._session is not None:
            self._session.tell(kind, value)
            self._flush(self._session)

    def check(self) -> None:
        """Let time have its effect; call it about every second."""
        session = self._session
        if session is not None:
            self._take(session, session.check(self._clock.monotonic(), self.is_busy))
            self._flush(session)
            self._forget_closed(session)

    def end(self, reason: Reason, text: str, tell: bool = True) -> None:
        """End the session, if there is one."""
        session = self._session
        if session is not None:
            self._take(session, session.end(reason, text, tell) if self.is_begun else [])
            self._flush(session)
            self._session = None

    def left(self, client: str) -> None:
        """The client is gone: forget its session."""
        if client == self._client:
            self.end(Reason.GOODBYE, "", tell=False)

    def _take(self, session: Session, heard: list[Heard]) -> None:
        for each in heard:
            if isinstance(each, Opened):
                log.info("a session was opened", extra={"client": self._client})
                self._watch.opened()
            elif isinstance(each, Asked):
                self._ask(session, each)
            else:
                self._ended(each)

    def _ended(self, ended: Ended) -> None:
        for conversation in self._underway:
            self._exchange.left(conversation)
        self._underway.clear()
        self._count += 1
        if ended.bad_attempt:
            self._watch.failed(self._client)

    def _ask(self, session: Session, asked: Asked) -> None:
        conversation = f"{self._count}.{asked.id}"
        words = ""
        if conversation in self._underway:
            words = f"request {asked.id} is not answered yet: give this one another id"
        elif len(self._underway) >= MAX_UNDERWAY:
            words = f"{MAX_UNDERWAY} requests are under way; wait for their answers"
        if words:
            text = refusal(503, words).page(0, WHOLE_BYTES)
            self._take(session, session.answer(asked.id, text, self._clock.monotonic()))
            return
        self._underway.add(conversation)
        self._exchange.write(conversation, asked.text)

    def _answered(self, conversation: str, text: bytes) -> None:
        """The exchange has an answer: one conversation has one."""
        if conversation not in self._underway:
            return
        self._underway.discard(conversation)
        self._exchange.left(conversation)
        session = self._session
        if session is not None:
            request_id = int(conversation.rpartition(".")[2])
            self._take(session, session.answer(request_id, text, self._clock.monotonic()))
            self._flush(session)

    def _flush(self, session: Session) -> None:
        for fragment in session.take(self._clock.monotonic()):
            self._notify(fragment)

    def _forget_closed(self, session: Session) -> None:
        """A session that is over need not be looked at; the next write begins another."""
        if session is self._session and session.is_over:
            self._session = None


def _says_hello(value: bytes) -> bool:
    try:
        return begins_hello(parse(value))
    except FragmentWrong:
        return False
