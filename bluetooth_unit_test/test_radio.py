"""Which peripheral a system gets."""

import pytest

from bluetooth import radio
from bluetooth.bless_peripheral import BlessPeripheral
from bluetooth.bluez.peripheral import BluezPeripheral


@pytest.mark.parametrize(
    ("kind", "platform", "chosen"),
    [
        ("auto", "linux", BluezPeripheral),
        ("auto", "darwin", BlessPeripheral),
        ("auto", "win32", BlessPeripheral),
        ("bluez", "linux", BluezPeripheral),
        ("bless", "linux", BlessPeripheral),
    ],
)
def test_linux_has_bluez_and_the_others_bless(kind: str, platform: str, chosen: type) -> None:
    """Unless somebody asks for the other one; nothing is opened by choosing."""
    assert chosen is type(radio.peripheral(kind, "hci0", "Egret", platform))
