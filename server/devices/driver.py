"""Reads one device by its profile: which requests, what to do when one is refused, what it means.

Owns the plan of requests and the memory of what the device refuses. Refuses to know about
sockets, clocks, links and tasks: it is given a reader and asked for one poll.

What an exception means:

- 1, 2, 3 (illegal function, address, value): something in the block is not served. The block is
  split until single registers are left; those that are refused alone are remembered and not
  asked for again. When every part answers, the gap between the parts was refused, and no later
  request bridges it.
- 4, 5, 6, 10, 11 and all others (failure, busy, no way through a gateway): says nothing about an
  address. The block is left out of this poll and asked for again in the next one. When nothing
  has been read yet, the exception is raised: the device as a whole is not well.
- The connection is closed instead of an answer: some firmwares refuse that way. Twice in a row
  for the same block counts as a refusal with code 0, parts of it are split at once. A single
  register is accused only if the device answers something else afterwards; a link that closes on
  everything is dead, and LinkClosed is raised.

Nothing is remembered from a poll in which nothing could be read. Words reach the decoder together
with the block they were asked for, so a value cannot land on another address.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from server.devices.doubt import Doubt
from server.devices.packing import Block, pack, split
from server.devices.profile import Profile
from server.devices.registers import Decoder, Register, compile_decoder, compile_finish
from server.errors import LinkClosed, RegisterRefused
from server.model.device import Identity, Space
from server.model.quantity import QUANTITIES, Kind
from server.model.reading import Value
from server.model.snapshot import Refusal
from server.ports import Preempted, RegisterReader

MAX_SPLITS_PER_POLL = 40
"""Blocks split in one poll. Finding one register among 125 takes seven; what is not found yet is
left out and searched for in the next poll."""
MAX_CLOSINGS_IN_A_ROW = 8
"""Connections that the device may close without answering anything before its link is dead."""
REFUSING_CODES = frozenset({1, 2, 3})
"""Exceptions that accuse what was asked for; all others speak of the device's condition."""
CLOSED_INSTEAD = 0
"""The code of a refusal that was a closed connection."""


