"""Who may import whom: downwards only, no cycles, no process imports another.

The table below is the order of docs/architecture.md, from the bottom up. A row may import the
rows beneath it and its own room, never a neighbour in its row; exceptions either way are named.
"""

from collections.abc import Iterator, Mapping, Sequence

from server_unit_test.architecture.source import PROCESSES, Finding, Source, imports

ROWS: tuple[tuple[str, ...], ...] = (
    ("errors", "model"),
    ("ports", "durable_file"),
    ("engine", "settings"),
    ("devices",),
    ("ledger",),
    ("tasks", "transports", "store", "sinks", "identity", "host", "clock", "log"),
    ("api", "gateway", "way_in"),
    ("presence",),
    ("app", "commands"),
    ("__main__",),
)

ADAPTERS = ("transports", "store", "sinks", "identity", "host")

SIDEWAYS: Mapping[tuple[str, str], str] = {
    ("model", "errors"): "values raise the errors of their own row",
    ("sinks", "identity.jwt"): "a pure function that encodes; the key stays behind Signer",
}
"""(from, to) -> why this neighbour, or this one module of it, may be imported."""

STRANGERS: Mapping[tuple[str, str], str] = {
    ("devices", "settings"): "it is given a DeviceConfig",
    **{(adapter, "ledger"): "it is given values and hands values back" for adapter in ADAPTERS},
    **{(adapter, "settings"): "it is given the values it needs" for adapter in ADAPTERS},
    **{("gateway", adapter): "app.py passes it in" for adapter in ADAPTERS},
    ("gateway", "clock"): "it is given a Clock",
    ("ledger", "durable_file"): "it touches no disk",
}
"""(from, to) -> what holds instead, where a lower row is nevertheless none of one's business."""

LEAVES = frozenset({"settings", "clock", "log"})
"""Modules that know LEAF_MAY_KNOW, and nothing else of the server."""

LEAF_MAY_KNOW = frozenset({"model", "errors", "ports", "durable_file"})


def room(module: str) -> str:
    """server.engine.task -> engine; the package itself -> ""."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def _row(name: str) -> int | None:
    for height, row in enumerate(ROWS):
        if name in row:
            return height
    return None


def _refusal(here: str, there: str) -> str:
    """Why `here` may not import `there`, or ""."""
    if there in ("", here) or (here, there) in SIDEWAYS:
        return ""
    mine, theirs = _row(here), _row(there)
    if mine is None or theirs is None:
        unknown = here if mine is None else there
        return f"server/{unknown} has no row; give it one in architecture/layers.py and say why"
    if (here, there) in STRANGERS:
        return f"{here} may not know {there}; {STRANGERS[here, there]}"
    if here in LEAVES and there not in LEAF_MAY_KNOW:
        return f"{here} is a leaf and may know values, errors and ports only; pass the value in"
    if theirs > mine:
        return (
            f"{here} may not look up to {there}; put a Protocol into ports.py and let app.py "
            "pass the object in"
        )
    if theirs == mine:
        return (
            f"{here} may not look sideways to {there}; meet at a Protocol in ports.py or a value "
            "in model/, and let app.py join them"
        )
    return ""


def upward_imports(source: Source) -> Iterator[Finding]:
    """Edges of server that point up or sideways."""
    if source.process != "server" or source.path == "server/__init__.py":
        return
    here = room(source.module)
    for node, module, name in imports(source):
        if module.split(".")[0] != "server":
            continue
        there = room(module) or (name if _row(name) is not None else "")
        inner = ".".join([*module.split("."), name][1:3])
        if (here, inner) in SIDEWAYS:
            continue
        if say := _refusal(here, there):
            yield source.finding(node, say)


def foreign_imports(source: Source) -> Iterator[Finding]:
    """A process that imports another one, or a test."""
    if source.process not in PROCESSES:
        return
    for node, module, _ in imports(source):
        top = module.split(".")[0]
        if top == source.process:
            continue
        if top in PROCESSES:
            yield source.finding(
                node, f"{source.process} may not import {top}; talk over its socket or REST"
            )
        elif top.endswith("_test") or top in ("benchmark", "docs"):
            yield source.finding(node, f"{source.process} may not import {top}; turn it around")


def edges(sources: Sequence[Source]) -> dict[str, set[str]]:
    """Module -> modules it imports, among `sources` only."""
    known = {source.module for source in sources}
    graph: dict[str, set[str]] = {source.module: set() for source in sources}
    for source in sources:
        for _, module, name in imports(source):
            inner = f"{module}.{name}"
            target = inner if inner in known else module
            if target in known and target != source.module:
                graph[source.module].add(target)
    return graph


def import_cycles(sources: Sequence[Source]) -> Iterator[Finding]:
    """Modules that import each other in a ring, each ring once."""
    graph = edges(sources)
    paths = {source.module: source.path for source in sources}
    finished: set[str] = set()
    for start in sorted(graph):
        ring = _ring(graph, start, finished)
        if ring:
            yield Finding(
                paths[ring[0]],
                1,
                f"import cycle {' -> '.join([*ring, ring[0]])}; move what both need to model/ "
                "or to a module of its own below them",
            )


def _ring(graph: Mapping[str, set[str]], start: str, finished: set[str]) -> list[str]:
    """The first ring met walking down from `start`; what was walked is added to `finished`."""
    trail: list[str] = []
    stack: list[tuple[str, Iterator[str]]] = []

    def enter(module: str) -> None:
        trail.append(module)
        stack.append((module, iter(sorted(graph[module]))))

    if start in finished:
        return []
    enter(start)
    ring: list[str] = []
    while stack:
        module, rest = stack[-1]
        following = next(rest, None)
        if following is None:
            stack.pop()
            finished.add(trail.pop())
        elif following in trail:
            ring = ring or trail[trail.index(following) :]
        elif following not in finished:
            enter(following)
    return ring
