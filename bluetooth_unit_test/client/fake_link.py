"""A link and a radio in memory, which pass the contract of the real ones."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bluetooth.client.errors import LinkLost, NoAnswer, att_refused
from bluetooth.client.link import Heard, Link, Sighting
from bluetooth.egwttp import GREETING
from bluetooth.gatt import RESPONSE_UUID, SERVICES


class FakeLink:
    """`link.Link`. A test sets what is read, sees what is written, and notifies."""

    def __init__(self, write_bytes: int = 244) -> None:
        self.write_bytes = write_bytes
        self.service_uuids = frozenset(each.uuid for each in SERVICES)
        self.values = {one.uuid: b"" for each in SERVICES for one in each.characteristics}
        self.values[RESPONSE_UUID] = GREETING
        self.refusals: dict[str, int] = {}
        self.written: list[tuple[str, bytes]] = []
        self.on_write: Callable[[str, bytes], None] = lambda uuid, value: None
        self.reads = 0
        self._subscribers: dict[str, Callable[[bytes], None]] = {}
        self._gone = asyncio.Event()

    async def read(self, uuid: str) -> bytes:
        """See the port."""
        self._check(uuid)
        self.reads += 1
        return self.values[uuid]

    async def write(self, uuid: str, value: bytes) -> None:
        """See the port."""
        self._check(uuid)
        self.written.append((uuid, value))
        self.on_write(uuid, value)

    async def subscribe(self, uuid: str, heard: Callable[[bytes], None]) -> None:
        """See the port."""
        self._check(uuid)
        self._subscribers[uuid] = heard

    async def wait_gone(self) -> None:
        """See the port."""
        await self._gone.wait()

    async def close(self) -> None:
        """See the port."""
        self._gone.set()

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended."""
        return self._gone.is_set()

    def notify(self, uuid: str, value: bytes) -> None:
        """The box notifies, cut as the radio cuts it."""
        if uuid in self._subscribers:
            self._subscribers[uuid](value[: self.write_bytes])

    def tell(self, uuid: str, value: bytes) -> None:
        """The value changes, and the box notifies it."""
        self.values[uuid] = value
        self.notify(uuid, value)

    def end(self) -> None:
        """The box ends the connection."""
        self._gone.set()

    def reopen(self) -> None:
        """Somebody connects anew."""
        self._gone = asyncio.Event()
        self._subscribers.clear()

    def _check(self, uuid: str) -> None:
        if self._gone.is_set():
            raise LinkLost("the connection is over")
        if uuid not in self.values:
            raise NoAnswer(f"this box has no characteristic {uuid}: it is none of ours")
        if uuid in self.refusals:
            raise att_refused(self.refusals[uuid])


class FakeRadio:
    """`link.Radio`: what is in the air, and what one connects to."""

    def __init__(self, *sightings: Sighting) -> None:
        self.sightings = sightings
        self.links: dict[str, Link] = {}
        self.listeners = 0
        self._heard: Heard | None = None

    @asynccontextmanager
    async def listening(self, heard: Heard) -> AsyncIterator[None]:
        """See the port."""
        self.listeners += 1
        self._heard = heard
        for each in self.sightings:
            heard(each)
        try:
            yield
        finally:
            self.listeners -= 1
            self._heard = None

    def say(self, sighting: Sighting) -> None:
        """One more advertisement."""
        if self._heard is not None:
            self._heard(sighting)

    async def connect(self, sighting: Sighting) -> Link:
        """See the port."""
        return self.links.setdefault(sighting.address, FakeLink())
