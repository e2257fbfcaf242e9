"""The ASGI application: finds the row, checks who asks, calls the handler, renders the answer.

Pure ASGI and one dictionary lookup, because a gateway's processor is small. It knows rows, not
what they do.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Mapping, Sequence
from re import Pattern
from typing import Any, cast

from starlette.routing import compile_path

from server.api import audit, tls
from server.api.auth import SAFE_METHODS, check
from server.api.body import MAX_BODY_BYTES, parse_body, parse_query, read_body, to_type
from server.api.call import NOTHING, Asker, Call, Context, Nothing, Receive, Reply, Route, Send
from server.api.doc import schema_of
from server.api.gate import Gate
from server.api.refusals import KNOWN, Gone, NotFound, WrongMethod, reply_to
from server.errors import Busy

MAX_LARGE_BODIES = 4
"""Bodies of more than MAX_BODY_BYTES that one row reads at once: they are in memory as a whole."""


class Application:
    """Serves one table of routes."""

    def __init__(self, routes: Sequence[Route], context: Context) -> None:
        self._context = context
        services = context.services
        self._gate = Gate(context.desk, services.clock, services.exposure)
        self._exact: dict[str, dict[str, Endpoint]] = {}
        patterns: dict[str, dict[str, Endpoint]] = {}
        for route in routes:
            table = patterns if "{" in route.path else self._exact
            methods = table.setdefault(route.path, {})
            if route.method in methods:
                raise ValueError(f"{route.method} {route.path} is listed twice")
            methods[route.method] = Endpoint(route)
        self._patterns: list[tuple[Pattern[str], dict[str, Endpoint]]] = [
            (compile_path(path)[0], methods) for path, methods in patterns.items()
        ]

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        method = scope["method"]
        endpoint: Endpoint | None = None
        found: Endpoint | None = None
        asker: Asker | None = None
        try:
            self._gate.count(scope)
            check(method, scope["headers"], tls.names_of(self._context), scope["scheme"])
            found, path = self._find(scope["path"], method)
            elsewhere = tls.sent_elsewhere(found.route, scope, self._context)
            if elsewhere is None:
                asker = self._gate.admit(found.route, scope)
                endpoint = found
                reply = await endpoint.reply(self._context, scope, path, receive, asker)
            else:
                reply = elsewhere
        except Gone:
            return
        except KNOWN as error:
            reply = _refused(error, endpoint)
        except asyncio.CancelledError:
            # Only a server that stops breaks requests off; their clients should hear of it.
            reply = _refused(Busy("the gateway is stopping"), endpoint)
        if method not in SAFE_METHODS:
            self._keep(found, scope, asker, reply)
        await _send(reply, method, receive, send)

    def _keep(
        self, found: "Endpoint | None", scope: Mapping[str, Any], asker: Asker | None, reply: Reply
    ) -> None:
        """For the audit log: the one place that every answer passes."""
        caller = self._gate.who(scope) if asker is None else asker.caller
        route = found.route if found is not None else None
        entry = audit.entry_of(route, scope, asker, reply, caller, self._context)
        if entry is not None:
            self._context.services.audit(entry)

    def _find(self, path: str, method: str) -> "tuple[Endpoint, Mapping[str, str]]":
        wanted = "GET" if method == "HEAD" else method
        methods, found = self._exact.get(path), cast(Mapping[str, str], {})
        if methods is None:
            methods, found = self._match(path)
        endpoint = methods.get(wanted)
        if endpoint is None:
            allowed = tuple(sorted({*methods, *({"HEAD"} if "GET" in methods else ())}))
            raise WrongMethod(f"{path} answers {', '.join(allowed)}, not {method}", allowed)
        return endpoint, found

    def _match(self, path: str) -> "tuple[dict[str, Endpoint], Mapping[str, str]]":
        for pattern, methods in self._patterns:
            match = pattern.match(path)
            if match is not None:
                return methods, match.groupdict()
        raise NotFound(f"there is nothing at {path[:200]}; /api/docs lists what there is")


class Endpoint:
    """One row, made ready to be called."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self._waits = inspect.iscoroutinefunction(route.handler)
        self._large = 0
        self._plain = route.query is Nothing and route.body is Nothing

    async def reply(
        self,
        context: Context,
        scope: Mapping[str, Any],
        path: Mapping[str, str],
        receive: Receive,
        asker: Asker,
    ) -> Reply:
        """Decode the request, call the handler."""
        if self._plain:
            call = Call(context, path, NOTHING, NOTHING, scope["headers"], asker)
        else:
            call = (await self._decoded(context, scope, path, receive))._replace(asker=asker)
        result = self.route.handler(call)
        if self._waits:
            return await cast(Awaitable[Reply], result)
        return cast(Reply, result)

    async def _decoded(
        self, context: Context, scope: Mapping[str, Any], path: Mapping[str, str], receive: Receive
    ) -> Call[Any, Any]:
        query = to_type(parse_query(scope["query_string"]), self.route.query)
        if self.route.body is Nothing:
            return Call(context, path, query, NOTHING, scope["headers"])
        content_type, length = "", None
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value.decode("latin-1")
            elif name == b"content-length" and value.isdigit():
                length = int(value)
        body = parse_body(await self._read(receive, length), content_type)
        typed = to_type(body, self.route.body)
        return Call(context, path, query, typed, scope["headers"])

    async def _read(self, receive: Receive, declared_bytes: int | None) -> bytes:
        """The body; a large one only where the row allows it, announced, and few at once."""
        allowed = self.route.max_body_bytes
        if allowed is None or declared_bytes is None or declared_bytes <= MAX_BODY_BYTES:
            return await read_body(receive, declared_bytes, MAX_BODY_BYTES)
        if self._large >= MAX_LARGE_BODIES:
            raise Busy("too many large bodies at once, try again")
        self._large += 1
        try:
            return await read_body(receive, declared_bytes, allowed)
        finally:
            self._large -= 1


def _refused(error: Exception, endpoint: Endpoint | None) -> Reply:
    schema = None
    if endpoint is not None and endpoint.route.body is not Nothing:
        schema = schema_of(endpoint.route)
    return reply_to(error, schema)


async def _send(reply: Reply, method: str, receive: Receive, send: Send) -> None:
    status, body, headers, _ = reply
    if isinstance(body, bytes):
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
        await send({"type": "http.response.body", "body": body})
        return
    try:
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        if method == "HEAD":
            await send({"type": "http.response.body", "body": b""})
        else:
            await body.run(receive, send)
    finally:
        body.close()
