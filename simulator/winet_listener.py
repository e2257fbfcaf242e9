"""One port of the dongle: uvicorn's protocols on a socket, with bounds, for an ASGI application.

uvicorn parses and frames; this listens on the loop that it is given, bounds connections, heads,
sizes and waits, and hands each request its connection, for faults have to be put on single bytes:
`scope["extensions"]` carries the transport (WIRE) and, for a websocket, its protocol (FRAMES).
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.http11 import Request

from simulator.latecomers import stop_listening

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 16
"""Clients at once on one port. Real dongles allow one to four; descriptors are not endless."""

MAX_HEAD_BYTES = 16 * 1024
"""Request line and headers together."""

MAX_MESSAGE_BYTES = 64 * 1024
"""One websocket message; requests have some hundred bytes."""

REQUEST_TIMEOUT_S = 30.0
"""A request must have come whole within this time, from the connection or its first byte on."""

KEEP_ALIVE_TIMEOUT_S = 60
"""An idle connection is kept this long for a next request."""

HANDSHAKE_TIMEOUT_S = 10.0
"""A TLS handshake must be through by then."""

CLOSE_TIMEOUT_S = 5.0
"""How long closing waits for what still runs on the connections."""

NOTICE_S = 0.05
"""How long they have to notice that their client is gone, before they are cancelled."""

WIRE = "winet.wire"
FRAMES = "winet.frames"


class _BoundedHttp(HttpToolsProtocol):
    """See the module's docstring."""

    closed: Callable[[], bool]
    """Whether the port has closed since this one was accepted."""

    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.logger = _failures_alone()
        super().connection_made(transport)
        if self.closed():
            transport.abort()
            return
        if len(self.connections) > MAX_CONNECTIONS:
            log.warning("too many clients, one turned away", extra={"limit": MAX_CONNECTIONS})
            transport.abort()
            return
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {WIRE: {"transport": self.transport}}
        self._in_head = True
        self._head_bytes = 0
        if self._deadline is None:
            self._arm()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._disarm()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._disarm()
        super().handle_websocket_upgrade()

    def _arm(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_TIMEOUT_S, self.transport.abort)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _failures_alone() -> logging.Logger:
    """Where uvicorn reports what failed here. What a client sent wrong, like TLS on a plain port,
    is answered and told to nobody: it would tear the live line of whoever watches the plant."""
    logger = log.getChild("failures")
    logger.setLevel(logging.ERROR)
    return logger


class _OpenWebSocket(WebSocketsSansIOProtocol):
    """A websocket whose frames the application can put on the wire by itself."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][WIRE] = {"transport": self.transport}
            scope["extensions"][FRAMES] = {"protocol": self}


class Listener:
    """One listening port. Opens on the running loop and closes within a bounded time."""

    def __init__(self, application: Any, tls: ssl.SSLContext | None = None) -> None:
        """`application` is any ASGI application."""
        self._config = Config(
            _quiet(application),
            http=_BoundedHttp,
            ws=_OpenWebSocket,
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_TIMEOUT_S,
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_per_message_deflate=False,
            # Old clients read their socket only when they expect an answer, so they see no ping.
            ws_ping_interval=None,
        )
        self._tls = tls
        self._state = ServerState()
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        """Clients connected now."""
        return len(self._state.connections)

    async def open(self, host: str, port: int) -> int:
        """Listen; returns the real port. Raises OSError."""
        if not self._config.loaded:
            self._config.load()
        self._state = ServerState()
        self._server = await asyncio.get_running_loop().create_server(
            self._accepted,
            host,
            port,
            ssl=self._tls,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S if self._tls is not None else None,
        )
        return int(self._server.sockets[0].getsockname()[1])

    def _accepted(self) -> _BoundedHttp:
        """What speaks with one client."""
        state, http = self._state, _BoundedHttp(self._config, self._state, {})
        http.closed = lambda: self._server is None or state is not self._state
        return http

    async def close(self) -> None:
        """Stop listening, drop every client, and wait for what ran for them."""
        if self._server is None:
            return
        server, self._server = self._server, None
        await stop_listening(server)
        for connection in list(self._state.connections):
            connection.transport.abort()
        tasks = set(self._state.tasks)
        if tasks:
            # Most end by themselves once their client is gone; who sleeps is woken.
            _, tasks = await asyncio.wait(tasks, timeout=NOTICE_S)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT_S)


def _quiet(application: Any) -> Any:
    """The application, cancelled without a word: uvicorn would log it as a failure of ours."""

    async def quiet(scope: Any, receive: Any, send: Any) -> None:
        try:
            await application(scope, receive, send)
        except asyncio.CancelledError:
            log.debug("closed while answering")

    return quiet
