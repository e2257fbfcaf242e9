"""What each setting may be: its path, its environment variable, its default and its bounds.

One table, pure. Where values come from and where they are kept is for `settings`.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from server.model.configuration import Configuration
from server.model.device import KNOWN_SCHEMES, DeviceConfig, Endpoint
from server.model.encryption import TLS_CHOICES
from server.model.setting_rule import (
    Flag,
    ListOf,
    Number,
    OneOf,
    Rule,
    Secret,
    Text,
    Url,
    Whole,
    shown,
    wrong,
)

MAX_DEVICES = 1000
"""Devices of one gateway: what it is measured with at one poll a second."""
MAX_ENDPOINTS = 8
"""Harvest endpoints: each reads the whole store again and has a thread of its own."""
MAX_PORT = 65535
"""The largest TCP port."""
MAX_UNIT_ID = 247
"""The largest Modbus address of a device; 0 is what some TCP devices want."""
MAX_NAME_LENGTH = 64
"""Characters of a name, a serial number or a device id, so that they fit a line of a page."""
MAX_PASSWORD_LENGTH = 128
"""Characters of a device's password: far more than the page of any dongle takes."""
MAX_PATH_LENGTH = 1024
"""Characters of the path of a file: a quarter of what Linux takes."""
MAX_HOST_LENGTH = 253
"""Characters of a host name in the DNS."""
MIN_POLL_INTERVAL_S = 0.05
"""Shortest period of a poll: no known device answers faster."""
MIN_INTERVAL_S = 0.05
"""Shortest period of a commit or a delivery; below it the work is all waking up."""
MAX_COMMIT_INTERVAL_S = 60.0
"""Longest period of a commit: what a power cut may cost at most."""
MAX_INTERVAL_S = 86_400.0
"""Longest period of a poll or a delivery: a day."""
MIN_STORE_BYTES = 4 * 1024**2
"""Smallest database: an empty one with its log needs some hundred kilobytes."""
MAX_STORE_BYTES = 1024**4
"""Largest database, and most space left free."""
MAX_BALLAST_BYTES = 1024**3
"""Largest ballast file; it is written in full."""
MAX_AGE_DAYS = 36_525.0
"""Oldest record: a century."""
MAX_BATCH_RECORDS = 5_000
"""Most records of one request: they are in memory together, and the store reads as many at once."""
MAX_HARVEST_TIMEOUT_S = 120.0
"""Longest wait for a connection or an answer."""

MIN_WINDOW_S = 10.0
"""Shortest time that the phone's door stays open: a phone needs some seconds to find the box."""
MAX_WINDOW_S = 900.0
"""Longest time that the phone's door stays open: somebody who opens it stands beside it."""

DEFAULT_SCHEME = KNOWN_SCHEMES[0]
DEFAULT_MODBUS_PORT = 502
DEFAULT_POLL_INTERVAL_S = 10.0
"""Seconds between polls of a device: fine enough for the page, and kind to slow dongles."""
ENVIRONMENT_PREFIX = "EGRET_"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
CLOCK_TRUSTS = ("system", "always")
ACCESSES = ("auto", "protected", "open")


ENDPOINT: Mapping[str, tuple[Rule, object]] = MappingProxyType(
    {
        "scheme": (OneOf(KNOWN_SCHEMES), DEFAULT_SCHEME),
        "host": (Text(MAX_HOST_LENGTH, 1, spaces=False), None),
        "port": (Whole(1, MAX_PORT), DEFAULT_MODBUS_PORT),
    }
)
"""Keys of a device's endpoint: rule and default; None must be given."""

DEVICE: Mapping[str, tuple[Rule, object]] = MappingProxyType(
    {
        "device_id": (Text(MAX_NAME_LENGTH, 1, spaces=False), ""),
        "name": (Text(MAX_NAME_LENGTH), ""),
        "unit_id": (Whole(0, MAX_UNIT_ID), 1),
        "profile": (Text(MAX_NAME_LENGTH, 1, spaces=False), "auto"),
        "interval_s": (Number(MIN_POLL_INTERVAL_S, MAX_INTERVAL_S), DEFAULT_POLL_INTERVAL_S),
        "serial": (Text(MAX_NAME_LENGTH), ""),
        "model": (Text(MAX_NAME_LENGTH), ""),
        "parent": (Text(MAX_NAME_LENGTH), ""),
        "user": (Text(MAX_NAME_LENGTH), ""),
        "password": (Secret(MAX_PASSWORD_LENGTH), ""),
    }
)
"""Keys of a device beside `endpoint`. Without a device_id it is named by where it is."""

_SHORT_ENDPOINT = re.compile(
    r"(?:([a-z0-9_]+)://)?(\[[0-9A-Fa-f:.%]+\]|[^:/\[\]]+)(?::([0-9]{1,5}))?"
)


