"""The words of BlueZ's D-Bus interfaces. Knows names only.

Source: BlueZ 5.66, doc/adapter-api.txt, gatt-api.txt, advertising-api.txt, device-api.txt; the
standard interfaces: D-Bus specification, "Standard Interfaces".
"""

from bluetooth.gatt import AttError

BLUEZ = "org.bluez"
ADAPTER = "org.bluez.Adapter1"
DEVICE = "org.bluez.Device1"
GATT_MANAGER = "org.bluez.GattManager1"
SERVICE = "org.bluez.GattService1"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
DESCRIPTOR = "org.bluez.GattDescriptor1"
ADVERTISING_MANAGER = "org.bluez.LEAdvertisingManager1"
ADVERTISEMENT = "org.bluez.LEAdvertisement1"

DBUS = "org.freedesktop.DBus"
DBUS_PATH = "/org/freedesktop/DBus"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"

UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
UNKNOWN_PROPERTY = "org.freedesktop.DBus.Error.UnknownProperty"
PROPERTY_READ_ONLY = "org.freedesktop.DBus.Error.PropertyReadOnly"
INVALID_ARGUMENTS = "org.freedesktop.DBus.Error.InvalidArgs"
ACCESS_DENIED = "org.freedesktop.DBus.Error.AccessDenied"
UNLIKELY = "egret.Error.Unlikely"
"""Any name that BlueZ does not know becomes ATT error 0x0E, which it has no name for."""

ERROR_OF: dict[AttError, str] = {
    AttError.READ_NOT_PERMITTED: "org.bluez.Error.NotPermitted",
    AttError.WRITE_NOT_PERMITTED: "org.bluez.Error.NotPermitted",
    AttError.INVALID_OFFSET: "org.bluez.Error.InvalidOffset",
    AttError.INSUFFICIENT_AUTHORIZATION: "org.bluez.Error.NotAuthorized",
    AttError.INVALID_VALUE_LENGTH: "org.bluez.Error.InvalidValueLength",
    AttError.UNLIKELY: UNLIKELY,
    # BlueZ has no name for "insufficient resources"; a central is told 0x0E.
    AttError.INSUFFICIENT_RESOURCES: UNLIKELY,
}
"""How BlueZ is told which ATT error to answer with (BlueZ 5.66, src/gatt-database.c). NotPermitted
means 0x02 for a read and 0x03 for a write."""

USER_DESCRIPTION = "00002901-0000-1000-8000-00805f9b34fb"
"""Characteristic User Description (Bluetooth Core 5.3, Vol 3, Part G, 3.3.3.2)."""

_BASE_UUID_TAIL = "-0000-1000-8000-00805f9b34fb"


def short_uuid(uuid: str) -> str:
    """`4677` for the 128-bit form of a 16-bit UUID, so that it takes two bytes of the air and not
    sixteen; others unchanged."""
    if uuid.startswith("0000") and uuid.endswith(_BASE_UUID_TAIL):
        return uuid[4:8]
    return uuid
