"""Where readings go. `sinks_of` builds what is configured; a new kind is one line of FACTORIES.

Building a sink opens no connection. Sink ids are stable, because cursors are kept under them:
the same endpoint goes on where it stopped, whatever else is changed around it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from server.model.configuration import Configuration
from server.ports import Signer, Sink
from server.sinks.harvest import HarvestSink


class BreakableSink(Sink, Protocol):
    """A sink whose call in flight can be broken off by its task."""

    def abort(self) -> None:
        """Break a call in flight from another thread. Never blocks, never raises."""
        ...


@dataclass(frozen=True, slots=True)
class SinkSetup:
    """One configured sink and how it wants to be fed."""

    sink_id: str
    kind: str
    target: str
    sink: BreakableSink
    interval_s: float
    """Seconds between batches."""
    batch_records: int
    """Most records of one batch."""
    history: bool
    """Whether it also wants what was stored before it was configured."""
    timeout_s: float
    """Seconds that one request may wait for a connection, and again for the answer."""


Factory = Callable[[Configuration, Signer], Iterator[SinkSetup]]


def _harvest(configuration: Configuration, signer: Signer) -> Iterator[SinkSetup]:
    harvest = configuration.harvest
    for url in harvest.endpoints:
        yield SinkSetup(
            sink_id=f"harvest:{url}",
            kind="harvest",
            target=url,
            sink=HarvestSink(url, signer, timeout_s=harvest.timeout_s),
            interval_s=harvest.interval_s,
            batch_records=harvest.batch_records,
            history=harvest.history,
            timeout_s=harvest.timeout_s,
        )


FACTORIES: Mapping[str, Factory] = MappingProxyType({"harvest": _harvest})


def sinks_of(configuration: Configuration, signer: Signer) -> dict[str, SinkSetup]:
    """Every sink that `configuration` asks for, by its id."""
    return {
        setup.sink_id: setup
        for factory in FACTORIES.values()
        for setup in factory(configuration, signer)
    }
