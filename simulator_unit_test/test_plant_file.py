"""A plant as it is asked for: files, options, and both together."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.behaviour import Night
from simulator.clock import parse_start
from simulator.doors import DOORS
from simulator.plant_file import (
    MAX_FILE_BYTES,
    MAX_SERIAL_CHARACTERS,
    Plan,
    PlanError,
    parse_ports,
    plan_of,
    read_plan,
)
from simulator.trouble import Order, Quirk, Trouble
from simulator.winet_certificate import FILE_NAME

WHOLE = """
model = "sh5.0rs"
start = 2026-06-21T12:00:00
seed = 7
night = "gone"
quirks = ["zero-in-block", "stale_readback"]
troubles = ["latency:0.1:0.5", {trouble = "drop", rate = 0.5, from_s = 10, until_s = 20}]

[doors]
modbus = 0
"""


def test_whole_file(tmp_path: Path) -> None:
    """Every key of a file reaches the plant."""
    file = tmp_path / "house.toml"
    file.write_text(WHOLE)

    plant = read_plan(str(file)).build()

    assert ("SH5.0RS", {"modbus": "127.0.0.1:0"}, "gone") == (
        plant.model.name,
        plant.doors,
        plant.face.condition.night,
    )
    assert parse_start("2026-06-21T12:00") == plant.moment().time_s
    assert (Quirk.ZERO_IN_BLOCK, Quirk.STALE_READBACK) == plant.troubles.quirks()
    assert [
        Order(Trouble.LATENCY, rate=0.1, value=0.5),
        Order(Trouble.DROP, rate=0.5, from_s=10, until_s=20),
    ] == list(plant.troubles.orders().values())


def test_without_doors() -> None:
    """A plan that names none has the Modbus door at its usual port."""
    assert {"modbus": "127.0.0.1:5020"} == Plan().build().doors


def test_what_is_typed_wins() -> None:
    """Key by key and door by door; lists add up."""
    filed = Plan(seed=1, doors={"modbus": (1,)}, quirks=(Quirk.PADDED_FRAME,))

    both = filed.with_changes(
        {"seed": 2, "doors": {"modbus": (2,)}, "quirks": [Quirk.ZERO_IN_BLOCK]}
    )

    assert (
        Plan(seed=2, doors={"modbus": (2,)}, quirks=(Quirk.PADDED_FRAME, Quirk.ZERO_IN_BLOCK))
        == both
    )


@pytest.mark.parametrize(
    ("name", "value", "ports"),
    [("modbus", 5020, (5020,)), ("modbus", "0", (0,)), ("modbus", [5020], (5020,))],
)
def test_ports(name: str, value: object, ports: tuple[int, ...]) -> None:
    """A number, words or a list."""
    assert ports == parse_ports(name, value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"colour": "red"}, "colour: no such key; there are: model, host"),
        ({"seed": "x"}, "seed: write a whole number, not 'x'"),
        ({"unit": True}, "unit: write a whole number, not True"),
        ({"unit": 248}, "248 is not a unit id; give 1 to 247"),
        ({"latitude": 91}, "give -90 to 90"),
        ({"control": 65536}, "give 0 to 65535"),
        ({"night": "dark"}, "no night 'dark'"),
        ({"doors": 5020}, "doors: write a table"),
        ({"doors": {"cellar": 1}}, "doors.cellar: no such door; there are: modbus"),
        ({"doors": {"modbus": "x"}}, "doors.modbus: x is not a port; give 0 to 65535, like 5020"),
        ({"doors": {"modbus": [1, 2]}}, "doors.modbus: door modbus has one port"),
        ({"quirks": "padded-frame"}, "quirks: write a list"),
        ({"quirks": ["odd"]}, "no quirk 'odd'"),
        ({"model": "sh99"}, "model: no model 'sh99'"),
        ({"host": ""}, "host: '' is no address"),
        ({"unit": 200}, "unit: unit 200 is the battery's"),
        ({"speed": float("nan")}, "speed: speed is nan"),
        ({"start": "noon"}, "start: 'noon' is not a time"),
        ({"start": "1999-12-31"}, "start: .* is in the year 1999; give 2000 to 2099"),
        ({"serial": ""}, "serial: give 1 to 20 letters and digits"),
        ({"serial": "A" * (MAX_SERIAL_CHARACTERS + 1)}, "serial: give 1 to 20 letters and digits"),
        ({"serial": "A22\n"}, "serial: give 1 to 20 letters and digits"),
        ({"settings": ["a"]}, "settings: write a table"),
        ({"settings": {"second": "waits"}}, "settings: second is 'waits'; give takes or refused"),
        ({"troubles": ["latency:0.1"]}, "latency does nothing without a value"),
        ({"troubles": ["rain"]}, "no trouble 'rain'"),
        ({"troubles": [{"trouble": "drop", "chance": 1}]}, "'chance' is not known here"),
    ],
)
def test_refused_in_words(table: dict[str, Any], words: str) -> None:
    """What is wrong is told with what would be right."""
    with pytest.raises(ValueError, match=words):
        plan_of(table)


@pytest.mark.parametrize("text", [b"model =", b"\xff", b"#" * (MAX_FILE_BYTES + 1)])
def test_files_that_are_none(tmp_path: Path, text: bytes) -> None:
    """No TOML, no text, too much: the file is named."""
    file = tmp_path / "house.toml"
    file.write_bytes(text)

    with pytest.raises(ValueError, match="house.toml"):
        read_plan(str(file))


def test_a_mistake_is_named_by_its_line(tmp_path: Path) -> None:
    """File, line and key, so that an editor finds it."""
    file = tmp_path / "house.toml"
    file.write_text('seed = 1\nstart = "noon"\n\n[doors]\nmodbus = 5020\nwinet = 8082\n')

    with pytest.raises(ValueError, match=r"house.toml:6: doors.winet: door winet has two ports"):
        read_plan(str(file))


def test_a_trouble_at_a_door_that_is_not_there() -> None:
    """It would never happen, so the plan is refused; at a door that there is it is taken."""
    lacking = Plan(doors={"modbus": (0,)}, troubles=(Order(Trouble.BUSY, door="winet"),))

    with pytest.raises(ValueError, match="troubles: this plant has no winet door"):
        lacking.build()
    assert lacking.with_changes({"doors": {"winet": (0, 0)}}).build().troubles.orders()


def test_settings_reach_the_doors(tmp_path: Path) -> None:
    """Rules, keys and the certificate's folder of a file; what is typed wins, name by name."""
    filed = Plan(
        doors={"encrypted": (0,), "winet": (0, 0), "winet-tls": (0,)},
        settings={"second": "refused", "keys": "zeros", "certificate_folder": str(tmp_path)},
    )

    plant = filed.with_changes({"settings": {"token_life_s": 9.0}}).build()

    classic, newer = plant.door("winet").rules, plant.door("winet-tls").rules
    assert ("refused", 9.0, False) == (classic.second, classic.token_life_s, classic.login_required)
    assert ("refused", 9.0, True) == (newer.second, newer.token_life_s, newer.login_required)
    assert bytes(16) == plant.door("encrypted").key_of_today()
    assert plant.door("winet-tls").certificate.fingerprint()
    assert [FILE_NAME] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("name", ["house.yaml", "house.yml"])
