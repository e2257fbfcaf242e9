"""The radio's errors in bleak's words, as bleak gives them on BlueZ.

Texts of failed connections are those of BlueZ (doc/device-api.txt, Connect); codes of GATT travel
as BleakGATTProtocolError.
"""

from bleak.exc import (
    BleakDBusError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)
from bumble import hci

FAILED = "org.bluez.Error.Failed"
NOT_SUPPORTED = "org.bluez.Error.NotSupported"

_REFUSED = {
    hci.HCI_ErrorCode.CONNECTION_REJECTED_DUE_TO_LIMITED_RESOURCES_ERROR,
    hci.HCI_ErrorCode.CONNECTION_REJECTED_DUE_TO_SECURITY_REASONS_ERROR,
    hci.HCI_ErrorCode.CONNECTION_REJECTED_DUE_TO_UNACCEPTABLE_BD_ADDR_ERROR,
}
_BY_REMOTE = {
    hci.HCI_ErrorCode.REMOTE_USER_TERMINATED_CONNECTION_ERROR,
    hci.HCI_ErrorCode.REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_LOW_RESOURCES_ERROR,
    hci.HCI_ErrorCode.REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR,
}


def connect_failed(status: int) -> BleakError:
    """For the HCI status with which a connection failed."""
    if status in _REFUSED:
        text = "le-connection-refused"
    elif status in _BY_REMOTE:
        text = "le-connection-abort-by-remote"
    elif status == hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR:
        text = "le-connection-timeout"
    elif status == hci.HCI_ErrorCode.MEMORY_CAPACITY_EXCEEDED_ERROR:
        text = "le-connection-memory-allocation"
    else:
        text = "le-connection-unknown"
    return BleakDBusError(FAILED, [text])


def gatt_refused(code: int) -> BleakError:
    """For an error code of the attribute protocol."""
    return BleakGATTProtocolError(BleakGATTProtocolErrorCode(code))


def gone() -> BleakError:
    """For a connection that ended while somebody waited for an answer."""
    return BleakDBusError(FAILED, ["Not connected"])


def not_connected() -> BleakError:
    """For whoever asks without a connection."""
    return BleakError("Not connected")
