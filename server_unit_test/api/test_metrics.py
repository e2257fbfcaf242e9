"""OpenMetrics text, read back by its own grammar."""

import math
import re
from dataclasses import replace

from server.api.metrics import CONTENT_TYPE, render
from server.model.device import LinkState
from server.model.quantity import QUANTITIES
from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import a_snapshot

META = re.compile(r"# (TYPE|UNIT|HELP) ([a-z_:][a-z0-9_:]*) (.+)")
SAMPLE = re.compile(
    r'([a-z_:][a-z0-9_:]*)(\{(?:[a-z_][a-z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)+\})? (\S+)'
)
SUFFIXES = {"counter": "_total", "info": "_info", "gauge": ""}


def test_the_content_type_is_that_of_openmetrics(api: Api) -> None:
    """Prometheus chooses its parser by it."""
    response = api.get("/metrics")

    assert CONTENT_TYPE == response.headers["content-type"]
    assert response.text.endswith("\n# EOF\n")


def test_every_line_follows_the_grammar() -> None:
    """Families come once and whole; names end in unit and kind; every value is a number."""
    family, kind, seen = "", "", set()
    for line in render(a_snapshot()).splitlines()[:-1]:
        meta = META.fullmatch(line)
        if meta:
            word, name, text = meta.groups()
            if word == "TYPE":
                assert name not in seen
                seen.add(name)
                family, kind = name, text
            assert family == name
            assert word != "UNIT" or name.endswith("_" + text)
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        assert family + SUFFIXES[kind] == sample[1]
        assert math.isfinite(float(sample[3]))


def test_readings_have_unit_and_device() -> None:
    """A power is in watts, an energy is a counter of watt hours."""
    text = render(a_snapshot())

    assert 'egret_pv_power_watts{device="A2340000001"} 4200' in text
    assert 'egret_pv_energy_watt_hours_total{device="A2340000001"} 12345600' in text
    assert "# UNIT egret_grid_frequency_hertz hertz" in text


def test_words_are_no_metrics() -> None:
    """A working state is for people."""
    assert "work_state" not in render(a_snapshot())


def test_old_readings_are_not_given_out_as_new() -> None:
    """A device that does not answer has no values; that it is offline is a value."""
    snapshot = a_snapshot()
    asleep = replace(snapshot.devices[0], state=LinkState.ASLEEP)

    text = render(replace(snapshot, devices=(asleep,)))

    assert "pv_power" not in text
    assert 'egret_device_online{device="A2340000001"} 0' in text


def test_labels_are_escaped() -> None:
    """A name cannot break out of its quotes."""
    snapshot = a_snapshot()
    config = replace(snapshot.devices[0].config, device_id='a"b\\c\nd')
    device = replace(snapshot.devices[0], config=config)

    text = render(replace(snapshot, devices=(device,)))

    assert 'egret_device_online{device="a\\"b\\\\c\\nd"} 1' in text


def test_what_is_no_number_is_left_out() -> None:
    """Neither infinities nor text reach a scraper."""
    snapshot = a_snapshot()
    reading = snapshot.devices[0].latest
    assert reading is not None
    strange = replace(reading, values={"pv_power": math.nan, "grid_power": "none"})
    device = replace(snapshot.devices[0], latest=strange)

    text = render(replace(snapshot, devices=(device,)))

    assert "egret_pv_power_watts" not in text
    assert "egret_grid_power_watts" not in text


def test_every_numeric_quantity_has_a_valid_name() -> None:
    """No unit of the list is without its word."""
    values = {each.name: 1.5 for each in QUANTITIES.values()}
    snapshot = a_snapshot()
    reading = snapshot.devices[0].latest
    assert reading is not None
    device = replace(snapshot.devices[0], latest=replace(reading, values=values))

    names = re.findall(r"# TYPE (\S+)", render(replace(snapshot, devices=(device,))))

    assert [] == [each for each in names if not re.fullmatch("[a-z][a-z0-9_]*", each)]
    assert len(names) > len(QUANTITIES) / 2
