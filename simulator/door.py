"""A door: one way into the plant, opened on ports and closed again.

It owns the seam only; what a door speaks is its own affair. All methods are called on the plant's
event loop.
"""

from typing import Protocol

MODBUS = "modbus"
ENCRYPTED = "encrypted"
WINET = "winet"
WINET_TLS = "winet-tls"

DOOR_NAMES = (MODBUS, ENCRYPTED, WINET, WINET_TLS)


class Door(Protocol):
    """A door with one port."""

    @property
    def name(self) -> str:
        """One of the names above."""

    async def open(self, host: str, port: int) -> int:
        """Listen; returns the real port where 0 asked for a free one. Raises OSError."""

    async def close(self) -> None:
        """Close the listener and every connection, within a bounded time."""


class TwoPortDoor(Protocol):
    """A door with two ports: the classic dongle has one for HTTP and one for its websocket."""

    @property
    def name(self) -> str:
        """One of the names above."""

    async def open(self, host: str, http_port: int, ws_port: int) -> tuple[int, int]:
        """Listen on both; returns the real ports. Raises OSError."""

    async def close(self) -> None:
        """Close the listeners and every connection, within a bounded time."""
