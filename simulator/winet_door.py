"""The WiNet-S dongle as two doors: the classic one, and the firmware that speaks TLS only.

It wires services, sessions, troubles and ports together: requests are parsed here, bounded, drawn a
trouble for, answered by the `Dongle` and put on the wire by `winet_wire`.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from simulator import door as doors
from simulator.face import Face
from simulator.trouble import Troubles
from simulator.winet_acts import Act, Question, act
from simulator.winet_certificate import Certificate
from simulator.winet_dongle import Dongle, frame_of
from simulator.winet_listener import Listener
from simulator.winet_replies import Reply, notice
from simulator.winet_sessions import Rules
from simulator.winet_wire import HOLD_TIMEOUT_S, HttpAnswer, say

log = logging.getLogger(__name__)

WEBSOCKET_PATH = "/ws/home/overview"

MAX_BODY_BYTES = 64 * 1024
"""The body of a POST; a passthrough frame makes some hundred bytes."""

MAX_LATE = 16
"""Answers of one websocket that may be outstanding; the next late one is waited for."""

IDLE_TIMEOUT_S = 600.0
"""A websocket on which nothing is asked for this long is told so and closed."""

_PAGES = (
    "/i18n/en_US.properties",
    "/about/list",
    "/product/list",
    "/device/getType",
    "/inverter/list",
)


class _Applications:
    """The dongle's ASGI applications: what is routed where."""

    def __init__(self, dongle: Dongle, troubles: Troubles) -> None:
        self.dongle = dongle
        self.requests = 0
        """Requests and messages so far, whatever became of them."""
        self._troubles = troubles

    def websocket(self) -> BaseRoute:
        return WebSocketRoute(WEBSOCKET_PATH, self._converse)

    def pages(self) -> list[BaseRoute]:
        return [Route(path, self._page, methods=["GET", "POST"]) for path in _PAGES]

    def get_param(self) -> BaseRoute:
        return Route("/device/getParam", self._get_param)

    def post(self, path: str, answer: Callable[[Mapping[str, Any]], Reply]) -> BaseRoute:
        async def endpoint(request: Request) -> HttpAnswer:
            try:
                body = await _body(request)
            except _TooLarge:
                return HttpAnswer(Act(b"the body is too large", is_json=False), 413)
            asked = _parsed(body)
            if asked is None:
                return HttpAnswer(Act(b"the body is no JSON object", is_json=False), 400)
            return self._answer(Question(lambda: answer(asked), frame=frame_of(asked)))

        return Route(path, endpoint, methods=["POST"])

    async def _page(self, request: Request) -> HttpAnswer:
        return self._answer(Question(lambda: self.dongle.page(request.url.path) or ""))

    async def _get_param(self, request: Request) -> HttpAnswer:
        return self._answer(Question(lambda: self.dongle.get_param(request.query_params)))

    def _answer(self, question: Question) -> HttpAnswer:
        return HttpAnswer(self._act(question))

    def _act(self, question: Question) -> Act:
        name = self.dongle.name
        order = self._troubles.draw(name)
        self.requests += 1
        return act(question, order, self._troubles.dice(name))

    async def _converse(self, websocket: WebSocket) -> None:
        await websocket.accept()
        talk = _Talk(websocket)
        try:
            while await self._serve_one(talk):
                pass
        except WebSocketDisconnect:
            pass  # The client went away while it was being answered.
        finally:
            self.dongle.sessions.part(talk.farewell)
            talk.end()

    async def _serve_one(self, talk: "_Talk") -> bool:
        """Answer one message; False when the conversation is over."""
        try:
            async with asyncio.timeout(IDLE_TIMEOUT_S):
                message = await talk.websocket.receive()
        except TimeoutError:
            await talk.put(_notice("login timeout"))
            await talk.websocket.close()
            return False
        if message["type"] == "websocket.disconnect":
            return False
        asked = _parsed(message.get("text") or message.get("bytes") or "")
        if asked is None:
            await talk.websocket.close(1007)
            return False
        service = str(asked.get("service", ""))
        question = Question(lambda: self.dongle.ask(asked, talk.farewell), service)
        return await talk.put(self._act(question))


