"""A plausible plant as JSON snapshots: several devices in several link states, moving.

Knows the page's side of the API by its field names only and imports nothing of the gateway, so
that a renamed field shows up as a failing test and not as two mistakes that agree.
"""

import math
import time
from typing import Any

JSON = dict[str, Any]

DAY_MS = 86_400_000
QUANTITIES: JSON = {
    name: {"unit": unit, "kind": kind, "title": title, "sign": sign}
    for name, unit, kind, title, sign in (
        ("pv_power", "W", "gauge", "Solar power", "production"),
        ("grid_power", "W", "gauge", "Grid power", "import"),
        ("battery_power", "W", "gauge", "Battery power", "discharge"),
        ("load_power", "W", "gauge", "House load", "consumption"),
        ("active_power", "W", "gauge", "Active power", "fed from the inverter to its AC side"),
        ("battery_soc", "%", "gauge", "State of charge", ""),
        ("battery_temperature", "°C", "gauge", "Battery temperature", ""),
        ("grid_frequency", "Hz", "gauge", "Grid frequency", ""),
        ("phase_a_voltage", "V", "gauge", "Phase A voltage", ""),
        ("pv_energy_today", "Wh", "daily", "Solar energy today", ""),
        ("yield_energy_today", "Wh", "daily", "Yield today", ""),
        ("grid_import_energy_today", "Wh", "daily", "Grid import today", ""),
        ("grid_export_energy_today", "Wh", "daily", "Grid export today", ""),
        ("battery_charge_energy_today", "Wh", "daily", "Battery charge today", ""),
        ("battery_discharge_energy_today", "Wh", "daily", "Battery discharge today", ""),
        ("work_state", "", "state", "Working state", ""),
    )
}

SUPPORTED: JSON = {
    "inverters": ["auto", "sungrow", "sungrow_hybrid", "sungrow_string"],
    "devices": [
        {"name": "sungrow_battery", "title": "Sungrow battery", "models": ["SBR"]},
        {"name": "sungrow_hybrid", "title": "Sungrow hybrid", "models": ["SH10RT", "SH8.0RT"]},
        {"name": "sungrow_string", "title": "Sungrow string", "models": ["SG5.0RT"]},
    ],
}


def hour_of(at_ms: int) -> float:
    """The local hour of the day, with its fraction."""
    local = time.localtime(at_ms / 1000)
    return local.tm_hour + local.tm_min / 60 + local.tm_sec / 3600


def sun_w(hour: float, peak_w: float, at_ms: int) -> float:
    """A clear day with a few clouds."""
    if not 6 < hour < 20:
        return 0.0
    shape = math.sin(math.pi * (hour - 6) / 14) ** 1.4
    cloud = 1 - 0.28 * max(0.0, math.sin(hour * 5.1)) * max(0.0, math.sin(hour * 1.7))
    return float(peak_w * shape * cloud + 12 * math.sin(at_ms / 1700))


def house_w(hour: float, at_ms: int) -> float:
    """A base load, breakfast, lunch and an evening."""
    meals = ((7.3, 0.7, 1300), (12.4, 0.6, 1900), (19.0, 1.4, 2300))
    bumps = sum(most * math.exp(-(((hour - at) / width) ** 2)) for at, width, most in meals)
    return 420 + bumps + 60 * math.sin(hour * 9) + 15 * math.sin(at_ms / 2300)


def hybrid_values(at_ms: int) -> JSON:
    """A hybrid inverter: sun, battery, grid and house in balance."""
    hour = hour_of(at_ms)
    pv, load = sun_w(hour, 6800, at_ms), house_w(hour, at_ms)
    soc = 22 + 74 / (1 + math.exp(-(hour - 11) * 0.9)) - max(0.0, hour - 18.5) * 9
    surplus = pv - load
    battery = -min(surplus * 0.62, 3600) if surplus > 0 else min(-surplus, 3000) * 0.85
    if surplus > 0:
        battery *= 1 - max(0.0, (soc - 78) / 20) ** 2  # a full battery takes less and less
    return {
        "pv_power": round(pv),
        "load_power": round(load),
        "battery_power": round(battery),
        "grid_power": round(load - pv - battery),
        "battery_soc": round(soc, 1),
        "battery_temperature": 24.5,
        "active_power": round(pv + battery),
        "grid_frequency": 50.01,
        "phase_a_voltage": 231.4,
        "pv_energy_today": round(1900 * max(0.0, min(hour, 20.0) - 6.5)),
        "grid_import_energy_today": 1840 + round(40 * hour),
        "grid_export_energy_today": round(620 * max(0.0, min(hour, 19.0) - 9)),
        "battery_charge_energy_today": round(640 * max(0.0, min(hour, 18.0) - 8)),
        "battery_discharge_energy_today": round(900 + 95 * hour),
        "work_state": "running",
    }


