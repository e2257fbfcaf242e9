"""The demo's command line."""

from pathlib import Path

from demo.__main__ import parse


def test_the_demo_keeps_to_itself() -> None:
    """Its data lies where nothing of a real inverter does, and may be thrown away."""
    assert Path("build/demo") == parse([]).data


def test_the_sun_shines_at_any_hour() -> None:
    """Whoever looks in the evening sees the middle of a day, unless the hour is wished for."""
    assert ("11:00", "now") == (parse([]).start, parse(["--start", "now"]).start)
