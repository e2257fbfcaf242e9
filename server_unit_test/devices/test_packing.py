"""Registers are gathered into requests."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.devices.packing import MAX_GAP, MAX_WORDS, Block, Served, pack, split
from server.devices.registers import Register, RegisterType
from server.model.device import Space

INPUT, HOLDING = Space.INPUT, Space.HOLDING


def register(address: int, count: int = 1, space: Space = INPUT) -> Register:
    """A register of `count` words."""
    return Register(address + 1, address, space, RegisterType.STR, count)


def spans(blocks: tuple[Block, ...]) -> list[tuple[int, int]]:
    """Address and count of each block."""
    return [(block.address, block.count) for block in blocks]


def test_neighbours_share_a_request() -> None:
    """Registers are read together, in the order of their addresses, with gaps bridged."""
    blocks = pack([register(20), register(10, 2), register(12)], max_gap=7)

    assert [(10, 11)] == spans(blocks)
    assert [10, 12, 20] == [each.address for each in blocks[0].registers]


def test_a_wide_gap_parts() -> None:
    """A gap beyond max_gap costs more than another request."""
    assert [(10, 1), (19, 1)] == spans(pack([register(10), register(19)], max_gap=7))


def test_spaces_part() -> None:
    """Input and holding registers are never in one request."""
    blocks = pack([register(10), register(11, space=HOLDING)])

    assert [(HOLDING, 11), (INPUT, 10)] == [(each.space, each.address) for each in blocks]


def test_a_block_has_its_most_words() -> None:
    """A register that would make it longer begins the next one, and is never split."""
    assert [(0, 4), (4, 2)] == spans(
        pack([register(0, 2), register(2, 2), register(4, 2)], max_words=5)
    )
    assert MAX_GAP < MAX_WORDS == 125


def test_a_register_longer_than_a_request() -> None:
    """There is no way to read it, and it is said."""
    with pytest.raises(ValueError, match="longer than a request"):
        pack([register(0, 6)], max_words=5)


def test_barriers_part_neighbours() -> None:
    """No request holds a barrier together with the address before it; a gap is no way around."""
    apart = pack([register(10), register(11)], barriers=[(INPUT, 11)])
    bridged = pack([register(10), register(14)], barriers=[(INPUT, 12)])

    assert [(10, 1), (11, 1)] == spans(apart)
    assert [(10, 1), (14, 1)] == spans(bridged)


def test_refused_addresses_are_neither_read_nor_bridged() -> None:
    """A refused register is left out, and a request with its address inside would be refused."""
    blocks = pack(
        [register(10), register(11, 2), register(13)], refused=[(INPUT, 12), (HOLDING, 10)]
    )

    assert [(10, 1), (13, 1)] == spans(blocks)


def test_a_block_stays_within_what_is_served() -> None:
    """Two ranges that the device serves are two requests, however close."""
    served = [Served(INPUT, 10, 12), Served(INPUT, 13, 20)]

    assert [(10, 3), (13, 1)] == spans(
        pack([register(10), register(12), register(13)], served_blocks=served)
    )


def test_a_block_is_split_in_the_middle() -> None:
    """Between registers, as evenly as they allow; the gap between belongs to neither."""
    (block,) = pack([register(0), register(1, 3), register(10, 2)], max_gap=20)

    left, right = split(block)

    assert ((0, 4), (10, 2)) == tuple(spans((left, right)))


def test_one_register_is_the_end_of_it() -> None:
    """A block of one register cannot be split further."""
    with pytest.raises(ValueError):
        split(pack([register(0, 2)])[0])


@st.composite
def layouts(draw: st.DrawFn) -> list[Register]:
    """Registers of both spaces that do not overlap, in any order."""
    found: list[Register] = []
    for space in Space:
        address = draw(st.integers(0, 5))
        for _ in range(draw(st.integers(0, 25))):
            count = draw(st.integers(1, 4))
            found.append(register(address, count, space))
            address += count + draw(st.sampled_from([0, 0, 0, 1, 3, 9, 40]))
    return draw(st.permutations(found))


ADDRESSES = st.frozensets(st.tuples(st.sampled_from(list(Space)), st.integers(0, 120)), max_size=8)


@given(
    registers=layouts(),
    max_words=st.integers(4, 40),
    max_gap=st.integers(0, 12),
    barriers=ADDRESSES,
    refused=ADDRESSES,
)
def test_every_rule_holds_for_every_layout(
    registers: list[Register],
    max_words: int,
    max_gap: int,
    barriers: frozenset[tuple[Space, int]],
    refused: frozenset[tuple[Space, int]],
) -> None:
    """Each register that is not refused is read exactly once, and no block breaks a rule."""
    blocks = pack(
        registers, max_words=max_words, max_gap=max_gap, barriers=barriers, refused=refused
    )

    read = [each for block in blocks for each in block.registers]
    wanted = [
        each
        for each in registers
        if not any(
            (each.space, a) in refused for a in range(each.address, each.address + each.count)
        )
    ]
    assert sorted(wanted, key=_place) == sorted(read, key=_place)
    for block in blocks:
        first, last = block.registers[0], block.registers[-1]
        assert block.count <= max_words
        assert (first.address, last.address + last.count) == (block.address, block.end)
        assert not any((block.space, a) in refused for a in range(block.address, block.end))
        for left, right in pairwise(block.registers):
            end = left.address + left.count
            assert 0 <= right.address - end <= max_gap
            assert not any((block.space, a) in barriers for a in range(end, right.address + 1))


@given(registers=layouts(), max_gap=st.integers(0, 50))
def test_splitting_loses_nothing(registers: list[Register], max_gap: int) -> None:
    """Both halves together hold the registers of the whole, in order, and are smaller."""
    for block in pack(registers, max_gap=max_gap):
        if len(block.registers) > 1:
            left, right = split(block)
            assert block.registers == left.registers + right.registers
            assert block.address == left.address
            assert block.end == right.end
            assert left.end <= right.address


def _place(register: Register) -> tuple[Space, int]:
    return register.space, register.address
