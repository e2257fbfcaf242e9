"""The message bus: calls out with a deadline, calls in, signals. Knows D-Bus, knows no BlueZ.

`Bus` is the seam; `SystemBus` is it on dbus-fast, connected to the system bus (or to what
`DBUS_SYSTEM_BUS_ADDRESS` names; the library reads it). Everything happens on one event loop.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

from bluetooth.bluez import words
from bluetooth.errors import AdapterMissing, BluetoothError, PeripheralLost

log = logging.getLogger(__name__)

CALL_TIMEOUT_S = 20.0
"""For one call to bluetoothd. Registering an application takes tens of milliseconds on a box, and
seconds in an emulated machine; what takes longer hangs."""

CONNECT_TIMEOUT_S = 5.0
"""For reaching the bus and logging in to it; it is a socket on this machine."""

SIGNALS_BETWEEN_ANSWERS = 32
"""After so many signals the bus is asked something, and its answer awaited. Both dbus-fast and
dbus-next take a socket that is full for one that is broken, and a full one holds some 170 messages
as short as ours can be, some 90 as long as they can be; the bus must be seen to read."""

CLOSE_TIMEOUT_S = 2.0
"""For the bus's own end of the goodbye; afterwards it is left to itself."""


class DbusRefused(BluetoothError):
    """The other side answered a call with an error, or is told one."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name, text)
        self.name = name
        self.text = text

    def __str__(self) -> str:
        return f"{self.name}: {self.text}" if self.text else self.name


@dataclass(frozen=True, slots=True)
class Heard:
    """A call to us, or a signal. `sender` is the unique name, as `:1.7`."""

    sender: str
    path: str
    interface: str
    member: str
    body: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call of ours, or to us, gives back: D-Bus values and their signature."""

    signature: str = ""
    body: tuple[Any, ...] = ()


Answerer = Callable[[Heard], Reply | None]
"""Answers a call at once; None: not mine. Raises DbusRefused."""

Listener = Callable[[Heard], None]


class Bus(Protocol):
    """One connection to the message bus."""

    def attend(self, answer: Answerer, listen: Listener) -> None:
        """From now on `answer` gets every call to us and `listen` every signal."""
        ...

    async def call(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: Sequence[Any] = (),
    ) -> tuple[Any, ...]:
        """Raises DbusRefused, PeripheralLost (bus gone, or no answer within CALL_TIMEOUT_S)."""
        ...

    async def emit(
        self, path: str, interface: str, member: str, signature: str, body: Sequence[Any]
    ) -> None:
        """Send a signal; returns when the bus has taken it. Raises PeripheralLost."""
        ...

    async def wait_closed(self) -> None:
        """Return when the connection is no more."""
        ...

    async def close(self) -> None:
        """Idempotent; never raises."""
        ...


Connect = Callable[[], Awaitable[Bus]]
"""Raises AdapterMissing."""


class SystemBus:
    """`Bus` on dbus-fast."""

    def __init__(self, connection: MessageBus) -> None:
        self._connection = connection
        self._closed = asyncio.create_task(self._follow())
        self._answer: Answerer = lambda heard: None
        self._listen: Listener = lambda heard: None
        self._signals = 0
        connection.add_message_handler(self._hear)

    @classmethod
    async def connect(cls) -> Self:
        """Raises AdapterMissing, in words, if there is no system bus to log in to."""
        try:
            connection = MessageBus(bus_type=BusType.SYSTEM, auth_timeout=CONNECT_TIMEOUT_S)
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await connection.connect()
        except (OSError, EOFError, ValueError, DBusFastError) as error:
            raise AdapterMissing(
                f"no system message bus ({error or type(error).__name__}); is D-Bus installed and "
                "running, and its socket /run/dbus/system_bus_socket mounted here?"
            ) from error
        return cls(connection)

    def attend(self, answer: Answerer, listen: Listener) -> None:
        """See `Bus`."""
        self._answer, self._listen = answer, listen

    async def call(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: Sequence[Any] = (),
    ) -> tuple[Any, ...]:
        """See `Bus`."""
        message = Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        if not self._connection.connected:
            raise PeripheralLost("the message bus is gone")
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                reply = await self._connection.call(message)
        except TimeoutError as error:
            raise PeripheralLost(f"{member}: no answer in {CALL_TIMEOUT_S:g} s") from error
        except (OSError, EOFError) as error:
            raise PeripheralLost(f"the message bus broke off: {error}") from error
        if reply is None:  # The library's way of saying that the connection was closed meanwhile.
            raise PeripheralLost("the message bus is gone")
        if reply.message_type is MessageType.ERROR:
            raise DbusRefused(str(reply.error_name), str(reply.body[0]) if reply.body else "")
        return tuple(reply.body)

    async def emit(
        self, path: str, interface: str, member: str, signature: str, body: Sequence[Any]
    ) -> None:
        """See `Bus`."""
        if not self._connection.connected:
            raise PeripheralLost("the message bus is gone")
        message = Message.new_signal(path, interface, member, signature, list(body))
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await self._connection.send(message)
        except (OSError, EOFError) as error:
            raise PeripheralLost(f"the message bus takes no signal: {error}") from error
        self._signals += 1
        if self._signals % SIGNALS_BETWEEN_ANSWERS == 0:
            await self.call(words.DBUS, words.DBUS_PATH, words.DBUS, "GetId")

    async def wait_closed(self) -> None:
        """See `Bus`."""
        await asyncio.shield(self._closed)

    async def close(self) -> None:
        """See `Bus`."""
        self._connection.disconnect()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self.wait_closed()
        self._closed.cancel()

    async def _follow(self) -> None:
        ending: asyncio.Future[None] = asyncio.ensure_future(
            self._connection.wait_for_disconnect()  # type: ignore[no-untyped-call]
        )
        try:
            await asyncio.wait({ending})
        finally:
            ending.cancel()
        if not ending.cancelled():
            ending.exception()  # Why it ended is of no interest: it ended.

    def _hear(self, message: Message) -> Message | bool | None:
        if message.message_type not in (MessageType.SIGNAL, MessageType.METHOD_CALL):
            return None
        heard = Heard(
            message.sender or "",
            message.path or "",
            message.interface or "",
            message.member or "",
            tuple(message.body),
        )
        if message.message_type is MessageType.SIGNAL:
            self._listen(heard)
            return None
        try:
            reply = self._answer(heard)
        except DbusRefused as refused:
            return Message.new_error(message, refused.name, refused.text)
        if reply is None:
            return None
        return Message.new_method_return(message, reply.signature, list(reply.body))


async def add_match(bus: Bus, rule: str) -> None:
    """Have the bus send us the signals that `rule` describes. Raises as `Bus.call`."""
    await bus.call(words.DBUS, words.DBUS_PATH, words.DBUS, "AddMatch", "s", (rule,))
