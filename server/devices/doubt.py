"""Which zeros of a device are measurements, and which only stand for a refusal.

Some doors (the WiNet-S among them) refuse a register that is asked for alone, and answer 0 for it
inside a larger block. Owns what was found out about that. Refuses to know sockets and profiles: it
is given what the profile says of the door, and a reader.

A 0 that came in a block is withheld until its register was asked for alone. An answer settles for
good that the door knows the register; a refusal, that it does not: its zeros are never published
through this door, and it is asked for along with others only. Any other number is believed.

Anything else (silence, garbage, busy) settles nothing, ends the questions of this poll and puts the
register behind all others. It costs no reading, for the block that holds the register was answered
just now; after MAX_DOUBT_FAILURES of them the register counts as refused, too.
"""

from collections.abc import Iterable, Mapping

from server.devices.packing import Block
from server.devices.profile_doors import Door
from server.devices.registers import Register
from server.errors import DeviceTimeout, EgretError, LinkClosed, ProtocolError, RegisterRefused
from server.model.device import Space
from server.model.reading import Value
from server.model.snapshot import Refusal
from server.ports import Preempted, RegisterReader

MAX_DOUBTS_PER_POLL = 8
"""Registers asked for alone after one poll: an idle hybrid has thirty zeros, settled in four."""
MAX_DOUBT_CLOSINGS = 2
"""Closed connections after which a register counts as refused, as everywhere."""
MAX_DOUBT_FAILURES = 3
"""Polls in which a register is asked for in vain until it counts as refused: each may cost a whole
timeout, or the patience that a busy dongle wants."""
_REFUSING = frozenset({1, 2, 3})

Place = tuple[Space, int]
Answers = Iterable[tuple[Block, tuple[int, ...]]]


class Doubt:
    """One device through one door. Used on one lane."""

    def __init__(self, door: Door | None) -> None:
        self._door = door or Door()
        self._trusted: set[Place] = set()
        self._unknown: dict[Place, Refusal] = {}
        self._failures: dict[Place, int] = {}

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

        Raises DeviceUnreachable: there is nobody left to ask.
        """
        if not self._door.doubts_zeros:
            return False
        before = len(self._unknown)
        doubtful = [each for each in self._zeros(answers) if self._is_open(each)]
        doubtful.sort(key=lambda each: self._failures.get(_place(each), 0))
        for register in doubtful[:MAX_DOUBTS_PER_POLL]:
            if preempted() or not self._asked(reader, unit_id, register, now_ms):
                break
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

    def _asked(self, reader: RegisterReader, unit_id: int, register: Register, now_ms: int) -> bool:
        """Ask for it alone; False when further questions had better wait."""
        try:
            reader.read(unit_id, register.space, register.address, register.count)
        except (RegisterRefused, LinkClosed, DeviceTimeout, ProtocolError) as error:
            self._in_vain(register, error, now_ms)
            return isinstance(error, LinkClosed) or _code(error) in _REFUSING
        self._trusted.add(_place(register))
        return True

    def _in_vain(self, register: Register, error: EgretError, now_ms: int) -> None:
        place, code = _place(register), _code(error)
        self._failures[place] = failures = self._failures.get(place, 0) + 1
        most = MAX_DOUBT_CLOSINGS if isinstance(error, LinkClosed) else MAX_DOUBT_FAILURES
        if code in _REFUSING or failures >= most:
            self._unknown[place] = _refusal(register, code, now_ms)


def _code(error: EgretError) -> int:
    """What it refuses with; 0 for what is no answer."""
    return error.code if isinstance(error, RegisterRefused) else 0


def _place(register: Register) -> Place:
    return register.space, register.address


def _refusal(register: Register, code: int, now_ms: int) -> Refusal:
    return Refusal(register.space, register.address, register.count, code, now_ms)
