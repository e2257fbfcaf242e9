"""The control port: the plant's operations over HTTP, and the pages that describe them.

It owns routes, bodies and the listening thread; what an operation does is `operations`'.
Listens on this machine only unless it is told otherwise: whoever reaches it commands the plant.
"""

import asyncio
import json
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from simulator.doors import at, cannot_open
from simulator.operations import OPERATIONS, Json, Operation
from simulator.plant import VirtualPlant

MAX_BODY_BYTES = 64 * 1024
"""The largest request; an order takes a hundred bytes."""

MAX_CONNECTIONS = 32
"""Clients at once; a script that forgets its connections must not eat descriptors."""

STOP_TIMEOUT_S = 5.0
"""How long stopping waits for answers under way."""


def openapi() -> Json:
    """The interface described for programs."""
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        entry: Json = {
            "summary": operation.summary,
            "responses": {
                "200": {"description": "done", "content": {"application/json": {}}},
                "400": {"description": "refused; `error` says what would be right"},
            },
        }
        if operation.example is not None:
            described = {
                name: {"type": kind, "description": words}
                for name, (kind, words) in operation.takes.items()
            }
            schema = {"type": "object", "properties": described, "additionalProperties": False}
            content = {"schema": schema, "example": operation.example}
            entry["requestBody"] = {"content": {"application/json": content}}
        if "{id}" in operation.path:
            parameter = {"name": "id", "in": "path", "required": True}
            entry["parameters"] = [parameter | {"schema": {"type": "integer"}}]
        paths.setdefault(operation.path, {})[operation.method.lower()] = entry
    info = {"title": "Virtual plant", "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": paths}


def page() -> str:
    """The interface described for people."""
    rows = "".join(
        f"<tr><td>{each.method}</td><td><code>{each.path}</code></td><td>{each.summary}"
        + (f"<br><code>{json.dumps(each.example)}</code>" if each.example else "")
        + "</td></tr>"
        for each in OPERATIONS
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Virtual plant</title>"
        "<style>body{font:16px sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
        "td{padding:.4em;border-top:1px solid #ccc;vertical-align:top}</style>"
        f"<h1>Virtual plant</h1><table>{rows}</table>"
        "<p><a href=/openapi.json>openapi.json</a> <a href=/state>state</a></p></html>"
    )


async def _body_of(request: Request) -> Json:
    """The JSON object sent, {} for none; raises ValueError."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise ValueError(f"the body has more than {MAX_BODY_BYTES} bytes")
    try:
        body = json.loads(bytes(raw) or b"{}")
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON") from None
    if not isinstance(body, dict):
        raise ValueError('the body should be a JSON object, like {"advance_s": 60}')
    return body


def build_app(plant: VirtualPlant) -> Starlette:
    """The control port as an ASGI application."""

    def endpoint(operation: Operation) -> Callable[[Request], Any]:
        async def serve(request: Request) -> Response:
            number = str(request.path_params.get("id", ""))
            try:
                body = await _body_of(request)
                answer = await run_in_threadpool(operation.answer, plant, body, number)
            except (ValueError, OverflowError) as refusal:
                return JSONResponse({"error": str(refusal)}, 400)
            return JSONResponse(answer)

        return serve

    async def describe(_: Request) -> Response:
        return JSONResponse(openapi())

    async def show(_: Request) -> Response:
        return HTMLResponse(page())

    async def lost(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        words = f"{request.method} {request.url.path[:80]} is not here; /docs lists what is"
        return JSONResponse({"error": words}, status)

    routes = [Route(each.path, endpoint(each), methods=[each.method]) for each in OPERATIONS]
    routes += [Route("/openapi.json", describe), Route("/docs", show), Route("/", show)]
    return Starlette(routes=routes, exception_handlers={404: lost, 405: lost})


class ControlPort:
    """The control port of one plant, in a thread of its own."""

    def __init__(self, plant: VirtualPlant, host: str = "127.0.0.1", port: int = 0) -> None:
        self._plant = plant
        self._bound = (host, port)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it answers; the real port where 0 was asked for."""
        return f"http://{at(*self._bound)}/"

    def start(self) -> Self:
        """Listen; raises OSError when the port cannot be had."""
        try:
            family = socket.AF_INET6 if ":" in self._bound[0] else socket.AF_INET
            listener = socket.create_server(self._bound, family=family)
        except OSError as refusal:
            host, port = self._bound
            raise cannot_open(refusal, "control", host, (port,)) from refusal
        self._bound = (self._bound[0], int(listener.getsockname()[1]))
        config = uvicorn.Config(
            build_app(self._plant),
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
            # The connection that asks counts itself, and is answered 503 when it is one too many.
            limit_concurrency=MAX_CONNECTIONS + 1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._run, args=(listener,), name="plant-control", daemon=True
        )
        self._thread.start()
        return self

    def _run(self, listener: socket.socket) -> None:
        with listener:
            if self._server is not None:
                asyncio.run(self._server.serve(sockets=[listener]))

    def stop(self) -> None:
        """Stop listening and drop every client."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(STOP_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