def string_values(at_ms: int) -> JSON:
    """A string inverter: it knows its sun and nothing of the house."""
    hour = hour_of(at_ms)
    pv = sun_w(hour, 2600, at_ms)
    return {
        "pv_power": round(pv),
        "active_power": round(pv * 0.97),
        "yield_energy_today": round(720 * max(0.0, min(hour, 20.0) - 6.5)),
        "work_state": "running",
    }


VALUES = {"hybrid": hybrid_values, "string": string_values}


def device(kind: str, device_id: str, name: str, host: str, port: int = 502, **more: Any) -> JSON:
    """One configured device as the store of this fixture keeps it; `more` overrides its view."""
    model, profile = {
        "hybrid": ("SH10RT", "sungrow_hybrid"),
        "string": ("SG5.0RT", "sungrow_string"),
    }[kind]
    config = {
        "device_id": device_id,
        "name": name,
        "endpoint": {"scheme": "modbus_tcp", "host": host, "port": port},
        "unit_id": 1,
        "profile": profile,
        "interval_s": 1.0,
        "serial": device_id,
        "model": model,
    }
    identity = {
        "profile": profile,
        "serial": device_id,
        "model": model,
        "type_code": 3599,
        "verified": True,
        "facts": {"Nominal power": "10 kW"},
    }
    return {"kind": kind, "config": config, "identity": identity, "state": "online"} | more


def view(kept: JSON, at_ms: int, uptime_ms: int, beats: int) -> JSON:
    """The device as a snapshot shows it."""
    silent_ms = kept.get("silent_ms", 0)
    values = kept.get("values") or VALUES[kept["kind"]](at_ms - silent_ms)
    latest = {
        "device": kept["config"]["device_id"],
        "taken_at_ms": at_ms - silent_ms - 300,
        "uptime_ms": uptime_ms - silent_ms - 300,
        "clock": "synced",
        "values": values,
    }
    retry_in_ms = kept.get("retry_in_ms")
    return {
        "config": kept["config"],
        "state": kept["state"],
        "since_ms": at_ms - kept.get("since_ago_ms", 5_400_000),
        "error": kept.get("error", ""),
        "retry_at_ms": None if retry_in_ms is None else at_ms + retry_in_ms,
        "identity": kept["identity"],
        "latest": None if kept.get("unread") else latest,
        "refused": kept.get("refused", []),
        "polls": beats + kept.get("polls", 0),
        "failures": kept.get("failures", 0),
        "missed": kept.get("missed", 0),
    }


def many_devices(at_ms: int) -> list[JSON]:
    """One device per link state that a person can meet, with what goes wrong in each."""
    refused = {"space": "input", "address": 13022, "count": 2, "code": 2, "at_ms": at_ms - 4000}
    closed = {"space": "input", "address": 5634, "count": 1, "code": 0, "at_ms": at_ms - 4000}
    return [
        device("hybrid", "A2290412345", "Cellar hybrid", "192.168.1.40", refused=[refused, closed]),
        device("string", "B2171134567", "Garage roof", "192.168.1.41", missed=3, failures=2),
        device(
            "string",
            "B2171139999",
            "Barn",
            "barn.local",
            state="asleep",
            silent_ms=7_200_000,
            since_ago_ms=6_900_000,
            retry_in_ms=1_380_000,
            failures=12,
            error="No connection to barn.local:502: no route to host",
        ),
        device(
            "string",
            "C3300000017",
            "<img src=x onerror=alert(1)>",
            "192.168.1.44",
            state="retrying",
            unread=True,
            since_ago_ms=95_000,
            retry_in_ms=24_000,
            failures=7,
            error="192.168.1.44:502 closed the connection <b>instead of answering</b>",
        ),
    ]


def no_devices(at_ms: int) -> list[JSON]:
    """A box fresh from its carton."""
    return []


def lone_string(at_ms: int) -> list[JSON]:
    """One string inverter, which knows its sun and nothing else."""
    return [device("string", "B2171134567", "Roof", "192.168.1.41")]


def sinks(at_ms: int) -> list[JSON]:
    """One endpoint that takes everything and one that fails."""
    common = {"kind": "harvest", "gaps": 0, "dropped": 0, "quarantined": 0, "retry_at_ms": None}
    return [
        common
        | {
            "sink_id": "harvest-1",
            "target": "https://ingest.example.org/gateway",
            "state": "idle",
            "error": "",
            "backlog": 7,
            "last_ack_ms": at_ms - 4200,
            "delivered": 128_411,
        },
        common
        | {
            "sink_id": "harvest-2",
            "target": "https://second.example.net/data",
            "state": "retrying",
            "error": "second.example.net answered 503 Service Unavailable",
            "backlog": 15_204,
            "gaps": 2,
            "last_ack_ms": at_ms - 9_840_000,
            "delivered": 113_003,
            "dropped": 12,
            "quarantined": 1,
            "retry_at_ms": at_ms + 190_000,
        },
    ]


