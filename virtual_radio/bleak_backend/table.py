"""What a peer has, in bleak's form."""

from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bumble.gatt import Characteristic
from bumble.gatt_client import CharacteristicProxy

from virtual_radio.seen import uuid_text
from virtual_radio.session import WRITE_HEAD_BYTES, Session

_NAMES: dict[Characteristic.Properties, CharacteristicPropertyName] = {
    Characteristic.Properties.BROADCAST: "broadcast",
    Characteristic.Properties.READ: "read",
    Characteristic.Properties.WRITE_WITHOUT_RESPONSE: "write-without-response",
    Characteristic.Properties.WRITE: "write",
    Characteristic.Properties.NOTIFY: "notify",
    Characteristic.Properties.INDICATE: "indicate",
    Characteristic.Properties.AUTHENTICATED_SIGNED_WRITES: "authenticated-signed-writes",
    Characteristic.Properties.EXTENDED_PROPERTIES: "extended-properties",
}
"""In BlueZ's order."""


def service_collection(session: Session, wanted: set[str] | None) -> BleakGATTServiceCollection:
    """All services that were discovered, or those of them that are wanted."""
    collection = BleakGATTServiceCollection()
    for each in session.peer.services:
        uuid = uuid_text(each.uuid)
        if wanted is None or uuid in wanted:
            service = BleakGATTService(each, each.handle, uuid)
            collection.add_service(service)
            for one in each.characteristics:
                _add(collection, service, one, session)
    return collection


def _add(
    collection: BleakGATTServiceCollection,
    service: BleakGATTService,
    one: CharacteristicProxy[bytes],
    session: Session,
) -> None:
    characteristic = BleakGATTCharacteristic(
        one,
        one.handle,
        uuid_text(one.uuid),
        [name for flag, name in _NAMES.items() if flag & one.properties],
        lambda: session.mtu - WRITE_HEAD_BYTES,
        service,
    )
    collection.add_characteristic(characteristic)
    for each in one.descriptors:
        collection.add_descriptor(
            BleakGATTDescriptor(each, each.handle, uuid_text(each.type), characteristic)
        )
