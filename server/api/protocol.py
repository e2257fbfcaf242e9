"""One HTTP connection and the limits of time and space that a peer has on it.

uvicorn's protocol parses and answers; it bounds neither the time in which a request arrives nor
its head nor the time in which an answer is taken. This adds those bounds and nothing else:

- From the connection, or from the first byte of a further request, to the last byte of the
  request there are REQUEST_TIMEOUT_S. Silence and dripping are cut off alike.
- The head (request line and headers) has at most MAX_HEAD_BYTES.
- An answer that the peer does not take within WRITE_TIMEOUT_S is thrown away.
- Beyond MAX_CONNECTIONS a connection that is busy with nothing makes room for the new one.
- A request that comes before the last one was answered ends the connection: a queue of them would
  have no clock and no end.
- Beyond MAX_REQUESTS only /healthz is answered, which is what a watchdog reads.
"""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from server.api.refusals import refusal

REQUEST_TIMEOUT_S = 10.0
"""Seconds in which a whole request must arrive; 64 kB over a bad radio link need two, and the
largest settings over a good one as many."""
WRITE_TIMEOUT_S = 20.0
"""Seconds in which a peer must take what was sent, before the connection is dropped."""
KEEP_ALIVE_TIMEOUT_S = 15
"""Seconds that an idle connection is kept for a next request; the page polls nothing slower."""
MAX_HEAD_BYTES = 16 * 1024
"""Request line and headers together; browsers send about one kilobyte."""
HEADER_COST_BYTES = 32
"""What each header counts beside its bytes: the separators and the objects it becomes."""
MAX_CONNECTIONS = 128
"""Open connections. A browser uses six; idle ones go first when this is reached."""
MAX_REQUESTS = 64
"""Requests being answered at once, streams included; beyond it the answer is 503."""
MAX_HEALTH_REQUESTS = 8
"""Beyond MAX_REQUESTS, for /healthz alone: a watchdog must not take a busy gateway for a dead one.
Together they stay below MAX_CONNECTIONS, so that there is always an idle one to make room."""
HEALTH_PATH = b"/healthz"
WRITE_BUFFER_MAX_BYTES = 16 * 1024
"""Bytes waiting for a slow peer before its stream stops sending: about one snapshot."""


