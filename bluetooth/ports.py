"""Every seam of the phone's door, as a Protocol of one to three methods.

All of it runs on one event loop, which owns all state. Nothing here blocks.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bluetooth.gatt import Advertisement, Service


class Clock(Protocol):
    """The only source of time in this process."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never steps."""
        ...


class Values(Protocol):
    """What stands behind the characteristics. Called on the event loop, must not block.

    `client` names a connected central as long as it stays connected (its address or path); "" on
    systems that do not tell who asks.
    """

    def read(self, client: str, uuid: str) -> bytes:
        """The value, whole (at most 512 bytes); the peripheral cuts it for long reads, from the
        snapshot it took at offset 0. Raises Refused."""
        ...

    def write(self, client: str, uuid: str, value: bytes) -> None:
        """A central wrote `value`, whole. Raises Refused; what follows comes by `notify`."""
        ...

    def left(self, client: str) -> None:
        """A central disconnected: forget what was kept for it."""
        ...


class Peripheral(Protocol):
    """A GATT server on one adapter."""

    async def open(self, services: Sequence[Service], values: Values) -> None:
        """Register all services, each primary. Raises AdapterMissing. Idempotent."""
        ...

    async def advertise(self, advertisements: Sequence[Advertisement]) -> None:
        """Send exactly these from now on, in turn; none: be silent. Raises PeripheralLost."""
        ...

    def notify(self, uuid: str, value: bytes) -> None:
        """Send `value` to whoever subscribed; longer than the connection's MTU - 3 is cut by the
        system, so what matters must also be readable. Never blocks, never raises."""
        ...

    async def wait_lost(self) -> None:
        """Return when bluetoothd or the adapter has gone; open() again afterwards."""
        ...

    async def disconnect(self, client: str) -> None:
        """Send a central away. Never raises."""
        ...

    async def close(self) -> None:
        """Take everything back, the adapter's name included. Idempotent; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway's API said."""

    status: int
    reason: str
    content_type: str
    body: bytes


class Gateway(Protocol):
    """The gateway's REST API."""

    async def ask(
        self, method: str, path: str, body: bytes = b"", timeout_s: float | None = None
    ) -> Answer:
        """One request, executed once. Raises GatewayAway, GatewaySlow. Runs on a helper thread."""
        ...


class Button(Protocol):
    """The push button at the box."""

    def listen(self, pressed: Callable[[], None], held: Callable[[], None]) -> None:
        """Call `pressed` at a short press, `held` at a long one, from any thread."""
        ...

    def close(self) -> None:
        """Give the pin back. Never raises."""
        ...


class Lamp(Protocol):
    """The lamp at the box."""

    def blink(self) -> None:
        """Be seen for some seconds, from now on. Never blocks."""
        ...

    def close(self) -> None:
        """Give the pin back. Never raises."""
        ...


Spawn = Callable[[Awaitable[None]], None]
"""Starts work on the event loop; the service waits for or cancels it when it stops."""


Wait = Callable[[float], Awaitable[None]]
"""Lets so many seconds pass (asyncio.sleep); passed in, so that a test needs none of them."""
