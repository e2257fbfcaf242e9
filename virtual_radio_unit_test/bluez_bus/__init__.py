"""Mirrors `virtual_radio/bluez_bus/`; what needs dbus-daemon is in `system_test/`."""
