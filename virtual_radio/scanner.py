"""One scan, shared by all on a host who want to hear: the first starts it, the last ends it."""

import asyncio
from collections.abc import Callable

from bumble.device import Advertisement, Device

from virtual_radio.seen import Seen, read

SCAN_INTERVAL_MS = 60
"""The window is as long: it listens all the time."""

Heard = Callable[[Seen], None]


class Scanner:
    """The scan of one host."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._listeners: list[Heard] = []
        self._active = False
        self._changing = asyncio.Lock()
        device.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)

    async def add(self, heard: Heard, active: bool = True) -> None:
        """Call `heard` for every report; `active` asks for scan responses too, for everybody."""
        async with self._changing:
            running = bool(self._listeners)
            if running and active and not self._active:
                await self._device.stop_scanning()
                running = False
            if not running:
                await self._device.start_scanning(
                    active=active, scan_interval=SCAN_INTERVAL_MS, scan_window=SCAN_INTERVAL_MS
                )
                self._active = active
            self._listeners.append(heard)

    async def remove(self, heard: Heard) -> None:
        """Call it no more. Idempotent."""
        async with self._changing:
            if heard in self._listeners:
                self._listeners.remove(heard)
                if not self._listeners:
                    await self._device.stop_scanning()

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        seen = read(advertisement)
        for heard in list(self._listeners):
            heard(seen)