def test_other_kinds_of_files_are_told_apart(name: str) -> None:
    """A plant file in another language is refused by its name, with the right one."""
    with pytest.raises(ValueError, match="plant files are TOML"):
        read_plan(name)


DOCUMENT = (Path(__file__).parents[1] / "docs" / "simulator.md").read_text()


def test_documented_file(tmp_path: Path) -> None:
    """The plant file of the documentation is taken as it stands."""
    file = tmp_path / "house.toml"
    file.write_text(DOCUMENT.partition("```toml\n")[2].partition("```")[0])

    plan = read_plan(str(file))

    assert ("sh10rt", {"modbus": (5020,), "winet": (10080, 18082)}) == (plan.model, plan.doors)


@pytest.mark.parametrize("name", [*Trouble, *Quirk, *Night, *DOORS])
def test_every_name_is_documented(name: str) -> None:
    """Troubles, quirks, nights and doors are all in the documentation."""
    assert f"`{name}`" in DOCUMENT


@given(st.text(max_size=60))
def test_no_ports_crash_it(text: str) -> None:
    """Whatever is written for a port, it is one or an error in words."""
    try:
        ports = parse_ports("modbus", text)
    except ValueError:
        return

    assert all(0 <= port <= 65535 for port in ports)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
KEYS = st.sampled_from([each.name for each in fields(Plan)])


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_no_table_crashes_it(table: dict[str, Any]) -> None:
    """Whatever stands behind the keys, it is a plan or an error that names one of them."""
    try:
        plan = plan_of(table)
    except PlanError as wrong:
        assert wrong.key.partition(".")[0] in table
        return

    assert isinstance(plan, Plan)
