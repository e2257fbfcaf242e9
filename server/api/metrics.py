"""GET /metrics: OpenMetrics 1.0 text for Prometheus and its relatives.

Only numbers go out, and readings only of devices that answer now: a scraper stores what it sees
under its own time, so an old value would be a false one.
"""

import math
from collections.abc import Iterator

from server.api.call import NO_PAGE, Call, Nothing, Reply
from server.model.device import LinkState
from server.model.quantity import QUANTITIES, Kind, Quantity
from server.model.snapshot import DeviceView, Snapshot

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_HEADERS = ((b"content-type", CONTENT_TYPE.encode()), (b"cache-control", b"no-store"), *NO_PAGE)
_UNITS = {
    "W": "watts",
    "Wh": "watt_hours",
    "V": "volts",
    "A": "amperes",
    "Hz": "hertz",
    "°C": "celsius",
    "%": "percent",
    "var": "vars",
    "VA": "volt_amperes",
    "h": "hours",
    "min": "minutes",
    "": "",
}
_NUMERIC = (Kind.GAUGE, Kind.COUNTER, Kind.DAILY)

Sample = tuple[dict[str, str], float | int | None]


def show(call: Call[Nothing, Nothing]) -> Reply:
    """All figures."""
    return Reply(200, render(call.snapshot).encode(), _HEADERS)


def render(snapshot: Snapshot) -> str:
    """The whole exposition."""
    lines: list[str] = []
    for family in (_gateway, _devices, _readings, _sinks, _store, _engine):
        lines.extend(family(snapshot))
    return "\n".join([*lines, "# EOF", ""])


def _gateway(snapshot: Snapshot) -> Iterator[str]:
    gateway = snapshot.gateway
    about = {"version": gateway.version, "serial": gateway.serial, "boot": gateway.boot}
    yield from _family("egret", "info", "The gateway.", "", [(about, 1)])
    yield from _gauge("egret_healthy", "1 when it gets on with its work.", gateway.healthy)
    yield from _family(
        "egret_mode", "gauge", "The mode it is in.", "", [({"mode": gateway.mode}, 1)]
    )
    uptime_s = gateway.uptime_ms / 1000
    yield from _gauge("egret_uptime_seconds", "Since the program started.", uptime_s, "seconds")
    yield from _gauge("egret_notices", "Notices that wait for the owner.", len(snapshot.notices))


def _devices(snapshot: Snapshot) -> Iterator[str]:
    views = snapshot.devices
    yield from _family(
        "egret_device_online",
        "gauge",
        "1 when the device answers.",
        "",
        [(_label(each), int(each.state is LinkState.ONLINE)) for each in views],
    )
    for name, text in (
        ("polls", "Polls that gave a reading."),
        ("failures", "Polls that failed."),
        ("missed", "Beats of the poll grid that were dropped."),
    ):
        samples: list[Sample] = [(_label(each), getattr(each, name)) for each in views]
        yield from _family(f"egret_device_{name}", "counter", text, "", samples)
    yield from _family(
        "egret_device_reading_timestamp_seconds",
        "gauge",
        "When the last reading was taken.",
        "seconds",
        [(_label(each), each.latest.taken_at_ms / 1000) for each in views if each.latest],
    )


def _readings(snapshot: Snapshot) -> Iterator[str]:
    for quantity in QUANTITIES.values():
        if quantity.kind in _NUMERIC:
            yield from _quantity(quantity, snapshot)


def _quantity(quantity: Quantity, snapshot: Snapshot) -> Iterator[str]:
    unit = _UNITS[quantity.unit]
    name = f"egret_{quantity.name}" + (f"_{unit}" if unit else "")
    kind = "counter" if quantity.kind is Kind.COUNTER else "gauge"
    words = quantity.title + (f"; positive is {quantity.sign}" if quantity.sign else "")
    samples: list[Sample] = []
    for view in snapshot.devices:
        if view.state is LinkState.ONLINE and view.latest is not None:
            value = view.latest.values.get(quantity.name)
            samples.append((_label(view), None if isinstance(value, str) else value))
    yield from _family(name, kind, words + ".", unit, samples)


def _sinks(snapshot: Snapshot) -> Iterator[str]:
    for name, kind, text in (
        ("backlog", "gauge", "Records that the sink has not taken."),
        ("gaps", "gauge", "Stretches left to be filled in."),
        ("delivered", "counter", "Records taken."),
        ("dropped", "counter", "Records that retention removed before they were taken."),
        ("quarantined", "gauge", "Records that the sink refuses."),
    ):
        samples: list[Sample] = [
            ({"sink": each.sink_id, "kind": each.kind}, getattr(each, name))
            for each in snapshot.sinks
        ]
        yield from _family(f"egret_sink_{name}", kind, text, "", samples)


def _store(snapshot: Snapshot) -> Iterator[str]:
    store = snapshot.store
    yield from _gauge("egret_store_ok", "1 when readings are kept.", store.state == "ok")
    yield from _counter("egret_store_accepted", "Readings on disk since start.", store.accepted)
    yield from _gauge("egret_store_buffered", "Readings that wait for a commit.", store.buffered)
    yield from _counter(
        "egret_store_buffer_dropped", "Readings lost to a full buffer.", store.buffer_dropped
    )
    yield from _gauge("egret_store_size_bytes", "Size on disk.", store.size_bytes, "bytes")
    yield from _gauge("egret_store_free_bytes", "Space left on disk.", store.free_bytes, "bytes")
    yield from _counter("egret_store_pruned", "Records removed by retention.", store.pruned)


def _engine(snapshot: Snapshot) -> Iterator[str]:
    engine = snapshot.engine
    yield from _gauge("egret_engine_queued", "Tasks that wait for their time.", engine.queued)
    yield from _gauge("egret_engine_ready", "Tasks that are due.", engine.ready)
    yield from _gauge("egret_engine_running", "Tasks that run.", engine.running)
    yield from _gauge("egret_engine_stuck_lanes", "Lanes that hang.", engine.stuck_lanes)
    yield from _gauge("egret_engine_inbox", "Requests that wait.", engine.inbox)
    yield from _counter("egret_engine_missed", "Beats dropped.", engine.missed)
    yield from _counter("egret_engine_abandoned", "Threads written off.", engine.abandoned)
    yield from _counter("egret_engine_bugs", "Faults of our own.", engine.bugs)
    yield from _counter("egret_engine_wakeups", "Rounds of the loop.", engine.wakeups)
    yield from _counter("egret_engine_inbox_refused", "Requests refused.", engine.inbox_refused)


def _label(view: DeviceView) -> dict[str, str]:
    return {"device": view.config.device_id}


def _gauge(name: str, words: str, value: float, unit: str = "") -> Iterator[str]:
    yield from _family(name, "gauge", words, unit, [({}, value)])


def _counter(name: str, words: str, value: float) -> Iterator[str]:
    yield from _family(name, "counter", words, "", [({}, value)])


def _family(name: str, kind: str, words: str, unit: str, samples: list[Sample]) -> Iterator[str]:
    """One metric family; nothing at all when it has no sample."""
    lines = [
        f"{name}{_SUFFIXES.get(kind, '')}{_labels(labels)} {_number(value)}"
        for labels, value in samples
        if value is not None and math.isfinite(value)
    ]
    if not lines:
        return
    yield f"# TYPE {name} {kind}"
    if unit:
        yield f"# UNIT {name} {unit}"
    yield f"# HELP {name} {_escaped(words)}"
    yield from lines


_SUFFIXES = {"counter": "_total", "info": "_info"}


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if isinstance(value, bool) else repr(value)
