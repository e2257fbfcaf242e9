"""What the three programs are told: the environment, and the plant in the gateway's settings.

The only reader of the environment in this process. The plant goes into the settings file and not
into EGRET_DEVICES, because what the environment settles cannot be changed on the page, and
adding a device there is what a person will try. The endpoint is settled by the environment: it
belongs to this run.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEVICE_ID = "demo-plant"
"""The same in every run, so that the curves of the last run go on."""

POLL_INTERVAL_S = 1


@dataclass(frozen=True, slots=True)
class PlantDoor:
    """Where the virtual plant answers, and as what."""

    host: str
    port: int
    unit_id: int
    model: str

    @property
    def device(self) -> Mapping[str, Any]:
        """The plant as an entry of `devices` in settings.json."""
        return {
            "device_id": DEVICE_ID,
            "name": "Virtual plant",
            "endpoint": {"scheme": "modbus_tcp", "host": self.host, "port": self.port},
            "unit_id": self.unit_id,
            "profile": "sungrow_hybrid" if self.model.startswith("sh") else "sungrow_string",
            "interval_s": POLL_INTERVAL_S,
            "serial": "",
        }


def inherited() -> dict[str, str]:
    """The environment as it is; children print line by line."""
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


def endpoint(url: str) -> Mapping[str, str]:
    """Deliver to `url`."""
    return {"EGRET_HARVEST_ENDPOINTS": url}


def place_plant(data: Path, door: PlantDoor) -> None:
    """Put the plant into the settings file, beside whatever devices are there.

    A file that cannot be read is left to the gateway, which says what is wrong with it.
    """
    path = data / "settings.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError):
        return
    devices = document.get("devices", []) if isinstance(document, dict) else None
    if not isinstance(devices, list):
        return
    others = [each for each in devices if not _is_plant(each)]
    written = {"version": 1, **document, "devices": [*others, door.device]}
    temporary = path.with_suffix(".demo")
    temporary.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)


def _is_plant(device: object) -> bool:
    return isinstance(device, dict) and device.get("device_id") == DEVICE_ID
