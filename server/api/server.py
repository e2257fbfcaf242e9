"""The web server: one thread with one event loop, started and stopped by `app`.

Owns the socket and the thread. It runs uvicorn without its signal handlers, which belong to the
process, and without its ticking main loop, which would wake an idle box ten times a second.
"""

import asyncio
import logging
import socket
import threading
from typing import Any, cast

import uvicorn
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import Request
from starlette.responses import Response

from server.api import page
from server.api.application import Application
from server.api.call import JSON, Context, encode
from server.api.live import Live
from server.api.protocol import KEEP_ALIVE_TIMEOUT_S, BoundedProtocol
from server.api.routes import ROUTES
from server.api.services import Services
from server.api.tls import TlsOffer, terms_of
from server.api.tls_door import TlsDoor
from server.errors import SettingsError
from server.ports import Desk

START_TIMEOUT_S = 10.0
"""Seconds for the loop to come up; it takes a tenth of one."""
STOP_TIMEOUT_S = 2.0
"""Seconds to stop in, of the eight the process has; half of it is for requests in hand."""
CLOSE_TIMEOUT_S = 0.5
"""Seconds in which requests that were broken off say so to their clients."""
CLOSE_ROUNDS = 10
"""Rounds of the loop for closing sockets: accepting takes three, aborting one."""
BACKLOG_MAX = 128
"""Connections the kernel keeps for us while we are busy."""

log = logging.getLogger(__name__)


class ApiServer:
    """The API and the page at one address, and through TLS at one more where that is offered."""

    def __init__(
        self, desk: Desk, services: Services, host: str, port: int, tls: TlsOffer | None = None
    ) -> None:
        self._desk = desk
        self._services = services
        self._host = host
        self._port = port
        self._offer = tls
        self.tls_port = 0
        """Where the TLS door is; 0 for none."""
        self.tls_problem = ""
        """Why there is none although it was wanted, in words."""
        self._server: QuietServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> tuple[str, int]:
        """Listen and answer; returns host and port. Raises SettingsError for an address in use."""
        door = bind(self._host, self._port)
        host, port = door.getsockname()[:2]
        tls_door = self._bind_tls()
        live = Live(self._desk, self._services.clock)
        terms = terms_of(self._offer, self.tls_port, self._services.exposure)
        context = Context(self._desk, self._services, live, page.load(), ROUTES, port, terms)
        config = _config(Application(ROUTES, context))
        self._server = QuietServer(config, live, self._offer, tls_door)
        self._thread = threading.Thread(
            target=self._server.run, args=([door],), name="api", daemon=True
        )
        self._thread.start()
        if not self._server.is_up.wait(START_TIMEOUT_S):
            raise SettingsError(f"api: the web server did not start within {START_TIMEOUT_S:g} s")
        log.info("api listening", extra={"host": host, "port": port, "tls_port": self.tls_port})
        return host, port

    def _bind_tls(self) -> socket.socket | None:
        """The TLS door, if it is wanted and can be had: without it the plain one goes on."""
        if self._offer is None:
            return None
        try:
            door = bind(self._host, self._offer.port, "api.tls_port")
        except SettingsError as error:
            self.tls_problem = f"There is no TLS door: {error}"
            log.error("there is no TLS door", extra={"error": str(error)})
            return None
        self.tls_port = door.getsockname()[1]
        return door

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Take no more requests, finish those in hand, end. Idempotent; never raises."""
        if self._server is None or self._thread is None:
            return
        self._server.leave(timeout_s)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.warning("api did not stop in time", extra={"timeout_s": timeout_s})


class QuietServer(uvicorn.Server):
    """uvicorn's server, waiting for the word to stop instead of asking for it."""

    def __init__(
        self,
        config: uvicorn.Config,
        live: Live,
        offer: TlsOffer | None = None,
        tls_door: socket.socket | None = None,
    ) -> None:
        super().__init__(config)
        self.is_up = threading.Event()
        self.tls: TlsDoor | None = None
        if offer is not None and tls_door is not None:
            self.tls = TlsDoor(tls_door, offer.context, self._protocol)
        self._live = live
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave = asyncio.Event()

    async def main_loop(self) -> None:
        """Serve until told to leave."""
        self._loop = asyncio.get_running_loop()
        self._live.start(self._loop)
        if self.tls is not None:
            self.tls.open()
        self.is_up.set()
        await self._leave.wait()
        self._live.stop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what is in hand, then close what is left, so that no socket outlives the loop."""
        loop = asyncio.get_running_loop()
        if self.tls is not None:
            await self.tls.close()
        for door in sockets or []:
            # asyncio 3.11 loses connections that it accepts while it closes: accept no more
            # first, and let those on their way arrive.
            loop.remove_reader(door)
        await _rounds()
        await super().shutdown(sockets)
        if self.server_state.tasks:
            await asyncio.wait(set(self.server_state.tasks), timeout=CLOSE_TIMEOUT_S)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await _rounds()

    def _protocol(self) -> asyncio.Protocol:
        """One more connection, as uvicorn makes them for the plain door."""
        state = self.lifespan.state
        return BoundedProtocol(self.config, self.server_state, state)

    def leave(self, timeout_s: float) -> None:
        """Stop serving; requests in hand get half of the time. Any thread."""
        if self._loop is None:
            return
        # uvicorn hands this to asyncio's wait_for, which takes fractions of seconds.
        self.config.timeout_graceful_shutdown = cast(int, timeout_s / 2)
        try:
            self._loop.call_soon_threadsafe(self._leave.set)
        except RuntimeError:
            pass  # The loop has ended already.


async def _rounds() -> None:
    for _ in range(CLOSE_ROUNDS):
        await asyncio.sleep(0)


def bind(host: str, port: int, setting: str = "api.port") -> socket.socket:
    """A listening socket; raises SettingsError in words that name the setting of the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle's algorithm off only where it is: without
    # that, each answer waits 40 ms for the peer's delayed acknowledgement of its headers.
    door = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
        door.listen(BACKLOG_MAX)
    except (OSError, OverflowError) as error:
        door.close()
        words = getattr(error, "strerror", None) or str(error)
        raise SettingsError(
            f"api: cannot listen on {host} port {port}: {words}; "
            f"choose another api.host or {setting}, or stop what uses it"
        ) from error
    return door


def _config(application: Application) -> uvicorn.Config:
    app = ServerErrorMiddleware(cast(Any, application), handler=_bug)
    return uvicorn.Config(
        cast(Any, app),
        loop="asyncio",
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level=logging.ERROR,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG_MAX,
        timeout_keep_alive=KEEP_ALIVE_TIMEOUT_S,
    )


def _bug(request: Request, error: Exception) -> Response:
    """A fault of ours: the log has all of it, the caller learns its kind and no more."""
    body = {
        "error": "the gateway made a mistake; its log says more",
        "status": "error",
        "message": "the gateway made a mistake; its log says more",
        "exception": type(error).__name__,
        "endpoint": request.url.path,
    }
    # uvicorn closes the connection after a fault, so the client must not send its next request.
    headers = {name.decode(): value.decode() for name, value in JSON}
    return Response(encode(body), 500, {**headers, "connection": "close"})
