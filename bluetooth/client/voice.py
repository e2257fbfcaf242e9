"""What the user sees: results on standard output, what goes on meanwhile on standard error.

For programs (--json) everything is on standard output, one JSON object per line; `event` says what
it is, and the last line is a `result` or an `error`. Nothing that a box or a neighbour's network
says reaches a terminal unprinted: control characters become "?".
"""

import json
from collections.abc import Sequence
from typing import Any, TextIO

from bluetooth.client.errors import ClientError


class Voice:
    """`out` for results, `err` for people who watch."""

    def __init__(self, out: TextIO, err: TextIO, as_json: bool = False) -> None:
        self._out = out
        self._err = err
        self._as_json = as_json

    def event(self, event: str, fields: dict[str, Any], line: str) -> None:
        """Something goes on: fields for programs, a line for people."""
        if self._as_json:
            self._object({"event": event, **fields})
        else:
            print(printable(line), file=self._err, flush=True)

    def result(self, fields: dict[str, Any], text: str) -> None:
        """What was asked for."""
        if self._as_json:
            self._object({"event": "result", **fields})
        elif text:
            print(printable(text), file=self._out, flush=True)

    def fail(self, error: ClientError) -> None:
        """Why there is no result, and what to do."""
        if self._as_json:
            self._object({"event": "error", "code": int(error.code), "error": str(error)})
        else:
            print(f"egret client: {printable(str(error))}", file=self._err, flush=True)

    def _object(self, fields: dict[str, Any]) -> None:
        print(json.dumps(fields), file=self._out, flush=True)


def printable(text: str) -> str:
    """The text with everything replaced that could move a terminal's cursor or colour it."""
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows in columns, two spaces apart."""
    cells = [tuple(printable(cell).replace("\n", "?") for cell in row) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)
