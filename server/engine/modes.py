"""The gateway's mode: which facts give it, and what ranks first in it.

Rules: the mode is the highest row of STANDING whose condition holds, so it is derived from the
facts and can never disagree with them. Ranks decide who goes first among tasks that are due on
one lane (or on the engine thread); a lower rank goes first. Nothing here performs an effect:
`on_entry` says in words what the rooms concerned do, for the log and the diagram.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from server.engine.task import Kind


class Mode(StrEnum):
    """What the gateway is up to, highest standing first."""

    STOPPING = "stopping"
    STARTING = "starting"
    CONTROLLING = "controlling"
    COMMISSIONING = "commissioning"
    OFFLINE = "offline"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the mode is derived from."""

    stopping: bool = False
    starting: bool = False
    lease_alive: bool = False
    device_configured: bool = False
    sink_configured: bool = False
    sink_reachable: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """One row: `holds` gives the mode, `when` and `on_entry` say it in words."""

    mode: Mode
    holds: Callable[[Facts], bool]
    when: str
    on_entry: str


STANDING: tuple[Standing, ...] = (
    Standing(
        Mode.STOPPING,
        lambda facts: facts.stopping,
        "a stop was asked for",
        "no new work; calls in flight get their budget; the buffer is committed",
    ),
    Standing(
        Mode.STARTING,
        lambda facts: facts.starting,
        "the store is not open or no link has been tried yet",
        "links are tried before anything else",
    ),
    Standing(
        Mode.CONTROLLING,
        lambda facts: facts.lease_alive,
        "a command lease lives",
        "commands and their read-backs go first everywhere",
    ),
    Standing(
        Mode.COMMISSIONING,
        lambda facts: not facts.device_configured,
        "no device is configured",
        "probes go first; the page asks for a device",
    ),
    Standing(
        Mode.OFFLINE,
        lambda facts: facts.sink_configured and not facts.sink_reachable,
        "sinks are configured and none can be reached",
        "polling and storing go before delivery; sinks are tried with growing pauses",
    ),
    Standing(Mode.RUNNING, lambda facts: True, "otherwise", "live data first, then backlog"),
)


def mode_of(facts: Facts) -> Mode:
    """The mode that these facts give."""
    return next(row.mode for row in STANDING if row.holds(facts))


def _ranks(*order: tuple[Kind, ...]) -> Mapping[Kind, int]:
    ranks = {kind: rank for rank, kinds in enumerate(order) for kind in kinds}
    assert set(ranks) == set(Kind), "every kind has a rank in every mode"
    return MappingProxyType(ranks)


_LAST = (Kind.PRUNE, Kind.HOUSEKEEPING)

RANKS: Mapping[Mode, Mapping[Kind, int]] = MappingProxyType(
    {
        Mode.STOPPING: _ranks(
            (Kind.COMMAND,),
            (Kind.COMMIT,),
            (Kind.REQUEST,),
            (Kind.PUBLISH, Kind.POLL, Kind.CONNECT, Kind.PROBE),
            _LAST,
        ),
        Mode.STARTING: _ranks(
            (Kind.COMMAND,),
            (Kind.CONNECT,),
            (Kind.COMMIT,),
            (Kind.POLL,),
            (Kind.REQUEST, Kind.PROBE),
            (Kind.PUBLISH,),
            _LAST,
        ),
        Mode.CONTROLLING: _ranks(
            (Kind.COMMAND,),
            (Kind.POLL,),
            (Kind.COMMIT,),
            (Kind.REQUEST,),
            (Kind.CONNECT, Kind.PUBLISH, Kind.PROBE),
            _LAST,
        ),
        Mode.COMMISSIONING: _ranks(
            (Kind.COMMAND,),
            (Kind.REQUEST, Kind.PROBE),
            (Kind.CONNECT,),
            (Kind.COMMIT, Kind.POLL),
            (Kind.PUBLISH,),
            _LAST,
        ),
        Mode.OFFLINE: _ranks(
            (Kind.COMMAND,),
            (Kind.REQUEST,),
            (Kind.COMMIT,),
            (Kind.POLL, Kind.CONNECT),
            _LAST,
            (Kind.PROBE, Kind.PUBLISH),
        ),
        Mode.RUNNING: _ranks(
            (Kind.COMMAND,),
            (Kind.REQUEST,),
            (Kind.COMMIT,),
            (Kind.POLL, Kind.CONNECT),
            (Kind.PUBLISH, Kind.PROBE),
            _LAST,
        ),
    }
)

ALLOWED_WHILE_STOPPING = frozenset({Kind.COMMAND, Kind.COMMIT})
"""The only kinds that still start once a stop was asked for: reverts, and the last commit."""


def mermaid() -> str:
    """The table as a Mermaid flowchart: the first condition that holds gives the mode."""
    lines = ["flowchart TD"]
    questions = STANDING[:-1]
    for index, row in enumerate(questions):
        following = f"q{index + 1}" if index + 1 < len(questions) else STANDING[-1].mode
        lines.append(f'    q{index}{{"{row.when}?"}} -- yes --> {row.mode}')
        lines.append(f"    q{index} -- no --> {following}")
    for row in STANDING:
        lines.append(f'    {row.mode}["<b>{row.mode}</b><br/>{row.on_entry}"]')
    return "\n".join(lines)
