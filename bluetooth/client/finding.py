"""Finds a box among everything that advertises.

A box sends several advertisements in turn, and its name comes in a scan response: what belongs to
one address is taken together. Where nobody said which box is wanted, the only one in range is it;
with two the user must choose, because the second may be the neighbour's.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Any

from bluetooth.client.errors import BoxNotFound
from bluetooth.client.link import Radio, Sighting
from bluetooth.ports import Wait

SCAN_S = 6.0
"""How long a scan listens: BlueZ sends three advertisements in turn, up to 2 s each."""

FIND_TIMEOUT_S = 20.0
"""How long a box is looked for: three such rounds, on a radio that misses two of three."""

SETTLE_S = 2.5
"""After the first box, how long a second one has to show itself, and the first one its name."""

MAX_SIGHTINGS = 1024
"""Addresses that are remembered during one scan; phones change theirs all the time."""

NONE_FOUND = (
    "no box was found in range: press the button at the box (it then shows itself for three"
    " minutes), come within a few metres, and try again"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which box. Empty: the only one in range."""

    address: str = ""
    name: str = ""

    @property
    def is_any(self) -> bool:
        """Whether nobody said which."""
        return not self.address and not self.name

    def fits(self, sighting: Sighting) -> bool:
        """Whether this is it."""
        if self.address:
            return sighting.address.lower() == self.address.lower()
        if self.name:
            return sighting.name.lower() == self.name.lower()
        return bool(sighting.ways)

    def __str__(self) -> str:
        return self.address or self.name


class Crowd:
    """Everybody who was heard."""

    def __init__(self) -> None:
        self._seen: dict[str, Sighting] = {}

    def add(self, sighting: Sighting) -> Sighting:
        """Take note of one advertisement; what is known of its sender now."""
        known = self._seen.get(sighting.address)
        if known is None:
            if len(self._seen) >= MAX_SIGHTINGS:
                self._forget_one()
            known = sighting
        merged = replace(
            sighting,
            name=sighting.name or known.name,
            service_uuids=known.service_uuids | sighting.service_uuids,
            service_data={**known.service_data, **sighting.service_data},
        )
        self._seen[sighting.address] = merged
        return merged

    def known(self, address: str) -> Sighting:
        """All that this one has said. Raises KeyError."""
        return self._seen[address]

    def boxes(self) -> list[Sighting]:
        """Those that are ours, the loudest first."""
        ours = (each for each in self._seen.values() if each.ways)
        return sorted(ours, key=lambda each: (-each.rssi_dbm, each.address))

    def _forget_one(self) -> None:
        """A stranger, if there is one."""
        strangers = (address for address, each in self._seen.items() if not each.ways)
        del self._seen[next(strangers, next(iter(self._seen)))]


async def scan(radio: Radio, wait: Wait, seconds: float = SCAN_S) -> list[Sighting]:
    """The boxes in range, the loudest first. Raises NoBluetooth."""
    crowd = Crowd()
    async with radio.listening(crowd.add):
        await wait(seconds)
    return crowd.boxes()


async def find(
    radio: Radio, wait: Wait, wanted: Wanted, timeout_s: float = FIND_TIMEOUT_S
) -> Sighting:
    """The box that is wanted. Raises BoxNotFound, NoBluetooth."""
    crowd = Crowd()
    loop = asyncio.get_running_loop()
    first: asyncio.Future[str] = loop.create_future()
    named: asyncio.Future[str] = loop.create_future()

    def heard(sighting: Sighting) -> None:
        known = crowd.add(sighting)
        if wanted.fits(known):
            for future, is_due in ((first, True), (named, bool(known.name))):
                if is_due and not future.done():
                    future.set_result(known.address)

    async with radio.listening(heard):
        await _until(first, wait(timeout_s))
        if first.done() and wanted.is_any:
            await wait(SETTLE_S)
        elif first.done():
            await _until(named, wait(SETTLE_S))
    if not first.done():
        raise BoxNotFound(_not_found(wanted, crowd.boxes()))
    return _only(crowd.boxes()) if wanted.is_any else crowd.known(first.result())


def _only(boxes: list[Sighting]) -> Sighting:
    if len(boxes) > 1:
        raise BoxNotFound(f"several boxes are in range; choose one with --address: {_list(boxes)}")
    return boxes[0]


def _not_found(wanted: Wanted, boxes: list[Sighting]) -> str:
    if wanted.is_any or not boxes:
        return NONE_FOUND
    return f"no box {wanted} was found in range; there: {_list(boxes)}"


def _list(boxes: list[Sighting]) -> str:
    return ", ".join(f"{each.address} ({each.name or 'no name'})" for each in boxes)


async def _until(future: "asyncio.Future[str]", ending: Awaitable[None]) -> None:
    """Wait for the future, but not beyond the ending."""
    end = asyncio.ensure_future(ending)
    both: set[asyncio.Future[Any]] = {future, end}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        end.cancel()
