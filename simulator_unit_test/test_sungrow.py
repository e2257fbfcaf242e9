"""The inverter's registers against the vendor's own examples, and its manners with writes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.modbus_pdu import Refused, answer
from simulator.models import MODELS, model_named
from simulator.physics import Energies, Flow, Moment, Orders
from simulator.sungrow import SungrowInverter, encode, encode_text
from simulator.sungrow_tables import input_rows
from simulator.trouble import Quirk

KWH = 3_600_000
NOON_S = 1_782_043_200  # 2026-06-21T12:00:00Z

AT_NOON = Moment(
    time_s=NOON_S,
    flow=Flow(pv_w=6000, battery_w=-2500, grid_w=-3000, load_w=500),
    strings_w=(3500, 2500),
    soc=0.753,
    today=Energies(pv=12 * KWH, output=10 * KWH, imported=KWH // 2),
    total=Energies(pv=70_000 * KWH, output=65_540 * KWH, imported=1234 * KWH, exported=99 * KWH),
    battery_c=-4.5,
    frequency_hz=49.98,
)
ASLEEP = replace(AT_NOON, daylight=False, flow=Flow(0, 0, 300, 300), strings_w=(0, 0))


class Bench:
    """One inverter on the bench: what it shows is set by hand, what it orders is kept."""

    def __init__(self, model: str, moment: Moment = AT_NOON, quirk: Quirk | None = None) -> None:
        self.moment = moment
        self.orders = Orders()
        self.inverter = SungrowInverter(
            model_named(model),
            "A2212345678",
            lambda: self.moment,
            self._obey,
            lambda each: each is quirk,
        )

    def _obey(self, orders: Orders) -> None:
        self.orders = orders

    def input(self, at: int, count: int = 1) -> list[int]:
        """Input registers by document address."""
        return list(self.inverter.read_input(at - 1, count))

    def holding(self, at: int, count: int = 1) -> list[int]:
        """Holding registers by document address."""
        return list(self.inverter.read_holding(at - 1, count))

    def write(self, at: int, *words: int) -> int:
        """Write by document address; the exception code, 0 if it was taken."""
        try:
            self.inverter.write(at - 1, words)
        except Refused as refused:
            return refused.code
        return 0

    def wait(self, seconds: int) -> None:
        """Let plant time pass."""
        self.moment = replace(self.moment, time_s=self.moment.time_s + seconds)


def test_vendor_example_of_an_sh25t() -> None:
    """The block that the vendor's hybrid document prints comes out word for word."""
    moment = Moment(
        time_s=NOON_S,
        flow=Flow(0, 0, 0, 0),
        strings_w=(0, 0, 0),
        soc=0.5,
        today=Energies(output=86 * KWH),
        total=Energies(output=73_215 * KWH),
        inverter_c=42.5,
    )
    bench = Bench("sh25t", moment)

    reply = answer(bytes.fromhex("04 13 87 00 0A"), bench.inverter)

    expected = "04 14 0E 28 00 FA 00 01 03 5C 2B F6 00 0B 00 00 00 00 01 A9 00 00"
    assert bytes.fromhex(expected) == reply


def test_vendor_example_of_the_power_flow() -> None:
    """External EMS, with sun, a discharging battery and a load, is 4000 and 000D."""
    bench = Bench("sh10rt", replace(AT_NOON, flow=Flow(1000, 500, 0, 1500)))
    bench.write(13050, 3)

    reply = answer(bytes.fromhex("04 32 C7 00 02"), bench.inverter)

    assert bytes.fromhex("04 04 40 00 00 0D") == reply


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (4990, [0x4132, 0x3231, 0x3233, 0x3435, 0x3637, 0x3800, 0, 0, 0, 0]),
        (5000, [0x0E03, 100, 1, 100]),
        (5004, [65_540 * 10 % 65536, 65_540 * 10 // 65536]),
        (5015, [0xFFFF, 0xFFFF]),
        (5214, [0x10000 - 2500, 0xFFFF]),
        (5242, [4998]),
        (5601, [0x10000 - 3000, 0xFFFF]),
        (5603, [0x10000 - 1000, 0xFFFF] * 3),
        (5623, [1000]),
        (5639, [1280]),
        (13000, [0x40, 0b0001_1011]),
        (13002, [120, 700_000 % 65536, 700_000 // 65536]),
        (13008, [500, 0, 3000, 0]),
        (13022, [2500, 753, 985, 0x10000 - 45]),
        (13036, [5, 12_340, 0]),
        (13046, [990, 0]),
    ],
)
def test_hybrid_words(at: int, words: list[int]) -> None:
    """Scales, signs and word order of a hybrid are the vendor's."""
    bench = Bench("sh10rt")

    shown = bench.input(at, len(words))

    assert words == shown


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (5000, [0x2430, 50, 1, 100]),
        (5004, [65_540 % 65536, 1]),
        (5031, [3500, 0]),
        (5038, [0]),
        (5081, [0, 2]),
        (5083, [0x10000 - 3000, 0xFFFF]),
        (5091, [500, 0]),
        (5115, [0xFFFF] * 10),
        (5144, [655_400 % 65536, 10]),
        (5148, [4998]),
    ],
)
def test_string_words(at: int, words: list[int]) -> None:
    """Scales, signs and word order of a string inverter are the vendor's."""
    bench = Bench("sg5.0rt")

    shown = bench.input(at, len(words))

    assert words == shown


