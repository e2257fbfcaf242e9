"""Improv Wi-Fi: its states as one table, and what each command does at the gateway.

Everything that moves the service stands in TRANSITIONS; a pair that is not in it is a mistake of
ours. The bytes are in bluetooth.improv, the window in bluetooth.window: this knows that somebody
at the box allowed it, and for how long.

- Without authorization the box identifies itself and says what it is. Everything else needs it,
  a scan too: it makes the radio work and tells the neighbours' names.
- Authorization lapses AUTHORIZED_S after it was given; a failed join and a name that was asked
  for or given start that time anew.
- Commands are executed in the order in which they came, one at a time. A value is written before
  its notification goes out: a notification longer than the connection carries is cut short, and
  then a phone reads the rest. The result comes before the state that ends a join, and so does the
  error, because clients leave at that state.
"""

from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum

from bluetooth import improv
from bluetooth.errors import GatewayAway, GatewaySlow, Refused
from bluetooth.gatt import (
    IMPROV_CAPABILITIES_UUID,
    IMPROV_ERROR_UUID,
    IMPROV_RESULT_UUID,
    IMPROV_STATE_UUID,
    AttError,
)
from bluetooth.improv import BadPacket, Capability, Command, Error, Packet, State
from bluetooth.improv_desk import Box, Declined, Desk
from bluetooth.improv_writes import Client, Writes
from bluetooth.ports import Clock, Gateway, Spawn, Wait

__all__ = ["Box", "ImprovFlow"]

AUTHORIZED_S = 60.0
"""Authorization lapses then, as the specification suggests."""
MAX_PENDING = 4
"""Commands waiting or under way; clients send one and wait for its end."""


class Phase(StrEnum):
    """Where the service stands. A join that outlasts the window has a phase of its own."""

    LOCKED = "locked"
    AUTHORIZED = "authorized"
    JOINING = "joining"
    JOINING_LOCKED = "joining_locked"
    PROVISIONED = "provisioned"


class Event(StrEnum):
    """What moves it."""

    AUTHORIZE = "authorize"
    LAPSE = "lapse"
    REVOKE = "revoke"
    JOIN = "join"
    JOINED = "joined"
    FAILED = "failed"


# fmt: off
TRANSITIONS: Mapping[Phase, Mapping[Event, Phase]] = {
    Phase.LOCKED: {
        Event.AUTHORIZE: Phase.AUTHORIZED,
        Event.REVOKE:    Phase.LOCKED,
    },
    Phase.AUTHORIZED: {
        Event.AUTHORIZE: Phase.AUTHORIZED,
        Event.LAPSE:     Phase.LOCKED,
        Event.REVOKE:    Phase.LOCKED,
        Event.JOIN:      Phase.JOINING,
    },
    Phase.JOINING: {
        Event.AUTHORIZE: Phase.JOINING,
        Event.REVOKE:    Phase.JOINING_LOCKED,
        Event.JOINED:    Phase.PROVISIONED,
        Event.FAILED:    Phase.AUTHORIZED,
    },
    Phase.JOINING_LOCKED: {
        Event.AUTHORIZE: Phase.JOINING,
        Event.REVOKE:    Phase.JOINING_LOCKED,
        Event.JOINED:    Phase.PROVISIONED,
        Event.FAILED:    Phase.LOCKED,
    },
    Phase.PROVISIONED: {
        Event.AUTHORIZE: Phase.AUTHORIZED,
        Event.REVOKE:    Phase.LOCKED,
    },
}

WIRE: Mapping[Phase, State] = {
    Phase.LOCKED:         State.AUTHORIZATION_REQUIRED,
    Phase.AUTHORIZED:     State.AUTHORIZED,
    Phase.JOINING:        State.PROVISIONING,
    Phase.JOINING_LOCKED: State.PROVISIONING,
    Phase.PROVISIONED:    State.PROVISIONED,
}
# fmt: on

_NEEDS_NOTHING = frozenset((Command.IDENTIFY, Command.DEVICE_INFO))
"""Commands that need no authorization."""


class UnknownTransition(Exception):
    """A mistake of ours: the table has no such pair."""


def after(phase: Phase, event: Event) -> Phase:
    """The phase that `event` leads to. Raises UnknownTransition."""
    try:
        return TRANSITIONS[phase][event]
    except KeyError:
        raise UnknownTransition(f"improv: {event} in phase {phase}") from None


