"""Who may do what at the door: one table. Pure; docs/bluetooth.md is written from it.

Three ways lead in. `session` is encrypted and needs the label's secret; `plain` (EGWTTP without a
session) and `improv` are spoken in the clear by apps that know nothing of labels, so they count
only while a person holds the door open and the owner lets such apps in (`bluetooth.legacy_apps`),
and never for what is the owner's alone (`Access.OWN`).
"""

from dataclasses import dataclass

from bluetooth.paths import Access
from bluetooth.window import State

EVERYTHING = frozenset(Access)
CLEAR = EVERYTHING - {Access.OWN}
"""The most that is let through without a session."""
GREETING = frozenset({Access.GREET})
NOTHING: frozenset[Access] = frozenset()


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is let through in one state of the door."""

    session: frozenset[Access]
    plain: frozenset[Access]
    improv: bool
    """Whether Improv may scan and join a Wi-Fi."""
    why_not: str
    """What a phone is told that asks for more, in words."""


_SHUT = "the door is closed: press the button at the box, then try again"
_PAUSED = "too many attempts failed: wait, or press the button at the box half a minute from now"
_NEW = "press the button at the box first, or use an app that pairs with the label"
_NO_LEGACY = "apps without encryption are turned off on this box: use one that pairs with the label"
_OWNERS = "this is changed on the box's page, or with an app that pairs with the label"

# fmt: off
RULES: dict[tuple[State, bool], Allowance] = {
    # state, legacy apps            session     plain       improv  words for the rest
    (State.CLOSED,   False): Allowance(NOTHING,    NOTHING,    False, _SHUT),
    (State.CLOSED,   True):  Allowance(NOTHING,    NOTHING,    False, _SHUT),
    (State.PAUSED,   False): Allowance(NOTHING,    NOTHING,    False, _PAUSED),
    (State.PAUSED,   True):  Allowance(NOTHING,    NOTHING,    False, _PAUSED),
    (State.FRESH,    False): Allowance(EVERYTHING, GREETING,   False, _NO_LEGACY),
    (State.FRESH,    True):  Allowance(EVERYTHING, GREETING,   False, _NEW),
    (State.SETTLING, False): Allowance(EVERYTHING, GREETING,   False, _NO_LEGACY),
    (State.SETTLING, True):  Allowance(EVERYTHING, GREETING,   False, _NEW),
    (State.OPEN,     False): Allowance(EVERYTHING, GREETING,   False, _NO_LEGACY),
    (State.OPEN,     True):  Allowance(EVERYTHING, CLEAR,      True,  _OWNERS),
}
# fmt: on
"""(state of the door, legacy apps allowed) -> what is let through."""
