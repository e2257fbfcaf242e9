"""The virtual plant in the gateway's settings file."""

import json
from pathlib import Path
from typing import Any

from demo.settings import DEVICE_ID, PlantDoor, place_plant

DOOR = PlantDoor("127.0.0.1", 5020, 1, "sh10rt")


def devices(data: Path) -> list[dict[str, Any]]:
    return list(json.loads((data / "settings.json").read_text(encoding="utf-8"))["devices"])


def test_a_first_start_gets_the_plant(tmp_path: Path) -> None:
    """Without a settings file one is written that holds the plant."""
    place_plant(tmp_path, DOOR)

    assert [DEVICE_ID] == [each["device_id"] for each in devices(tmp_path)]


def test_other_devices_and_settings_stay(tmp_path: Path) -> None:
    """Only the plant's own entry moves; a second run does not double it."""
    mine = {"version": 1, "name": "attic", "devices": [{"device_id": "mine"}]}
    (tmp_path / "settings.json").write_text(json.dumps(mine), encoding="utf-8")

    place_plant(tmp_path, DOOR)
    place_plant(tmp_path, PlantDoor("127.0.0.1", 5021, 1, "sh10rt"))

    assert ["mine", DEVICE_ID] == [each["device_id"] for each in devices(tmp_path)]
    assert 5021 == devices(tmp_path)[1]["endpoint"]["port"]
    assert "attic" == json.loads((tmp_path / "settings.json").read_text(encoding="utf-8"))["name"]


def test_a_broken_file_is_left_to_the_gateway(tmp_path: Path) -> None:
    """What cannot be read is not written over."""
    (tmp_path / "settings.json").write_text("{", encoding="utf-8")

    place_plant(tmp_path, DOOR)

    assert "{" == (tmp_path / "settings.json").read_text(encoding="utf-8")


def test_a_string_inverter_is_read_as_one() -> None:
    """The profile follows the model of the plant."""
    assert "sungrow_string" == PlantDoor("", 1, 1, "sg5.0rt").device["profile"]
    assert "sungrow_hybrid" == DOOR.device["profile"]
