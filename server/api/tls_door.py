"""The TLS door: accepts connections and brings them through the handshake, few at a time.

What speaks HTTP within is the same as at the plain door, and counts among its connections. Before
that nobody has said anything that means something, so a connection in its handshake has little:

- HANDSHAKE_TIMEOUT_S from being accepted to the end of the handshake, whatever it sends.
- A place among MAX_HANDSHAKES. Beyond it the address that holds most places loses its oldest: a
  thousand connections from one place keep nobody else out.

A handshake that fails says nothing to the log but a count: the network may send what it likes.
"""

import asyncio
import errno
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from server.api.rate import source_of

HANDSHAKE_TIMEOUT_S = 10.0
"""A phone at the far end of the house takes one second, the smallest box for its part a tenth."""
SHUTDOWN_TIMEOUT_S = 5.0
"""For the peer's farewell (RFC 8446 6.1), which many never send."""
MAX_HANDSHAKES = 32
"""Connections in their handshake; a browser opens six at once."""
ACCEPT_PAUSE_S = 1.0
"""When the kernel has no file or memory left for a connection, as asyncio's own servers wait."""

_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Handshake:
    """One connection on its way in. `begun`: asyncio looks after its socket from then on."""

    connection: socket.socket
    source: str
    begun: bool = False


class TlsDoor:
    """On the web server's loop only."""

    def __init__(
        self,
        door: socket.socket,
        context: Callable[[], ssl.SSLContext],
        protocol: Callable[[], asyncio.Protocol],
    ) -> None:
        """`door` listens already; `context` is asked for at each handshake."""
        door.setblocking(False)
        self._door = door
        self._context = context
        self._protocol = protocol
        self._handshakes: dict[asyncio.Task[None], Handshake] = {}  # bounded by MAX_HANDSHAKES
        self._accepting: asyncio.Task[None] | None = None
        self.failed = 0
        """Handshakes that came to nothing."""

    @property
    def handshakes(self) -> int:
        """How many are under way."""
        return len(self._handshakes)

    def open(self) -> None:
        """Accept from now on."""
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    async def close(self) -> None:
        """Accept no more, break handshakes off, give the socket back. Idempotent."""
        ending = [*self._handshakes]
        if self._accepting is not None:
            ending.append(self._accepting)
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)
        self._door.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(self._door)
            except OSError as error:
                await asyncio.sleep(ACCEPT_PAUSE_S if error.errno in _EXHAUSTED else 0)
                continue
            self._begin(Handshake(connection, source_of(address[0])))
            # Connections that wait already are accepted without waiting: others are to be served
            # in between, and this handshake is to begin.
            await asyncio.sleep(0)

    def _begin(self, handshake: Handshake) -> None:
        while len(self._handshakes) >= MAX_HANDSHAKES:
            self._evict()
        task = asyncio.get_running_loop().create_task(self._shake_hands(handshake))
        self._handshakes[task] = handshake
        task.add_done_callback(lambda done: self._ended(done, handshake))

    def _evict(self) -> None:
        """The oldest of the address that holds most."""
        sources = Counter(each.source for each in self._handshakes.values())
        most = sources.most_common(1)[0][0]
        oldest = next(task for task, each in self._handshakes.items() if each.source == most)
        del self._handshakes[oldest]
        oldest.cancel()

    async def _shake_hands(self, handshake: Handshake) -> None:
        context = self._context()
        handshake.begun = True
        # The protocol of HTTP takes over once the handshake is done.
        await asyncio.get_running_loop().connect_accepted_socket(
            self._protocol,
            handshake.connection,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
            ssl_shutdown_timeout=SHUTDOWN_TIMEOUT_S,
        )

    def _ended(self, done: asyncio.Task[None], handshake: Handshake) -> None:
        self._handshakes.pop(done, None)
        if not handshake.begun:
            handshake.connection.close()
        if done.cancelled():
            self.failed += 1
            return
        error = done.exception()
        if error is None:
            return
        self.failed += 1
        if not isinstance(error, OSError):
            log.error("a handshake failed by a mistake of ours", exc_info=error)
