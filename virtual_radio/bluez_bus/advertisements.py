"""What the fake bluetoothd sends into the air: composes it as bluetoothd does, and takes turns.

Knows a Bluetooth host and bytes, no D-Bus. Source: BlueZ 5.66, doc/advertising-api.txt; Core 5.3,
Vol 3, Part C, 11 and the Core Specification Supplement, Part A.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bumble.core import AdvertisingData, UUID
from bumble.device import Device

MAX_DATA_BYTES = 31
"""Of a legacy advertisement, and of its scan response."""

INTERVAL_MS = 20.0
"""The shortest that a controller takes."""

TURN_S = 0.1
"""How long each is sent before it is the next one's turn. Real kernels take 1 to 2 s; tests have
less time."""


class TooLong(Exception):
    """It does not fit; bluetoothd answers org.bluez.Error.InvalidLength."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One advertisement, as bytes."""

    data: bytes
    scan_response: bytes


def compose(properties: Mapping[str, Any]) -> Sent:
    """From the plain properties of an org.bluez.LEAdvertisement1. Raises TooLong."""
    parts: list[tuple[int, bytes]] = []
    if properties.get("Discoverable", True):
        parts.append((AdvertisingData.FLAGS, b"\x06"))
    uuids = [_bytes(uuid) for uuid in properties.get("ServiceUUIDs", ()) if uuid]
    for size, kind in (
        (2, AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS),
        (16, AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS),
    ):
        listed = b"".join(uuid for uuid in uuids if len(uuid) == size)
        if listed:
            parts.append((kind, listed))
    for key, value in properties.get("ServiceData", {}).items():
        uuid = _bytes(key)
        kind = (
            AdvertisingData.SERVICE_DATA_16_BIT_UUID
            if len(uuid) == 2
            else AdvertisingData.SERVICE_DATA_128_BIT_UUID
        )
        parts.append((kind, uuid + bytes(getattr(value, "value", value))))
    data = bytes(AdvertisingData(parts))
    name = str(properties.get("LocalName", "")).encode()
    response = bytes(AdvertisingData([(AdvertisingData.COMPLETE_LOCAL_NAME, name)] if name else []))
    if max(len(data), len(response)) > MAX_DATA_BYTES:
        raise TooLong(f"{len(data)} and {len(response)} bytes; {MAX_DATA_BYTES} fit")
    return Sent(data, response)


def _bytes(uuid: str) -> bytes:
    """bluetoothd takes the long form of a short UUID for what it is."""
    value = UUID(uuid)
    whole = value.to_bytes(force_128=True)
    base = whole[:12] + bytes(2) + whole[14:]
    is_short = base == UUID.from_16_bits(0).to_bytes(force_128=True)
    return whole[12:14] if is_short else whole


class Advertisements:
    """Sends any number of advertisements in turn, and goes on while centrals are connected."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._sent: dict[str, Sent] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def __len__(self) -> int:
        return len(self._sent)

    def __contains__(self, key: str) -> bool:
        return key in self._sent

    def keys(self, wanted: Callable[[str], bool] = lambda key: True) -> list[str]:
        """The names of those being sent."""
        return [key for key in self._sent if wanted(key)]

    def add(self, key: str, sent: Sent) -> None:
        """Send it too."""
        self._sent[key] = sent
        self.refresh()

    def remove(self, key: str) -> None:
        """No longer. Raises KeyError."""
        del self._sent[key]
        self.refresh()

    def refresh(self) -> None:
        """Have the host send again: a new connection has made it stop."""
        self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Be silent."""
        self._sent.clear()
        task, self._task = self._task, None
        if task is not None:  # It is never cancelled: a host loses count of an HCI command cut off.
            self._closing = True
            self._changed.set()
            await task
            self._closing = False

    async def _run(self) -> None:
        turn = 0
        while not self._closing:
            self._changed.clear()
            sent = list(self._sent.values())
            if sent:
                await self._send(sent[turn % len(sent)])
            else:
                await self._device.stop_advertising()
            turn += 1
            try:
                async with asyncio.timeout(TURN_S if len(sent) > 1 else None):
                    await self._changed.wait()
            except TimeoutError:
                continue
        await self._device.stop_advertising()

    async def _send(self, sent: Sent) -> None:
        await self._device.start_advertising(
            advertising_data=sent.data,
            scan_response_data=sent.scan_response,
            advertising_interval_min=INTERVAL_MS,
            advertising_interval_max=INTERVAL_MS,
        )