def test_trackers_give_their_power() -> None:
    """Volts times amperes of each tracker is its share of the sun, within rounding."""
    bench = Bench("sh10rt")

    volts_1, amperes_1, volts_2, amperes_2 = bench.input(5011, 4)

    powers_w = (volts_1 * amperes_1 / 100, volts_2 * amperes_2 / 100)
    assert pytest.approx((3500, 2500), abs=40) == powers_w


def test_night_of_a_string_inverter() -> None:
    """A string inverter in standby marks its trackers as unavailable."""
    bench = Bench("sg5.0rt", ASLEEP)

    assert ([0xFFFF] * 4, [0x1400]) == (bench.input(5011, 4), bench.input(5038))


def test_night_of_a_hybrid() -> None:
    """A hybrid stays awake and shows its trackers as a true 0."""
    bench = Bench("sh10rt", ASLEEP)

    assert ([0] * 4, [0, 0]) == (bench.input(5011, 4), bench.input(5017, 2))


def test_single_phase() -> None:
    """A single-phase hybrid lacks two phases, and signs its battery power."""
    bench = Bench("sh5.0rs")

    shown = (bench.input(5020, 2), bench.input(13032, 2), bench.input(5605, 4), bench.input(13022))

    absent_pairs = [0xFFFF, 0x7FFF] * 2
    assert ([0xFFFF] * 2, [0x7FFF] * 2, absent_pairs, [0x10000 - 2500]) == shown


@pytest.mark.parametrize(
    ("model", "at"),
    [
        ("sg5.0rt", 13000),
        ("sg5.0rt", 4949),
        ("sg110cx", 5083),
        ("sh10rt", 13080),
        ("sh10rt", 5083),
        ("sh10rt", 5243),
    ],
)
def test_input_register_that_is_not_there(model: str, at: int) -> None:
    """A register that the device does not have is refused with exception 2."""
    bench = Bench(model)

    with pytest.raises(Refused) as refused:
        bench.input(at)

    assert 2 == refused.value.code


def test_block_that_runs_over_the_end() -> None:
    """A block is refused whole when its last register is not there."""
    bench = Bench("sh10rt")
    bench.input(13000, 80)

    with pytest.raises(Refused) as refused:
        bench.input(13000, 81)

    assert 2 == refused.value.code


@pytest.mark.parametrize("model", MODELS)
def test_every_row_is_served(model: str) -> None:
    """Every register of every model's table lies inside a span that it answers for."""
    bench = Bench(model, replace(AT_NOON, strings_w=(100,) * 9))

    shown = [bench.input(row.at, row.size) for row in input_rows(bench.inverter.model)]

    assert len(input_rows(bench.inverter.model)) == len(shown)


def test_clock() -> None:
    """Holding 5000 to 5005 show the plant's time, and run on after being set."""
    bench = Bench("sh10rt")
    before = bench.holding(5000, 6)

    taken = bench.write(5000, 2027, 2, 28, 23, 59, 58)
    bench.wait(3)

    after = bench.holding(5000, 6)
    assert ([2026, 6, 21, 12, 0, 0], 0, [2027, 3, 1, 0, 0, 1]) == (before, taken, after)


@pytest.mark.parametrize("words", [(2027, 2, 29), (1999,), (2027, 13), (2026, 6, 0)])
def test_clock_refuses_no_date(words: tuple[int, ...]) -> None:
    """A date that does not exist is refused with exception 3 and changes nothing."""
    bench = Bench("sh10rt")

    taken = bench.write(5000, *words)

    assert (3, [2026, 6, 21, 12, 0, 0]) == (taken, bench.holding(5000, 6))