class BoundedProtocol(HttpToolsProtocol):
    """See the module's docstring."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._arrival: asyncio.TimerHandle | None = None
        self._delivery: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._unseen_bytes = 0
        self._in_head = False
        self._oversized = False
        self.busy = False
        """True from a complete request to the end of its answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection and start the clock for its first request."""
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=WRITE_BUFFER_MAX_BYTES)
        self._arm_arrival()
        if len(self.connections) > MAX_CONNECTIONS and not _evict(self.connections, self):
            self.give_up(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections, try again")

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop both clocks."""
        self._disarm_arrival()
        self._disarm_delivery()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, within the bounds of a head and of time."""
        if self._arrival is None and not self.busy:
            self._arm_arrival()
        if self._oversized:
            return
        was_in_head = self._in_head
        super().data_received(data)
        if was_in_head and self._in_head and not self._oversized:
            # A header that never ends is kept by the parser, out of sight of on_header.
            self._unseen_bytes += len(data)
            if self._unseen_bytes > MAX_HEAD_BYTES:
                self._oversized = True
                self._refuse_head()

    def on_message_begin(self) -> None:
        """A new head begins."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = self._unseen_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Count the request line."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header; each costs more than its bytes, so that many short ones count too."""
        self._count_head(len(name) + len(value) + HEADER_COST_BYTES)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete; answer 503 at once when too many requests are in hand."""
        self._in_head = False
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()
            raise ValueError("a request before the last one was answered")
        if not self.url.startswith(b"/"):
            self._add_authority()
        is_health = self.url.partition(b"?")[0] == HEALTH_PATH
        if len(self.tasks) < MAX_REQUESTS + (MAX_HEALTH_REQUESTS if is_health else 0):
            super().on_headers_complete()
            return
        app, self.app = self.app, _overloaded
        try:
            super().on_headers_complete()
        finally:
            self.app = app

    def on_message_complete(self) -> None:
        """The whole request is here: from now on the time is ours."""
        self._disarm_arrival()
        self.busy = self.cycle is not None and not self.cycle.response_complete
        super().on_message_complete()
        if not self.busy and self.timeout_keep_alive_task is None:
            # Answered before its body came, which then stopped the clock of an idle connection.
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        """The answer is written; what the peer has not taken gets its time, and no more."""
        self.busy = False
        super().on_response_complete()
        if self._in_head and self._arrival is None:
            self._arm_arrival()  # The next request began while this one was answered.
        if self.transport.is_closing() and self._delivery is None:
            self._arm_delivery()

    def pause_writing(self) -> None:
        """The peer does not read: give it its time."""
        super().pause_writing()
        if self._delivery is None:
            self._arm_delivery()

    def resume_writing(self) -> None:
        """The peer reads again."""
        super().resume_writing()
        self._disarm_delivery()

    def timeout_keep_alive_handler(self) -> None:
        """An idle connection ends; with an answer it never took, at once."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """A request that cannot be parsed is answered in JSON like all others."""
        if self._oversized:
            self._refuse_head()
        else:
            self.give_up(HTTPStatus.BAD_REQUEST, "this is not a valid HTTP request")

    def give_up(self, status: HTTPStatus, text: str) -> None:
        """Say why and close; a peer that has begun to get an answer is just cut off."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and self.cycle.response_started:
            if not self.cycle.response_complete:
                self.transport.abort()
                return
        self.transport.write(_raw_answer(status, text))
        self.transport.close()
        if self._delivery is None:
            self._arm_delivery()

    def _add_authority(self) -> None:
        """A target in absolute form names a host as well; where it is another, there are two."""
        authority = urlsplit(self.url).netloc
        if [authority.lower()] != [v.lower() for name, v in self.headers if name == b"host"]:
            self.headers.append((b"host", authority))

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._oversized = True
            raise ValueError("the head is too large")  # The parser stops: send_400_response.

    def _refuse_head(self) -> None:
        text = f"the request line and headers may have at most {MAX_HEAD_BYTES} bytes"
        self.give_up(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, text)

    def _arm_arrival(self) -> None:
        self._arrival = self.loop.call_later(REQUEST_TIMEOUT_S, self._too_slow)

    def _disarm_arrival(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _disarm_delivery(self) -> None:
        if self._delivery is not None:
            self._delivery.cancel()
            self._delivery = None

    def _arm_delivery(self) -> None:
        self._delivery = self.loop.call_later(WRITE_TIMEOUT_S, self.transport.abort)

    def _too_slow(self) -> None:
        self._arrival = None
        text = f"the request did not arrive within {REQUEST_TIMEOUT_S:g} s"
        self.give_up(HTTPStatus.REQUEST_TIMEOUT, text)


def _evict(connections: Iterable[object], newcomer: object) -> bool:
    """Close a connection that waits for nothing of ours; False when all are at work."""
    for each in connections:
        if isinstance(each, BoundedProtocol) and each is not newcomer and not each.busy:
            each.transport.abort()
            return True
    return False


def _raw_answer(status: HTTPStatus, text: str) -> bytes:
    reply = refusal(status, text)
    body = reply.body
    assert isinstance(body, bytes)
    told = b"".join(b"%s: %s\r\n" % header for header in reply.headers)
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: {len(body)}\r\n"
    return b"%s%sconnection: close\r\n\r\n%s" % (head.encode(), told, body)


async def _overloaded(scope: Any, receive: Any, send: Any) -> None:
    reply = refusal(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests at once, try again")
    headers = [*reply.headers, (b"connection", b"close"), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
