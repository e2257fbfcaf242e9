"""From words to a value."""

import pytest

from server.api.refusals import BadRequest
from server.api.words import INTEGER_WORDS_MAX, MAX_READ_WORDS, count_of, decode


@pytest.mark.parametrize(
    ("words", "kind", "little", "expected"),
    [
        ((0x1234,), "uint", False, 0x1234),
        ((0xFFFF,), "int", False, -1),
        ((0xFFFF,), "U16", False, 65535),
        ((0x0001, 0x0002), "u32", False, 0x0001_0002),
        ((0x0001, 0x0002), "u32", True, 0x0002_0001),
        ((0xFFFF, 0xFFFE), "I32", False, -2),
        ((0x4048, 0xF5C3), "float", False, pytest.approx(3.14)),
        ((0xF5C3, 0x4048), "F32", True, pytest.approx(3.14)),
        ((0x4009, 0x1EB8, 0x51EB, 0x851F), "F64", False, pytest.approx(3.14)),
        ((0x5348, 0x3130, 0x0000), "ascii", True, "SH10"),
        ((0x0053, 0x00E9), "utf16", False, "Sé"),
        ((0x1234,), "none", False, None),
    ],
)
def test_values(words: tuple[int, ...], kind: str, little: bool, expected: object) -> None:
    """Numbers follow the order of words; text is read as it stands."""
    assert expected == decode(words, kind, little)


@pytest.mark.parametrize(
    ("words", "kind"),
    [((1,), "float"), ((1, 2, 3), "float"), ((1,) * 5, "int"), ((1,) * 4, "f32"), ((1,), "u32")],
)
def test_sizes_that_make_no_value_are_refused(words: tuple[int, ...], kind: str) -> None:
    """A float has two or four words, an integer at most four."""
    with pytest.raises(BadRequest, match="^size:"):
        decode(words, kind, False)


@pytest.mark.parametrize(
    ("kind", "size", "expected"),
    [
        ("U16", 1, 1),
        ("F32", 1, 2),
        ("F32", 2, 2),
        ("I64", 1, 4),
        ("u64", 4, 4),
        ("float", 1, 2),
        ("float", 4, 4),
        ("uint", 3, 3),
        ("STR", 20, 20),
        ("none", MAX_READ_WORDS, MAX_READ_WORDS),
    ],
)
def test_a_type_brings_its_own_size(kind: str, size: int, expected: int) -> None:
    """One word is what a request says that names no size; the type knows better."""
    assert expected == count_of(kind, size)


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("F32", 4),
        ("U16", 2),
        ("I32", 4),
        ("U64", 2),
        ("F64", 2),
        ("float", 3),
        ("int", 5),
        ("STR", MAX_READ_WORDS + 1),
    ],
)
def test_type_and_size_must_agree(kind: str, size: int) -> None:
    """A value of other registers than the type has would be a wrong one."""
    with pytest.raises(BadRequest, match="^size:"):
        count_of(kind, size)


def test_an_unknown_type_lists_the_known() -> None:
    """The refusal can be acted on."""
    with pytest.raises(BadRequest, match="utf16"):
        count_of("bcd", 1)


def test_the_widest_integer_is_taken() -> None:
    """Four words make 64 bits."""
    assert 2**64 - 1 == decode((0xFFFF,) * INTEGER_WORDS_MAX, "uint", False)