@dataclass(frozen=True, slots=True)
class Device:
    """A device as settings.json holds it; the endpoint may be short: `modbus_tcp://host:502`."""

    @property
    def words(self) -> str:
        """What it holds at least."""
        return "an object with an endpoint (host, port) and what else a device has"

    def take(self, value: object, at: str) -> DeviceConfig:
        """The device with its defaults filled in."""
        if not isinstance(value, Mapping):
            raise wrong(at, self.words, value)
        rest = {key: each for key, each in value.items() if key != "endpoint"}
        endpoint = _endpoint(value.get("endpoint"), f"{at}.endpoint")
        fields = _fields(DEVICE, rest, at)
        fields["device_id"] = (
            fields["device_id"]
            or (f"{endpoint.host.strip('[]')}-{endpoint.port}-{fields['unit_id']}")[
                :MAX_NAME_LENGTH
            ]
        )
        return DeviceConfig(endpoint=endpoint, **fields)


def _endpoint(value: object, at: str) -> Endpoint:
    if isinstance(value, str) and (short := _SHORT_ENDPOINT.fullmatch(value)):
        scheme, name, port = short.groups()
        value = {"scheme": scheme, "host": name.strip("[]"), "port": port and int(port)}
        value = {key: each for key, each in value.items() if each is not None}
    host = value.get("host") if isinstance(value, Mapping) else value
    if isinstance(host, str) and "@" in host:  # Perhaps a password, which no error may show.
        raise ValueError(f"{at} holds an @: an account is given as user and password of the device")
    if not isinstance(value, Mapping):
        raise wrong(at, "an object with host and port, or modbus_tcp://host:port", value)
    return Endpoint(**_fields(ENDPOINT, value, at))


def _fields(
    table: Mapping[str, tuple[Rule, object]], value: Mapping[Any, Any], at: str
) -> dict[str, Any]:
    for key in value:
        if key not in table:
            raise ValueError(f"{at} has no key {shown(key)}; it has {', '.join(table)}")
    fields: dict[str, Any] = {}
    for key, (rule, default) in table.items():
        if key not in value and default is None:
            raise ValueError(f"{at}.{key} is missing; it should be {rule.words}")
        fields[key] = rule.take(value[key], f"{at}.{key}") if key in value else default
    return fields


def device_document(device: DeviceConfig) -> dict[str, Any]:
    """A device as settings.json holds it; the reverse of `Device.take`."""
    document = dataclasses.asdict(device)
    for key in ("user", "password"):  # Earlier versions, to which a box may go back, know neither.
        if not document[key]:
            del document[key]
    return document


_RULES: Mapping[str, Rule] = {
    "name": Text(MAX_NAME_LENGTH),
    "api.host": Text(MAX_HOST_LENGTH, 1, spaces=False),
    "api.port": Whole(0, MAX_PORT),
    "api.access": OneOf(ACCESSES),
    "api.live_readings": Flag(),
    "api.tls": OneOf(TLS_CHOICES),
    "api.tls_port": Whole(0, MAX_PORT),
    "api.tls_certificate": Text(MAX_PATH_LENGTH),
    "api.tls_key": Text(MAX_PATH_LENGTH),
    "api.plain_http": Flag(),
    "api.announce": Flag(),
    "store.commit_interval_s": Number(MIN_INTERVAL_S, MAX_COMMIT_INTERVAL_S),
    "store.max_bytes": Whole(MIN_STORE_BYTES, MAX_STORE_BYTES),
    "store.max_age_days": Number(0.01, MAX_AGE_DAYS),
    "store.min_free_bytes": Whole(0, MAX_STORE_BYTES),
    "store.ballast_bytes": Whole(0, MAX_BALLAST_BYTES),
    "harvest.endpoints": ListOf(Url(), MAX_ENDPOINTS, lambda url: url, "addresses"),
    "harvest.interval_s": Number(MIN_INTERVAL_S, MAX_INTERVAL_S),
    "harvest.batch_records": Whole(1, MAX_BATCH_RECORDS),
    "harvest.timeout_s": Number(0.1, MAX_HARVEST_TIMEOUT_S),
    "harvest.history": Flag(),
    "control.raw_writes": Flag(),
    "bluetooth.legacy_apps": Flag(),
    "bluetooth.window_s": Number(MIN_WINDOW_S, MAX_WINDOW_S),
    "log.level": OneOf(LOG_LEVELS),
    "clock.trust": OneOf(CLOCK_TRUSTS),
    "devices": ListOf(Device(), MAX_DEVICES, lambda device: device.device_id, "devices"),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `path` is its keys in settings.json, joined by dots."""

    path: str
    rule: Rule
    default: Any

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return ENVIRONMENT_PREFIX + self.path.upper().replace(".", "_")


def _default(path: str) -> Any:
    value: Any = Configuration()
    for key in path.split("."):
        value = getattr(value, key)
    return value


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {path: Setting(path, rule, _default(path)) for path, rule in _RULES.items()}
)
"""Every setting by its path, in the order of the documentation."""

SECTIONS = frozenset(path.split(".")[0] for path in SETTINGS if "." in path)
"""The keys of settings.json that hold objects."""


def configuration_of(values: Mapping[str, Any]) -> Configuration:
    """A Configuration from taken values by path; what is absent has its default."""
    top: dict[str, Any] = {path: value for path, value in values.items() if "." not in path}
    base = Configuration()
    for section in SECTIONS:
        within = {
            path.split(".")[1]: value
            for path, value in values.items()
            if path.startswith(f"{section}.")
        }
        top[section] = dataclasses.replace(getattr(base, section), **within)
    return dataclasses.replace(base, **top)
