"""Improv Wi-Fi as a phone speaks it; see bluetooth.improv for the bytes. One command at a time."""

from collections.abc import Callable, Sequence

from bluetooth import improv
from bluetooth.client.errors import Exit, NoAnswer, NotLetIn, TooSlow
from bluetooth.client.link import Link
from bluetooth.client.mailbox import Mailbox
from bluetooth.egwttp import pieces
from bluetooth.gatt import (
    IMPROV_CAPABILITIES_UUID,
    IMPROV_COMMAND_UUID,
    IMPROV_ERROR_UUID,
    IMPROV_RESULT_UUID,
    IMPROV_STATE_UUID,
)
from bluetooth.improv import (
    BadPacket,
    Capability,
    Command,
    Credentials,
    Error,
    Network,
    Packet,
    State,
)
from bluetooth.paths import JOIN_TIMEOUT_S, SCAN_TIMEOUT_S
from bluetooth.ports import Clock

COMMAND_TIMEOUT_S = 20.0
"""For what the box knows already."""

ANSWER_MARGIN_S = 10.0
"""Beyond what the box itself allows for a scan or a join: its words shall come before ours."""

IDENTIFY_GRACE_S = 1.0
"""Identify has no result: silence for so long means that it was done."""

_WORDS = {
    Error.INVALID_RPC: "the box could not read the command; is it of another version?",
    Error.UNKNOWN_RPC: "the box does not know this command",
    Error.UNABLE_TO_CONNECT: (
        "the box could not join this Wi-Fi: check name and password, and that it reaches so far"
    ),
    Error.NOT_AUTHORIZED: "the box allows nothing: press its button, then try again",
    Error.BAD_HOSTNAME: "the box does not take this host name",
    Error.UNKNOWN: "the box could not do it: wait a moment, and try again",
}


class ImprovRefused(NoAnswer):
    """The box answered with an error of Improv; `error` is its code."""

    code = Exit.SAID_NO

    def __init__(self, error: Error) -> None:
        super().__init__(error)
        self.error = error

    def __str__(self) -> str:
        return _WORDS.get(self.error, f"the box answered with Improv error {self.error}")


class ImprovTalk:
    """Improv over one connection. Commands raise ImprovRefused, NotLetIn (not authorised), and
    what Link raises."""

    def __init__(self, link: Link, clock: Clock, mail: Mailbox) -> None:
        self._link = link
        self._clock = clock
        self._mail = mail

    @classmethod
    async def open(cls, link: Link, clock: Clock) -> "ImprovTalk":
        """Subscribe to state, error and result."""
        mail = Mailbox(link)
        for uuid in (IMPROV_STATE_UUID, IMPROV_ERROR_UUID, IMPROV_RESULT_UUID):
            await mail.subscribe(uuid)
        return cls(link, clock, mail)

    async def state(self) -> State:
        """Value of the current state."""
        return _state(await self._link.read(IMPROV_STATE_UUID))

    async def error(self) -> Error:
        """Value of the error state."""
        return _error(await self._link.read(IMPROV_ERROR_UUID))

    async def capabilities(self) -> Capability:
        """What the box can do."""
        value = await self._link.read(IMPROV_CAPABILITIES_UUID)
        return Capability(value[0] if value else 0)

    async def identify(self) -> None:
        """Have the box show itself."""
        try:
            await self.command(Packet(Command.IDENTIFY), IDENTIFY_GRACE_S)
        except TooSlow:
            return

    async def info(self) -> Sequence[str]:
        """Firmware, version, hardware, name."""
        return _texts(await self.command(Packet(Command.DEVICE_INFO)))

    async def scan(self) -> list[Network]:
        """The networks in sight: those that fit one result, the strongest first."""
        packet = await self.command(Packet(Command.SCAN_WIFI), SCAN_TIMEOUT_S + ANSWER_MARGIN_S)
        try:
            return improv.parse_scan(packet.data)
        except BadPacket as error:
            raise NoAnswer(f"the box's list of networks is broken: {error}") from error

    async def join(
        self, credentials: Credentials, moved: Callable[[State], None] | None = None
    ) -> str:
        """Join a Wi-Fi; where the box's page is then, "" where that is not known.

        `moved` hears each state on the way.
        """
        timeout_s = JOIN_TIMEOUT_S + ANSWER_MARGIN_S
        found = _texts(await self.command(credentials.packet(), timeout_s, moved))
        return found[0] if found else ""

    async def name(self, new: str = "") -> str:
        """The box's name; with `new` it gets that one."""
        return "".join(_texts(await self.command(Packet(Command.DEVICE_NAME, new.encode()))))

    async def hostname(self, new: str = "") -> str:
        """The box's host name; with `new` it is asked to take that one."""
        return "".join(_texts(await self.command(Packet(Command.HOSTNAME, new.encode()))))

    async def command(
        self,
        packet: Packet,
        timeout_s: float = COMMAND_TIMEOUT_S,
        moved: Callable[[State], None] | None = None,
    ) -> Packet:
        """Any command; its result."""
        return await self.send(packet.encode(), packet.command, timeout_s, moved)

    async def send(
        self,
        data: bytes,
        wanted: int,
        timeout_s: float = COMMAND_TIMEOUT_S,
        moved: Callable[[State], None] | None = None,
    ) -> Packet:
        """Bytes as they are, in as many writes as they need; the result of command `wanted`."""
        self._mail.clear()
        for piece in pieces(data, self._link.write_bytes):
            await self._link.write(IMPROV_COMMAND_UUID, piece)
        until = self._clock.monotonic() + timeout_s
        while (left_s := until - self._clock.monotonic()) > 0:
            uuid, value = await self._mail.next(left_s)
            if uuid == IMPROV_STATE_UUID and moved is not None:
                moved(_state(value))
            elif uuid == IMPROV_ERROR_UUID:
                _check(_error(value))
            elif uuid == IMPROV_RESULT_UUID:
                packet = await self._result(value)
                if packet.command == wanted:
                    return packet
        raise TooSlow(f"the box did not answer within {timeout_s:g} s: try again")

    async def _result(self, notified: bytes) -> Packet:
        """A notification that was cut tells so itself: its length or checksum is wrong."""
        try:
            return improv.parse_packet(notified)
        except BadPacket:
            value = await self._link.read(IMPROV_RESULT_UUID)
        try:
            return improv.parse_packet(value)
        except BadPacket as error:
            raise NoAnswer(f"the box's result is broken: {error}") from error


def _check(error: Error) -> None:
    """Raises what the error means; "no error" means nothing."""
    if error is Error.NOT_AUTHORIZED:
        raise NotLetIn(_WORDS[error])
    if error is not Error.NONE:
        raise ImprovRefused(error)


def _texts(packet: Packet) -> Sequence[str]:
    try:
        return [improv.text(each) for each in improv.split_strings(packet.data)]
    except BadPacket as error:
        raise NoAnswer(f"the box's result is broken: {error}") from error


def _state(value: bytes) -> State:
    try:
        return State(value[0])
    except (IndexError, ValueError) as error:
        raise NoAnswer("the box is in a state that Improv does not know") from error


def _error(value: bytes) -> Error:
    try:
        return Error(value[0])
    except (IndexError, ValueError):
        return Error.UNKNOWN
