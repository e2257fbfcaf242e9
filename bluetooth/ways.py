"""The three ways in, behind one `read` and one `write`: plain EGWTTP, Improv, and sessions.

Owns which characteristic leads where, and asks the rules about each request. It knows neither the
window nor who sits at the door: it is told what is allowed at this moment, and tells what failed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bluetooth.egwttp import Request
from bluetooth.errors import Refused
from bluetooth.exchange import Exchange
from bluetooth.gatt import (
    IMPROV_CAPABILITIES_UUID,
    IMPROV_COMMAND_UUID,
    IMPROV_ERROR_UUID,
    IMPROV_RESULT_UUID,
    IMPROV_STATE_UUID,
    PROGRESS_UUID,
    REQUEST_UUID,
    RESPONSE_UUID,
    SESSION_UUID,
    AttError,
)
from bluetooth.improv import Error as ImprovError
from bluetooth.improv_flow import Box, ImprovFlow
from bluetooth.paths import Access, Rule
from bluetooth.ports import Clock, Gateway, Spawn, Wait
from bluetooth.progress import Progress
from bluetooth.record import EventKind, Reason
from bluetooth.rules import Allowance
from bluetooth.session_desk import SessionDesk

_IMPROV_READS = frozenset(
    {IMPROV_STATE_UUID, IMPROV_ERROR_UUID, IMPROV_RESULT_UUID, IMPROV_CAPABILITIES_UUID}
)

_CHANGES = frozenset({Access.CHANGE, Access.OWN})


@dataclass(frozen=True, slots=True)
class Means:
    """What everything at the door works with."""

    gateway: Gateway
    clock: Clock
    spawn: Spawn
    wait: Wait
    notify: Callable[[str, bytes], None]
    """Sends the value of a characteristic to whoever subscribed."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What the door says and hears."""

    allowance: Callable[[], Allowance]
    """What is let through at this moment."""
    failed: Callable[[str], None]
    """A client made a bad attempt."""
    opened: Callable[[], None]
    """A client has shown that it holds the label's secret."""
    advertised: Callable[[], None]
    """What Improv has in the advertisement changed."""


