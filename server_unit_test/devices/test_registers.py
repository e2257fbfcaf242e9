"""Words become values; what is unavailable is absent."""

import math
import struct
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.devices import registers as module
from server.devices.registers import (
    FLOATS,
    SIGNED,
    WORDS_OF,
    Register,
    RegisterType,
    compile_decoder,
    compile_finish,
    encode,
    number_of,
)
from server.model.device import Space
from server.model.reading import Value

T = RegisterType


def register(kind: RegisterType = T.U16, address: int = 100, **changes: Any) -> Register:
    """A register at wire `address`; the document's address is one higher."""
    count = changes.pop("count", WORDS_OF.get(kind, 0))
    defaults: dict[str, Any] = {"quantity": "pv_power"}
    return Register(address + 1, address, Space.INPUT, kind, count, **(defaults | changes))


def decode(words: tuple[int, ...], *entries: Register) -> tuple[dict[str, Value], dict[int, int]]:
    """Values and raw words of a block that begins at wire address 100."""
    values: dict[str, Value] = {}
    raw: dict[int, int] = {}
    compile_decoder(entries, 100, len(words))(words, values, raw)
    compile_finish(entries)(values, raw)
    return values, raw


def value(words: tuple[int, ...], entry: Register) -> Value | None:
    """The one value of the one register."""
    return decode(words, entry)[0].get(entry.quantity)


@pytest.mark.parametrize(
    "kind,words,expected",
    [
        (T.U16, (0xFFFE,), 65534),
        (T.I16, (0xFFFF,), -1),
        (T.U32, (0x0304, 0x0102), 0x01020304),
        (T.I32, (0xFFFE, 0xFFFF), -2),
        (T.U64, (4, 3, 2, 1), 0x0001000200030004),
        (T.I64, (0xFFFD, 0xFFFF, 0xFFFF, 0xFFFF), -3),
        (T.F32, (0x0000, 0x3FC0), 1.5),
        (T.F64, (0, 0, 0, 0x3FF8), 1.5),
    ],
)
def test_every_type_low_word_first(
    kind: RegisterType, words: tuple[int, ...], expected: Value
) -> None:
    """The vendor's order: 0x01020304 travels as 03 04 01 02."""
    assert expected == value(words, register(kind, low_word_first=True))


@pytest.mark.parametrize("low_word", [False, True])
@pytest.mark.parametrize("low_byte", [False, True])
def test_word_and_byte_order(low_word: bool, low_byte: bool) -> None:
    """All four combinations of word and byte order read the same number."""
    words = [0x0102, 0x0304]
    if low_word:
        words.reverse()
    if low_byte:
        words = [(word & 0xFF) << 8 | word >> 8 for word in words]

    entry = register(T.U32, low_word_first=low_word, low_byte_first=low_byte)

    assert 0x01020304 == value(tuple(words), entry)


def test_orders_may_differ_within_a_block() -> None:
    """Each register keeps its own order, whatever its neighbours do."""
    values, _ = decode(
        (2, 1, 1, 2, 0x4142),
        register(T.U32, 100, low_word_first=True, quantity="pv_power"),
        register(T.U32, 102, quantity="load_power"),
        register(T.STR, 104, count=1, quantity="serial"),
    )

    assert {"pv_power": 0x10002, "load_power": 0x10002, "serial": "AB"} == values


@pytest.mark.parametrize(
    "scale,offset,raw,expected",
    [
        ("0.1", "0", 3, 0.3),
        ("0.1", "0", 2999, 299.9),
        ("0.01", "0", 5001, 50.01),
        ("0.001", "0", 7, 0.007),
        ("100", "0", 732150, 73215000),
        ("-1", "0", 40, -40),
        ("1", "-40", 65, 25),
        ("0.1", "-40", 653, 25.3),
        ("0.1", "0.05", 3, 0.35),
        ("2.5", "0", 3, 7.5),
    ],
)
def test_scales_are_decimal(scale: str, offset: str, raw: int, expected: Value) -> None:
    """What a person would write down, with no binary dust; whole scales keep whole numbers."""
    entry = register(T.U32, scale=Fraction(scale), offset=Fraction(offset))

    found = value((raw >> 16, raw & 0xFFFF), entry)

    assert repr(expected) == repr(found)


