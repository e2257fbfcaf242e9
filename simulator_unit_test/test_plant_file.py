"""A plant as it is asked for: files, options, and both together."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.behaviour import Night
from simulator.clock import parse_start
from simulator.doors import DOORS
from simulator.plant_file import MAX_FILE_BYTES, Plan, parse_ports, plan_of, read_plan
from simulator.trouble import Order, Quirk, Trouble

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
        ({"colour": "red"}, "no key 'colour'; there are: model, host"),
        ({"seed": "x"}, "seed should be a int, not 'x'"),
        ({"unit": True}, "unit should be a int, not True"),
        ({"unit": 248}, "248 is not a unit id; give 1 to 247"),
        ({"latitude": 91}, "give -90 to 90"),
        ({"control": 65536}, "give 0 to 65535"),
        ({"night": "dark"}, "no night 'dark'"),
        ({"doors": 5020}, "doors should be a table"),
        ({"doors": {"cellar": 1}}, "no door 'cellar'"),
        ({"doors": {"modbus": "x"}}, "modbus: x is not a port; give 0 to 65535, like 5020"),
        ({"doors": {"modbus": [1, 2]}}, r"has 1 port\(s\), not 2"),
        ({"quirks": "padded-frame"}, "quirks should be a list"),
        ({"quirks": ["odd"]}, "no quirk 'odd'"),
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
