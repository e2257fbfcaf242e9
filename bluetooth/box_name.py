"""What the box is called in the air: Egret, and the end of its serial number.

The serial is the gateway's (GET /api/crypto); where that cannot be had, the machine's network
address stands in, so that a new box can be found even before its gateway runs.
"""

import json
import uuid

from bluetooth.errors import BluetoothError
from bluetooth.ports import Gateway

PREFIX = "Egret "
END_CHARACTERS = 6
ASK_TIMEOUT_S = 3.0
"""For the gateway's answer; it is on this machine."""


def from_serial(serial: str) -> str:
    """The name for a serial number or address: its last letters and digits; "" if it has none."""
    end = "".join(each for each in serial if each.isascii() and each.isalnum())[-END_CHARACTERS:]
    return PREFIX + end.upper() if end else ""


def from_machine() -> str:
    """The name for this machine's network address. May block for some milliseconds."""
    return from_serial(f"{uuid.getnode():012x}")


async def from_gateway(gateway: Gateway) -> str:
    """The name for the gateway's serial; "" when it does not tell. Never raises."""
    try:
        answer = await gateway.ask("GET", "/api/crypto", timeout_s=ASK_TIMEOUT_S)
        found = json.loads(answer.body) if answer.status == 200 else {}
    except (BluetoothError, ValueError):
        return ""
    serial = found.get("serialNumber") if isinstance(found, dict) else None
    return from_serial(serial) if isinstance(serial, str) else ""
