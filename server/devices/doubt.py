"""Which zeros of a device are measurements, and which only stand for a refusal.

Some doors (the WiNet-S among them) refuse a register that is asked for alone, and answer 0 for it
inside a larger block. Owns what was found out about that. Refuses to know sockets and profiles: it
is given what the profile says of the door, and a reader.

A 0 that came in a block is withheld until its register was asked for alone. An answer settles for
good that the door knows the register; a refusal, that it does not: its zeros are never published
through this door, and it is asked for along with others only. Any other number is believed.
"""

from collections.abc import Iterable, Mapping

from server.devices.packing import Block
from server.devices.profile_doors import Door
from server.devices.registers import Register
from server.errors import LinkClosed, RegisterRefused
from server.model.device import Space
from server.model.reading import Value
from server.model.snapshot import Refusal
from server.ports import Preempted, RegisterReader

MAX_DOUBTS_PER_POLL = 8
"""Registers asked for alone after one poll: an idle hybrid has thirty zeros, settled in four."""
MAX_DOUBT_CLOSINGS = 2
"""Closed connections after which a register counts as refused, as everywhere."""
_REFUSING = frozenset({1, 2, 3})

Place = tuple[Space, int]
Answers = Iterable[tuple[Block, tuple[int, ...]]]


class Doubt:
    """One device through one door. Used on one lane."""

    def __init__(self, door: Door | None) -> None:
        self._door = door or Door()
        self._trusted: set[Place] = set()
        self._unknown: dict[Place, Refusal] = {}
        self._closings: dict[Place, int] = {}

    @property
    def idle(self) -> bool:
        """True when every zero is believed."""
        return not (self._door.doubts_zeros or self._door.unknown)

    @property
    def learned(self) -> Mapping[Place, Refusal]:
        """What turned out not to be known through this door."""
        return self._unknown

    def is_unknown(self, register: Register) -> bool:
        """True for a register that is not worth a request of its own."""
        place = _place(register)
        return place in self._door.unknown or place in self._unknown

    def settle(
        self,
        reader: RegisterReader,
        unit_id: int,
        answers: Answers,
        preempted: Preempted,
        now_ms: int,
    ) -> bool:
        """Ask for some of the doubtful zeros alone; True when a register was found unknown.

        Raises what the reader raises, but for refusals and closed connections.
        """
        before = len(self._unknown)
        asked = 0
        for register in [*self._zeros(answers)] if self._door.doubts_zeros else []:
            if not self._is_open(register):
                continue
            if asked >= MAX_DOUBTS_PER_POLL or preempted():
                break
            asked += 1
            self._ask(reader, unit_id, register, now_ms)
        return len(self._unknown) > before

    def withhold(self, answers: Answers, values: dict[str, Value], words: dict[int, int]) -> None:
        """Take out the zeros that are not known to be measurements."""
        answers = [*answers]
        doubtful = [each for each in self._zeros(answers) if self._is_doubtful(each)]
        if not doubtful:
            return
        places = {_place(each) for each in doubtful}
        # Flags of several registers join in one slot, which stays while one of them is believed.
        believed = {
            register.slot
            for block, _ in answers
            for register in block.registers
            if _place(register) not in places
        }
        for register in doubtful:
            if register.slot not in believed:
                values.pop(register.slot, None)
            for address in range(register.address, register.address + register.count):
                words.pop(address, None)

    def _zeros(self, answers: Answers) -> Iterable[Register]:
        for block, words in answers:
            for register in block.registers:
                start = register.address - block.address
                if not any(words[start : start + register.count]):
                    if len(block.registers) == 1 and block.count == register.count:
                        self._trusted.add(_place(register))  # It was asked for alone just now.
                    yield register

    def _is_doubtful(self, register: Register) -> bool:
        return self.is_unknown(register) or self._is_open(register)

    def _is_open(self, register: Register) -> bool:
        if not self._door.doubts_zeros or self.is_unknown(register):
            return False
        return _place(register) not in self._trusted

    def _ask(self, reader: RegisterReader, unit_id: int, register: Register, now_ms: int) -> None:
        place = _place(register)
        try:
            reader.read(unit_id, register.space, register.address, register.count)
        except RegisterRefused as error:
            if error.code in _REFUSING:
                self._unknown[place] = _refusal(register, error.code, now_ms)
        except LinkClosed:
            self._closings[place] = self._closings.get(place, 0) + 1
            if self._closings[place] >= MAX_DOUBT_CLOSINGS:
                self._unknown[place] = _refusal(register, 0, now_ms)
        else:
            self._trusted.add(place)


def _place(register: Register) -> Place:
    return register.space, register.address


def _refusal(register: Register, code: int, now_ms: int) -> Refusal:
    return Refusal(register.space, register.address, register.count, code, now_ms)
