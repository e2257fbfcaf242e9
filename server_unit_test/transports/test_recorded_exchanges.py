"""Recorded exchanges, replayed: a transport and a driver read from them what they read then.

Each file of fixtures/exchanges is one device behind one door; a new recording is one more file.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from server.errors import EgretError
from server_unit_test.transports.record_exchange import (
    Entry,
    Plan,
    asked_over_http,
    gone_through,
    recorded,
    transport_to,
)
from server_unit_test.transports.scripted_server import ScriptedServer
from server_unit_test.transports.scripted_winet import ScriptedWinet, http

FOLDER = Path(__file__).parents[1] / "fixtures" / "exchanges"
FILES = sorted(FOLDER.glob("*.json"))
MAX_FIXTURE_BYTES = 60_000
"""A recording is read by people, too."""
DOORS = {("modbus_tcp", False), ("sungrow_tcp", False), ("winet", False), ("winet", True)}

CHANGING = frozenset({"token", "id", "uuid", "passwd", "time123456"})
"""What no two conversations have in common."""


class Replay:
    """The answers of then, in their order; whatever is asked otherwise is a surprise."""

    def __init__(self, exchange: Sequence[Entry]) -> None:
        self.left = list(exchange)
        self.surprises: list[tuple[Any, Any]] = []

    def next(self, asked: Any, same: bool) -> Entry | None:
        """The entry that is due, if it was asked for."""
        if same:
            return self.left.pop(0)
        self.surprises.append((asked, self.left[0]["asked"] if self.left else None))
        return None


class ModbusReplay(Replay):
    """A `Script`. Transaction numbers of plain frames are the client's own affair."""

    def __init__(self, exchange: Sequence[Entry], numbered: bool) -> None:
        super().__init__(exchange)
        self._own = 2 if numbered else 0

    def __call__(self, request: bytes) -> Sequence[bytes] | None:
        """As it was answered; None hangs up."""
        own = self._own
        due = bytes.fromhex(self.left[0]["asked"]) if self.left else b""
        entry = self.next(request.hex(), request[own:] == due[own:])
        if entry is None or entry["answered"] is None:
            return None
        chunks = [bytes.fromhex(each) for each in entry["answered"]]
        return [request[:own] + chunk[own:] for chunk in chunks[:1]] + chunks[1:]


class WinetReplay(ScriptedWinet, Replay):
    """A dongle of either generation that says what it said."""

    def __init__(self, exchange: Sequence[Entry], tls: bool) -> None:
        ScriptedWinet.__init__(self, new=tls)
        Replay.__init__(self, exchange)

    def service(self, asked: Entry) -> str | None:
        """As ScriptedWinet, from the recording."""
        entry = self._due(asked)
        return None if entry is None else entry["answered"]

    def _http(self, head: str, body: bytes) -> bytes | None:
        entry = self._due(asked_over_http(head.split(" ")[1], body))
        if entry is None:
            return None
        return http(entry["answered"].encode(), f"{entry['status']} Recorded")

    def _due(self, asked: Entry) -> Entry | None:
        due = self.left[0]["asked"] if self.left else {}
        return self.next(asked, _lasting(asked) == _lasting(due))


def _lasting(asked: Entry) -> Entry:
    return {key: value for key, value in asked.items() if key not in CHANGING}


def fixture_in(path: Path) -> tuple[Plan, Entry]:
    """A recording."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return Plan(**data["plan"]), data


def replay_of(plan: Plan, exchange: Sequence[Entry]) -> tuple[Replay, Any]:
    """What answers, and the server to run it in."""
    if plan.scheme == "winet":
        dongle = WinetReplay(exchange, plan.tls)
        return dongle, dongle
    script = ModbusReplay(exchange, numbered=plan.scheme == "modbus_tcp")
    return script, ScriptedServer(script)


@contextmanager
def told(replay: Replay) -> Iterator[None]:
    """A transport that gives up does not know why nothing answered; the replay does."""
    try:
        yield
    except EgretError as error:
        pytest.fail(f"{error}; (asked, recorded): {replay.surprises}")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recorded_device_is_read_as_it_was(path: Path) -> None:
    """The same questions, and from the same answers the same values."""
    plan, data = fixture_in(path)
    replay, server = replay_of(plan, data["exchange"])

    with server, told(replay):
        seen = gone_through(plan, transport_to(plan, server.port), lambda: None)

    assert ([], []) == (replay.surprises, replay.left)
    assert data["seen"] == seen


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recording_of_a_replay_is_the_recording(path: Path) -> None:
    """The recorder writes down what was said, neither more nor less."""
    plan, data = fixture_in(path)
    replay, server = replay_of(plan, data["exchange"])

    with server, told(replay):
        again = recorded(plan, "127.0.0.1", (server.port,))

    assert [] == replay.surprises
    assert data["seen"] == again["seen"]
    assert _answers(data["exchange"]) == _answers(again["exchange"])


def _answers(exchange: Sequence[Entry]) -> list[str | None]:
    """Without the boundaries of chunks, which belong to the network."""
    answers = [entry["answered"] for entry in exchange]
    return ["".join(each) if isinstance(each, list) else each for each in answers]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recording_shows_what_goes_wrong(path: Path) -> None:
    """Each has a refused register, and a dongle's an expired token."""
    plan, data = fixture_in(path)
    expired = [entry for entry in data["exchange"] if _code(entry) == 106]

    assert data["seen"]["refusal_code"] is not None
    assert (1 if plan.scheme == "winet" else 0) == len(expired)


def _code(entry: Entry) -> int | None:
    answered = entry["answered"]
    return json.loads(answered)["result_code"] if isinstance(answered, str) else None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recording_stays_small(path: Path) -> None:
    """MAX_FIXTURE_BYTES at most."""
    assert path.stat().st_size <= MAX_FIXTURE_BYTES


def test_every_door_is_recorded() -> None:
    """One recording of each way to a device, at least."""
    plans = [fixture_in(path)[0] for path in FILES]

    assert set() == DOORS - {(plan.scheme, plan.tls) for plan in plans}


def test_another_question_is_a_surprise() -> None:
    """What was not asked then is not answered now."""
    replay = ModbusReplay([{"asked": "0001aa", "answered": ["0001bb"]}], numbered=True)

    assert replay(bytes.fromhex("0007ab")) is None
    assert [bytes.fromhex("0007bb")] == replay(bytes.fromhex("0007aa"))
    assert replay(bytes.fromhex("0008aa")) is None
    assert [("0007ab", "0001aa"), ("0008aa", None)] == replay.surprises
