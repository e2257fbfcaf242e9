"""Dongles for tests: a plant that stands still, a door on a loop of its own, and its clients."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import requests
from websockets.sync.client import ClientConnection, connect

from simulator.clock import ManualClock
from simulator.plant import VirtualPlant
from simulator.trouble import Order, Trouble
from simulator.winet_door import WEBSOCKET_PATH, WinetDoor
from simulator.winet_sessions import Rules

NOON_S = 1_782_043_200
"""2026-06-21 12:00: sun in every string."""

TIMEOUT_S = 10.0
"""A client's patience where an answer is awaited."""

SHORT_S = 0.15
"""A client's patience where none will come; the plant is on the same machine."""


@dataclass
class Loop:
    """An event loop in a thread of its own, as a plant has one."""

    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def run(self, work: Any) -> Any:
        """The result of a coroutine that runs there."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(TIMEOUT_S)

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(TIMEOUT_S)
        self.loop.close()


@dataclass
class Classic:
    """A classic dongle in front of a plant, and ways to ask it."""

    plant: VirtualPlant
    door: WinetDoor
    clock: ManualClock
    loop: Loop
    http_port: int = 0
    ws_port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def order(self, trouble: Trouble, value: float = 0.0) -> int:
        """Let a trouble befall every request from now on."""
        return self.plant.troubles.set(Order(trouble, value=value))

    def shut(self) -> None:
        """Close the door; a second time does no harm."""
        self.loop.run(self.door.close())

    def open_another(self, http_port: int, ws_port: int) -> None:
        """Open a second door of the same plant on these ports."""
        other = WinetDoor(self.plant.face, self.plant.troubles)
        self.loop.run(other.open("127.0.0.1", http_port, ws_port))

    @contextmanager
    def socket(self) -> Iterator[ClientConnection]:
        """A websocket."""
        url = f"ws://127.0.0.1:{self.ws_port}{WEBSOCKET_PATH}"
        with connect(url, open_timeout=TIMEOUT_S, close_timeout=TIMEOUT_S) as socket:
            yield socket

    def param(self, token: str, timeout_s: float = TIMEOUT_S, **changes: Any) -> requests.Response:
        """GET /device/getParam as SungrowModbusWebClient asks it."""
        asked: dict[str, Any] = {
            "dev_id": 1,
            "dev_type": 35,
            "dev_code": 3587,
            "type": 3,
            "param_addr": 5000,
            "param_num": 2,
            "param_type": 0,
            "token": token,
            "lang": "en_us",
            "time123456": NOON_S,
        }
        asked.update(changes)
        return requests.get(f"{self.url}/device/getParam", params=asked, timeout=timeout_s)


@contextmanager
def classic(model: str = "sh10rt", rules: Rules | None = None) -> Iterator[Classic]:
    """A classic dongle on free ports."""
    clock = ManualClock(NOON_S)
    plant = VirtualPlant(model, clock=clock)
    door = WinetDoor(plant.face, plant.troubles, rules)
    with Loop() as loop:
        http_port, ws_port = loop.run(door.open("127.0.0.1", 0, 0))
        try:
            yield Classic(plant, door, clock, loop, http_port, ws_port)
        finally:
            loop.run(door.close())


def ask(socket: ClientConnection, **asked: Any) -> Any:
    """Send one message and take one."""
    socket.send(json.dumps(asked))
    return json.loads(socket.recv(timeout=TIMEOUT_S))


def token_of(socket: ClientConnection) -> str:
    """Connect, as every client begins."""
    reply = ask(socket, lang="en_us", token="", service="connect")
    return str(reply["result_data"]["token"])
