"""Writes docs/limits.md: every named bound of the server, its value, its reason and its test.

`--check` fails when the page is not current, `--missing` lists the bounds that no test meets.
The page is made from the source alone, so it is true by construction.
"""

import argparse
import ast
import operator
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "limits.md"

NAME = re.compile(
    r"^(MAX_\w+|MIN_\w+|\w+_(MAX|MIN|LIMIT|LIMITS|S|MS|BYTES|ROWS|RECORDS|ATTEMPTS|DAYS)"
    r"|\w*LIMIT\w*|\w+_(TIMEOUT|BUDGET)(_\w+)?)$"
)
"""What a bound is called; a unit at the end counts, because times and sizes are bounds."""

CONVERSION = re.compile(r"^(SECOND|MINUTE|HOUR|DAY|WEEK)S?_(S|MS)$")
"""Names that convert one unit into another and bound nothing."""

PRIVATE = re.compile(r"^_(MAX_\w+|\w+_MAX|\w*LIMIT\w*|\w+_(TIMEOUT|BUDGET)(_\w+)?)$")
"""A name for one module alone is a bound only when it says so: others are facts of a format."""

MAY_MISS: set[str] = set()
"""Bounds (as path:NAME) that no test meets yet. It only ever shrinks."""

OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
}


@dataclass(frozen=True, slots=True)
class Bound:
    """One named number; `tests` are the files that mention it by name."""

    path: str
    line: int
    name: str
    value: float
    why: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path}:{self.name}"


def number(node: ast.expr | None, known: dict[str, float]) -> float | None:
    """The value of an arithmetic expression over numbers and `known` names, None if it is none."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]  # narrowed by type() on purpose: no bool
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = number(node.operand, known)
        return None if inner is None else -inner
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        left, right = number(node.left, known), number(node.right, known)
        return None if left is None or right is None else OPERATORS[type(node.op)](left, right)
    return None


def assignments(tree: ast.Module, lines: list[str]) -> Iterator[tuple[str, float, int, str]]:
    """Every top-level NAME = number as (name, value, line, why)."""
    known: dict[str, float] = {}
    for index, node in enumerate(tree.body):
        target = assigned(node)
        value = number(node.value, known) if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if target and value is not None:
            known[target] = value
            yield target, value, node.lineno, meaning(tree.body, index, lines)


def assigned(node: ast.stmt) -> str:
    """The UPPER_CASE name that a statement gives a value, or ""."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    elif isinstance(node, ast.AnnAssign):
        target = node.target
    else:
        return ""
    return target.id if isinstance(target, ast.Name) and target.id.isupper() else ""


def meaning(body: list[ast.stmt], index: int, lines: list[str]) -> str:
    """The string below a bound, or the comment above or beside it; neighbours may share one."""
    node = body[index]
    last = node.end_lineno or node.lineno
    if index + 1 < len(body):
        following = body[index + 1]
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            if isinstance(following.value.value, str):
                return " ".join(following.value.value.split())
        own = comment(node.lineno, last, lines)
        if not own and following.lineno == last + 1 and assigned(following):
            return meaning(body, index + 1, lines)
    return comment(node.lineno, last, lines)


def comment(first: int, last: int, lines: list[str]) -> str:
    """What stands behind # right above line `first` and on line `last`."""
    beside = lines[last - 1].partition("#")[2].strip()
    above: list[str] = []
    row = first - 2
    while row >= 0 and lines[row].startswith("#"):
        above.insert(0, lines[row].lstrip("#: ").rstrip())
        row -= 1
    return " ".join([*above, beside]).strip()


@cache
def mentions() -> dict[str, tuple[str, ...]]:
    """UPPER_CASE word -> the unit tests that mention it."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "server_unit_test").rglob("test_*.py")):
        for word in set(re.findall(r"\b_?[A-Z][A-Z0-9_]{3,}\b", path.read_text(encoding="utf-8"))):
            found.setdefault(word, []).append(path.relative_to(ROOT).as_posix())
    return {word: tuple(paths) for word, paths in found.items()}


def bounds() -> list[Bound]:
    """Every bound of the server, by file and line."""
    found = []
    for path in sorted((ROOT / "server").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        place = path.relative_to(ROOT).as_posix()
        for name, value, line, why in assignments(ast.parse(text), text.splitlines()):
            if is_bound(name):
                tests = best(place, mentions().get(name, ()))
                found.append(Bound(place, line, name, value, why, tests))
    return found


def is_bound(name: str) -> bool:
    """True when a constant is named as a bound."""
    if name.startswith("_"):
        return bool(PRIVATE.match(name))
    return bool(NAME.match(name)) and not CONVERSION.match(name)


def best(place: str, tests: tuple[str, ...]) -> tuple[str, ...]:
    """The tests of the same room where there are any, else all: a name may occur twice."""
    room = place.split("/")[1].removesuffix(".py")
    near = tuple(test for test in tests if room in test)
    return near or tests


def missing() -> list[Bound]:
    """The bounds that no test mentions."""
    return [bound for bound in bounds() if not bound.tests]


def shown(name: str, value: float) -> str:
    """A value as people read it: bytes in MiB, everything else as it is."""
    if name.endswith("_BYTES") and value >= 1024 and value % 1024 == 0:
        for unit, size in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
            if value % size == 0:
                return f"{value // size:g} {unit}"
    return f"{value:_}".removesuffix(".0").replace("_", " ")


def page() -> str:
    """The whole page."""
    rows = [
        "# Every limit has a name",
        "",
        "Queues, retries, batches, times and sizes are bounded, and each bound is a named constant",
        "beside the code that keeps it, with a test that meets it. Made from the source by",
        "`make docs`; change the source, not this page.",
        "",
    ]
    room = ""
    for bound in bounds():
        if bound.path != room:
            room = bound.path
            rows += ["", f"## `{room}`", "", "| name | value | why | met by |", "|---|---|---|---|"]
        tests = ", ".join(f"`{test.removeprefix('server_unit_test/')}`" for test in bound.tests[:2])
        why = bound.why.replace("|", "\\|")
        rows.append(
            f"| `{bound.name}` | {shown(bound.name, bound.value)} | {why} | {tests or '**none**'} |"
        )
    return "\n".join(rows).replace("\n\n\n", "\n\n") + "\n"


def main() -> int:
    """Write, check or list."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="fail if the page is not current")
    parser.add_argument("--missing", action="store_true", help="list the bounds no test meets")
    arguments = parser.parse_args()
    if arguments.missing:
        print("\n".join(f"{bound.path}:{bound.line}: {bound.name}" for bound in missing()))
        return 1 if missing() else 0
    if arguments.check:
        current = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        if current != page():
            print(f"{PAGE.relative_to(ROOT)} is not current; run: make docs", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
