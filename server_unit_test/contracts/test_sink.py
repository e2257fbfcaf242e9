"""What every `ports.Sink` keeps to; run against each sink with its real endpoint, and the fake."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from server.errors import BatchTooLarge, EgretError, RecordsRefused, SinkUnavailable
from server.identity.software_key import SoftwareKey
from server.sinks import BreakableSink
from server.sinks.harvest import HarvestSink
from server_unit_test.contracts.fake_sink import FakeSink
from server_unit_test.contracts.records import BOOT, batch, stored
from server_unit_test.sinks.ingest import Ingest, Say


class Bench(Protocol):
    """A sink with its other side in the test's hands."""

    sink: BreakableSink

    def fail_next(self, error: EgretError) -> None:
        """Let the endpoint answer the next delivery so that the sink must raise such an error."""
        ...

    def taken(self) -> Sequence[tuple[int, int]]:
        """(boot, sequence) of what the endpoint took, in order."""
        ...


class FakeBench:
    """The fake is its own endpoint."""

    def __init__(self) -> None:
        self.sink = FakeSink()

    def fail_next(self, error: EgretError) -> None:
        self.sink.fail_next(error)

    def taken(self) -> Sequence[tuple[int, int]]:
        return self.sink.identities


class HarvestBench:
    """The harvest sink against an HTTP server."""

    def __init__(self, ingest: Ingest, key: SoftwareKey) -> None:
        self._ingest = ingest
        self.sink = HarvestSink(ingest.url, key, timeout_s=20.0)

    def fail_next(self, error: EgretError) -> None:
        statuses = {SinkUnavailable: 503, BatchTooLarge: 413, RecordsRefused: 422}
        self._ingest.script.append(Say(statuses[type(error)]))

    def taken(self) -> Sequence[tuple[int, int]]:
        return [
            (int(boot, 16), sequence)
            for post in self._ingest.accepted
            for boot, sequence in post.identities()
        ]


@pytest.fixture(params=["fake", "harvest"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Every sink there is."""
    if request.param == "fake":
        yield FakeBench()
        return
    with Ingest() as ingest:
        made = HarvestBench(ingest, SoftwareKey.open(tmp_path))
        yield made
        made.sink.close()


def test_acknowledges_what_was_taken(bench: Bench) -> None:
    """After an Ack the endpoint holds every record once, in order."""
    ack = bench.sink.publish(batch())

    assert [(BOOT, 1), (BOOT, 2), (BOOT, 3)] == bench.taken()
    assert ack.size_bytes > 0


def test_delivers_across_a_restart(bench: Bench) -> None:
    """Records of two boots keep their identities and their order."""
    bench.sink.publish(batch(stored(1), stored(2), stored(3, boot=7), stored(4, boot=7)))

    assert [(BOOT, 1), (BOOT, 2), (7, 3), (7, 4)] == bench.taken()


@pytest.mark.parametrize("kind", [SinkUnavailable, BatchTooLarge, RecordsRefused])
def test_raises_by_blame_and_goes_on(bench: Bench, kind: type[EgretError]) -> None:
    """What was not acknowledged raises, and the same batch passes on the next attempt."""
    bench.fail_next(kind("as the test wants"))
    with pytest.raises(kind):
        bench.sink.publish(batch(stored(1)))

    bench.sink.publish(batch(stored(1)))

    assert [(BOOT, 1)] == bench.taken()


def test_an_abort_of_nothing_breaks_nothing(bench: Bench) -> None:
    """A call that comes too late does not spoil the next delivery."""
    bench.sink.abort()

    bench.sink.publish(batch(stored(1)))

    assert [(BOOT, 1)] == bench.taken()


def test_close_is_idempotent(bench: Bench) -> None:
    """Closing twice, or without ever having delivered, is fine."""
    bench.sink.close()
    bench.sink.close()

    assert [] == bench.taken()
