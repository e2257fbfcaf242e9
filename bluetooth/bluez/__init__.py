"""A GATT server on BlueZ, the Linux Bluetooth daemon, over D-Bus. Knows not what is served.

`BluezPeripheral` is the port; the other modules are its parts: the bus, the adapter, the object
tree of the application, the advertisements.
"""

from bluetooth.bluez.peripheral import BluezPeripheral

__all__ = ["BluezPeripheral"]
