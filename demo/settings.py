"""The environment of the three programs: what the gateway is told, and nothing from outside.

The only reader of the environment in this process. EGRET_ variables of the person's own reach
the gateway too, except the two that the demo itself settles.
"""

import json
import os
from collections.abc import Mapping

DEVICE_ID = "demo-plant"
"""The same in every run, so that the curves of the last run go on."""


def inherited() -> dict[str, str]:
    """The environment as it is; children print line by line."""
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


def gateway_settings(host: str, port: int, unit_id: int, endpoint: str) -> Mapping[str, str]:
    """The plant as a device, the receiver as an endpoint."""
    device = {
        "device_id": DEVICE_ID,
        "name": "Virtual plant",
        "endpoint": {"scheme": "modbus_tcp", "host": host, "port": port},
        "unit_id": unit_id,
        "profile": "sungrow_hybrid",
        "interval_s": 1,
        "serial": "",
    }
    return {"EGRET_DEVICES": json.dumps([device]), "EGRET_HARVEST_ENDPOINTS": endpoint}
