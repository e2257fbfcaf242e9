"""What a scan makes of the bytes of an advertisement. Pure.

The types of the fields are those of the Assigned Numbers of the Bluetooth SIG, section 2.3.
"""

import uuid
from dataclasses import dataclass, field

from bumble import core, hci
from bumble.core import AdvertisingData
from bumble.device import Advertisement

_UUID_LISTS = (
    (AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, 2),
    (AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, 2),
    (AdvertisingData.INCOMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS, 4),
    (AdvertisingData.COMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS, 4),
    (AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, 16),
    (AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, 16),
)
_SERVICE_DATA = (
    (AdvertisingData.SERVICE_DATA_16_BIT_UUID, 2),
    (AdvertisingData.SERVICE_DATA_32_BIT_UUID, 4),
    (AdvertisingData.SERVICE_DATA_128_BIT_UUID, 16),
)
_NAMES = (AdvertisingData.COMPLETE_LOCAL_NAME, AdvertisingData.SHORTENED_LOCAL_NAME)
COMPANY_BYTES = 2


@dataclass(frozen=True, slots=True)
class Seen:
    """One advertiser, its scan response included if the scan asked for it."""

    address: hci.Address
    name: str | None
    service_uuids: tuple[str, ...] = ()
    """Lower case, 128 bits."""
    service_data: dict[str, bytes] = field(default_factory=dict)
    manufacturer_data: dict[int, bytes] = field(default_factory=dict)
    """By company identifier."""
    tx_power_dbm: int | None = None
    rssi_dbm: int = 0
    connectable: bool = False

    @property
    def address_text(self) -> str:
        """The address as people write it: C0:00:00:00:00:01."""
        return self.address.to_string(False)


def uuid_text(value: core.UUID) -> str:
    """Any UUID in its long form, lower case."""
    return str(uuid.UUID(bytes=bytes(reversed(value.to_bytes(force_128=True)))))


def read(advertisement: Advertisement) -> Seen:
    """What is in it. Fields that are cut short are left out."""
    structures = advertisement.data.ad_structures
    names = [text for kind in _NAMES for each, text in structures if each == kind]
    power = [value for kind, value in structures if kind == AdvertisingData.TX_POWER_LEVEL]
    return Seen(
        advertisement.address,
        names[0].decode("utf-8", "replace") if names else None,
        _service_uuids(structures),
        {
            _from_bytes(value[:size]): bytes(value[size:])
            for kind, size in _SERVICE_DATA
            for each, value in structures
            if each == kind and len(value) >= size
        },
        {
            int.from_bytes(value[:COMPANY_BYTES], "little"): bytes(value[COMPANY_BYTES:])
            for kind, value in structures
            if kind == AdvertisingData.MANUFACTURER_SPECIFIC_DATA and len(value) >= COMPANY_BYTES
        },
        int.from_bytes(power[0][:1], "little", signed=True) if power and power[0] else None,
        advertisement.rssi,
        advertisement.is_connectable,
    )


def _service_uuids(structures: list[tuple[AdvertisingData.Type, bytes]]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for kind, size in _UUID_LISTS:
        for each, value in structures:
            if each == kind:
                whole = len(value) - len(value) % size
                for at in range(0, whole, size):
                    found[_from_bytes(value[at : at + size])] = None
    return tuple(found)


def _from_bytes(value: bytes) -> str:
    return uuid_text(core.UUID.from_bytes(bytes(value)))
