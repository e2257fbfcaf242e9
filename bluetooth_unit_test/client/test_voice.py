"""What a person sees, and what a script gets."""

import io
import json

from bluetooth.client.errors import BoxNotFound, Exit
from bluetooth.client.voice import Voice, printable, table


def test_people_get_lines() -> None:
    """Results on standard output, all else beside it."""
    out, err = io.StringIO(), io.StringIO()
    voice = Voice(out, err)

    voice.event("looking", {"for": "x"}, "looking ...")
    voice.result({"a": 1}, "a is 1")
    voice.result({"a": 1}, "")
    voice.fail(BoxNotFound("nobody"))

    assert "a is 1\n" == out.getvalue()
    assert "looking ...\negret client: nobody\n" == err.getvalue()


def test_programs_get_objects() -> None:
    """One a line, all on standard output."""
    out, err = io.StringIO(), io.StringIO()
    voice = Voice(out, err, as_json=True)

    voice.event("looking", {"for": "x"}, "looking ...")
    voice.result({"a": "\x1b"}, "a")
    voice.fail(BoxNotFound("nobody"))

    assert "" == err.getvalue()
    assert [
        {"event": "looking", "for": "x"},
        {"event": "result", "a": "\x1b"},
        {"event": "error", "code": Exit.NOT_FOUND, "error": "nobody"},
    ] == [json.loads(line) for line in out.getvalue().splitlines()]


def test_nothing_moves_a_terminals_cursor() -> None:
    """Whatever a neighbour calls his network."""
    assert "a?[31m\nb?é" == printable("a\x1b[31m\nb\x9bé")


def test_a_table_has_columns() -> None:
    """As wide as their widest cell; a line end in a cell is none."""
    assert "NAME    SIGNAL\nEgret?  -50" == table([("NAME", "SIGNAL"), ("Egret\n", "-50")])
