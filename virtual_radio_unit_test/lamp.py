"""The peripheral that most tests talk to: a lamp with a state, a log and a switch."""

from virtual_radio.gatt import GattError, VirtualCharacteristic, VirtualService
from virtual_radio.gatt import characteristic, service

LAMP = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
STATE = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
LOG = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
SWITCH = "6e400004-b5a3-f393-e0a9-e50e24dcca9e"
BROKEN = "6e400005-b5a3-f393-e0a9-e50e24dcca9e"
ALARM = "6e400006-b5a3-f393-e0a9-e50e24dcca9e"

APPLICATION_ERROR = 0x80


def refuse(_client: str) -> bytes:
    """What the broken characteristic answers."""
    raise GattError(APPLICATION_ERROR)


def log_value(size: int) -> bytes:
    """A value in which a byte out of place shows."""
    return bytes(index % 251 for index in range(size))


class Lamp:
    """Its table, and the characteristics that tests look into."""

    def __init__(self) -> None:
        self.state = characteristic(STATE, "read", "write", "notify", value=b"off")
        self.log = characteristic(LOG, "read", "write", value=log_value(300), description="log")
        self.switched: list[tuple[str, bytes]] = []
        self.services = [service(LAMP, *self._characteristics())]

    def _characteristics(self) -> list[VirtualCharacteristic]:
        return [
            self.state,
            self.log,
            characteristic(
                SWITCH,
                "write-without-response",
                on_write=lambda client, value: self.switched.append((client, value)),
            ),
            characteristic(BROKEN, "read", on_read=refuse),
            characteristic(ALARM, "indicate"),
        ]

    @property
    def service(self) -> VirtualService:
        """The one that it advertises."""
        return self.services[0]