class Ways:
    """All that a phone which is let in can reach. On the event loop only."""

    def __init__(
        self,
        session_key: bytes,
        means: Means,
        guard: Guard,
        box: Box,
        identify: Callable[[], None] | None = None,
    ) -> None:
        self._notify = means.notify
        self._guard = guard
        tools = (means.gateway, means.clock, means.spawn, means.wait)
        self._is_sealed = False
        self._progress = Progress(*tools, self._progressed)
        self._plain = Exchange(
            *tools, self._judge_plain, lambda client, page: means.notify(RESPONSE_UUID, page)
        )
        self._sessions = SessionDesk(
            session_key, *tools, self._judge_session, partial(means.notify, SESSION_UUID), guard
        )
        self._improv = ImprovFlow(
            *tools,
            box,
            self._notify_improv,
            guard.advertised,
            self._follow_in_the_clear,
            identify,
        )

    def read(self, client: str, uuid: str) -> bytes:
        """The value of a characteristic. Raises Refused."""
        if uuid == RESPONSE_UUID:
            return self._plain.read(client)
        if uuid in _IMPROV_READS:
            return self._improv.read(client, uuid)
        if uuid == PROGRESS_UUID:
            if Access.READ not in self._guard.allowance().plain or self._sessions.is_open:
                raise Refused(AttError.INSUFFICIENT_AUTHORIZATION, "told inside a session only")
            return self._progress.value
        raise Refused(AttError.READ_NOT_PERMITTED, "this is not for reading")

    def write(self, client: str, uuid: str, value: bytes) -> None:
        """A client wrote to a characteristic. Raises Refused."""
        if uuid == REQUEST_UUID:
            self._plain.write(client, value)
        elif uuid == IMPROV_COMMAND_UUID:
            self._improv.write(client, value)
        elif uuid == SESSION_UUID:
            allowance = self._guard.allowance()
            if allowance.session:
                self._sessions.write(client, value)
            else:
                self._sessions.write_shut(client, value, allowance.why_not)
        else:
            raise Refused(AttError.WRITE_NOT_PERMITTED, "this is not for writing")

    def arrived(self) -> None:
        """A phone comes in: what happened before it is no news to it, what the box can is."""
        self._progress.look()
        self._improv.look()

    def left(self, client: str) -> None:
        """A phone is gone."""
        self._plain.left(client)
        self._improv.left(client)
        self._sessions.left(client)

    def authorize_improv(self, allowed: bool) -> None:
        """Let Improv do something from now on, for as long as it holds by itself; or not."""
        if allowed:
            self._improv.look()
            self._improv.authorize()
        else:
            self._improv.revoke()

    def improv_data(self) -> bytes:
        """For the advertisement."""
        return self._improv.service_data()

    def tell_session(self, kind: EventKind, value: bytes) -> None:
        """Tell the phone in the session, if one stands."""
        self._sessions.tell(kind, value)

    def end_session(self, reason: Reason, text: str) -> None:
        """End the session, if one was begun."""
        self._sessions.end(reason, text)

    def tick(self) -> None:
        """Let time have its effect."""
        self._sessions.check()

    def withdraw(self) -> None:
        """What is allowed may be less than it was: nothing beyond it is begun any more."""
        allowance = self._guard.allowance()
        self._plain.withdraw(allowance.plain, allowance.why_not)

    @property
    def is_inside(self) -> bool:
        """Whether the phone has shown that it holds the label's secret."""
        return self._sessions.is_open

    @property
    def is_busy(self) -> bool:
        """Whether a phone waits for an answer."""
        return self._plain.is_busy or self._improv.is_busy or self._sessions.is_busy

    @property
    def is_quiet(self) -> bool:
        """Whether time has nothing to do here."""
        return self._sessions.is_quiet

    def stop(self) -> None:
        """Say goodbye and forget everybody."""
        self._sessions.end(Reason.GOODBYE, "the box stops its Bluetooth service")
        self._plain.close()
        self._improv.revoke()
        self._progress.stop()

    def _judge_plain(self, client: str, request: Request, rule: Rule | None) -> str:
        allowance = self._guard.allowance()
        if rule is None:
            return "" if allowance.plain else allowance.why_not
        if rule.access in allowance.plain:
            if rule.joins and request.offset == 0:
                self._follow_in_the_clear()
            return ""
        # What needs the label even now: an old app cannot know that, so it is no attempt to get in.
        if rule.access in _CHANGES and Access.CHANGE not in allowance.plain:
            self._guard.failed(client)
        return allowance.why_not

    def _judge_session(self, client: str, request: Request, rule: Rule | None) -> str:
        allowance = self._guard.allowance()
        if rule is None:
            return ""
        if rule.access not in allowance.session:
            return allowance.why_not
        if rule.joins and request.offset == 0:
            self._is_sealed = True
            self._progress.follow()
        return ""

    def _follow_in_the_clear(self) -> None:
        self._is_sealed = False
        self._progress.follow()

    def _notify_improv(self, client_uuid: str, value: bytes) -> None:
        self._notify(client_uuid, value)
        refused = (client_uuid, value) == (
            IMPROV_ERROR_UUID,
            bytes([ImprovError.NOT_AUTHORIZED]),
        )
        # An authorisation that has just lapsed is no attempt to get in.
        if refused and not self._guard.allowance().improv:
            self._guard.failed("")

    def _progressed(self, value: bytes) -> None:
        """Joining a Wi-Fi goes on: told inside the session; in the clear where that may be, and
        where it was begun there, because a notification goes to everybody who subscribed."""
        self._sessions.tell(EventKind.PROGRESS, value)
        if Access.READ in self._guard.allowance().plain and not self._is_sealed:
            self._notify(PROGRESS_UUID, value)
