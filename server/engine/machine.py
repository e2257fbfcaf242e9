"""A state machine is one table.

Rules: everything that moves a machine stands in its table; a pair of state and event that is
not in the table raises; the diagram in `docs/` is drawn from the table and from nothing else.
This file knows no state of the product and performs no effect.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


class UnknownTransition(Exception):
    """A programmer error: the table has no such pair."""


@dataclass(frozen=True, slots=True)
class Machine(Generic[State, Event]):
    """A table of transitions: state -> event -> next state. Holds no current state."""

    name: str
    initial: State
    table: Mapping[State, Mapping[Event, State]]

    def __post_init__(self) -> None:
        """Every state that can be entered must have a row, be it an empty one."""
        reached = {self.initial, *(to for row in self.table.values() for to in row.values())}
        missing = reached - set(self.table)
        if missing:
            raise UnknownTransition(f"{self.name}: no row for {sorted(missing)}")

    def after(self, state: State, event: Event) -> State:
        """The state that `event` leads to; raises UnknownTransition for a pair not listed."""
        try:
            return self.table[state][event]
        except KeyError:
            raise UnknownTransition(f"{self.name}: {event} in state {state}") from None

    def allows(self, state: State, event: Event) -> bool:
        """Whether the table lists the pair."""
        return event in self.table[state]

    def mermaid(self) -> str:
        """The table as a Mermaid state diagram; events that lead to one state share an arrow."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        for state, row in self.table.items():
            arrows: dict[State, list[str]] = {}
            for event, to in row.items():
                arrows.setdefault(to, []).append(str(event).replace("_", " "))
            lines += [f"    {state} --> {to}: {', '.join(on)}" for to, on in arrows.items()]
            if not row:
                lines.append(f"    {state} --> [*]")
        return "\n".join(lines)
