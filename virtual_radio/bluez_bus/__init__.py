"""Route B: a peripheral for BlueZ meets a fake bluetoothd on a private message bus.

What runs for real: the peripheral (any that speaks BlueZ's D-Bus interfaces: our own, bless), its
D-Bus library, dbus-daemon, a Bluetooth host, the attribute protocol. What is played: bluetoothd,
the radio. Knows nothing of what the peripheral serves.

Start with `PrivateBus` (private_bus), `BusRoom` (bus_room), or the fixture `bluez_bus`.
"""