class Standing:
    """The phase, and the time of an authorization. `moved()` is called at each change of state."""

    def __init__(self, clock: Clock, spawn: Spawn, wait: Wait, moved: Callable[[], None]) -> None:
        self._clock = clock
        self._spawn = spawn
        self._wait = wait
        self._moved = moved
        self._until = 0.0
        self._is_watched = False
        self.phase = Phase.LOCKED

    @property
    def state(self) -> State:
        """As on the wire."""
        return WIRE[self.phase]

    @property
    def is_authorized(self) -> bool:
        """Whether what needs authorization may begin now."""
        return self.phase is Phase.AUTHORIZED and self._clock.monotonic() < self._until

    def move(self, event: Event) -> None:
        """Go where the table says. Raises UnknownTransition."""
        state = self.state
        self.phase = after(self.phase, event)
        if self.phase is Phase.AUTHORIZED:
            self.renew()
        if self.state is not state:
            self._moved()

    def renew(self) -> None:
        """Start the time of the authorization anew."""
        self._until = self._clock.monotonic() + AUTHORIZED_S
        if not self._is_watched:
            self._is_watched = True
            self._spawn(self._lapse())

    async def _lapse(self) -> None:
        while self.phase is Phase.AUTHORIZED:
            left_s = self._until - self._clock.monotonic()
            if left_s > 0:
                await self._wait(left_s)
            else:
                self.move(Event.LAPSE)
        self._is_watched = False


