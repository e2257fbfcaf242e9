"""What a profile says of the ways to its device, and of the devices behind it.

Owns the meaning of `[doors.<scheme>]` and `children`. Refuses to know how a door is opened.

A door may answer 0 for a register that it would refuse if it were asked for that one alone. Such a
0 is no measurement: `unknown` lists the registers of which that is known, and `doubts_zeros` says
that any 0 is to be asked for alone, once, before it is believed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from server.devices.profile_text import ChildText, DoorText
from server.devices.registers import Register
from server.model.device import Space

MAX_CHILD_UNITS = 8
"""Units asked for a device of one kind behind another; each silent one costs seconds."""

Fault = Callable[[str, str], Exception]
"""Makes the error of a key: the key, and what it should be."""


@dataclass(frozen=True, slots=True)
class Door:
    """What is known of one scheme: which registers (space, wire address) it cannot know."""

    doubts_zeros: bool = False
    unknown: frozenset[tuple[Space, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Child:
    """A device that may sit behind this one, under a unit of its own; `units` in order of trial.

    `name` is what it is called beside its parent's name.
    """

    profile: str
    units: tuple[int, ...]
    name: str = ""


def doors_of(
    texts: Mapping[str, DoorText], registers: Iterable[Register], fault: Fault
) -> dict[str, Door]:
    """Every door by scheme; raises what `fault` makes for an address that is no register's."""
    found: dict[int, set[tuple[Space, int]]] = {}
    for register in registers:
        found.setdefault(register.at, set()).add((register.space, register.address))
    doors: dict[str, Door] = {}
    for scheme, text in texts.items():
        for at in text.unknown:
            if at not in found:
                raise fault(f"doors.{scheme}.unknown", f"{at} should be `at` of a register")
        unknown = frozenset(place for at in text.unknown for place in found[at])
        doors[scheme] = Door(text.doubts_zeros, unknown)
    return doors


def children_of(texts: Sequence[ChildText], fault: Fault) -> tuple[Child, ...]:
    """The devices to look for behind this one; raises what `fault` makes."""
    for number, text in enumerate(texts):
        if not 1 <= len(text.units) <= MAX_CHILD_UNITS:
            raise fault(f"children[{number}].units", f"should be 1 to {MAX_CHILD_UNITS} units")
        if not all(0 <= unit <= 255 for unit in text.units):
            raise fault(f"children[{number}].units", "should be units, 0 to 255")
    return tuple(Child(text.profile, tuple(text.units), text.name) for text in texts)
