"""GET doc: the table of routes in the form that earlier clients read."""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

from server.api.call import Call, Nothing, Reply, Route, answer

Fields: TypeAlias = dict[str, str]


class RouteSchema(msgspec.Struct, frozen=True):
    """One route: what it takes and what it gives, in words per key."""

    type: str
    description: str
    required: Fields
    optional: Fields
    returns: Fields


class Doc(msgspec.Struct, frozen=True):
    """All routes under a prefix, by method and path."""

    GET: dict[str, RouteSchema]
    POST: dict[str, RouteSchema]
    DELETE: dict[str, RouteSchema]


def show(call: Call[Nothing, Nothing]) -> Reply:
    """The routes under /api/{prefix}, all of them without one."""
    return answer(describe(call.context.routes, call.path.get("prefix", "")))


def describe(routes: Iterable[Route], prefix: str = "") -> Doc:
    """The routes whose path below /api/ begins with `prefix`."""
    doc = Doc({}, {}, {})
    for route in routes:
        path = route.path.removeprefix("/api/")
        if path.startswith(prefix):
            found: dict[str, RouteSchema] = getattr(doc, route.method)
            found[path] = schema_of(route)
    return doc


def schema_of(route: Route) -> RouteSchema:
    """What one route takes and gives."""
    required: Fields = {}
    optional: Fields = {}
    for wanted in (route.query, route.body):
        for name, words, needed in fields_of(wanted):
            (required if needed else optional)[name] = words
    returns = {name: words for name, words, _ in fields_of(route.response)}
    return RouteSchema(route.method.lower(), route.summary, required, optional, returns)


def fields_of(wanted: Any) -> list[tuple[str, str, bool]]:
    """Name, type in words, and whether it must be there, of each field of a type."""
    if isinstance(wanted, str) or not inspect.isclass(wanted):
        return []
    if not issubclass(wanted, msgspec.Struct):
        return []
    return [
        (each.encode_name, words_of_type(each.type), each.required)
        for each in msgspec.structs.fields(wanted)
    ]


_MODULE = re.compile(r"(?:\w+\.)+")
_WORDS: Mapping[Any, str] = {
    int: "int",
    float: "number",
    str: "string",
    bool: "bool",
    type(None): "null",
    Any: "anything",
}


def words_of_type(annotation: Any) -> str:
    """A type for a person."""
    if annotation in _WORDS:
        return _WORDS[annotation]
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return _MODULE.sub("", text)
