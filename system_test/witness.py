"""The outside witness: what a gateway says it has accepted, remembered beyond its death.

Owns a reader of the gateway's live stream (`/api/stream`) and a file of what was heard. It
believes nothing but whole events: a gateway may die at any byte. What it has once heard counts,
so each rise is on disk before anyone is told of it. It knows nothing of devices or receivers.

One witness follows one gateway through all its lives; each life has a boot id of its own, and
within it the highest accepted sequence only rises. Breaches of that are kept as complaints.
"""

import http.client
import json
import os
import threading
import time
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

STREAM_PATH = "/api/stream"

SNAPSHOT_EVENT = "snapshot"

READ_TIMEOUT_S = 20.0
"""A living stream says something within this; a dead one is left."""

READ_BYTES = 65536
"""How much of the stream is taken at once."""

EVENT_BYTES_MAX = 8 * 1024 * 1024
"""No event is longer; a stream that never ends one is broken."""

RETRY_S = 0.05
"""Between attempts to reach a gateway that does not answer."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one snapshot said about what is safe."""

    boot: str
    accepted: int
    buffered: int


class Witness:
    """Remembers, for each boot, the highest sequence that was reported as accepted."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "a", encoding="utf-8")
        self._changed = threading.Condition()
        self._accepted: dict[str, int] = {}
        self._latest: Report | None = None
        self._complaints: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def hear(self, report: Report) -> None:
        """Take one report; it is on disk when this returns."""
        with self._changed:
            before = self._accepted.get(report.boot, 0)
            if report.accepted < before:
                self._complaints.append(
                    f"boot {report.boot} went back from {before} to {report.accepted}"
                )
            if report.accepted > before:
                self._write(report)
                self._accepted[report.boot] = report.accepted
            self._latest = report
            self._changed.notify_all()

    def accepted(self) -> dict[str, int]:
        """The highest accepted sequence of each boot."""
        with self._changed:
            return dict(self._accepted)

    def complaints(self) -> list[str]:
        """What a gateway said against its own earlier words."""
        with self._changed:
            return list(self._complaints)

    def latest(self) -> Report | None:
        """The last thing heard."""
        with self._changed:
            return self._latest

    def wait_latest(self, known: set[str], accepted: int, timeout_s: float) -> Report:
        """Wait until a boot not in `known` reports at least `accepted`; raises TimeoutError."""

        def found() -> bool:
            latest = self._latest
            return latest is not None and latest.boot not in known and latest.accepted >= accepted

        with self._changed:
            if self._changed.wait_for(found, timeout_s) and self._latest is not None:
                return self._latest
            raise TimeoutError(f"no new boot reported {accepted} accepted; last: {self._latest}")

    def _write(self, report: Report) -> None:
        self._file.write(json.dumps([report.boot, report.accepted]) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


class Following:
    """A witness at the stream of one running gateway; ends with the `with` block."""

    def __init__(self, witness: Witness, url: str) -> None:
        self._witness = witness
        self._address = urllib.parse.urlsplit(url).netloc
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join(READ_TIMEOUT_S + 1.0)

    def _follow(self) -> None:
        while not self._ended.is_set():
            try:
                self._read_stream()
            except (OSError, http.client.HTTPException):
                self._ended.wait(RETRY_S)

    def _read_stream(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=READ_TIMEOUT_S)
        try:
            connection.request("GET", STREAM_PATH, headers={"Accept": "text/event-stream"})
            response = connection.getresponse()
            if response.status != 200:
                raise http.client.HTTPException(f"{STREAM_PATH} answered {response.status}")
            for report in read_reports(_chunks(response)):
                self._witness.hear(report)
                if self._ended.is_set():
                    return
        finally:
            connection.close()


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while chunk := response.read1(READ_BYTES):
        yield chunk


def read_reports(chunks: Iterable[bytes]) -> Iterator[Report]:
    """The reports in a stream, whole events only; a torn last event is left out."""
    for name, data in events(chunks):
        if name == SNAPSHOT_EVENT:
            yield _report(json.loads(data))


def _report(snapshot: dict[str, Any]) -> Report:
    store = snapshot["store"]
    return Report(snapshot["gateway"]["boot"], store["accepted"], store["buffered"])


def events(chunks: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """(event, data) of each event that was ended by its empty line."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n\n")
        if len(rest) > EVENT_BYTES_MAX:
            raise http.client.HTTPException("an event without an end")
        for block in whole:
            fields = [_field(line) for line in block.decode().split("\n")]
            names = [value for name, value in fields if name == "event"]
            data = [value for name, value in fields if name == "data"]
            if data:
                yield (names[-1] if names else "message"), "\n".join(data)


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.removeprefix(" ")


def within(timeout_s: float, step_s: float = 0.1) -> Iterator[float]:
    """Seconds that passed, again and again until the time is up: for asking repeatedly."""
    started = time.monotonic()
    waiting = threading.Event()
    while (passed := time.monotonic() - started) < timeout_s:
        yield passed
        waiting.wait(step_s)
