"""bleak's scanner on a central of the radio."""

from typing import Any, ClassVar

from bleak.backends.scanner import (
    AdvertisementData,
    AdvertisementDataCallback,
    BaseBleakScanner,
)

from virtual_radio.central import Central
from virtual_radio.seen import Seen


class RadioScanner(BaseBleakScanner):
    """Made by `install`, which gives each radio a class of its own."""

    central: ClassVar[Central]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        **_: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._scan_active = scanning_mode == "active"

    async def start(self) -> None:
        """Begin to hear."""
        self.seen_devices = {}
        await self.central.scanner.add(self._heard, self._scan_active)

    async def stop(self) -> None:
        """Hear no more."""
        await self.central.scanner.remove(self._heard)

    def _heard(self, seen: Seen) -> None:
        data = advertisement_data(seen)
        if self.is_allowed_uuid(data.service_uuids):
            key = seen.address_text
            device = self.create_or_update_device(key, key, seen.name, seen, data)
            self.call_detection_callbacks(device, data)


def advertisement_data(seen: Seen) -> AdvertisementData:
    """The same in bleak's form."""
    return AdvertisementData(
        local_name=seen.name,
        manufacturer_data=dict(seen.manufacturer_data),
        service_data=dict(seen.service_data),
        service_uuids=list(seen.service_uuids),
        tx_power=seen.tx_power_dbm,
        rssi=seen.rssi_dbm,
        platform_data=(seen,),
    )
