"""The ledger keeps the first, counts the rest, and writes down every contradiction."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import ledger as module
from simulator.envelope import parse
from simulator.ledger import MAX_LISTED, KeyTaken, Ledger, Receipt
from simulator_unit_test.signing import BOOT, GATEWAY, Gateway

ME = Gateway()


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    ledger = Ledger()
    yield ledger
    ledger.close()


def take(ledger: Ledger, sequences: dict[int, int], word: int = 7, **changes: object) -> Receipt:
    return ledger.store(parse(ME.deliver(sequences, word, **changes)))


def test_records_are_kept(ledger: Ledger) -> None:
    """What came can be read back, newest first, for one device or all."""
    take(ledger, {1000: 1, 2000: 2})
    take(ledger, {3000: 3}, sn="OTHER")

    records = ledger.records("A2212345678")

    assert [(2, 2000, '{"4999":3587,"13000":7}'), (1, 1000, '{"4999":3587,"13000":7}')] == [
        (record["sequence"], record["taken_at_ms"], record["words"]) for record in records
    ]
    assert ["OTHER"] == [record["sn"] for record in ledger.records(limit=1)]


def test_duplicates(ledger: Ledger) -> None:
    """A delivery that comes again is counted and not kept twice."""
    first = take(ledger, {1000: 1, 2000: 2})
    again = take(ledger, {2000: 2, 3000: 3})

    assert (Receipt(2, 0, 0), Receipt(1, 1, 0)) == (first, again)
    assert (3, 1, 0) == tuple(ledger.stats()[name] for name in ("accepted", "duplicates", "gaps"))


def test_gaps_come_and_go(ledger: Ledger) -> None:
    """A missing number is a gap until it is delivered."""
    take(ledger, {1000: 5, 2000: 9})
    torn = ledger.stats()["gaps"]

    take(ledger, {3000: 6, 4000: 7, 5000: 8})

    assert (3, 0) == (torn, ledger.stats()["gaps"])


def test_boots_are_counted_apart(ledger: Ledger) -> None:
    """Each boot has its own numbers: the same number in another boot is another record."""
    take(ledger, {1000: 1})
    take(ledger, {2000: 100}, boot="00000000000000b2")

    assert (0, 2) == (ledger.stats()["gaps"], ledger.stats()["boots"])


def test_identities(ledger: Ledger) -> None:
    """The numbers of a boot are told as ranges."""
    take(ledger, {1000: 1, 2000: 2, 3000: 3, 4000: 7})
    take(ledger, {5000: 8}, sn="OTHER")

    assert {BOOT: {"gateway": GATEWAY, "ranges": [[1, 3], [7, 8]]}} == ledger.identities()


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60))
def test_figures_agree_with_a_set(sequences: list[int]) -> None:
    """Accepted, duplicates, gaps and ranges are what a plain set says they are."""
    ledger = Ledger()
    for sequence in sequences:
        take(ledger, {1000 + sequence: sequence})
    stats, ranges = ledger.stats(), ledger.identities()[BOOT]["ranges"]
    ledger.close()

    unique = set(sequences)
    told = {number for low, high in ranges for number in range(low, high + 1)}
    assert (unique, len(unique), len(sequences) - len(unique)) == (
        told,
        stats["accepted"],
        stats["duplicates"],
    )
    assert max(unique) - min(unique) + 1 - len(unique) == stats["gaps"]


@pytest.mark.parametrize("changed", [{"word": 8}, {"sn": "OTHER"}])
def test_same_identity_other_content(ledger: Ledger, changed: dict[str, object]) -> None:
    """An identity that comes back with other content is a conflict; the first stays."""
    take(ledger, {1000: 1})

    receipt = take(ledger, {1000: 1}, **changed)  # type: ignore[arg-type]

    assert (Receipt(0, 1, 1), 1) == (receipt, ledger.stats()["conflicts"])
    assert ['{"4999":3587,"13000":7}'] == [record["words"] for record in ledger.records()]


def test_same_identity_other_time(ledger: Ledger) -> None:
    """An identity that comes back at another millisecond is a conflict."""
    take(ledger, {1000: 1})
    take(ledger, {1001: 1})

    conflicts = ledger.conflicts()

    assert [("content", 1, 1001)] == [
        (conflict["kind"], conflict["sequence"], conflict["taken_at_ms"]) for conflict in conflicts
    ]
    assert "at 1000" in conflicts[0]["against"]


def test_one_moment_under_two_identities(ledger: Ledger) -> None:
    """The same device and millisecond under two identities is a conflict; both are kept."""
    take(ledger, {1000: 1})

    receipt = take(ledger, {1000: 1}, boot="00000000000000b2")

    assert (Receipt(1, 0, 1), "identity", f"also came as boot {BOOT}, sequence 1") == (
        receipt,
        ledger.conflicts()[0]["kind"],
        ledger.conflicts()[0]["against"],
    )


def test_conflict_is_told_once(ledger: Ledger) -> None:
    """A conflict that is delivered again is the same conflict."""
    take(ledger, {1000: 1})
    take(ledger, {1000: 1}, word=8)
    take(ledger, {1000: 1}, word=8)

    assert (1, 1) == (len(ledger.conflicts()), ledger.stats()["conflicts"])


def test_conflicts_are_listed_up_to_a_limit(ledger: Ledger) -> None:
    """The list is bounded; the count is not."""
    count = MAX_LISTED + 1
    take(ledger, {ms: ms for ms in range(count)})
    take(ledger, {ms: ms for ms in range(count)}, word=8)

    assert (MAX_LISTED, count) == (len(ledger.conflicts()), ledger.stats()["conflicts"])


def test_keys(ledger: Ledger) -> None:
    """The first key of a gateway stays, however it is spelled; another one is refused."""
    known = [ledger.learn_key(GATEWAY, "AB"), ledger.learn_key(GATEWAY, "ab")]

    with pytest.raises(KeyTaken):
        ledger.learn_key(GATEWAY, "cd")
    assert ([True, False], "ab") == (known, ledger.key_of(GATEWAY))


def test_file_is_picked_up_again(tmp_path: Path) -> None:
    """Records, gaps, conflicts and keys survive a restart."""
    first = Ledger(tmp_path / "received.db")
    first.learn_key(GATEWAY, ME.public_key)
    take(first, {1000: 1, 3000: 3})
    take(first, {1000: 1}, word=8)
    before = first.stats()
    first.close()

    second = Ledger(tmp_path / "received.db")
    after, key = second.stats(), second.key_of(GATEWAY)
    again = take(second, {1000: 1})
    second.close()

    assert (before | {"duplicates": 0}, ME.public_key, Receipt(0, 1, 0)) == (after, key, again)


def test_file_that_is_none(tmp_path: Path) -> None:
    """A file that is no database is left alone, and the error is SQLite's."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and longer than the header of one " * 10)

    with pytest.raises(sqlite3.DatabaseError):
        Ledger(path)
    assert path.read_text().startswith("not a database")


