"""Stands between the tasks and the real store, and writes down what was accepted."""

import sqlite3
from collections.abc import Mapping, Sequence

from server.model.cursor import MAX_GAPS, Cursor
from server.model.delivery import Committed, Pruned, Quarantined, Retention
from server.model.reading import Record
from server.ports import Store
from server_unit_test.simulation.world import World

COMMIT_S = 0.004


class WitnessedStore:
    """`ports.Store` over the real writer."""

    def __init__(self, store: Store, world: World, accepted: dict[int, int]) -> None:
        self.store = store
        self.accepted = accepted
        """Boot -> the highest sequence on disk."""
        self.dropped: dict[str, int] = {}
        self.quarantined: dict[str, int] = {}
        self.full = 0
        self.slow_until = 0.0
        self._world = world

    def commit(
        self,
        records: Sequence[Record],
        cursors: Mapping[str, Cursor],
        quarantines: Sequence[Quarantined] = (),
    ) -> Committed:
        """Everything that returns is accepted; sequences have no holes."""
        self._world.spend(9.0 if self._world.now < self.slow_until else COMMIT_S)
        for cursor in cursors.values():
            assert len(cursor.gaps) <= MAX_GAPS
        committed = self.store.commit(records, cursors, quarantines)
        for each in quarantines:
            self.quarantined[each.sink_id] = self.quarantined.get(each.sink_id, 0) + 1
            self._world.note("quarantined", each.sink_id, each.position)
        if records:
            boot = records[0].boot
            before = self.accepted.get(boot, 0)
            assert records[0].sequence == before + 1, "a sequence was skipped or given twice"
            self.accepted[boot] = records[-1].sequence
            self._world.tick(records[-1].sequence)
        return committed

    def prune(self, limits: Retention, now_ms: int) -> Pruned:
        """What is dropped before a sink took it is counted for that sink."""
        self._world.spend(COMMIT_S)
        pruned = self.store.prune(limits, now_ms)
        for sink_id, count in pruned.dropped.items():
            self.dropped[sink_id] = self.dropped.get(sink_id, 0) + count
        if pruned.removed:
            self._world.note("pruned", pruned.removed, dict(sorted(pruned.dropped.items())))
        return pruned

    def correct_clock(self, boot: int, after: int, epoch_ms: int) -> int:
        """Passed on."""
        self._world.spend(COMMIT_S)
        moved = self.store.correct_clock(boot, after, epoch_ms)
        self._world.note("clock corrected", moved)
        return moved

    def quarantine(self, sink_id: str, position: int, reason: str, at_ms: int) -> None:
        """Passed on."""
        self.store.quarantine(sink_id, position, reason, at_ms)

    def forget_sink(self, sink_id: str) -> None:
        """Passed on."""
        self.store.forget_sink(sink_id)

    def remember(self, key: str, value: bytes | str) -> None:
        """Passed on."""
        self._world.spend(COMMIT_S)
        self.store.remember(key, value)

    def recall(self, key: str) -> str | None:
        """Passed on."""
        return self.store.recall(key)

    def abort(self) -> None:
        """Virtual calls cannot be interrupted."""


def kill(connection: sqlite3.Connection) -> None:
    """Leave the database as a killed process does: whatever was not committed is gone."""
    connection.close()
