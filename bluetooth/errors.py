"""What can go wrong here, by what to do about it."""

from bluetooth.gatt import AttError


class BluetoothError(Exception):
    """Anything that this process foresees; its text says what to do."""


class AdapterMissing(BluetoothError):
    """There is no bluetoothd, or no adapter of that name, yet. Retry."""


class PeripheralLost(BluetoothError):
    """bluetoothd or the adapter went away while we were serving. Open again."""


class GatewayAway(BluetoothError):
    """The gateway accepts no connection, or broke it off. Retry; a phone is told 502."""


class GatewaySlow(BluetoothError):
    """The gateway did not answer in time. A phone is told 504."""


class Refused(BluetoothError):
    """A central's read or write is answered with an ATT error."""

    def __init__(self, code: AttError, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text

    def __str__(self) -> str:
        return self.text


class HandshakeFailed(BluetoothError):
    """A session's handshake was wrong: another secret, altered, or out of order. A bad attempt."""


class RecordForged(BluetoothError):
    """A record of a session was altered, repeated or made with another key. A bad attempt."""


class SessionSpent(BluetoothError):
    """A session has sent as much as one key may; open a new one."""


class LabelUnusable(BluetoothError):
    """The file that holds the label's secret cannot be used; its text says what to do."""


class LabelMistyped(BluetoothError):
    """What was typed or scanned is no label; its text says what is wrong and holds none of it."""


class SettingWrong(BluetoothError):
    """An option or a variable cannot be used; its text names it."""
