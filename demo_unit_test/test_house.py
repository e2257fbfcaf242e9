"""What the programs of the house are started with."""

from pathlib import Path

import pytest

from demo.house import Wishes, plant_arguments


@pytest.mark.parametrize(
    ("start", "told"), [("11:00", ("--start", "11:00")), ("now", ()), ("", ())]
)
def test_the_plant_is_told_what_was_wished_for(start: str, told: tuple[str, ...]) -> None:
    """Model, speed and hour; the hour of now is the plant's own default."""
    wishes = Wishes(
        data=Path("data"),
        page_port=0,
        plant_port=0,
        receiver_port=0,
        model="sh5.0rs",
        speed=60.0,
        start=start,
        away_beats=1,
        quiet=True,
    )

    expected = ("simulator", "plant", "--host", "127.0.0.1", "--model", "sh5.0rs", "--speed", "60")
    assert (*expected, *told) == plant_arguments(wishes)