@pytest.mark.parametrize(
    "kind,words,sentinel",
    [
        (T.U16, (0xFFFF,), 0xFFFF),
        (T.I16, (0x7FFF,), 0x7FFF),
        (T.I16, (0x8000,), -0x8000),
        (T.U32, (0xFFFF, 0xFFFF), 0xFFFFFFFF),
        (T.I32, (0x7FFF, 0xFFFF), 0x7FFFFFFF),
    ],
)
def test_unavailable_is_absent(kind: RegisterType, words: tuple[int, ...], sentinel: int) -> None:
    """Neither a value nor raw words come from a register that the device marks as unavailable."""
    entry = register(kind, unavailable=(sentinel,))

    assert ({}, {}) == decode(words, entry)
    assert number_of(entry, words) is None


def test_minus_one_is_a_value() -> None:
    """0xFFFF in a signed register is a reading, not a marker."""
    assert -1 == value((0xFFFF,), register(T.I16, unavailable=(0x7FFF,)))


def test_several_numbers_may_mean_unavailable() -> None:
    """A register may have more than one marker."""
    entry = register(unavailable=(0xFFFF, 0xFFFE))

    assert [None, None, 5] == [value((word,), entry) for word in (0xFFFF, 0xFFFE, 5)]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind,words", [(T.F32, "f"), (T.F64, "d")])
def test_what_is_no_number_is_absent(kind: RegisterType, words: str, number: float) -> None:
    """NaN and infinity never reach a reading."""
    data = struct.pack(f">{words}", number)
    raw = struct.unpack(f">{len(data) // 2}H", data)

    assert ({}, {}) == decode(raw, register(kind))


def test_a_short_float_shows_short() -> None:
    """The shortest decimal with the same 32 bits; a scale is applied to that."""
    words = struct.unpack(">HH", struct.pack(">f", 0.1))

    assert 0.1 == value(words, register(T.F32))
    assert 0.01 == value(words, register(T.F32, scale=Fraction(1, 10)))


def test_text_ends_at_its_padding() -> None:
    """Strings end at a NUL; what cannot be printed is left out; an empty one is absent."""
    entry = register(T.STR, count=4, quantity="serial")

    assert "A2\xe9" == value((0x4132, 0xC3A9, 0x0741, 0x0041)[:2] + (0, 0x4141), entry)
    assert "AA" == value((0x0741, 0x0141, 0, 0), entry)
    assert ({}, {}) == decode((0, 0, 0, 0), entry)


def test_a_state_is_a_word() -> None:
    """Labels name the numbers; a number without a label says so and keeps its value."""
    entry = register(quantity="work_state", labels=((0, "running"), (0x8000, "stopped")))

    words = [value((word,), entry) for word in (0, 0x8000, 0x1234)]

    assert ["running", "stopped", "unknown 0x1234"] == words


def test_flags_of_several_registers_join() -> None:
    """Set bits by name, or by address and bit; none set is an empty text, not absent."""
    first = register(T.U16, 100, quantity="faults", bits=((0, "earth"),), unavailable=(0xFFFF,))
    second = register(T.U16, 101, quantity="faults", unavailable=(0xFFFF,))

    assert "earth,101.3,102.15" == decode((0b1001, 0x8000), first, second)[0]["faults"]
    assert "" == decode((0, 0), first, second)[0]["faults"]
    assert "102.0" == decode((0xFFFF, 1), first, second)[0]["faults"]
    assert {} == decode((0xFFFF, 0xFFFF), first, second)[0]


def test_the_preferred_register_gives_the_value() -> None:
    """The best that is available wins, whichever comes first; both keep their raw words."""
    coarse = register(T.U16, 100, unavailable=(0xFFFF,), scale=Fraction(10))
    fine = register(T.U16, 101, unavailable=(0xFFFF,), prefer=1)

    assert ({"pv_power": 52}, {100: 5, 101: 52}) == decode((5, 52), coarse, fine)
    assert ({"pv_power": 50}, {100: 5}) == decode((5, 0xFFFF), coarse, fine)
    assert ({"pv_power": 52}, {101: 52}) == decode((0xFFFF, 52), coarse, fine)
    assert ({}, {}) == decode((0xFFFF, 0xFFFF), coarse, fine)


