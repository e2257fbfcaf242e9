"""GET openapi.json and docs: the API described from its own table and types."""

import inspect
import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from typing import Any

import msgspec

from server.api.call import GUARDED, JSON, Access, Call, Nothing, Reply, Route, encode
from server.api.doc import fields_of, words_of_type
from server.api.gate import COOKIE, SECURE_COOKIE

_REFERENCE = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")
_JSON = "application/json"


class ErrorAnswer(msgspec.Struct, frozen=True):
    """Every error: `error` says what to do; the other keys repeat it for earlier clients."""

    error: str
    status: str
    message: str
    reason: str = ""
    """A word for programs, where there is one: `wrong_password`, ..."""
    schema: Any = None


SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A program's token; its scopes are read, configure and control.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": f"The owner's session, from POST /api/entry/login; over TLS {SECURE_COOKIE}",
    },
}
_SESSION: list[dict[str, list[str]]] = [{"session": []}]
_EITHER: list[dict[str, list[str]]] = [{"session": []}, {"token": []}]
SECURITY: dict[Access, list[dict[str, list[str]]]] = {
    Access.OPEN: [],
    Access.LIVE: [{}, *_EITHER],
    Access.READ: _EITHER,
    Access.CHANGE: _EITHER,
    Access.CONTROL: _EITHER,
    Access.OWNER: _SESSION,
}
"""What each access takes where a box is protected; {} is nothing at all."""


def show(call: Call[Nothing, Nothing]) -> Reply:
    """The OpenAPI description."""
    return Reply(200, encode(describe(call.context.routes, call.context.services.version)), JSON)


def describe(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """OpenAPI 3.1 of `routes`."""
    table = tuple(routes)
    types = _types(table)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    by_type = {id(each): schema for each, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        path = _PARAMETER.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, by_type)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Egret", "version": version},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": SCHEMES},
    }


def _types(table: Iterable[Route]) -> list[Any]:
    found: dict[int, Any] = {id(ErrorAnswer): ErrorAnswer}
    for route in table:
        for each in (route.query, route.body, route.response):
            if each is not Nothing and not isinstance(each, str):
                found[id(each)] = each
    return list(found.values())


def _operation(route: Route, schemas: dict[int, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": _operation_id(route),
        "tags": [route.access.value],
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {
            "200": {"description": "done", "content": _content(route.response, schemas)},
            "default": {
                "description": "refused, in words",
                "content": _content(ErrorAnswer, schemas),
            },
        },
    }
    if security := SECURITY[route.access]:
        operation["security"] = security
    if route.body is not Nothing:
        operation["requestBody"] = {"content": _content(route.body, schemas)}
    return operation


def _operation_id(route: Route) -> str:
    words = re.sub(r"\W+", "_", route.path.removeprefix("/api/")).strip("_")
    return f"{route.method.lower()}_{words or 'page'}"


def _content(wanted: Any, schemas: dict[int, Any]) -> dict[str, Any]:
    if isinstance(wanted, str):
        return {wanted: {"schema": {"type": "string"}}}
    return {_JSON: {"schema": schemas[id(wanted)]}}


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if not inspect.isclass(route.query) or not issubclass(route.query, msgspec.Struct):
        return []
    found = []
    for each in msgspec.structs.fields(route.query):
        schema = msgspec.json.schema(each.type)
        if each.default is not msgspec.NODEFAULT:
            schema["default"] = each.default
        found.append(
            {"name": each.encode_name, "in": "query", "required": each.required, "schema": schema}
        )
    return found


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    ":root{color-scheme:light dark}code{font-size:.95em}article{border-top:1px solid #8886}"
    "h2{font-size:1.1rem;margin:1rem 0 0}p{margin:.2rem 0}td,th{text-align:left;padding:.1rem 1rem"
    " .1rem 0;vertical-align:top}small{opacity:.75}"
)
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest())
_PAGE_HEADERS = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; "
        b"frame-ancestors 'none'" % _STYLE_HASH,
    ),
    *GUARDED,
)
_ACCESS = {
    Access.OPEN: "says nothing about the house",
    Access.LIVE: "sees the latest values",
    Access.READ: "sees the house",
    Access.CHANGE: "changes the gateway",
    Access.CONTROL: "writes to devices",
    Access.OWNER: "for the owner alone",
}


def page(call: Call[Nothing, Nothing]) -> Reply:
    """The same for a person, without a script."""
    parts = "".join(_article(route) for route in call.context.routes)
    version = escape(call.context.services.version)
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Egret API</title>'
        f"<style>{_STYLE}</style></head><body><h1>Egret API {version}</h1>"
        '<p>For programs: <a href="/api/openapi.json">openapi.json</a></p>'
        f"{parts}</body></html>"
    )
    return Reply(200, text.encode(), _PAGE_HEADERS)


def _article(route: Route) -> str:
    path = escape(_PARAMETER.sub(r"{\1}", route.path))
    return (
        f"<article><h2><code>{route.method} {path}</code></h2><p>{escape(route.summary)} "
        f"<small>({_ACCESS[route.access]})</small></p>"
        f"{_table('Parameters', route.query)}{_table('Body', route.body)}"
        f"{_answer(route.response)}</article>"
    )


def _answer(response: Any) -> str:
    if isinstance(response, str):
        return f"<p>Answer: <code>{escape(response)}</code></p>"
    return _table("Answer", response) or f"<p>Answer: {escape(words_of_type(response))}</p>"


def _table(title: str, wanted: Any) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(words)}</td>"
        f"<td>{'required' if needed else ''}</td></tr>"
        for name, words, needed in fields_of(wanted)
    )
    if not rows:
        return ""
    about = escape(inspect.getdoc(wanted) or "")
    return f"<p>{title}: {about}</p><table>{rows}</table>"
