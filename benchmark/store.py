"""The store beside bare sqlite3: the same rows, the same grouping, the same disk."""

import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from zlib import crc32

from benchmark.child import Child
from benchmark.figures import (
    NOT_MEASURED,
    Section,
    Table,
    at_least,
    at_most,
    median,
    median_ratio,
    micro,
    number,
    ratio,
)
from benchmark.measure import interleaved
from benchmark.progress import say
from server.devices.driver import Driver, Polled
from server.devices.profile import load_profiles
from server.model.cursor import Span
from server.model.reading import ClockQuality, Reading, Record, Value
from server.store.connection import DATABASE_NAME
from server.store.database import (
    CACHE_MAX_KIB,
    CHECKPOINT_PAGES,
    LOG_MAX_BYTES,
    PAGE_BYTES,
    open_store,
)
from server.store.packing import pack_values, pack_words
from server.store.readings import MAX_READ_ROWS, open_reader
from server.transports.modbus_tcp import ModbusTcp

Make = Callable[[int, int], list[Record]]
"""Makes so many records from that sequence number on."""

GROUPS = (1, 10, 100)
DEVICES = 10
BOOT = 0x5EED_0F_A_B007_1D
START_MS = 1_780_000_000_000
BYTES_COMMITS = 600
"""Ten minutes of commits at the default interval of one second."""

_SCHEMA = """
CREATE TABLE records (
    position INTEGER PRIMARY KEY, boot INTEGER NOT NULL, sequence INTEGER NOT NULL,
    device INTEGER NOT NULL, taken_at_ms INTEGER NOT NULL, uptime_ms INTEGER NOT NULL,
    clock INTEGER NOT NULL, body BLOB NOT NULL, words BLOB NOT NULL, crc INTEGER NOT NULL,
    UNIQUE (boot, sequence), UNIQUE (taken_at_ms, device)
)
"""
_INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def _values() -> dict[str, float]:
    return {f"some_quantity_{index:02}": 230.1 + index for index in range(26)}


def records(count: int, first: int) -> list[Record]:
    """Records of 1 kB in body and words, of ten devices in turn, each polled every second."""
    return _records(_values(), {5000 + at: 2301 + at for at in range(78)}, count, first)


def inverter_records(folder: Path) -> Make:
    """Records of a real profile: what the gateway reads from a simulated SH10RT."""
    arguments = ["benchmark.doors", "modbus", "--device", "sh10rt"]
    with Child(arguments, folder / "door.log") as door:
        transport = ModbusTcp("127.0.0.1", door.hello["ports"][0])
        driver = Driver(load_profiles().profiles["sungrow_hybrid"], 1)
        polled = driver.poll(transport, lambda: False)
        transport.close()
    assert isinstance(polled, Polled)
    return partial(_records, polled.values, polled.words)


def _records(
    values: Mapping[str, Value], words: Mapping[int, int], count: int, first: int
) -> list[Record]:
    made = []
    for sequence in range(first, first + count):
        taken = START_MS + sequence // DEVICES * 1000 + sequence % DEVICES * 7
        reading = Reading(
            f"device-{sequence % DEVICES}",
            taken,
            taken - START_MS,
            ClockQuality.SYNCED,
            values,
            words,
        )
        made.append(Record(BOOT, sequence, reading))
    return made


def record_bytes(make: Make) -> int:
    """What the two blobs of one such record hold."""
    reading = make(1, 1)[0].reading
    return len(pack_values(reading.values)) + len(pack_words(reading.words))


def _row(position: int, record: Record) -> tuple[int | bytes, ...]:
    """A row as the store would write it."""
    reading = record.reading
    body, words = pack_values(reading.values), pack_words(reading.words)
    return (
        position,
        record.boot,
        record.sequence,
        record.sequence % DEVICES,
        reading.taken_at_ms,
        reading.uptime_ms,
        1,
        body,
        words,
        crc32(words, crc32(body)),
    )