@pytest.mark.parametrize(
    "exponent,expected",
    [(0, 1234), (0xFFFE, 12.34), (2, 123400), (0x8000, None), (11, None), (0x7FFF, None)],
)
def test_a_scale_in_another_register(exponent: int, expected: Value | None) -> None:
    """A power of ten beside the value; without a usable one there is no value."""
    number = register(T.U16, 100, scale_from=101)
    scale = register(T.I16, 101, quantity="", unavailable=(0x7FFF,))

    values, raw = decode((1234, exponent), number, scale)

    assert expected == values.get("pv_power")
    assert 1234 == raw[100]
    assert 10 == module.MAX_SCALE_EXPONENT


@pytest.mark.parametrize(
    "kind,words,changes",
    [
        (T.U64, (0xFFFF, 0xFFFF, 0xFFFF, 0xFFF0), {"scale": Fraction(1000)}),
        (T.U64, (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF), {"offset": Fraction(1)}),
        (T.I64, (0x8000, 0, 0, 0), {"offset": Fraction(-1)}),
        (T.U16, (2,), {"scale": Fraction(10) ** 19}),
        (T.U16, (2,), {"scale": Fraction(10) ** 400 / 3}),
        (T.F64, (0x7FEF, 0xFFFF, 0xFFFF, 0xFFFF), {"scale": Fraction(1000)}),
        (T.U64, (0x7FFF, 0xFFFF, 0xFFFF, 0xFFFF, 10), {"scale_from": 104}),
        (T.F64, (0x7FEF, 0xFFFF, 0xFFFF, 0xFFFF, 10), {"scale_from": 104}),
    ],
)
def test_a_number_that_cannot_be_stored_is_absent(
    kind: RegisterType, words: tuple[int, ...], changes: dict[str, Any]
) -> None:
    """Beyond 64 bits, or no finite number: the words stay, so that nothing read is lost."""
    entries = [register(kind, 100, **changes)]
    if "scale_from" in changes:
        entries.append(register(T.I16, 104, quantity=""))

    values, raw = decode(words, *entries)

    assert ({}, len(words)) == (values, len(raw))


@pytest.mark.parametrize(
    "kind,words,changes,expected",
    [
        (T.U64, (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF), {}, 2**64 - 1),
        (T.U64, (0, 0, 0, 3), {"scale": Fraction(1000)}, 3000),
        (T.U64, (0, 0, 0, 3), {"scale": Fraction(10) ** 22 / 7}, 3 * 10**22 / 7),
        (T.I64, (0x8000, 0, 0, 1), {"offset": Fraction(-1)}, -(2**63)),
        (T.U16, (1,), {"scale": Fraction(10) ** 19}, 10**19),
    ],
)
def test_the_largest_numbers_are_values(
    kind: RegisterType, words: tuple[int, ...], changes: dict[str, Any], expected: Value
) -> None:
    """Up to the last bit, and whole numbers stay whole."""
    found = value(words, register(kind, **changes))

    assert (expected, type(expected)) == (found, type(found))


def test_gaps_leave_no_words() -> None:
    """Words between registers belong to nobody."""
    _, raw = decode((1, 2, 3, 4), register(T.U16, 100), register(T.U16, 103, quantity=""))

    assert {100: 1, 103: 4} == raw


def test_decoders_are_shared_and_bounded() -> None:
    """Equal devices share one decoder; at most MAX_COMPILED_DECODERS are kept."""
    one = compile_decoder((register(),), 100, 1)

    assert one is compile_decoder((register(),), 100, 1)
    assert module.MAX_COMPILED_DECODERS == compile_decoder.cache_info().maxsize