class ImprovFlow:
    """The Improv service of the box, for one client at a time. On the event loop only.

    `notify(uuid, value)` sends a changed value; `changed()` says that the advertisement's service
    data changed; `joining()` that the gateway is about to scan or join (Progress.follow);
    `identify()` makes the box seen or heard, None when it cannot.
    """

    def __init__(
        self,
        gateway: Gateway,
        clock: Clock,
        spawn: Spawn,
        wait: Wait,
        box: Box,
        notify: Callable[[str, bytes], None],
        changed: Callable[[], None],
        joining: Callable[[], None],
        identify: Callable[[], None] | None = None,
    ) -> None:
        self._desk = Desk(gateway, box)
        self._spawn = spawn
        self._standing = Standing(clock, spawn, wait, self._moved)
        self._writes = Writes(clock, spawn, wait, lambda: self._tell_error(Error.INVALID_RPC))
        self._notify = notify
        self._changed = changed
        self._joining = joining
        self._identify = identify
        self._error = Error.NONE
        self._result: tuple[str, bytes] = ("", b"")
        self._pending: deque[tuple[Client, Packet]] = deque()  # bounded by MAX_PENDING

    @property
    def state(self) -> State:
        """As on the wire."""
        return self._standing.state

    @property
    def error(self) -> Error:
        """Of the last command."""
        return self._error

    @property
    def capabilities(self) -> Capability:
        """What works in full. The host name can be asked for, but not changed: no bit for it; and
        a box on a cable alone has no networks to show."""
        known = Capability.DEVICE_INFO | Capability.DEVICE_NAME
        if self._desk.has_wifi:
            known |= Capability.SCAN_WIFI
        return known if self._identify is None else known | Capability.IDENTIFY

    @property
    def is_busy(self) -> bool:
        """Whether a command is under way or waits."""
        return bool(self._pending)

    def service_data(self) -> bytes:
        """Six bytes for the advertisement, under IMPROV_DATA_UUID."""
        return improv.service_data(self.state, self.capabilities)

    def read(self, client: str, uuid: str) -> bytes:
        """The value of one of the four readable characteristics. Raises Refused for others."""
        if uuid == IMPROV_STATE_UUID:
            return bytes((self.state,))
        if uuid == IMPROV_ERROR_UUID:
            return bytes((self._error,))
        if uuid == IMPROV_CAPABILITIES_UUID:
            return bytes((self.capabilities,))
        if uuid == IMPROV_RESULT_UUID:
            owner, result = self._result
            return result if owner == client else b""
        raise Refused(AttError.READ_NOT_PERMITTED, "this is no value of Improv")

    def write(self, client: str, value: bytes) -> None:
        """A client wrote to the command characteristic. Never raises: errors are notified."""
        try:
            complete = self._writes.feed(client, value)
        except BadPacket:
            self._tell_error(Error.INVALID_RPC)
            return
        if complete is not None:
            self._take(*complete)

    def look(self) -> None:
        """Learn what the box can: call when a phone comes in and when the door opens."""
        if not self._desk.is_looking:
            self._desk.is_looking = True
            self._spawn(self._look())

    async def _look(self) -> None:
        before = self.capabilities
        await self._desk.look()
        if self.capabilities != before:
            self._changed()

    def authorize(self) -> None:
        """A person at the box allows it (button, API): for AUTHORIZED_S."""
        self._standing.move(Event.AUTHORIZE)

    def revoke(self) -> None:
        """The window closed. A join under way goes on and its result is told."""
        self._standing.move(Event.REVOKE)

    def left(self, client: str) -> None:
        """Forget the client: its unfinished command, its result, its error."""
        self._writes.left(client)
        if self._result[0] == client:
            self._result = ("", b"")
        self._error = Error.NONE

    def _take(self, client: Client, packet: Packet) -> None:
        """A whole command: it takes back the last one's error, and waits for its turn."""
        if self._error is not Error.NONE:
            self._tell_error(Error.NONE)
        if packet.command == Command.IDENTIFY:
            self._identify_now(packet)
        elif len(self._pending) >= MAX_PENDING:
            self._tell_error(Error.UNKNOWN)
        else:
            self._pending.append((client, packet))
            if len(self._pending) == 1:
                self._spawn(self._work())

    def _identify_now(self, packet: Packet) -> None:
        """Behind a join of a minute it would be of no use."""
        if self._identify is None or packet.data:
            self._tell_error(Error.INVALID_RPC if packet.data else Error.UNKNOWN_RPC)
        else:
            self._identify()

    async def _work(self) -> None:
        """Execute what is pending, in order; the first one stays there until it has ended."""
        try:
            while self._pending:
                client, packet = self._pending[0]
                if not client.has_left:
                    await self._execute(client, packet)
                self._pending.popleft()
        except BaseException:
            self._pending.clear()
            raise

    async def _execute(self, client: Client, packet: Packet) -> None:
        end: Event | None = None
        try:
            if packet.command == Command.WIFI_SETTINGS:
                credentials = improv.parse_credentials(packet.data)
                self._check(packet)
                self._standing.move(Event.JOIN)
                end = Event.FAILED
                self._joining()
                strings: list[str] = await self._desk.join(credentials)
                end = Event.JOINED
                result = improv.result(packet.command, strings)
            else:
                result = await self._result_of(packet)
            if not client.has_left:
                self._result = (client.name, result)
                self._notify(IMPROV_RESULT_UUID, result)
        except BadPacket:
            self._tell_error(Error.INVALID_RPC, client)
        except Declined as error:
            self._tell_error(error.error, client)
        except (GatewayAway, GatewaySlow):
            self._tell_error(Error.UNKNOWN, client)
        finally:
            if end is not None:
                self._standing.move(end)

    async def _result_of(self, packet: Packet) -> bytes:
        """Every command that leaves the state as it is."""
        self._check(packet)
        data = packet.data
        if packet.command in (Command.DEVICE_INFO, Command.SCAN_WIFI) and data:
            raise BadPacket("this command has no data")
        if packet.command == Command.SCAN_WIFI:
            self._joining()
            return improv.scan_result(await self._desk.scan())
        if packet.command == Command.DEVICE_INFO:
            return improv.result(packet.command, await self._desk.info())
        name = improv.parse_name(data)
        if packet.command == Command.DEVICE_NAME:
            name = await (self._desk.rename(name) if data else self._desk.name())
        elif data and not improv.is_hostname(name):
            raise Declined(Error.BAD_HOSTNAME)
        else:
            name = self._desk.rename_host(name) if data else self._desk.hostname()
        if self._standing.is_authorized:  # It may have lapsed meanwhile, and stays so.
            self._standing.renew()
        return improv.result(packet.command, [name])

    def _check(self, packet: Packet) -> None:
        """Whether the command is known and may be executed now. Raises Declined."""
        if packet.command not in Command.__members__.values():
            raise Declined(Error.UNKNOWN_RPC)
        if packet.command not in _NEEDS_NOTHING and not self._standing.is_authorized:
            raise Declined(Error.NOT_AUTHORIZED)

    def _tell_error(self, error: Error, client: Client | None = None) -> None:
        if client is None or not client.has_left:
            self._error = error
            self._notify(IMPROV_ERROR_UUID, bytes((error,)))

    def _moved(self) -> None:
        self._notify(IMPROV_STATE_UUID, bytes((self.state,)))
        self._changed()
