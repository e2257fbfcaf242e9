"""Tests mirror the server file for file, and each says in a sentence what it shows."""

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from server_unit_test.architecture.source import Finding, Source


def has_code(source: Source) -> bool:
    """True when some function does something: values and Protocols alone need no test."""
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_empty(node)
        for node in ast.walk(source.tree)
    )


def _is_empty(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return all(
        isinstance(statement, ast.Pass)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for statement in function.body
    )


def twins(path: str) -> tuple[str, ...]:
    """Where the test of a file may lie; a package's own code is tested under its name."""
    inner = PurePosixPath(path).relative_to("server")
    names = (inner.stem.strip("_"),)
    if inner.stem == "__init__":
        names = (inner.parent.name or "server", "init")
    folder = PurePosixPath("server_unit_test") / inner.parent
    return tuple((folder / f"test_{name}.py").as_posix() for name in names)


def missing_twin(source: Source, root: Path) -> Iterator[Finding]:
    """A file of the server that nobody tests by its name."""
    if source.process != "server" or not has_code(source):
        return
    places = twins(source.path)
    if not any((root / place).is_file() for place in places):
        yield Finding(source.path, 1, f"has no test; write {places[0]}")


def silent_tests(source: Source) -> Iterator[Finding]:
    """A test without a docstring: nobody can tell whether it still shows what it should."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.startswith("test_") and not ast.get_docstring(node):
                yield source.finding(node, f"{node.name} has no docstring; state the behaviour")
