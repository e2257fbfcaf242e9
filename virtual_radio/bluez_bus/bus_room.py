"""A fake bluetoothd with its adapter in a radio: what a test of a peripheral stands in."""

from dataclasses import dataclass
from typing import Self

from virtual_radio.bluez_bus.bluetoothd import FakeBluetoothd
from virtual_radio.radio import Radio

BOX = "F0:00:00:00:00:0B"
"""The adapter's address: where a central finds the peripheral."""


@dataclass(frozen=True, slots=True)
class BusRoom:
    """Everything that a test needs of it."""

    address: str
    """Of the message bus."""
    radio: Radio
    daemon: FakeBluetoothd
    box: str = BOX
    """Where a central connects to."""

    @classmethod
    async def open(cls, address: str, radio: Radio) -> Self:
        """bluetoothd runs, and its adapter is on."""
        host = await radio.peripheral("box", address=BOX, advertise=False)
        daemon = FakeBluetoothd(address, host.device)
        await daemon.start()
        return cls(address, radio, daemon)

    async def close(self) -> None:
        """bluetoothd ends; the radio is its owner's."""
        await self.daemon.stop()