@pytest.mark.parametrize(
    ("model", "at", "word", "code"),
    [
        ("sh10rt", 13050, 2, 0),
        ("sh10rt", 13050, 1, 3),
        ("sh10rt", 13051, 0xAA, 0),
        ("sh10rt", 13051, 0xAB, 3),
        ("sh10rt", 13052, 10_000, 0),
        ("sh10rt", 13052, 10_001, 3),
        ("sh10rt", 13053, 1, 2),
        ("sh10rt", 13074, 10_001, 3),
        ("sh10rt", 5006, 0xCE, 2),
        ("sh10rt", 1, 1, 2),
        ("sg5.0rt", 5006, 0xCE, 0),
        ("sg5.0rt", 5006, 0, 3),
        ("sg5.0rt", 5011, 501, 3),
        ("sg5.0rt", 13050, 0, 2),
    ],
)
def test_writes(model: str, at: int, word: int, code: int) -> None:
    """What may be written is taken; out of range is exception 3, elsewhere exception 2."""
    bench = Bench(model)

    taken = bench.write(at, word)

    assert code == taken


def test_write_is_all_or_nothing() -> None:
    """One bad word in a block leaves all of it unwritten."""
    bench = Bench("sh10rt")

    taken = bench.write(13050, 2, 0xAA, 10_001)

    assert (3, [0, 0xCC, 0]) == (taken, bench.holding(13050, 3))


def test_export_limit() -> None:
    """The limit is kept while its switch is off, obeyed when on, and shown as a share too."""
    bench = Bench("sh10rt")
    bench.write(13074, 2500)
    off = bench.orders.export_limit_w

    bench.write(13087, 0xAA)

    assert (None, 2500, [250]) == (off, bench.orders.export_limit_w, bench.holding(13088))


def test_forced_charge_and_discharge() -> None:
    """Forced mode orders the battery, and self-consumption frees it again."""
    bench = Bench("sh10rt")
    seen = []

    for words in ((2, 0xAA, 3000), (2, 0xBB, 4000), (2, 0xCC, 4000), (0, 0xBB, 4000)):
        bench.write(13050, *words)
        seen.append(bench.orders.battery_power_w)

    assert [-3000, 4000, 0, None] == seen


def test_external_ems_falls_back() -> None:
    """External control that falls silent for longer than its heartbeat ends by itself."""
    bench = Bench("sh10rt")
    bench.write(13080, 30)
    bench.write(13050, 3, 0xBB, 4000)
    bench.wait(30)
    bench.inverter.tick()
    alive = bench.orders.battery_power_w
    bench.write(13080, 30)
    bench.wait(30)
    renewed = bench.holding(13050)

    bench.wait(1)
    bench.inverter.tick()

    assert (4000, [3], None, [0]) == (
        alive,
        renewed,
        bench.orders.battery_power_w,
        bench.holding(13050),
    )


def test_forced_mode_does_not_fall_back() -> None:
    """Forced mode has no heartbeat: it stays until somebody ends it."""
    bench = Bench("sh10rt")
    bench.write(13050, 2, 0xBB, 4000)

    bench.wait(86_400)
    bench.inverter.tick()

    assert 4000 == bench.orders.battery_power_w


def test_stop_and_limits_of_a_string_inverter() -> None:
    """Stop, active limit and export limit become orders in watts."""
    bench = Bench("sg5.0rt")

    bench.write(5006, 0xCE)
    bench.write(5007, 0xAA, 600)
    bench.write(5010, 0xAA, 150)

    assert Orders(running=False, active_limit_w=3000, export_limit_w=1500) == bench.orders


def test_limit_times_ten() -> None:
    """(g) Some firmware multiplies what is written to 13074 by 10, and nothing else."""
    bench = Bench("sh10rt", quirk=Quirk.LIMIT_TIMES_TEN)

    taken = (bench.write(13074, 500), bench.write(13052, 500), bench.write(13074, 5000))

    assert ((0, 0, 3), [5000], [500]) == (taken, bench.holding(13074), bench.holding(13052))


def test_limit_needs_its_switch() -> None:
    """(h) 13074 ignores writes while 13087 is off, and takes them while it is on."""
    bench = Bench("sh10rt", quirk=Quirk.LIMIT_NEEDS_SWITCH)

    taken = bench.write(13074, 500)
    off = bench.holding(13074)
    bench.write(13087, 0xAA)
    bench.write(13074, 600)

    assert (0, [10_000], [600]) == (taken, off, bench.holding(13074))


@given(st.sampled_from(["u16", "s16", "u32", "s32"]), st.integers(-(2**40), 2**40))
def test_no_value_looks_unavailable(kind: str, count: int) -> None:
    """However large a value grows, it never turns into the vendor's word for nothing."""
    words = encode(kind, count)  # type: ignore[arg-type]

    assert words != encode(kind, None)  # type: ignore[arg-type]


def test_words_of_32_bits() -> None:
    """0x01020304 travels as 0304 0102: the low word comes first."""
    assert (0x0304, 0x0102) == encode("u32", 0x01020304)


def test_text_is_cut_and_padded() -> None:
    """Text fills its registers exactly, high byte first."""
    assert ((0x4142, 0x4300), (0x4142,)) == (encode_text("ABC", 2), encode_text("ABC", 1))
