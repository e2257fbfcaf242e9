"""Which peripheral this system has: the one place where that is chosen."""

import sys

from bluetooth.ports import Peripheral


def peripheral(kind: str, adapter: str, name: str, platform: str = sys.platform) -> Peripheral:
    """The peripheral for `kind`: `bluez`, `bless`, or `auto` (BlueZ on Linux, bless elsewhere).

    Libraries are loaded here and not before: each system has only its own.
    """
    if kind == "auto":
        kind = "bluez" if platform == "linux" else "bless"
    if kind == "bluez":
        from bluetooth.bluez.peripheral import BluezPeripheral

        return BluezPeripheral(adapter)
    from bluetooth.bless_peripheral import BlessPeripheral

    return BlessPeripheral(name, adapter)
