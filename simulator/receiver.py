"""An ingest endpoint on a real socket: takes signed deliveries, acknowledges, misbehaves on order.

    with Receiver() as receiver:
        print(receiver.url, receiver.stats())

It owns what becomes of a delivery: parsed, its signature checked, committed, and only then
answered. HTTP is spoken in `http_door.py`; what has come is kept by `ledger.py`.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

from simulator.envelope import Malformed, is_signed_by, load_key, parse, strict_json
from simulator.faults import Behaviour, Fate, Faults
from simulator.http_door import Answer, HttpDoor, Request
from simulator.keyring import KeyRing
from simulator.ledger import MAX_LISTED, KeyTaken, Ledger

log = logging.getLogger(__name__)

_HOW_TO_REGISTER = (
    'no public key is known for gateway {}; tell it with POST /register {{"device": "{}", '
    '"public_key": "<128 hex digits: x, then y>"}}, with --key {}=HEX at start, '
    "or start the receiver with --gateway URL"
)


@dataclass(slots=True)
class _Counts:
    """Refusals since the start."""

    deliveries: int = 0
    bad_signatures: int = 0
    unknown_keys: int = 0
    malformed: int = 0
    faults: int = 0


class Receiver:
    """The endpoint. Start it, or use it in a `with` block."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        store: Path | str | None = None,
        keys: Mapping[str, str] | None = None,
        gateway: str | None = None,
        seed: int = 0,
        behaviour: Behaviour | None = None,
    ) -> None:
        """`keys` maps gateway serials to public keys; `gateway` is a URL to ask for one."""
        self._lock = threading.Lock()
        self._faults = Faults(behaviour or Behaviour(), seed)
        self._counts = _Counts()
        self._stopping = threading.Event()
        self._door = HttpDoor(self._answer, lambda: self._faults.behaviour.bodies_max)
        self._wanted = (host, port)
        for public_key in (keys or {}).values():
            load_key(public_key)
        self._ledger = Ledger(None if store is None else Path(store))
        self._keys = KeyRing(self._ledger, gateway)
        try:
            for serial, public_key in (keys or {}).items():
                self.register(serial, public_key)
        except KeyTaken as taken:
            self._ledger.close()
            raise ValueError(f"the store knows another key for gateway {taken}") from None

    @property
    def url(self) -> str:
        """Where to deliver."""
        host, port = self._door.address
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def start(self) -> Self:
        """Listen; raises OSError when the port cannot be had."""
        try:
            self._door.start(*self._wanted)
        except OSError:
            self._ledger.close()
            raise
        return self

    def stop(self) -> None:
        """Stop listening, drop every client, close the store."""
        self._stopping.set()
        self._door.stop()
        self._ledger.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stats(self) -> dict[str, int]:
        """What came, and what was wrong with it."""
        with self._lock:
            counts = asdict(self._counts)
        return self._ledger.stats() | counts

    def behave(self, /, **changes: object) -> Behaviour:
        """Change status, fail, drop, lose_ack, delay_s or bodies_max while it runs."""
        return self._faults.change(**changes)

    def register(self, device: str, public_key: str) -> bool:
        """Learn a gateway's key; False if it was known already."""
        load_key(public_key)
        return self._ledger.learn_key(device.lower(), public_key)

    def identities(self) -> dict[str, dict[str, Any]]:
        """Per boot, the ranges of sequence numbers that came."""
        return self._ledger.identities()

    def conflicts(self) -> list[dict[str, Any]]:
        """Records that contradict what came first."""
        return self._ledger.conflicts()

    def records(self, serial: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """The newest records."""
        return self._ledger.records(serial, limit)

    def _answer(self, request: Request) -> Answer | None:
        """Answer a request, or None to close the connection without a word."""
        if request.method == "GET":
            return self._answer_get(request)
        if request.path == "/register":
            return self._answer_register(request)
        if request.path == "/behaviour":
            return self._answer_behaviour(request)
        return self._answer_delivery(request)

    def _answer_get(self, request: Request) -> Answer:
        if request.path == "/records":
            return self._answer_records(request)
        views: dict[str, Callable[[], object]] = {
            "/stats": self.stats,
            "/identities": self.identities,
            "/conflicts": self.conflicts,
            "/behaviour": lambda: asdict(self._faults.behaviour),
        }
        view = views.get(request.path)
        if view is None:
            pages = ", ".join(sorted([*views, "/records"]))
            return Answer(404, {"error": f"nothing here; POST delivers, and GET knows {pages}"})
        return Answer(200, view())

    def _answer_records(self, request: Request) -> Answer:
        query = parse_qs(request.query)
        limit = query.get("limit", ["100"])[-1]
        readable = limit.isascii() and limit.isdigit() and len(limit) < 10
        if not readable or not 1 <= int(limit) <= MAX_LISTED:
            return Answer(400, {"error": f"limit must be a number from 1 to {MAX_LISTED}"})
        return Answer(200, self.records(query.get("sn", [None])[-1], int(limit)))

    def _answer_register(self, request: Request) -> Answer:
        try:
            wanted = strict_json(request.body, "body")
            device, public_key = wanted.get("device"), wanted.get("public_key")
            if not isinstance(device, str) or not isinstance(public_key, str):
                raise ValueError("give device and public_key, both as text")
            fresh = self.register(device, public_key)
        except KeyTaken:
            return Answer(409, {"error": "another key is registered for this gateway"})
        except (Malformed, ValueError) as error:
            return Answer(400, {"error": str(error)})
        return Answer(200, {"device": device.lower(), "new": fresh})

    def _answer_behaviour(self, request: Request) -> Answer:
        if not request.from_loopback:
            return Answer(403, {"error": "behaviour is changed from this machine only"})
        try:
            behaviour = self.behave(**strict_json(request.body, "body"))
        except (Malformed, ValueError) as error:
            return Answer(400, {"error": str(error)})
        return Answer(200, asdict(behaviour))

    def _answer_delivery(self, request: Request) -> Answer | None:
        behaviour = self._faults.behaviour
        fate = self._faults.fate()
        self._count("deliveries")
        if behaviour.delay_s and self._stopping.wait(behaviour.delay_s):
            return None
        if fate is not Fate.TAKEN:
            self._count("faults")
        if fate is Fate.DROPPED:
            return None
        if fate is Fate.FAILED:
            return Answer(behaviour.status, {"error": "told to fail"})
        answer = self._take(request.body)
        return None if fate is Fate.ACK_LOST else answer

    def _take(self, body: bytes) -> Answer:
        try:
            envelope = parse(body)
        except Malformed as error:
            self._count("malformed")
            return Answer(400, {"error": str(error)})
        key = self._keys.key_of(envelope.gateway)
        if key is None:
            self._count("unknown_keys")
            serial = envelope.gateway
            return Answer(401, {"error": _HOW_TO_REGISTER.format(serial, serial, serial)})
        if not is_signed_by(envelope, key):
            self._count("bad_signatures")
            return Answer(401, {"error": "the signature is not from the registered key"})
        try:
            receipt = self._ledger.store(envelope)
        except sqlite3.Error as error:
            log.error("delivery not kept", extra={"gateway": envelope.gateway, "why": str(error)})
            return Answer(500, {"error": f"the delivery could not be kept: {error}"})
        return Answer(200, {"accepted": receipt.accepted, "duplicates": receipt.duplicates})

    def _count(self, name: str) -> None:
        with self._lock:
            setattr(self._counts, name, getattr(self._counts, name) + 1)
