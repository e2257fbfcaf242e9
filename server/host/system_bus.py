"""The machine's message bus, spoken to from a helper thread that may block.

Owns one connection with an event loop of its own, which runs only inside a call; every call has
its timeout, and `abort` breaks the one in flight from another thread. Knows nothing of what is
said over it. Nothing is started for our sake: a service that does not run is not there.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from dbus_fast import BusType, Message, MessageFlag, MessageType, unpack_variants
from dbus_fast.aio import MessageBus
from dbus_fast.errors import AuthError, DBusError

from server.errors import PeerFault, WifiUnavailable

CONNECT_TIMEOUT_S = 5.0
"""Until the bus has said hello: it is a process of this machine."""
CALL_TIMEOUT_S = 10.0
"""One answer: a busy service of a small box may take seconds, one that takes longer hangs."""
MAX_SIGNALS = 256
"""Signals that wait to be looked at; a join has about twenty. The oldest go first."""

_BUS = "org.freedesktop.DBus"
_BUS_PATH = "/org/freedesktop/DBus"

Answer = TypeVar("Answer")


class BusRefused(PeerFault):
    """A service answered with an error; `name` is the error's name on the bus."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name, text)
        self.name = name
        self.text = text

    def __str__(self) -> str:
        return self.text or self.name


class BusTimeout(WifiUnavailable):
    """A service did not answer in time."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal; the values of its body are plain."""

    path: str
    interface: str
    member: str
    body: tuple[Any, ...]


class SystemBus:
    """See the module's docstring. `address` None is the machine's own system bus."""

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._loop = asyncio.new_event_loop()
        self._bus: MessageBus | None = None
        self._task: asyncio.Task[Any] | None = None
        self._signals: deque[Signal] = deque(maxlen=MAX_SIGNALS)
        self._arrived = asyncio.Event()
        self._aborted = False

    def open(self) -> None:
        """Connect; raises WifiUnavailable when there is no bus."""
        try:
            self._bus = self._run(self._connect(), CONNECT_TIMEOUT_S)
        except (OSError, AuthError, DBusError, EOFError) as error:
            text = f"this box has no message bus to ask about Wi-Fi: {_words(error)}"
            raise WifiUnavailable(text) from error

    def call(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        *body: Any,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> list[Any]:
        """The plain values of the answer. Raises BusRefused, BusTimeout, WifiUnavailable."""
        message = Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
            flags=MessageFlag.NO_AUTOSTART,
        )
        reply = self._run(self._connected().call(message), timeout_s)
        if reply is None:
            raise WifiUnavailable("the message bus broke the connection off")
        values: list[Any] = unpack_variants(reply.body)
        if reply.message_type is MessageType.ERROR:
            raise BusRefused(str(reply.error_name), str(values[0]) if values else "")
        return values

    def listen(self, rule: str) -> None:
        """Have the signals that match `rule` delivered to us."""
        self.call(_BUS, _BUS_PATH, _BUS, "AddMatch", "s", rule)

    def next_signal(self, timeout_s: float) -> Signal | None:
        """The oldest signal that waits, else the next one; None when none comes in time."""
        if not self._signals and timeout_s > 0:
            self._arrived.clear()
            try:
                self._run(self._arrived.wait(), timeout_s)
            except BusTimeout:
                return None
        if not self._connected().connected:
            raise WifiUnavailable("the message bus broke the connection off")
        return self._signals.popleft() if self._signals else None

    def forget_signals(self) -> None:
        """Drop those that wait: what follows is about something new."""
        self._signals.clear()

    def abort(self) -> None:
        """Break the call in flight, and refuse every later one. Any thread; never blocks."""
        self._aborted = True
        try:
            self._loop.call_soon_threadsafe(self._cancel)
        except RuntimeError:
            pass  # Closed already.

    def close(self) -> None:
        """Give the connection back. Idempotent; never raises, never waits for the other side."""
        if self._loop.is_closed():
            return
        bus, self._bus = self._bus, None
        if bus is not None and bus.connected:
            bus.disconnect()
            try:
                self._loop.run_until_complete(_gone(bus))
            except (OSError, EOFError, DBusError):
                pass  # It is gone all the same.
        self._loop.close()

    def _connected(self) -> MessageBus:
        if self._bus is None:
            raise WifiUnavailable("the connection to the message bus is closed")
        return self._bus

    async def _connect(self) -> MessageBus:
        bus = MessageBus(
            bus_address=self._address, bus_type=BusType.SYSTEM, auth_timeout=CONNECT_TIMEOUT_S
        )
        bus.add_message_handler(self._heard)
        return await bus.connect()

    def _heard(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        self._signals.append(
            Signal(
                message.path or "",
                message.interface or "",
                message.member or "",
                tuple(unpack_variants(message.body)),
            )
        )
        self._arrived.set()

    def _run(self, wanted: Coroutine[Any, Any, Answer], timeout_s: float) -> Answer:
        if self._aborted:
            wanted.close()
            raise WifiUnavailable("broken off: the gateway is busy with something else, or stops")
        try:
            return self._loop.run_until_complete(self._bounded(wanted, timeout_s))
        except TimeoutError:
            raise BusTimeout(f"no answer over the message bus within {timeout_s:g} s") from None
        except asyncio.CancelledError:
            raise WifiUnavailable("broken off: the gateway stops, or it took too long") from None
        except (OSError, EOFError, DBusError) as error:
            if self._bus is None:
                raise  # From `open`, which has its own words for it.
            raise WifiUnavailable(f"the message bus broke off: {_words(error)}") from error

    async def _bounded(self, wanted: Coroutine[Any, Any, Answer], timeout_s: float) -> Answer:
        self._task = asyncio.current_task()
        try:
            async with asyncio.timeout(timeout_s):
                return await wanted
        finally:
            self._task = None

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


async def _gone(bus: MessageBus) -> None:
    """Until the connection is closed on our side, which takes a turn of the loop."""
    try:
        async with asyncio.timeout(1.0):
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # Theirs is bare.
    except TimeoutError:
        pass


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
