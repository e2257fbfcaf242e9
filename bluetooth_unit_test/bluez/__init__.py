"""Mirrors `bluetooth/bluez/`; what needs a real bus is in `system_test/test_bluez_bus.py`."""
