"""Rows hold exactly what a record is, and a damaged one is never taken for a reading."""

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.model.reading import Stored
from server.store import packing
from server_unit_test.store.samples import record

U16 = st.integers(0, 65535)


@given(st.dictionaries(U16, U16, max_size=200))
def test_words_survive_packing(words: dict[int, int]) -> None:
    """Whatever the addresses and words, and in their order."""
    blob = packing.pack_words(words)

    assert list(words.items()) == list(packing.unpack_words(blob).items())
    assert 4 * len(words) == len(blob)


def test_words_are_addresses_then_words_big_endian() -> None:
    """The layout on disk never changes."""
    assert bytes.fromhex("1388 32c9 0001 ffff") == packing.pack_words({5000: 1, 13001: 65535})


def test_more_address_lists_than_are_remembered_are_all_right() -> None:
    """The memory of address lists is bounded by ADDRESS_LISTS_MAX and only a shortcut."""
    lists = [{address: 1} for address in range(packing.ADDRESS_LISTS_MAX + 10)]

    assert lists == [packing.unpack_words(packing.pack_words(each)) for each in lists]
    assert packing.ADDRESS_LISTS_MAX == packing._layout.cache_info().currsize


@given(
    st.dictionaries(
        st.text(max_size=20),
        st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=20),
    )
)
def test_values_survive_packing(values: dict[str, int | float | str]) -> None:
    """With their types: 1 is not 1.0."""
    unpacked = packing.unpack_values(packing.pack_values(MappingProxyType(values)))

    assert values == unpacked
    assert [type(each) for each in values.values()] == [type(each) for each in unpacked.values()]


def test_a_record_survives_packing() -> None:
    """A row and back, under the position that follows the head."""
    rows, unstorable = packing.pack([record(4)], {"A1": 9}, head=41)

    assert ([Stored(42, record(4))], []) == packing.unpack(rows, {9: "A1"})
    assert set() == unstorable


def test_values_that_cannot_be_packed_leave_the_words() -> None:
    """Beyond 64 bits; whose they are is said."""
    given = [record(1, values={"pv_energy": 2**64}), record(2, "B2")]

    rows, unstorable = packing.pack(given, {"A1": 1, "B2": 2}, head=0)

    assert ({"A1"}, packing.NO_VALUES) == (unstorable, rows[0][7])
    assert packing.pack_words(given[0].reading.words) == rows[0][8]


@pytest.mark.parametrize("column", [7, 8])
def test_a_flipped_bit_empties_the_record_and_is_reported(column: int) -> None:
    """A damaged value would be an invented one; the identity is kept."""
    row = list(packing.pack([record(4)], {"A1": 9}, head=0)[0][0])
    blob = row[column]
    assert isinstance(blob, bytes)
    row[column] = blob[:-1] + bytes([blob[-1] ^ 1])

    found, damaged = packing.unpack([tuple(row)], {9: "A1"})  # type: ignore[list-item]

    assert [1] == damaged
    assert (4, {}, {}) == (
        found[0].record.sequence,
        found[0].record.reading.values,
        found[0].record.reading.words,
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (packing.MOST_MS, True),
        (-packing.MOST_MS, True),
        (packing.MOST_MS + 1, False),
        (1.0, False),
        (None, False),
    ],
)
def test_times_are_whole_and_within_reach(value: object, expected: bool) -> None:
    """Anything else in a column of milliseconds is damage."""
    assert expected is packing.is_time(value)
