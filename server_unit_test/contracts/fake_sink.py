"""A sink in memory: keeps what it took, and fails when told to; passes the sink contract."""

from collections.abc import Sequence

from server.errors import EgretError
from server.model.delivery import Ack, Batch
from server.model.reading import Stored


class FakeSink:
    """`ports.Sink` with `abort`."""

    def __init__(self) -> None:
        self.taken: list[Stored] = []
        self.batches: list[Batch] = []
        self.aborts = 0
        self.closed = False
        self._failures: list[EgretError] = []

    @property
    def identities(self) -> Sequence[tuple[int, int]]:
        """(boot, sequence) of all that was taken, in the order it came; again if it came again."""
        return [(stored.record.boot, stored.record.sequence) for stored in self.taken]

    def fail_next(self, *errors: EgretError) -> None:
        """Raise these, one per call, before anything is taken again."""
        self._failures += errors

    def publish(self, batch: Batch) -> Ack:
        """Take all records, or raise the next failure and take none."""
        if self._failures:
            raise self._failures.pop(0)
        self.batches.append(batch)
        self.taken += batch.records
        return Ack(size_bytes=100 * len(batch.records))

    def abort(self) -> None:
        """Count; there is never a call to break off."""
        self.aborts += 1

    def close(self) -> None:
        """Note it."""
        self.closed = True
