"""Everything is bounded: queues, and what is caught."""

import ast
import re
from collections.abc import Iterator, Mapping, Set

from server_unit_test.architecture.source import PROCESSES, Finding, Source

QUEUES = {
    "queue.Queue": "maxsize",
    "queue.LifoQueue": "maxsize",
    "queue.PriorityQueue": "maxsize",
    "asyncio.Queue": "maxsize",
    "asyncio.LifoQueue": "maxsize",
    "asyncio.PriorityQueue": "maxsize",
    "multiprocessing.Queue": "maxsize",
    "collections.deque": "maxlen",
}
"""Queue -> the argument that bounds it."""

ALWAYS_UNBOUNDED = {
    "queue.SimpleQueue": "queue.Queue(maxsize=A_NAMED_LIMIT)",
    "multiprocessing.SimpleQueue": "multiprocessing.Queue(maxsize=A_NAMED_LIMIT)",
    "concurrent.futures.ThreadPoolExecutor": "a lane: its waiting calls are counted and ranked",
    "concurrent.futures.ProcessPoolExecutor": "a child process with a bounded pipe",
}
"""What holds any number of things -> what to use instead."""

MARKER = re.compile(r"\bbounded by ([A-Z][A-Z0-9_]*)")

BROAD = frozenset({"Exception", "BaseException"})

MAY_CATCH_ALL: Mapping[str, str] = {
    "server/engine/runner.py": "a bug in one task must not stop the others; it is reported there",
    "bluetooth/bless_mending.py": "bless raises bare exceptions, and those of what it stands on",
    "bluetooth/bless_peripheral.py": "bless raises bare exceptions, and those of every system",
    "bluetooth/served_values.py": "a bug behind one value must not end the door; it is logged",
}
"""File -> why it may catch everything. A handler that ends in a bare `raise` needs no entry."""

DRAWERS = frozenset({"utils", "util", "helpers", "helper", "common", "manager", "misc", "tools"})


def constants(sources: list[Source]) -> set[str]:
    """Every UPPER_CASE name assigned at the top of a module."""
    return {
        target.id
        for source in sources
        for node in source.tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and target.id.isupper()
    }


def unbounded_queues(source: Source, names: Set[str]) -> Iterator[Finding]:
    """A queue without a limit. `# bounded by NAME` vouches for one whose owner counts itself."""
    if source.process not in PROCESSES:
        return
    for node, called in source.calls():
        if called not in QUEUES and called not in ALWAYS_UNBOUNDED:
            continue
        if called in QUEUES and _has_limit(node, QUEUES[called]):
            continue
        vouched = MARKER.search(source.comment(node))
        if vouched and vouched.group(1) in names:
            continue
        if vouched:
            yield source.finding(node, f"bounded by {vouched.group(1)}, which does not exist")
        elif called in ALWAYS_UNBOUNDED:
            yield source.finding(node, f"{called} has no limit; use {ALWAYS_UNBOUNDED[called]}")
        else:
            yield source.finding(
                node,
                f"{called} without {QUEUES[called]}; give it a named limit, or say "
                "`# bounded by NAME` where its owner counts",
            )


def _has_limit(call: ast.Call, argument: str) -> bool:
    position = 1 if argument == "maxlen" else 0
    given = [keyword.value for keyword in call.keywords if keyword.arg == argument]
    given += call.args[position : position + 1]
    return bool(given) and not (isinstance(given[0], ast.Constant) and given[0].value in (None, 0))


def broad_excepts(source: Source) -> Iterator[Finding]:
    """Catching everything, where it is not the one place for it."""
    if source.process not in PROCESSES or source.path in MAY_CATCH_ALL:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(source, node.type):
            last = node.body[-1]
            if not (isinstance(last, ast.Raise) and last.exc is None):
                yield source.finding(node, _NARROW)
        elif isinstance(node, ast.Call) and source.dotted(node.func) == "contextlib.suppress":
            if any(_is_broad(source, argument) for argument in node.args):
                yield source.finding(node, _NARROW)


_NARROW = (
    "a broad except hides our own bugs; name the errors this layer acts on, and let the rest "
    "reach engine/runner.py"
)


def _is_broad(source: Source, caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    parts = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(source.dotted(part).removeprefix("builtins.") in BROAD for part in parts)


def drawers(source: Source) -> Iterator[Finding]:
    """A module or package named for nothing in particular."""
    for part in source.module.split("."):
        for word in part.split("_"):
            if word in DRAWERS and source.process in PROCESSES:
                yield Finding(
                    source.path, 1, f"{part} says nothing; name it for its noun: backoff, framing"
                )