def store(at_ms: int, beats: int) -> JSON:
    """A healthy store."""
    return {
        "state": "ok",
        "error": "",
        "accepted": beats,
        "accepted_total": 2_412_077 + beats,
        "buffered": beats % 4,
        "buffer_dropped": 0,
        "size_bytes": 384_000_000 + beats * 900,
        "free_bytes": 21_400_000_000,
        "oldest_ms": at_ms - 41 * DAY_MS,
        "last_commit_ms": at_ms - 400,
        "pruned": 0,
    }


def engine(beats: int) -> JSON:
    """Figures of a calm engine that has been late a few times."""

    def kind(started: int, failed: int = 0, missed: int = 0) -> JSON:
        lateness = [int(started * 0.93), int(started * 0.06), int(started * 0.01), 3, 0, 0]
        figures = {"queued": 1, "ready": 0, "running": 0, "started": started}
        return figures | {"failed": failed, "missed": missed, "lateness": lateness}

    lane = {"busy_kind": "", "busy_s": 0.0, "ready": 0, "generation": 1, "stuck": False}
    return {
        "queued": 9,
        "ready": 0,
        "running": 1,
        "missed": 3,
        "stuck_lanes": 0,
        "abandoned": 0,
        "bugs": 0,
        "wakeups": 40_211 + 3 * beats,
        "inbox": 0,
        "inbox_refused": 0,
        "kinds": {
            "poll": kind(21_000 + beats, 9, 3),
            "commit": kind(20_400 + beats),
            "publish": kind(2_100 + beats // 10, 41),
            "connect": kind(31, 19),
            "prune": kind(360),
            "housekeeping": kind(20_900 + beats),
        },
        "lanes": [
            lane | {"name": "modbus_tcp:192.168.1.40:502", "busy_kind": "poll", "busy_s": 0.042},
            lane | {"name": "modbus_tcp:192.168.1.41:502"},
            lane | {"name": "database"},
            lane | {"name": "sink:harvest-1"},
        ],
    }


def notices(at_ms: int) -> list[JSON]:
    """One warning that happened often and one note."""
    return [
        {
            "notice_id": 7,
            "key": "sink.retrying:harvest-2",
            "level": "warning",
            "text": "second.example.net takes nothing since 2 h 44 min. Readings are kept.",
            "device": "",
            "first_at_ms": at_ms - 9_840_000,
            "last_at_ms": at_ms - 60_000,
            "count": 84,
        },
        {
            "notice_id": 4,
            "key": "device.refused:A2290412345",
            "level": "info",
            "text": "2 registers are refused and will not be asked for again.",
            "device": "A2290412345",
            "first_at_ms": at_ms - 4000,
            "last_at_ms": at_ms - 4000,
            "count": 1,
        },
    ]


def history(kept: JSON, quantity: str, from_ms: int, to_ms: int, points: int) -> JSON:
    """A curve of the past, with most of an hour missing where the box was switched off."""
    step = max(60_000, math.ceil((to_ms - from_ms) / max(1, points) / 60_000) * 60_000)
    found = []
    last_ms = from_ms if kept.get("unread") else to_ms - kept.get("silent_ms", 0)
    for at in range(from_ms, last_ms, step):
        value = VALUES[kept["kind"]](at).get(quantity)
        if value is not None and not 3.2 < hour_of(at) < 4.0:
            found.append({"at_ms": at, "mean": value, "least": value - 20, "most": value + 20})
    about = {"device_id": kept["config"]["device_id"], "quantity": quantity}
    unit = QUANTITIES.get(quantity, {}).get("unit", "")
    return about | {"unit": unit, "step_ms": step, "points": found}


def wifi() -> JSON:
    """A box on its network."""
    message = "Connected to Lakeside Guest."
    progress = {"number": 0, "ssid": None, "step": "idle", "reason": None, "message": ""}
    about = {"available": True, "message": message, "connected": "Lakeside Guest"}
    return about | {"progress": progress}


def door(beats: int) -> JSON:
    """The phone's door, open since a moment ago."""
    left_s = max(0.0, 171.0 - beats / 2)
    about = {"state": "open", "until_s": left_s, "name": "Egret F901", "adapter": "hci0"}
    asked = {"number": 1, "open": True, "window_s": 180.0, "legacy_apps": True}
    return asked | {"service": about | {"problem": ""}}