class _Talk:
    """One websocket conversation, whose answers may be overtaken by later ones."""

    def __init__(self, websocket: WebSocket) -> None:
        self.websocket = websocket
        self._late: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        # One bound method for the whole talk: sessions tell talks apart by it.
        self.farewell = self._farewell

    async def put(self, answer: Act) -> bool:
        """Put it on the wire, now or later; False when the talk is over."""
        if answer.late and len(self._late) < MAX_LATE:
            self._later(answer)
            return True
        if await self._say(answer):
            return True
        await self._hold()
        return False

    def end(self) -> None:
        """Forget what has not been said yet."""
        for task in self._late:
            task.cancel()

    async def _hold(self) -> None:
        """Nothing can follow, but the connection stays until the client goes."""
        try:
            async with asyncio.timeout(HOLD_TIMEOUT_S):
                while (await self.websocket.receive())["type"] != "websocket.disconnect":
                    continue
        except TimeoutError:
            log.debug("a broken websocket is let go")

    def _farewell(self, words: str) -> None:
        self._later(_notice(words))

    def _later(self, answer: Act) -> None:
        task = asyncio.get_running_loop().create_task(self._say_late(answer))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _say_late(self, answer: Act) -> None:
        await asyncio.sleep(answer.delay_s)
        try:
            await self._say(replace(answer, delay_s=0.0))
        except (WebSocketDisconnect, RuntimeError):
            log.debug("a late answer met a closed websocket")

    async def _say(self, answer: Act) -> bool:
        async with self._turn:
            return await say(answer, self.websocket.scope, self.websocket.send)


def _notice(words: str) -> Act:
    return Act(json.dumps(notice(words)).encode())


class _TooLarge(Exception):
    """More body than is read at all."""


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise _TooLarge
    except ClientDisconnect:
        return b""
    return bytes(body)


def _parsed(text: bytes | str) -> dict[str, Any] | None:
    """The JSON object in these bytes; None where there is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


class WinetDoor:
    """The classic dongle: websocket on one port, plain HTTP on another."""

    name = doors.WINET

    def __init__(self, face: Face, troubles: Troubles, rules: Rules | None = None) -> None:
        self.dongle = Dongle(self.name, face, troubles, rules or Rules(), new=False)
        self._applications = made = _Applications(self.dongle, troubles)
        http = [made.get_param(), *made.pages()]
        self._http = Listener(Starlette(routes=http))
        self._websocket = Listener(Starlette(routes=[made.websocket()]))

    @property
    def rules(self) -> Rules:
        """How it treats those who ask; may be set while it runs."""
        return self.dongle.sessions.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self.dongle.sessions.rules = rules

    @property
    def requests(self) -> int:
        """Requests and messages so far."""
        return self._applications.requests

    @property
    def connections(self) -> int:
        """Clients connected now, on both ports."""
        return self._http.connections + self._websocket.connections

    async def open(self, host: str, http_port: int, ws_port: int) -> tuple[int, int]:
        """Listen on both; returns the real ports. Raises OSError, and then neither is open."""
        http = await self._http.open(host, http_port)
        try:
            return http, await self._websocket.open(host, ws_port)
        except OSError:
            await self._http.close()
            raise

    async def close(self) -> None:
        """Close both, and forget the session, as a dongle does that loses power."""
        await self._http.close()
        await self._websocket.close()
        self.dongle.sessions.forget()


class WinetTlsDoor:
    """The newer firmware: HTTPS and wss on one port, with frames passed through."""

    name = doors.WINET_TLS

    def __init__(
        self,
        face: Face,
        troubles: Troubles,
        rules: Rules | None = None,
        certificate_folder: Path | None = None,
    ) -> None:
        self.dongle = Dongle(
            self.name, face, troubles, rules or Rules(login_required=True), new=True
        )
        self.certificate = Certificate(f"WiNet-{face.serial}", certificate_folder)
        self._applications = made = _Applications(self.dongle, troubles)
        routes = [
            made.websocket(),
            *made.pages(),
            made.post("/user/connect", lambda _: self.dongle.connect()),
            made.post("/user/login", self.dongle.log_in),
            made.post("/device/list", self.dongle.device_list),
            made.post("/upgrade/upgradeStatus", self.dongle.upgrade_status),
            made.post("/device/passthroughway", self.dongle.pass_through),
        ]
        self._starlette = Starlette(routes=routes)
        self._listener: Listener | None = None

    @property
    def rules(self) -> Rules:
        """How it treats those who ask; may be set while it runs."""
        return self.dongle.sessions.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self.dongle.sessions.rules = rules

    @property
    def requests(self) -> int:
        """Requests and messages so far."""
        return self._applications.requests

    @property
    def connections(self) -> int:
        """Clients connected now."""
        return 0 if self._listener is None else self._listener.connections

    async def open(self, host: str, port: int) -> int:
        """Listen; returns the real port. Raises OSError."""
        if self._listener is None:
            self._listener = Listener(self._starlette, self.certificate.context())
        return await self._listener.open(host, port)

    async def close(self) -> None:
        """Close, and forget the session; the certificate stays."""
        if self._listener is not None:
            await self._listener.close()
        self.dongle.sessions.forget()
