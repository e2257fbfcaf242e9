"""What the registers of one profile may not say about one another.

Pure: takes registers with the keys they stand under, yields the key at fault and what is wrong.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from server.devices.packing import Served
from server.devices.registers import Register
from server.model.device import Space
from server.model.quantity import QUANTITIES, Kind

Keyed: TypeAlias = Sequence[tuple[str, Register]]
"""Registers with the key of each, such as `registers.input[3]`."""


def contradictions(
    registers: Keyed, blocks: Sequence[Served], max_words: int
) -> Iterator[tuple[str, str]]:
    """Every fault: the key, and the words."""
    yield from _overlaps(registers)
    yield from _both_spaces(registers)
    yield from _competing(registers)
    yield from _unserved(registers, blocks, max_words)
    yield from _scaleless(registers)


def _overlaps(registers: Keyed) -> Iterator[tuple[str, str]]:
    owner: dict[tuple[Space, int], str] = {}
    for key, register in registers:
        for address in range(register.address, register.address + register.count):
            other = owner.setdefault((register.space, address), key)
            if other != key:
                yield f"{key}.at", f"{register.at} overlaps {other}"


def _both_spaces(registers: Keyed) -> Iterator[tuple[str, str]]:
    """Delivered raw words are keyed by address alone, so one address may come from one space."""
    seen: dict[int, Space] = {}
    for key, register in registers:
        for address in range(register.address, register.address + register.count):
            if register.polled and seen.setdefault(address, register.space) is not register.space:
                yield f"{key}.at", (
                    f"{register.at} is polled as input and as holding register; raw words are "
                    "delivered by address alone, so one of them should have `poll = false`"
                )


def _competing(registers: Keyed) -> Iterator[tuple[str, str]]:
    seen: dict[str, int] = {}
    for key, register in registers:
        flags = register.quantity and QUANTITIES[register.quantity].kind is Kind.BITS
        if (
            register.quantity
            and not flags
            and seen.setdefault(register.slot, register.at) != (register.at)
        ):
            yield f"{key}.prefer", (
                f"{register.quantity} is also at {seen[register.slot]}; the better one should "
                "have the higher `prefer`"
            )


def _unserved(
    registers: Keyed, blocks: Sequence[Served], max_words: int
) -> Iterator[tuple[str, str]]:
    for key, register in registers:
        end = register.address + register.count
        if blocks and not any(b.spans(register.space, register.address, end) for b in blocks):
            yield f"{key}.at", f"{register.at} should lie within one of the `blocks`"
        if register.count > max_words:
            yield f"{key}.at", f"{register.at} is longer than `limits.max_words`"


def _scaleless(registers: Keyed) -> Iterator[tuple[str, str]]:
    known = {register.address for _, register in registers if register.count == 1}
    for key, register in registers:
        if register.scale_from is not None and register.scale_from not in known:
            yield f"{key}.scale_from", "should be the address of a register of one word"
