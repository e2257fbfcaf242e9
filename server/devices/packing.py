"""Which registers are read together: pure functions from registers to blocks.

Owns the shape of requests. Refuses to know what the words mean and how they travel.

Rules: a register of several words is never split; a block never contains a refused address, not
even as a bridged gap; it never crosses a barrier, never leaves a block the device is known to
serve, and is never longer than the device allows. A gap is bridged while that costs less than
another request would.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from server.devices.registers import Register
from server.model.device import Space

MAX_WORDS = 125
"""Most words of one request: what a Modbus frame can carry."""
MAX_GAP = 31
"""Largest gap worth bridging over TCP: 62 bytes of padding against the bytes of a request."""


@dataclass(frozen=True, slots=True)
class Served:
    """Wire addresses from `first` to `last`, both included, that one request may span."""

    space: Space
    first: int
    last: int

    def spans(self, space: Space, address: int, end: int) -> bool:
        """True when everything from `address` up to, not including, `end` lies in here."""
        return space is self.space and self.first <= address and end <= self.last + 1


@dataclass(frozen=True, slots=True)
class Block:
    """One request: `count` words from wire `address` on, and the registers in it, in order."""

    space: Space
    address: int
    count: int
    registers: tuple[Register, ...]

    @property
    def end(self) -> int:
        """The first wire address behind it."""
        return self.address + self.count


def pack(
    registers: Iterable[Register],
    *,
    max_words: int = MAX_WORDS,
    max_gap: int = MAX_GAP,
    barriers: Collection[tuple[Space, int]] = (),
    refused: Collection[tuple[Space, int]] = (),
    served_blocks: Sequence[Served] = (),
) -> tuple[Block, ...]:
    """The requests that read every register which is not refused, once each.

    `barriers` are addresses that no block may hold together with the address before them.
    `refused` are single addresses. An empty `served_blocks` restricts nothing.
    Raises ValueError for a register longer than `max_words`.
    """
    unread = frozenset(refused)
    fences = frozenset(barriers)
    blocks: list[Block] = []
    for register in sorted(registers, key=lambda r: (r.space, r.address)):
        if register.count > max_words:
            raise ValueError(f"{register.at} is longer than a request may be ({max_words} words)")
        if any((register.space, a) in unread for a in _span(register.address, register.count)):
            continue
        joined = _joined(blocks[-1], register) if blocks else None
        if joined is not None and (
            joined.count <= max_words
            and register.address - blocks[-1].end <= max_gap
            and not _broken(blocks[-1].end, register.address, register.space, unread, fences)
            and _within(joined, served_blocks)
        ):
            blocks[-1] = joined
        else:
            blocks.append(_block((register,)))
    return tuple(blocks)


def split(block: Block) -> tuple[Block, Block]:
    """Two blocks with half of the words each, parted between registers.

    Raises ValueError for a block of one register: that one is what the device refuses.
    """
    if len(block.registers) < 2:
        raise ValueError(f"a block of one register cannot be split: {block}")
    middle = block.address + block.count / 2
    starts = [register.address for register in block.registers]
    at = min(range(1, len(starts)), key=lambda index: abs(starts[index] - middle))
    return _block(block.registers[:at]), _block(block.registers[at:])


def _span(address: int, count: int) -> range:
    return range(address, address + count)


def _block(registers: tuple[Register, ...]) -> Block:
    first = registers[0]
    end = max(register.address + register.count for register in registers)
    return Block(first.space, first.address, end - first.address, registers)


def _joined(block: Block, register: Register) -> Block | None:
    """`block` with `register` at its end; None when they lie in different spaces."""
    if block.space is not register.space:
        return None
    end = register.address + register.count
    return Block(block.space, block.address, end - block.address, (*block.registers, register))


def _broken(
    end: int,
    address: int,
    space: Space,
    refused: frozenset[tuple[Space, int]],
    barriers: frozenset[tuple[Space, int]],
) -> bool:
    """True when something between a block's end and the next register forbids bridging."""
    if any((space, between) in refused for between in range(end, address)):
        return True
    return any((space, fence) in barriers for fence in range(end, address + 1))


def _within(block: Block, served_blocks: Sequence[Served]) -> bool:
    if not served_blocks:
        return True
    return any(served.spans(block.space, block.address, block.end) for served in served_blocks)
