"""The guard that keeps unit tests on this machine, one for the whole process of all suites.

Importing it installs it; an audit hook cannot be taken back, and a second one would be a second
opinion.
"""

import sys
from collections.abc import Sequence

LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0", "::")
ON_LOOPBACK = ("224.0.0.251",)
"""The group of multicast DNS: it never leaves its link, and tests use it on loopback."""


class OutsideWorldError(AssertionError):
    """A test tried to reach another machine."""


def _loopback_only(event: str, arguments: Sequence[object]) -> None:
    """Refuse a connection to anything but this machine, whichever library asks."""
    if event not in ("socket.connect", "socket.sendto"):
        return
    # connect(socket, address); sendto(socket, address), on some versions with flags between.
    address = arguments[-1]
    if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK + ON_LOOPBACK):
        raise OutsideWorldError(
            f"a unit test may not reach {address[0]}; start a server on 127.0.0.1"
        )


sys.addaudithook(_loopback_only)
