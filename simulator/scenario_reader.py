"""Asks a gateway over HTTP what it shows of the plants: `GET /api/snapshot`, and nothing else.

It owns the request and the reading of the answer, which is another program's: whatever it is, it
becomes readings or a `ReaderError` in words.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

CONNECT_TIMEOUT_S = 3.0
"""For a connection on the same machine or in the same house."""

ANSWER_TIMEOUT_S = 5.0
"""A gateway answers reads from memory; one that needs longer is not well."""

MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""The largest snapshot: a hundred devices take about half a megabyte."""

MAX_UTC_MS = 1 << 53
"""Beyond this a time is no time; JSON loses integers there, too."""


class ReaderError(Exception):
    """The reader cannot be asked, or answers what nobody understands."""


@dataclass(frozen=True, slots=True)
class Read:
    """The last reading of one device: where it is read, and when by the world's clock."""

    host: str
    port: int
    taken_utc_s: float | None
    values: Mapping[str, object]


class Reader(Protocol):
    """Somebody who reads plants and shows what it read."""

    def readings(self) -> Sequence[Read]:
        """The last reading of every device; raises ReaderError."""


class Gateway:
    """A gateway by its URL."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no gateway; write it like http://127.0.0.1:8080")
        self._url = f"{url.rstrip('/')}/api/snapshot"

    def readings(self) -> Sequence[Read]:
        """As `Reader.readings`."""
        try:
            raw = self._fetched()
        except (requests.RequestException, HTTPError, OSError) as error:
            raise ReaderError(f"{self._url} does not answer: {error}") from None
        return read_snapshot(raw)

    def _fetched(self) -> bytes:
        patience_s = (CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S)
        with requests.Session() as web:
            web.trust_env = False  # A gateway in the house is not asked through a proxy.
            with web.get(self._url, timeout=patience_s, stream=True) as answer:
                answer.raise_for_status()
                return read_bounded(
                    self._url, lambda most: answer.raw.read(most, decode_content=True)
                )


def read_bounded(url: str, read: Callable[[int], bytes]) -> bytes:
    """All that `read` gives, which is asked for at most so many bytes; raises ReaderError."""
    raw = read(MAX_ANSWER_BYTES + 1)
    if len(raw) > MAX_ANSWER_BYTES:
        raise ReaderError(f"{url} answers more than {MAX_ANSWER_BYTES} bytes")
    return raw


def read_snapshot(raw: bytes) -> tuple[Read, ...]:
    """The readings in a snapshot; raises ReaderError."""
    try:
        snapshot = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ReaderError(f"the snapshot is no JSON: {error}") from None
    devices = snapshot.get("devices") if isinstance(snapshot, dict) else None
    if not isinstance(devices, list):
        raise ReaderError("the snapshot has no list of devices")
    return tuple(_read(device) for device in devices)


def _read(device: object) -> Read:
    endpoint = _inside(_inside(device, "config"), "endpoint")
    host, port = endpoint.get("host"), endpoint.get("port")
    if not isinstance(host, str) or isinstance(port, bool) or not isinstance(port, int):
        raise ReaderError("a device of the snapshot has no host and port")
    assert isinstance(device, dict)
    if device.get("latest") is None:
        return Read(host, port, None, {})
    latest = _inside(device, "latest")
    taken_ms = latest.get("taken_at_ms")
    if isinstance(taken_ms, bool) or not isinstance(taken_ms, int):
        raise ReaderError("a reading of the snapshot has no taken_at_ms")
    if not 0 <= taken_ms <= MAX_UTC_MS:
        raise ReaderError("a reading of the snapshot has an impossible taken_at_ms")
    return Read(host, port, taken_ms / 1000, _inside(latest, "values"))


def _inside(table: object, key: str) -> dict[str, Any]:
    value = table.get(key) if isinstance(table, dict) else None
    if not isinstance(value, dict):
        raise ReaderError(f"the snapshot has no {key} where one belongs")
    return value