@dataclass(frozen=True, slots=True)
class Polled:
    """One complete poll. `words` is keyed by wire address; `refused` is all that is known."""

    values: Mapping[str, Value]
    words: Mapping[int, int]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A block still to be read. `closings` counts connections closed on it in a row."""

    block: Block
    decode: Decoder | None = None
    """Looked up when it is needed, unless the plan knows it already: hashing is not free."""
    closings: int = 0
    fence: tuple[Space, int] | None = None
    """For a part of a split block: where it was parted."""


@dataclass(frozen=True, slots=True)
class Paused:
    """A poll broken off between two frames; handed back to `Driver.poll` to go on with."""

    requests: tuple[Request, ...]
    answers: tuple[tuple[Request, tuple[int, ...]], ...] = ()
    refused: tuple[Refusal, ...] = ()
    suspects: tuple[Block, ...] = ()
    fences: tuple[tuple[Space, int], ...] = ()
    splits: int = 0
    closings: int = 0


@dataclass(slots=True)
class _Sweep:
    """A poll under way: what `Paused` holds, while it changes."""

    requests: list[Request]
    answers: list[tuple[Request, tuple[int, ...]]]
    refused: list[Refusal]
    suspects: list[Block]
    fences: list[tuple[Space, int]]
    splits: int
    closings: int
    now_ms: int

    @classmethod
    def of(cls, paused: Paused, now_ms: int) -> "_Sweep":
        return cls(
            list(paused.requests),
            list(paused.answers),
            list(paused.refused),
            list(paused.suspects),
            list(paused.fences),
            paused.splits,
            paused.closings,
            now_ms,
        )

    def paused(self) -> Paused:
        return Paused(
            tuple(self.requests),
            tuple(self.answers),
            tuple(self.refused),
            tuple(self.suspects),
            tuple(self.fences),
            self.splits,
            self.closings,
        )

    def answered(self, request: Request, words: tuple[int, ...]) -> None:
        """An answer: whoever was suspected of closing the connection did close it."""
        self.answers.append((request, words))
        self.closings = 0
        if self.suspects:
            self.alive()

    def alive(self) -> None:
        """The device answers: the registers suspected so far are refused, not a dead link."""
        self.closings = 0
        self.refused += [self._refusal(block, CLOSED_INSTEAD) for block in self.suspects]
        self.suspects.clear()

    def refuse(self, request: Request, code: int) -> None:
        """Split the block, or accuse its only register; the gap beside a part is innocent then."""
        block = request.block
        if request.fence in self.fences:
            self.fences.remove(request.fence)
        if len(block.registers) > 1:
            self._split(block)
        elif code == CLOSED_INSTEAD:
            self.suspects.append(block)
        else:
            self.refused.append(self._refusal(block, code))

    def _split(self, block: Block) -> None:
        """Halves go to the end, so that healthy blocks in between show that the link lives."""
        if self.splits >= MAX_SPLITS_PER_POLL:
            return
        self.splits += 1
        left, right = split(block)
        fence = (right.space, right.address)
        self.fences.append(fence)
        self.requests += [Request(left, fence=fence), Request(right, fence=fence)]

    def _refusal(self, block: Block, code: int) -> Refusal:
        return Refusal(block.space, block.address, block.count, code, self.now_ms)


class Driver:
    """One device. Used on one lane; keeps what the device refuses between polls."""

    def __init__(
        self,
        profile: Profile,
        unit_id: int,
        refused: Iterable[Refusal] = (),
        scheme: str = "",
    ) -> None:
        """`refused` is what an earlier driver found out; `scheme` is the way to the device."""
        self._profile = profile
        self._unit_id = unit_id
        self._doubt = Doubt(profile.doors.get(scheme))
        self._refused: dict[tuple[Space, int], Refusal] = {}
        self._fences: set[tuple[Space, int]] = set()
        self._finish = compile_finish(profile.registers)
        self._doubtful = tuple(each.slot for each in profile.registers if each.known_only)
        for refusal in refused:
            self._refused[refusal.space, refusal.address] = refusal
        self._requests: tuple[Request, ...] = ()
        self._known: tuple[Refusal, ...] = ()
        self._make_plan()

    @property
    def profile(self) -> Profile:
        """The profile the device is read by."""
        return self._profile

    @property
    def doubts(self) -> bool:
        """True when not every zero is believed; what it trusts, newer firmware may have changed."""
        return not self._doubt.idle

    @property
    def plan(self) -> tuple[Block, ...]:
        """The requests of the next poll."""
        return tuple(request.block for request in self._requests)

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """Every refusal known, by address."""
        return self._known

    def poll(
        self,
        reader: RegisterReader,
        preempted: Preempted,
        paused: Paused | None = None,
        now_ms: int = 0,
    ) -> Polled | Paused:
        """Read every block; or, when something more important waits, what is left to go on with.

        Makes progress by at least one frame a call. Raises what the reader raises.
        """
        start = paused or Paused(self._requests)
        sweep = _Sweep.of(start, now_ms)
        while sweep.requests:
            self._step(reader, sweep)
            if sweep.requests and preempted():
                return sweep.paused()
        self._clear_suspects(reader, sweep)
        if not self._doubt.idle:
            answers = [(request.block, answer) for request, answer in sweep.answers]
            if self._doubt.settle(reader, self._unit_id, answers, preempted, now_ms):
                self._make_plan()
        values, words = self._decoded(sweep)
        self._learn(sweep)
        return Polled(values, words, self._known)

    def identify(self, reader: RegisterReader) -> Identity:
        """Read what the device calls itself; what it refuses to say is left empty."""
        registers = [r for r in self._profile.registers if _is_identity(r)]
        sweep = _Sweep.of(Paused(tuple(Request(b) for b in self._packed(registers))), 0)
        while sweep.requests:
            self._step(reader, sweep)
        self._clear_suspects(reader, sweep)
        values, _ = self._decoded(sweep)
        code = values.get("device_type_code")
        type_code = code if isinstance(code, int) else None
        model = self._profile.models.get(type_code) if type_code is not None else None
        return Identity(
            profile=self._profile.name,
            serial=str(values.get("serial", "")),
            model=model or _unknown_model(self._profile.maker, type_code),
            type_code=type_code,
            verified=model is not None or not self._profile.models,
            facts=_facts(values),
        )

    def _make_plan(self) -> None:
        """From what is known now: the requests of a poll, each with its decoder."""
        blocks = self._packed(r for r in self._profile.registers if r.polled)
        self._requests = tuple(
            Request(block, _decoder(block))
            for block in blocks
            if not all(self._doubt.is_unknown(register) for register in block.registers)
        )
        known = {**self._doubt.learned, **self._refused}
        self._known = tuple(known[key] for key in sorted(known))

    def _packed(self, registers: Iterable[Register]) -> tuple[Block, ...]:
        limits = self._profile.limits
        return pack(
            registers,
            max_words=limits.max_words,
            max_gap=limits.max_gap,
            barriers=self._profile.barriers | self._fences,
            refused={
                (refusal.space, address)
                for refusal in self._refused.values()
                for address in range(refusal.address, refusal.address + refusal.count)
            },
            served_blocks=self._profile.blocks,
        )

    def _step(self, reader: RegisterReader, sweep: _Sweep) -> None:
        """One request and what follows from its answer."""
        request = sweep.requests.pop(0)
        block = request.block
        try:
            words = reader.read(self._unit_id, block.space, block.address, block.count)
        except RegisterRefused as error:
            self._refusal(request, error, sweep)
        except LinkClosed as error:
            self._closing(reader, request, error, sweep)
        else:
            sweep.answered(request, words)

    def _refusal(self, request: Request, error: RegisterRefused, sweep: _Sweep) -> None:
        if error.code in REFUSING_CODES:
            sweep.alive()
            sweep.refuse(request, error.code)
        elif not sweep.answers:
            raise error

    def _closing(
        self, reader: RegisterReader, request: Request, error: LinkClosed, sweep: _Sweep
    ) -> None:
        sweep.closings += 1
        if sweep.closings >= MAX_CLOSINGS_IN_A_ROW:
            self._prove_alive(reader, sweep, error)
        again = replace(request, closings=request.closings + 1)
        splittable = len(request.block.registers) > 1
        if again.closings >= 2 or (request.fence and splittable):
            sweep.refuse(again, CLOSED_INSTEAD)
        else:
            sweep.requests.insert(0, again)

    def _clear_suspects(self, reader: RegisterReader, sweep: _Sweep) -> None:
        if sweep.suspects:
            self._prove_alive(reader, sweep, LinkClosed("the device closes every connection"))

    def _prove_alive(self, reader: RegisterReader, sweep: _Sweep, error: LinkClosed) -> None:
        """Ask again for something answered before; raises when nothing was, or not any more."""
        if not sweep.answers:
            raise error
        request, _ = sweep.answers[0]
        register = request.block.registers[0]
        reader.read(self._unit_id, register.space, register.address, register.count)
        sweep.alive()

    def _decoded(self, sweep: _Sweep) -> tuple[dict[str, Value], dict[int, int]]:
        values: dict[str, Value] = {}
        words: dict[int, int] = {}
        for request, answer in sweep.answers:
            decode = request.decode or _decoder(request.block)
            decode(answer, values, words)
        if values.get("device_type_code") not in self._profile.models:
            for slot in self._doubtful:
                values.pop(slot, None)
        if not self._doubt.idle:
            answers = [(request.block, answer) for request, answer in sweep.answers]
            self._doubt.withhold(answers, values, words)
        self._finish(values, words)
        return values, words

    def _learn(self, sweep: _Sweep) -> None:
        """Remember what was refused, and never bridge a gap that was."""
        if not sweep.splits and not sweep.refused:
            return
        if not sweep.answers:
            code = sweep.refused[0].code if sweep.refused else min(REFUSING_CODES)
            raise RegisterRefused(code, "the device refuses everything that its profile asks for")
        for refusal in sweep.refused:
            self._refused[refusal.space, refusal.address] = refusal
        self._fences.update(sweep.fences)
        self._make_plan()


def _decoder(block: Block) -> Decoder:
    return compile_decoder(block.registers, block.address, block.count)


def _is_identity(register: Register) -> bool:
    return bool(register.quantity) and QUANTITIES[register.quantity].kind is Kind.IDENTITY


def _unknown_model(maker: str, type_code: int | None) -> str:
    return f"{maker}, type code 0x{type_code:04X}" if type_code is not None else maker


def _facts(values: Mapping[str, Value]) -> dict[str, str]:
    facts: dict[str, str] = {}
    power = values.get("nominal_power")
    if isinstance(power, int | float):
        facts["nominal power"] = f"{power / 1000:g} kW"
    if "output_type" in values:
        facts["output"] = str(values["output_type"])
    return facts