class Ours:
    """The store as the gateway opens it."""

    def __init__(self, folder: Path, group: int, make: Make | None = None) -> None:
        self._writer = open_store(folder).writer
        self._make = make or records
        self._group = group
        self._next = 1

    def commit(self, commits: int) -> tuple[float, float]:
        """Wall and CPU seconds of one record; readings are made beforehand."""
        made = [records(self._group, self._next + index * self._group) for index in range(commits)]
        self._next += commits * self._group
        writer = self._writer
        wall, cpu = time.monotonic(), time.process_time()
        for batch in made:
            writer.commit(batch, {})
        total = commits * self._group
        return (time.monotonic() - wall) / total, (time.process_time() - cpu) / total

    def close(self) -> None:
        self._writer.close()


class Bare:
    """sqlite3 with the same table and pragmas; its rows are packed before the clock starts."""

    def __init__(self, folder: Path, group: int) -> None:
        folder.mkdir()
        self._sql = sqlite3.connect(folder / "bare.sqlite3", isolation_level=None)
        for pragma in (
            f"page_size = {PAGE_BYTES}",
            "journal_mode = WAL",
            "synchronous = FULL",
            f"cache_size = -{CACHE_MAX_KIB}",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
            f"journal_size_limit = {LOG_MAX_BYTES}",
            "temp_store = MEMORY",
        ):
            self._sql.execute(f"PRAGMA {pragma}").fetchall()
        self._sql.execute(_SCHEMA)
        self._group = group
        self._next = 1

    def _rows(self, first: int) -> list[tuple[int | bytes, ...]]:
        return [
            _row(position, record)
            for position, record in enumerate(records(self._group, first), first)
        ]

    def commit(self, commits: int) -> tuple[float, float]:
        """Wall and CPU seconds of one record."""
        made = [self._rows(self._next + index * self._group) for index in range(commits)]
        self._next += commits * self._group
        sql = self._sql
        wall, cpu = time.monotonic(), time.process_time()
        for rows in made:
            sql.execute("BEGIN IMMEDIATE")
            sql.executemany(_INSERT, rows)
            sql.execute("COMMIT")
        total = commits * self._group
        return (time.monotonic() - wall) / total, (time.process_time() - cpu) / total

    def close(self) -> None:
        self._sql.close()


def _commits(folder: Path, group: int, quick: bool) -> tuple[list[float], ...]:
    """Wall of ours and of bare sqlite, then CPU of both, for one record."""
    ours, bare = Ours(folder / f"ours-{group}", group), Bare(folder / f"bare-{group}", group)
    count = {1: 150, 10: 100, 100: 40}[group] // (3 if quick else 1)
    cpus: dict[str, list[float]] = {"ours": [], "bare": []}

    def run(name: str, contender: Ours | Bare) -> Callable[[], float]:
        def once() -> float:
            wall, cpu = contender.commit(count)
            cpus[name].append(cpu)
            return wall

        return once

    ours.commit(3)
    bare.commit(3)
    walls = interleaved({"ours": run("ours", ours), "bare": run("bare", bare)}, 3 if quick else 11)
    ours.close()
    bare.close()
    return walls["ours"], walls["bare"], cpus["ours"], cpus["bare"]


def _drain(folder: Path, total: int, quick: bool) -> tuple[list[float], list[float]]:
    """Wall seconds a record: through `Reader.after`, and by a bare SELECT of the same columns."""
    writer = open_store(folder).writer
    for first in range(1, total + 1, 1000):
        writer.commit(records(1000, first), {})
    reader = open_reader(folder)
    sql = sqlite3.connect(f"{(folder / DATABASE_NAME).as_uri()}?mode=ro", uri=True)

    def ours() -> float:
        begin, read = time.process_time(), 0
        while read < total:
            read += len(reader.after(Span(read, total), MAX_READ_ROWS))
        return (time.process_time() - begin) / total

    def bare() -> float:
        begin, read = time.process_time(), 0
        while read < total:
            query = "SELECT * FROM records WHERE position > ? ORDER BY position LIMIT ?"
            read += len(sql.execute(query, (read, MAX_READ_ROWS)).fetchall())
        return (time.process_time() - begin) / total

    costs = interleaved({"ours": ours, "bare": bare}, 3 if quick else 7)
    sql.close()
    reader.close()
    writer.close()
    return costs["ours"], costs["bare"]


