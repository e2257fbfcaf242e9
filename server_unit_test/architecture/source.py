"""Source files as syntax trees, and what a name in one of them stands for.

Owns reading files and resolving imports; knows no rule. The rules are the files beside it.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROCESSES = ("server", "bluetooth", "simulator", "virtual_radio", "demo")
"""Each folder that is started as a program (or, virtual_radio, loaded as a plugin)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that breaks one rule; `say` names the preferred replacement."""

    path: str
    line: int
    say: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.say}"


@dataclass(frozen=True)
class Source:
    """One file: `path` is relative to the root, with slashes."""

    path: str
    text: str
    tree: ast.Module = field(init=False, repr=False)
    aliases: dict[str, str] = field(init=False, repr=False)
    """Local name -> dotted name it was imported as."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", ast.parse(self.text, self.path))
        object.__setattr__(self, "aliases", _aliases(self.tree))

    @property
    def module(self) -> str:
        """The dotted name: server/engine/task.py -> server.engine.task."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def process(self) -> str:
        """The top folder."""
        return self.path.split("/", 1)[0]

    def finding(self, node: ast.AST, say: str) -> Finding:
        """A finding at `node`."""
        return Finding(self.path, getattr(node, "lineno", 1), say)

    def comment(self, node: ast.AST) -> str:
        """What stands behind a `#` on the lines of `node` or directly above it."""
        lines = self.text.splitlines()
        first = getattr(node, "lineno", 1)
        last = getattr(node, "end_lineno", first) or first
        return " ".join(
            line.split("#", 1)[1].strip() for line in lines[max(0, first - 2) : last] if "#" in line
        )

    def dotted(self, node: ast.AST) -> str:
        """What `node` stands for after imports: `t.monotonic` -> `time.monotonic`, else ""."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            before = self.dotted(node.value)
            return f"{before}.{node.attr}" if before else ""
        return ""

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Every call with the dotted name of what is called."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node, self.dotted(node.func)


def _aliases(tree: ast.Module) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                found[name.asname or name.name.split(".")[0]] = (
                    name.name if name.asname else name.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for name in node.names:
                found[name.asname or name.name] = f"{node.module}.{name.name}"
    return found


def read(*folders: str) -> list[Source]:
    """Every Python file below the folders, in order of path; a missing folder holds none."""
    return [
        Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]


def imports(source: Source) -> Iterator[tuple[ast.stmt, str, str]]:
    """Every import as (statement, module, name or ""), relative ones made absolute."""
    package = source.module.split(".")
    if not source.path.endswith("__init__.py"):
        package = package[:-1]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node, name.name, ""
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            for name in node.names:
                yield node, module, name.name
