"""The tables as data: nothing twice, nothing outside, directions as the vendor says."""

from collections import Counter
from dataclasses import replace

import pytest

from simulator.behaviour import Condition
from simulator.models import MODELS, THREE_PHASE_THREE_WIRE, Model, model_named
from simulator.physics import Energies, Flow, Moment
from simulator.sungrow_tables import (
    Scene,
    flow_bits,
    hybrid_running_state,
    input_rows,
    input_spans,
    string_work_state,
)


def scene(flow: Flow, model: str | Model = "sh10rt", ems_mode: int = 0, **changes: bool) -> Scene:
    moment = Moment(
        time_s=0,
        flow=flow,
        strings_w=(flow.pv_w, 0),
        soc=0.5,
        today=Energies(),
        total=Energies(),
        **changes,  # type: ignore[arg-type]
    )
    kind = model_named(model) if isinstance(model, str) else model
    return Scene(kind, moment, ems_mode)


@pytest.mark.parametrize("name", MODELS)
def test_no_register_twice(name: str) -> None:
    """Each word of a model belongs to one row."""
    rows = input_rows(MODELS[name])
    words = Counter(at for row in rows for at in range(row.at, row.at + row.size))

    assert [] == [at for at, count in words.items() if count > 1]


@pytest.mark.parametrize("name", MODELS)
def test_no_row_outside_the_spans(name: str) -> None:
    """What a table lists is what the device answers for."""
    spans = input_spans(MODELS[name])
    outside = [
        row.at
        for row in input_rows(MODELS[name])
        if not any(low <= row.at and row.at + row.size - 1 <= high for low, high in spans)
    ]

    assert [] == outside


@pytest.mark.parametrize(
    ("flow", "bits"),
    [
        (Flow(5000, -2000, -2500, 500), 0b0001_1011),
        (Flow(0, 700, 0, 700), 0b0000_1100),
        (Flow(0, 0, 700, 700), 0b0010_1000),
        (Flow(0, 0, 0, 0), 0),
    ],
)
def test_flow_bits(flow: Flow, bits: int) -> None:
    """Each direction of power has its bit."""
    assert bits == flow_bits(scene(flow))


@pytest.mark.parametrize(
    ("ems_mode", "changes", "state"),
    [
        (0, {}, 0x0040),
        (2, {}, 0x0800),
        (3, {}, 0x4000),
        (4, {}, 0x4000),
        (3, {"running": False}, 0x8000),
    ],
)
def test_running_state(ems_mode: int, changes: dict[str, bool], state: int) -> None:
    """A hybrid tells who commands it, and that it is stopped before all."""
    assert state == hybrid_running_state(scene(Flow(900, 0, 0, 900), "sh10rt", ems_mode, **changes))


@pytest.mark.parametrize(
    ("flow", "changes", "state"),
    [
        (Flow(900, 0, 0, 900), {}, 0x0000),
        (Flow(900, 0, 0, 900, curtailed=True), {}, 0x8200),
        (Flow(0, 0, 900, 900), {"daylight": False}, 0x1400),
        (Flow(0, 0, 900, 900), {"running": False}, 0x8000),
    ],
)
def test_work_state(flow: Flow, changes: dict[str, bool], state: int) -> None:
    """A string inverter tells running, limited, standby and stop apart."""
    assert state == string_work_state(scene(flow, "sg5.0rt", **changes))


def test_without_a_neutral_voltages_are_between_lines() -> None:
    """As output type 2 says; currents stay what the power over the phases makes them."""
    flow = Flow(9000, 0, 0, 9000)
    three_wire = replace(model_named("sg10rt"), output_type=THREE_PHASE_THREE_WIRE)
    star, delta = scene(flow, "sg10rt"), scene(flow, three_wire)

    assert (1, 2) == (star.model.output_type, delta.model.output_type)
    assert [230.0] * 3 == [star.phase_v(index) for index in range(3)]
    assert [398.4] * 3 == [round(delta.phase_v(index) or 0, 1) for index in range(3)]
    assert star.phase_a(0) == delta.phase_a(0) == pytest.approx(3000 / 230)


@pytest.mark.parametrize(("curtailed", "state"), [(True, 0x8100), (False, 0x0000)])
def test_heat_is_told_while_it_takes_something(curtailed: bool, state: int) -> None:
    """Derating is heat's, and only while there would be more."""
    limited = scene(Flow(900, 0, 0, 900, curtailed=curtailed), "sg5.0rt")

    assert state == string_work_state(replace(limited, condition=Condition(derate_to=0.5)))
