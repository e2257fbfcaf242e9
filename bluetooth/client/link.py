"""The seams of the phone's side: a radio that hears boxes, and a link to one of them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from bluetooth.gatt import EGRET, IMPROV, IMPROV_DATA_UUID, NATIVE
from bluetooth.improv import State as ImprovState

WAYS = {NATIVE.uuid: "native", IMPROV.uuid: "improv", EGRET.uuid: "egret"}
"""What a box advertises, in words: plain EGWTTP, Improv Wi-Fi, sessions with the label."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A box that was heard, all that it has said until now taken together."""

    address: str
    """On macOS a UUID of the system's own: there is no other."""
    name: str
    """"" until the scan response came."""
    rssi_dbm: int
    service_uuids: frozenset[str] = frozenset()
    """Lower case, 128 bits."""
    service_data: Mapping[str, bytes] = field(default_factory=dict)
    handle: object = field(default=None, compare=False, repr=False)
    """What the radio needs to connect; nobody else looks at it."""

    @property
    def ways(self) -> tuple[str, ...]:
        """What it offers, of "native", "improv" and "egret"; nothing: it is no box of ours."""
        return tuple(word for uuid, word in WAYS.items() if uuid in self.service_uuids)

    @property
    def improv_state(self) -> ImprovState | None:
        """As it stands in the advertisement; None where it does not."""
        data = self.service_data.get(IMPROV_DATA_UUID, b"")
        try:
            return ImprovState(data[0]) if data else None
        except ValueError:
            return None


Heard = Callable[[Sighting], object]
"""Called on the event loop with one advertisement; what it returns counts for nothing."""


class Link(Protocol):
    """A connection to a box. Every call ends: with an answer or with one of the errors."""

    @property
    def write_bytes(self) -> int:
        """Most bytes of one write, and of one notification that arrives whole; 20 at least."""
        ...

    @property
    def service_uuids(self) -> frozenset[str]:
        """The services that it has."""
        ...

    async def read(self, uuid: str) -> bytes:
        """A value, whole. Raises AttRefused, LinkLost, TooSlow, NoAnswer; so do the others."""
        ...

    async def write(self, uuid: str, value: bytes) -> None:
        """With response."""
        ...

    async def subscribe(self, uuid: str, heard: Callable[[bytes], None]) -> None:
        """Call `heard` with each notification from now on."""
        ...

    async def wait_gone(self) -> None:
        """Return when the connection has ended, whoever ended it."""
        ...

    async def close(self) -> None:
        """End it. Idempotent; never raises."""
        ...


class Radio(Protocol):
    """This computer's Bluetooth."""

    def listening(self, heard: Heard) -> AbstractAsyncContextManager[None]:
        """Call `heard` for each advertisement while the block runs. Raises NoBluetooth."""
        ...

    async def connect(self, sighting: Sighting) -> Link:
        """Raises BoxNotFound, LinkLost, NoBluetooth."""
        ...
