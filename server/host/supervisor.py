"""What a service manager is told: systemd's notification protocol, sd_notify(3).

One datagram a message to the socket that NOTIFY_SOCKET names. Without one nobody is told, and
nothing here ever fails: a gateway runs on without its supervisor's ear.
"""

import logging
import socket

log = logging.getLogger(__name__)

SEND_TIMEOUT_S = 1.0
"""A supervisor that does not read its socket delays nothing for longer."""

READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"


class Supervisor:
    """Whoever started this process, if it wants to be told."""

    def __init__(self, address: str) -> None:
        """`address` is NOTIFY_SOCKET: a path, or an abstract name after an @; "" for nobody."""
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def tell(self, message: str) -> None:
        """Send one message. Never raises."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
                door.settimeout(SEND_TIMEOUT_S)
                door.sendto(message.encode(), self._address)
        except OSError as error:
            log.debug("the supervisor does not listen", extra={"error": str(error)})
