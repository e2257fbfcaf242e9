"""A whole Debian in QEMU for tests: real kernel, bluetoothd, NetworkManager; the radio outside.

Knows how to make, cache, start, speak to and end the guest; knows nothing of what runs in it.
"""