def _written() -> int:
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    raise RuntimeError("the kernel does not count what is written")


def _bytes_a_record(folder: Path, make: Callable[[Path, int], Ours | Bare], commits: int) -> float:
    """What reaches the disk for each record, moving the log into the database included."""
    store = make(folder, DEVICES)
    before = _written()
    for _ in range(commits):
        store.commit(1)
    store.close()
    return (_written() - before) / (commits * DEVICES)


def measure(quick: bool) -> Section:
    """Commits, drain, bytes."""
    build = Path("build")
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as name:
        folder = Path(name).resolve()
        rows, ratios, rate = [], {}, 0.0
        for group in GROUPS:
            say(f"commits in groups of {group}")
            ours, bare, cpu_ours, cpu_bare = _commits(folder, group, quick)
            ratios[group] = median_ratio(bare, ours)
            rate = 1 / median(ours)
            rows.append(
                (
                    number(group),
                    f"{number(round(rate))}/s",
                    f"{number(round(1 / median(bare)))}/s",
                    ratio(ratios[group]),
                    micro(median(cpu_ours)),
                    micro(median(cpu_bare)),
                )
            )
        say("draining")
        total = 10_000 if quick else 50_000
        drain, select = _drain(folder / "drain", total, quick)
        say("bytes written a record")
        commits = 100 if quick else BYTES_COMMITS
        bytes_ours = _bytes_a_record(folder / "bytes", Ours, commits)
        bytes_bare = _bytes_a_record(folder / "bytes-bare", Bare, commits)
        inverter = inverter_records(folder)
        bytes_inverter = _bytes_a_record(
            folder / "bytes-inverter", partial(Ours, make=inverter), commits
        )
    drained = Table(
        ("Reading and writing", "Egret", "bare sqlite3", "ratio"),
        (
            (
                "Drain, records a CPU second",
                number(round(1 / median(drain))),
                number(round(1 / median(select))),
                ratio(median_ratio(select, drain)),
            ),
            (
                "Bytes written a record, 10 devices at 1 s, commits of 1 s",
                number(round(bytes_ours)),
                number(round(bytes_bare)) if bytes_bare else NOT_MEASURED,
                ratio(bytes_ours / bytes_bare) if bytes_bare else NOT_MEASURED,
            ),
            (
                f"The same, readings of an SH10RT ({number(record_bytes(inverter))} bytes)",
                number(round(bytes_inverter)),
                NOT_MEASURED,
                NOT_MEASURED,
            ),
        ),
    )
    head = (
        "Commits in groups of",
        "Egret",
        "bare sqlite3",
        "ratio of rates",
        "CPU a record, Egret",
        "bare",
    )
    aims = [
        at_least(f"Commits in groups of {group}", each, 0.9, " × bare sqlite3")
        for group, each in ratios.items()
    ]
    return Section(
        "The store",
        _TEXT.format(number(record_bytes(records))),
        (Table(head, tuple(rows)), drained),
        (
            *aims,
            at_least("Commits in groups of 100", rate / 1e3, 40, " k records/s"),
            at_least("Drain", 1e-3 / median(drain), 100, " k records/s"),
            at_most("Bytes written a record", bytes_ours / 1e3, 5, " kB"),
        ),
    )


_TEXT = """
Records of {} bytes (values and raw words). Bare sqlite3 has the same table, indexes, pragmas
(WAL, synchronous FULL) and disk, and gets rows that are ready; Egret also packs readings into
rows, checks identities, and gathers the minute aggregates. Commits are wall time, because they
wait for the disk. Draining is CPU time (everything is cached): `Reader.after` gives readings with
decoded values and words, the bare SELECT gives tuples. Bytes written are what the kernel counts
for this process (`write_bytes`), with all moves of the log into the database. That no accepted
record is lost to a kill is proved by `make test-all`, not here.
"""
