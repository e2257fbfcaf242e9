"""The scenario file: what it says, and that whatever else is in it is refused in words."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.scenario import (
    DOORS,
    MAX_PLANTS,
    MAX_SCENARIO_BYTES,
    MAX_SCENARIO_S,
    MAX_STEPS,
    Befall,
    Expected,
    Stop,
    Switch,
    duration_s,
    parse_deed,
    parse_scenario,
    read_scenario,
)
from simulator.scenario_text import ScenarioError
from simulator.trouble import Order, Quirk, Trouble

EXAMPLES = sorted((Path(__file__).parents[1] / "simulator" / "scenarios").glob("*.toml"))

GOOD = """\
title = "One"

[[plant]]
name = "roof"
[plant.doors]
modbus = 5020

[[step]]
at  = "00:10"
do  = "modbus drop"
for = "30 min"

[[expect]]
that   = "readings resume"
within = "60 s"
"""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_good(path: Path) -> None:
    """Every example that is shipped can be read."""
    scenario = read_scenario(path)

    assert scenario.steps and scenario.expectations


def test_it_reads_what_is_written() -> None:
    """A step has its beginning, end, plant and deed; the length follows from the expectations."""
    scenario = parse_scenario(GOOD)
    (step,) = scenario.steps

    assert (10.0, 1810.0, "roof") == (step.at_s, step.until_s, step.plant)
    assert Befall(Order(Trouble.DROP, door="modbus")) == step.deed
    assert {"modbus": 5020} == scenario.plants[0].doors
    assert ("One", 1.0, 1871.0) == (scenario.title, scenario.look_s, scenario.lasts_s)
    assert [Expected.RESUME] == [each.that for each in scenario.expectations]


def test_without_a_plant_there_is_one() -> None:
    """A file without [[plant]] has a hybrid on a free Modbus port."""
    text = GOOD.replace('[[plant]]\nname = "roof"\n[plant.doors]\nmodbus = 5020\n', "")

    assert {"modbus": 0} == parse_scenario(text).plants[0].doors


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"00:10"', '"10 weeks"', "x.toml:9: step[0].at: '10 weeks' is no time"),
        ('"00:10"', "10", "x.toml:9: step[0].at: write a text"),
        ('"30 min"', '"0 s"', "x.toml:11: step[0].for: '0 s' is too short"),
        ('"30 min"', '"168 h"', "x.toml:11: step[0].for: ends later than 7 days"),
        ('"modbus drop"', '"modbus explode"', "x.toml:10: step[0].do: no trouble 'explode'"),
        ('"modbus drop"', '"winet drop"', "x.toml:10: step[0].do: plant 'roof' has no door"),
        ('"modbus drop"', '"drop"', "x.toml:10: step[0].do: 'drop' says nothing to do"),
        ('"modbus drop"', '"modbus latency"', "x.toml:10: step[0].do: latency does nothing"),
        ('do  = "modbus drop"', "", "x.toml:8: step[0].do: is missing"),
        ('do  = "modbus drop"', 'do="stop"\non="x"', "x.toml:11: step[0].on: no plant 'x'"),
        ('do  = "modbus drop"', 'do="all drop"\nrate=2', "x.toml:10: step[0].do: rate is 2"),
        ('do  = "modbus drop"', 'do="stop"\nrate="x"', "x.toml:11: step[0].rate: write a number"),
        ('do  = "modbus drop"', 'do="stop"\nfro=1', "x.toml:11: step[0].fro: no such key"),
        ("modbus = 5020", "modbus = 70000", "x.toml:6: plant[0].doors.modbus: write a port"),
        ("modbus = 5020", "winet = 80", "x.toml:6: plant[0].doors.winet: give two ports"),
        ("modbus = 5020", "gate = 80", "x.toml:6: plant[0].doors.gate: no such key"),
        ("modbus = 5020", "", "x.toml:5: plant[0].doors: give at least one of"),
        ('name = "roof"', 'model = "sh1"', "x.toml:4: plant[0].model: no model 'sh1'"),
        ('name = "roof"', 'seed = "1"', "x.toml:4: plant[0].seed: write a whole number"),
        ('name = "roof"', 'start = "noon"', "x.toml:4: plant[0].start: 'noon' is not a time"),
        ('name = "roof"', 'quirks = ["x"]', "x.toml:4: plant[0].quirks: no quirk 'x'"),
        ('"readings resume"', '"peace"', "x.toml:14: expect[0].that: 'peace' is not known"),
        ('within = "60 s"', "", "x.toml:13: expect[0].within: is missing"),
        ('title = "One"', "title = 1", "x.toml:1: title: write a text"),
        ('title = "One"', "titel = 1", "x.toml:1: titel: no such key"),
        ('title = "One"', 'lasts = "1 s"', "x.toml:1: lasts: '1 s' is too short"),
        ('title = "One"', 'title = "One', "x.toml:1: "),
        ("[[step]]", "[step]", "x.toml:8: step: write it as [[step]]"),
    ],
)
def test_a_mistake_is_named(old: str, new: str, said: str) -> None:
    """What cannot be used is refused with file, line and key."""
    with pytest.raises(ScenarioError) as refused:
        parse_scenario(GOOD.replace(old, new), "x.toml")

    assert said in str(refused.value)


def test_limits_are_kept(tmp_path: Path) -> None:
    """Too many steps or plants, or too large a file, are refused."""
    step = '[[step]]\nat = "0 s"\ndo = "stop"\nfor = "1 s"\n'
    file = tmp_path / "large.toml"
    file.write_text("#" * (MAX_SCENARIO_BYTES + 1))

    with pytest.raises(ScenarioError, match=f"1 to {MAX_STEPS} of"):
        parse_scenario(GOOD + step * MAX_STEPS)
    with pytest.raises(ScenarioError, match=f"0 to {MAX_PLANTS} of"):
        parse_scenario(GOOD + "[[plant]]\n" * MAX_PLANTS)
    with pytest.raises(ScenarioError, match="larger than"):
        read_scenario(file)
    with pytest.raises(ValueError, match="longer than 7 days"):
        duration_s(f"{MAX_SCENARIO_S + 1:.0f} s")


def test_two_plants_of_one_name_are_refused() -> None:
    """A step could not say which it means."""
    with pytest.raises(ScenarioError, match=r"x:17: plant\[1\].name: 'roof' is taken"):
        parse_scenario(GOOD + '[[plant]]\nname = "roof"\n', "x")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """The line of the first bad byte is named."""
    file = tmp_path / "bad.toml"
    file.write_bytes(b"title = 1\n\xff")

    with pytest.raises(ScenarioError, match="bad.toml:2: not UTF-8"):
        read_scenario(file)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:10", 10),
        ("1:00:01", 3601),
        ("90:00", 5400),
        ("250 ms", 0.25),
        ("1.5 min", 90),
        ("2h", 7200),
        (" 3 s ", 3),
    ],
)
def test_times_are_read(text: str, seconds: float) -> None:
    """Numbers with a unit, or minutes and seconds, with hours before them if need be."""
    assert seconds == duration_s(text)


def test_deeds_are_read() -> None:
    """A door and a trouble, a quirk, or the whole plant off the network."""
    assert Befall(Order(Trouble.LATE_REPLY, rate=0.5, value=2.0)) == parse_deed(
        "all late reply", 0.5, 2.0
    )
    assert Switch(Quirk.ZERO_IN_BLOCK) == parse_deed("Quirk zero-in-block")
    assert Stop() == parse_deed("stop")


@given(st.text(max_size=40))
def test_no_text_is_a_time_by_accident(text: str) -> None:
    """Any text is a time within bounds, or a ValueError."""
    try:
        seconds = duration_s(text)
    except ValueError:
        return

    assert 0 <= seconds <= MAX_SCENARIO_S


WORDS = st.sampled_from([*DOORS, *Trouble, *Quirk, "quirk", "all", "stop", "", "x"])


@given(
    st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=4).map(" ".join)),
    st.floats(),
    st.floats(),
)
def test_no_text_is_a_deed_by_accident(text: str, rate: float, value: float) -> None:
    """Any words and numbers are a deed within bounds, or a ValueError."""
    try:
        deed = parse_deed(text, rate, value)
    except ValueError:
        return

    if isinstance(deed, Befall):
        assert 0 <= deed.order.rate <= 1
        assert deed.order.door in ("", *DOORS)


LINES = st.sampled_from(
    [
        *GOOD.splitlines(),
        "[[plant]]",
        "[plant]",
        "[plant.doors]",
        "[plant.doors.modbus]",
        "doors = []",
        "doors.modbus = [1, 2]",
        "winet = [0, 0]",
        "quirks = [1]",
        "quirks = ['zero-in-block']",
        "seed = 1e400",
        "value = inf",
        "value = nan",
        "value = 99999999999999999999999999999999999999999",
        "value = '5 s'",
        "rate = true",
        "start = 2026-01-01",
        "start = '9999-12-31T23:59-23:59'",
        "start = '0001-01-01T00:00+23:59'",
        "on = 'roof'",
        "lasts = '1 h'",
        "look = '0 s'",
        "title = '''",
        "step = 1",
        'expect = "x"',
        "at = {}",
    ]
)


@given(st.one_of(st.text(max_size=80), st.lists(LINES, max_size=25).map("\n".join)))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Any text is a scenario or an error that names a line of the file and, but for TOML, a key."""
    try:
        scenario = parse_scenario(text, "x.toml")
    except ScenarioError as refused:
        found = re.match(r"x\.toml:(\d+): ", str(refused))
        assert found and 1 <= int(found[1]) <= len(text.split("\n"))
        return

    assert scenario.steps
    assert all(0 <= step.at_s < step.until_s <= MAX_SCENARIO_S for step in scenario.steps)
