"""Finds out what answers at an address: which profile serves it, and how sure that is.

Owns the order of questions. Refuses to know how a device was reached, and any family by name.
A type code in a profile's table settles it. Without one, profiles are judged by their evidence:
registers that such a device answers with plausible numbers, not all of them zero. An unknown
code is never fatal.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from server.devices.driver import Driver
from server.devices.profile import Evidence, Profile
from server.devices.registers import Register, number_of
from server.errors import LinkClosed, RegisterRefused, UnsupportedDevice
from server.model.device import Identity
from server.ports import RegisterReader

MAX_PROBE_CLOSINGS = 8
"""Connections that the device may close on us while it is probed before it counts as dead."""

_WHAT_TO_CHECK = (
    "check that the address is the inverter's or its network dongle's, that Modbus TCP is switched "
    "on there, and that the unit number is right (usually 1)"
)


def _silent(_: str) -> None:
    """Nobody wants to hear."""


def probe(
    reader: RegisterReader,
    unit_id: int,
    profiles: Mapping[str, Profile],
    progress: Callable[[str], None] = _silent,
) -> Identity:
    """Say what the device is.

    Raises UnsupportedDevice, with words that say what to check, when nothing that a profile asks
    for is answered; and what the reader raises when there is no talking to the device at all.
    """
    questions = _Questions(reader, unit_id)
    known = _by_type_code(questions, profiles.values(), progress)
    if known is not None:
        return Driver(known, unit_id).identify(reader)
    best = _by_evidence(questions, profiles.values(), progress)
    if best is None:
        raise UnsupportedDevice(f"{questions.said()} to unit {unit_id}; {_WHAT_TO_CHECK}")
    identity = Driver(best, unit_id).identify(reader)
    if questions.only_zeros and not identity.serial:
        raise UnsupportedDevice(f"{questions.said()} to unit {unit_id}; {_WHAT_TO_CHECK}")
    progress(f"It behaves like: {best.title}")
    return replace(identity, verified=False)


class _Questions:
    """Asks for single registers, each at most once; a refusal is an answer: None."""

    def __init__(self, reader: RegisterReader, unit_id: int) -> None:
        self._reader = reader
        self._unit_id = unit_id
        self._closings = 0
        self._known: dict[Register, int | None] = {}

    def number(self, register: Register) -> int | None:
        """The raw number in the register; None when it is refused or unavailable."""
        if register not in self._known:
            self._known[register] = self._asked(register)
        return self._known[register]

    @property
    def only_zeros(self) -> bool:
        """Many devices answer 0 at every address: plausible everywhere, and evidence of nothing."""
        return not any(self._known.values())

    def said(self) -> str:
        """What came back from the device, for a person."""
        if self.only_zeros and 0 in self._known.values():
            return "The device answers nothing but zeros"
        if any(number is not None for number in self._known.values()):
            return "The device answers, but not as any known family would"
        return "The device refuses every register that a known family has"

    def _asked(self, register: Register) -> int | None:
        try:
            words = self._reader.read(
                self._unit_id, register.space, register.address, register.count
            )
        except RegisterRefused:
            return None
        except LinkClosed:
            self._closings += 1
            if self._closings >= MAX_PROBE_CLOSINGS or not self._answered():
                raise
            return None
        return number_of(register, words)

    def _answered(self) -> bool:
        """A closed connection is a refusal only from a device that answers something else."""
        return bool(self._known)


def _by_type_code(
    questions: _Questions, profiles: Iterable[Profile], progress: Callable[[str], None]
) -> Profile | None:
    for profile in profiles:
        register = profile.register("device_type_code")
        if register is None:
            continue
        code = questions.number(register)
        if code is not None and code in profile.models:
            progress(f"Type code 0x{code:04X}: {profile.maker} {profile.models[code]}")
            return profile
    return None


def _by_evidence(
    questions: _Questions, profiles: Iterable[Profile], progress: Callable[[str], None]
) -> Profile | None:
    """The profile with the most evidence, all of it plausible: the more particular family."""
    progress("The type code is not known; looking at what the device answers")
    for profile in sorted(profiles, key=lambda p: len(p.evidence), reverse=True):
        if profile.evidence and all(_holds(questions, each) for each in profile.evidence):
            return profile
    return None


def _holds(questions: _Questions, evidence: Evidence) -> bool:
    number = questions.number(evidence.register)
    return number is not None and evidence.least <= number <= evidence.most
