"""Puts the radio below bleak, and takes it away again.

bleak asks two functions for its backend whenever a client or a scanner is made, and that is where
the radio comes in; code under test needs no change and may have imported bleak long before. Code
that passes `backend=` itself can be given the classes.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import bleak
from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import BaseBleakScanner

from virtual_radio.bleak_backend.client import MTU, RadioClient
from virtual_radio.bleak_backend.scanner import RadioScanner
from virtual_radio.central import Central

BACKEND_ID = "virtual radio"
"""What `BleakClient.backend_id` says."""

_CLIENT_HOOK = "get_platform_client_backend_type"
_SCANNER_HOOK = "get_platform_scanner_backend_type"


def backends(
    central: Central, mtu: int = MTU
) -> tuple[type[BaseBleakClient], type[BaseBleakScanner]]:
    """Classes for `BleakClient(backend=...)` and `BleakScanner(backend=...)`."""
    client = type("RadioClient", (RadioClient,), {"central": central, "mtu": mtu})
    scanner = type("RadioScanner", (RadioScanner,), {"central": central})
    return client, scanner


@contextmanager
def installed(central: Central) -> Iterator[None]:
    """While the block runs, bleak knows no other adapter than this central."""
    client, scanner = backends(central)
    before = {hook: getattr(bleak, hook) for hook in (_CLIENT_HOOK, _SCANNER_HOOK)}
    setattr(bleak, _CLIENT_HOOK, lambda: (client, BACKEND_ID))
    setattr(bleak, _SCANNER_HOOK, lambda: (scanner, BACKEND_ID))
    try:
        yield
    finally:
        for hook, function in before.items():
            setattr(bleak, hook, function)