def test_failed_store_keeps_nothing(ledger: Ledger) -> None:
    """A delivery that breaks in the middle leaves no half of itself."""
    envelope = parse(ME.deliver({1000: 1, 2000: 2}))
    object.__setattr__(envelope.records[1], "sequence", object())

    with pytest.raises(sqlite3.Error):
        ledger.store(envelope)

    assert (0, Receipt(1, 0, 0)) == (ledger.stats()["accepted"], take(ledger, {1000: 1}))


def test_old_registers_are_forgotten(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the oldest records only the identity is kept, so memory has an end."""
    monkeypatch.setattr(module, "MAX_WORDS_KEPT", 5)
    monkeypatch.setattr(module, "PRUNE_EVERY", 1)

    for sequence in range(12):
        take(ledger, {1000 + sequence: sequence})

    kept = [record["sequence"] for record in ledger.records() if record["words"] is not None]
    assert ([11, 10, 9, 8, 7], 12) == (kept, ledger.stats()["accepted"])
    assert Receipt(0, 1, 0) == take(ledger, {1000: 0})


def test_a_file_that_somebody_else_holds_is_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After BUSY_TIMEOUT_S the delivery is refused, and taken when the file is free again."""
    monkeypatch.setattr(module, "BUSY_TIMEOUT_S", 0.05)
    ledger = Ledger(tmp_path / "received.db")
    other = sqlite3.connect(tmp_path / "received.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            take(ledger, {1000: 1})
        other.execute("ROLLBACK")

        assert Receipt(1, 0, 0) == take(ledger, {1000: 1})
    finally:
        other.close()
        ledger.close()
