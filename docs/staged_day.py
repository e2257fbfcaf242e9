"""A box that has run since midnight: what the pictures of the page are taken from.

A picture of a box that has just started shows an empty day. So the virtual plant's own day, from
midnight until now, is written into a store first, and gateway, plant and receiver then go on from
there as anybody's would. Nothing on the pictures is drawn by hand.
"""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from server.model.reading import ClockQuality, Reading, Record
from server.store.database import open_store
from simulator.models import model_named
from simulator.physics import Physics

STORE_FOLDER = "store"
ROOT = Path(__file__).resolve().parents[1]
PICTURED_HOUR = 19
"""The pictures are taken in a zone where it is this hour now: a whole day lies behind, the sun is
still up, and the battery works."""
PLANT_DAY = "2026-06-21"
LATITUDE_DEG = 48.0
MODEL = "sh10rt"
STEP_S = 60
BATCH_RECORDS = 500
START_TIMEOUT_S = 40.0
STOP_TIMEOUT_S = 12.0
REQUEST_TIMEOUT_S = 60.0


def sunny_zone(now_s: float) -> str:
    """The name of a zone in which it is PICTURED_HOUR now; its sign is inverted by tradition."""
    utc_hour = int(now_s // 3600 % 24)
    ahead = (PICTURED_HOUR - utc_hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def plant_start(now: datetime) -> str:
    """The plant's time: a summer's day, at the hour and minute of the zone."""
    return f"{PLANT_DAY}T{now:%H:%M}"


def write_day(data: Path, serial: str, now: datetime) -> None:
    """Put one reading a minute, from midnight until now, into the store in `data`."""
    opened = open_store(data / STORE_FOLDER)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    steps = int((now - midnight) / timedelta(seconds=STEP_S))
    site = model_named(MODEL).site(LATITUDE_DEG)
    plant_midnight_s = datetime.fromisoformat(f"{PLANT_DAY}T00:00+00:00").timestamp()
    boot = secrets.randbits(63)
    records = []
    for step in range(1, steps):
        moment = Physics(site, 0, plant_midnight_s + step * STEP_S).moment()
        taken_at_ms = int((midnight.timestamp() + step * STEP_S) * 1000)
        values = {
            "pv_power": moment.flow.pv_w,
            "load_power": moment.flow.load_w,
            "grid_power": moment.flow.grid_w,
            "battery_power": moment.flow.battery_w,
            "battery_soc": round(moment.soc * 100, 1),
        }
        uptime_ms = step * STEP_S * 1000
        reading = Reading(serial, taken_at_ms, uptime_ms, ClockQuality.SYNCED, values, {})
        records.append(Record(boot, step, reading))
    for at in range(0, len(records), BATCH_RECORDS):
        opened.writer.commit(records[at : at + BATCH_RECORDS], {})
    opened.writer.close()


@contextmanager
def program(arguments: list[str], log: Path, **settings: str) -> Iterator[dict[str, Any]]:
    """Run a program of this repository; gives the JSON of its first line."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments, "--json", "--port", "0"],
            cwd=ROOT,
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT_S)
            process.stdout.close()


def post(url: str, path: str, body: dict[str, Any]) -> None:
    """One request to the gateway."""
    request = urllib.request.Request(
        f"{url.rstrip('/')}/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_S) as response:
        response.read()


@contextmanager
def staged_box(folder: Path) -> Iterator[tuple[str, str]]:
    """A running box with its day behind it; gives its address and the zone it is pictured in."""
    zone = sunny_zone(time.time())
    now = datetime.now(ZoneInfo(zone))
    data = folder / "data"
    write_day(data, model_named(MODEL).serial(0), now)
    with ExitStack() as stack:
        plant = ["simulator", "plant", "--quiet", "--start", plant_start(now)]
        doors = stack.enter_context(program(plant, folder / "plant.log"))["doors"]
        gateway = program(
            ["server", "--data", str(data)], folder / "server.log", EGRET_CLOCK_TRUST="always"
        )
        url = stack.enter_context(gateway)["url"]
        receiver = ["simulator", "receiver", "--gateway", url]
        endpoint = stack.enter_context(program(receiver, folder / "receiver.log"))["url"]
        host, _, port = doors["modbus"].rpartition(":")
        address = {"connection": "TCP", "ip": host, "port": int(port), "slave_id": 1}
        post(url, "api/device", address | {"device_type": "auto", "name": "Cellar"})
        post(url, "api/settings", {"name": "Lakeside 4", "harvest": {"endpoints": [endpoint]}})
        yield url, zone
