"""What bluetoothd sends into the air for us: an LEAdvertisement1 each, several at once.

The kernel sends them in turn. bluetoothd reads an advertisement when it is registered, so a changed
one is taken back and registered anew. One that bluetoothd gives up (`Release`) is registered again
after a pause that grows. Source: BlueZ 5.66, doc/advertising-api.txt.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from itertools import chain, count, repeat

from dbus_fast import Variant

from bluetooth.bluez import words
from bluetooth.bluez.application import Properties, property_reply
from bluetooth.bluez.bus import Bus, DbusRefused, Heard, Reply
from bluetooth.errors import BluetoothError, PeripheralLost
from bluetooth.gatt import Advertisement
from bluetooth.ports import Wait

log = logging.getLogger(__name__)

ROOT = "/org/egret/advertisement"

MAX_NAME_BYTES = 29
"""A scan response has 31 bytes, two of which say what follows (Core 5.3, Vol 3, Part C, 11)."""

INTERVAL_MS = 100
"""Between two advertisements: a phone that scans finds the box at once. Older bluetoothd take it
only when started with --experimental; then it is the kernel's 1.28 s."""

TURN_S = 1
"""How long each advertisement is sent before it is the next one's turn; bluetoothd's own is 2 s."""

AGAIN_AFTER_S = (0.5, 2.0, 10.0, 60.0)
"""Pauses before a released advertisement is registered again; the last one repeats. bluetoothd
releases when the adapter goes down, which `wait_lost` reports; else it should not happen."""


def advertised(advertisement: Advertisement) -> Properties:
    """The properties of org.bluez.LEAdvertisement1 for it; a name that is too long is cut, at a
    character."""
    name = advertisement.name.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
    properties = {
        "Type": Variant("s", "peripheral"),
        "Discoverable": Variant("b", True),
        "Duration": Variant("q", TURN_S),
        "MinInterval": Variant("u", INTERVAL_MS),
        "MaxInterval": Variant("u", INTERVAL_MS),
    }
    if name:
        properties["LocalName"] = Variant("s", name)
    if advertisement.service_uuids:
        uuids = [words.short_uuid(uuid) for uuid in advertisement.service_uuids]
        properties["ServiceUUIDs"] = Variant("as", uuids)
    if advertisement.service_data:
        data = {
            words.short_uuid(uuid): Variant("ay", bytes(value))
            for uuid, value in advertisement.service_data.items()
        }
        properties["ServiceData"] = Variant("a{sv}", data)
    return properties


class Advertiser:
    """Keeps the wanted advertisements registered on one adapter."""

    def __init__(self, bus: Bus, adapter_path: str, wait: Wait) -> None:
        self._bus = bus
        self._adapter = adapter_path
        self._wait = wait
        self._wanted: tuple[Advertisement, ...] = ()
        self._registered: dict[str, Advertisement] = {}
        self._numbers = count()
        self._changing = asyncio.Lock()
        self._again: asyncio.Task[None] | None = None
        self._releases = 0

    async def advertise(self, wanted: Sequence[Advertisement]) -> None:
        """Exactly these from now on. Raises PeripheralLost, also if none of them was taken."""
        async with self._changing:
            self._stop_again()
            self._wanted = tuple(wanted)
            for path in [path for path, kept in self._registered.items() if kept not in wanted]:
                await self._take_back(path)
            await self._register_missing()

    async def close(self) -> None:
        """Take all of them back. Never raises."""
        with contextlib.suppress(BluetoothError):
            async with self._changing:
                self._stop_again()
                for path in list(self._registered):
                    await self._take_back(path)

    def abandon(self) -> None:
        """bluetoothd is gone, and with it all that it was asked to send."""
        self._stop_again()
        self._registered.clear()

    def answer(self, heard: Heard) -> Reply | None:
        """Answer a call of bluetoothd; None if it is not for an advertisement."""
        advertisement = self._registered.get(heard.path)
        if advertisement is None:
            return None
        if heard.interface == words.PROPERTIES:
            return property_reply({words.ADVERTISEMENT: advertised(advertisement)}, heard)
        if heard.interface == words.OBJECT_MANAGER:
            return Reply("a{oa{sa{sv}}}", ({},))
        if (heard.interface, heard.member) == (words.ADVERTISEMENT, "Release"):
            self._released(heard.path)
            return Reply()
        return None

    def _released(self, path: str) -> None:
        del self._registered[path]
        self._releases += 1
        log.info("bluetoothd gave an advertisement up", extra={"path": path})
        if self._again is None or self._again.done():
            self._again = asyncio.create_task(self._register_again())

    async def _register_again(self) -> None:
        for pause_s in chain(AGAIN_AFTER_S, repeat(AGAIN_AFTER_S[-1])):
            await self._wait(pause_s)
            releases = self._releases
            try:
                async with self._changing:
                    await self._register_missing()
            except PeripheralLost as lost:
                log.info("cannot advertise again yet", extra={"why": str(lost)})
                continue
            if releases == self._releases:  # Else another one was given up meanwhile.
                return

    def _stop_again(self) -> None:
        # Whoever holds the lock interrupts only its waiting, never a registration.
        if self._again is not None:
            self._again.cancel()
            self._again = None

    async def _register_missing(self) -> None:
        refusal: DbusRefused | None = None
        for advertisement in self._wanted:
            if advertisement in self._registered.values():
                continue
            try:
                await self._register(advertisement)
            except DbusRefused as refused:
                refusal = refused
                log.error("bluetoothd refuses an advertisement", extra={"why": str(refused)})
        if refusal is not None and not self._registered:
            raise PeripheralLost(f"bluetoothd takes no advertisement: {refusal}") from refusal

    async def _register(self, advertisement: Advertisement) -> None:
        path = f"{ROOT}{next(self._numbers)}"
        self._registered[path] = advertisement
        try:
            await self._ask("RegisterAdvertisement", "oa{sv}", (path, {}))
        except BaseException:
            self._registered.pop(path, None)
            raise

    async def _take_back(self, path: str) -> None:
        with contextlib.suppress(DbusRefused):  # It is gone already: all the better.
            await self._ask("UnregisterAdvertisement", "o", (path,))
        self._registered.pop(path, None)

    async def _ask(self, member: str, signature: str, body: Sequence[object]) -> None:
        await self._bus.call(
            words.BLUEZ, self._adapter, words.ADVERTISING_MANAGER, member, signature, body
        )