@st.composite
def numbers(draw: st.DrawFn) -> tuple[Register, int]:
    """A whole number register in any order, and a raw number that fits it."""
    kind = draw(st.sampled_from([each for each in WORDS_OF if each not in FLOATS]))
    bits = 16 * WORDS_OF[kind]
    low = -(1 << (bits - 1)) if kind in SIGNED else 0
    raw = draw(st.integers(low, low + (1 << bits) - 1))
    entry = register(
        kind,
        low_word_first=draw(st.booleans()),
        low_byte_first=draw(st.booleans()),
        scale=Fraction(draw(st.sampled_from(["1", "10", "-1", "100"]))),
        offset=Fraction(draw(st.sampled_from(["0", "-40", "7"]))),
    )
    return entry, raw


@given(numbers())
def test_whole_numbers_survive_the_round_trip(case: tuple[Register, int]) -> None:
    """What is encoded decodes to itself, in every order and scale."""
    entry, raw = case
    wanted = int(raw * entry.scale + entry.offset)

    words = encode(entry, wanted)

    assert wanted == value(words, entry)
    assert raw == number_of(entry, words)


@given(
    raw=st.integers(0, 0xFFFFFFFE),
    digits=st.integers(0, 3),
    low_word=st.booleans(),
)
def test_decimal_numbers_survive_the_round_trip(raw: int, digits: int, low_word: bool) -> None:
    """A scaled value goes back to exactly the words it came from."""
    entry = register(T.U32, scale=Fraction(1, 10**digits), low_word_first=low_word)
    words = encode(entry, raw if digits == 0 else raw / 10**digits)

    assert raw == number_of(entry, words)


@given(number=st.floats(allow_nan=False, allow_infinity=False), low_word=st.booleans())
def test_doubles_survive_the_round_trip(number: float, low_word: bool) -> None:
    """64-bit numbers come back to the last bit."""
    entry = register(T.F64, low_word_first=low_word)

    assert number == value(encode(entry, number), entry)


@given(number=st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_short_floats_survive_the_round_trip(number: float) -> None:
    """The decimal shown for a 32-bit number stands for exactly that number."""
    entry = register(T.F32)
    words = struct.unpack(">HH", struct.pack(">f", number))

    assert words == encode(entry, value(words, entry) or 0.0) or number == 0


@given(text=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20))
def test_text_survives_the_round_trip(text: str) -> None:
    """Serial numbers come back as they are."""
    entry = register(T.STR, count=10, quantity="serial")

    assert text == value(encode(entry, text), entry)


@pytest.mark.parametrize(
    "entry,wrong",
    [
        (register(), -1),
        (register(), 0x10000),
        (register(scale=Fraction(10)), 5),
        (register(), "five"),
        (register(T.STR, count=1, quantity="serial"), "ABC"),
    ],
)
def test_what_does_not_fit_is_refused(entry: Register, wrong: Value) -> None:
    """Nothing is rounded, wrapped or cut to make it fit."""
    with pytest.raises(ValueError):
        encode(entry, wrong)


@st.composite
def anything_read(draw: st.DrawFn) -> tuple[Register, tuple[int, ...]]:
    """A register of any type, and whatever words a device may send for it."""
    kind = draw(st.sampled_from(RegisterType))
    count = WORDS_OF.get(kind) or draw(st.integers(1, 10))
    entry = register(
        kind,
        count=count,
        quantity="serial" if kind is T.STR else "pv_power",
        low_word_first=draw(st.booleans()),
        low_byte_first=draw(st.booleans()),
        scale=Fraction(draw(st.sampled_from(["1", "0.1", "-1", "100"]))),
    )
    word = st.integers(0, 0xFFFF) | st.sampled_from([0, 0x7FC0, 0x7F80, 0xFF80, 0x7FF0, 0xFFFF])
    return entry, tuple(draw(st.lists(word, min_size=count, max_size=count)))


@given(anything_read())
def test_no_words_make_the_decoder_fall(case: tuple[Register, tuple[int, ...]]) -> None:
    """Whatever comes is a finite number, printable text, or no value at all."""
    entry, words = case
    values, raw = decode(words, entry)

    found = values.get(entry.quantity, "")
    assert found.isprintable() if isinstance(found, str) else math.isfinite(found)
    assert {100 + place: word for place, word in enumerate(words)}.items() >= raw.items()
