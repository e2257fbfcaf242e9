"""A virtual plant on real sockets: one inverter, its model of the world, and its doors.

It runs in a thread of its own, so that a test or a script can hold it in a `with` block:

    with VirtualPlant(model="sh10rt", speed=60) as plant:
        print(plant.address, plant.truth())
"""

import asyncio
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from simulator.clock import Clock, RunningClock, utc_s
from simulator.modbus_server import ModbusServer
from simulator.models import model_named
from simulator.physics import Moment, Orders, Physics
from simulator.sungrow import SungrowInverter

log = logging.getLogger(__name__)

TICK_S = 0.2
"""How often the model is walked on while nobody asks, so that no request has to catch up."""

START_TIMEOUT_S = 30.0
"""Opening a port takes milliseconds; a thread that needs longer is not coming."""

STOP_TIMEOUT_S = 10.0
"""Closing takes one turn of the loop; after this the thread is left to die with the process."""

WH_S = 3600
"""Watt seconds of a watt hour."""


class _Guarded:
    """The inverter behind one lock: doors read on the plant's thread, `truth()` on any."""

    def __init__(self, physics: Physics, clock: Clock, model: str, serial: str) -> None:
        self.lock = threading.RLock()
        self._physics = physics
        self._clock = clock
        self._seen = physics.moment()
        self.inverter = SungrowInverter(model_named(model), serial, self.moment, self._obey)

    def moment(self) -> Moment:
        """The plant now; the same value until the next step."""
        with self.lock:
            if self._physics.advance_to(self._clock.now_s()):
                self._seen = self._physics.moment()
            return self._seen

    def _obey(self, orders: Orders) -> None:
        self._physics.orders = orders

    def read_input(self, first: int, count: int) -> Sequence[int]:
        with self.lock:
            return self.inverter.read_input(first, count)

    def read_holding(self, first: int, count: int) -> Sequence[int]:
        with self.lock:
            return self.inverter.read_holding(first, count)

    def write(self, first: int, words: Sequence[int]) -> None:
        with self.lock:
            self.inverter.write(first, words)

    def tick(self) -> None:
        with self.lock:
            self.inverter.tick()


class VirtualPlant:
    """One inverter on Modbus TCP. Start it, or use it in a `with` block."""

    def __init__(
        self,
        model: str = "sh10rt",
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        speed: float = 1.0,
        seed: int = 0,
        start_s: float | None = None,
        unit_id: int = 1,
        serial: str | None = None,
        latitude_deg: float = 48.0,
        clock: Clock | None = None,
    ) -> None:
        """`start_s` is plant time in epoch seconds, now if not given; a `clock` overrides both."""
        self.model = model_named(model)
        self.serial = serial or self.model.serial(seed)
        self.unit_id = unit_id
        self._clock = clock or RunningClock(utc_s() if start_s is None else start_s, speed)
        physics = Physics(self.model.site(latitude_deg), seed, self._clock.now_s())
        self._guarded = _Guarded(physics, self._clock, self.model.key, self.serial)
        self._server = ModbusServer(self._guarded, unit_id)
        self._bound = (host, port)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None

    @property
    def host(self) -> str:
        """The host it listens on."""
        return self._bound[0]

    @property
    def port(self) -> int:
        """The port it listens on; the real one where 0 was asked for."""
        return self._bound[1]

    @property
    def address(self) -> str:
        """`host:port` of the Modbus door."""
        return f"{self.host}:{self.port}"

    @property
    def requests(self) -> int:
        """Modbus requests answered so far."""
        return self._server.requests

    @property
    def connections(self) -> int:
        """Modbus clients connected now."""
        return self._server.connections

    def moment(self) -> Moment:
        """Everything there is to see of the plant now."""
        return self._guarded.moment()

    def truth(self) -> dict[str, float | int]:
        """The physical truth now: W, Wh, °C and shares of 1; discharge and import positive."""
        moment = self.moment()
        truth: dict[str, float | int] = {
            "time_s": moment.time_s,
            "pv_power": moment.flow.pv_w,
            "battery_power": moment.flow.battery_w,
            "grid_power": moment.flow.grid_w,
            "load_power": moment.flow.load_w,
            "battery_soc": moment.soc,
            "battery_temperature": moment.battery_c,
            "inverter_temperature": moment.inverter_c,
            "frequency": moment.frequency_hz,
        }
        for name in moment.total.__slots__:
            truth[f"{name}_energy_total"] = getattr(moment.total, name) / WH_S
            truth[f"{name}_energy_today"] = getattr(moment.today, name) / WH_S
        return truth

    def start(self) -> Self:
        """Open the doors; raises OSError when the port cannot be had.

        A plant that was stopped opens at the address it had, and time has gone on meanwhile.
        """
        opened: Future[tuple[str, int]] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(opened,), name="virtual-plant", daemon=True
        )
        self._thread.start()
        self._bound = opened.result(START_TIMEOUT_S)
        return self

    def stop(self) -> None:
        """Close the doors and drop every client."""
        loop, leave, thread = self._loop, self._leave, self._thread
        if loop is None or leave is None or thread is None or not thread.is_alive():
            return
        loop.call_soon_threadsafe(leave.set)
        thread.join(STOP_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self, opened: Future[tuple[str, int]]) -> None:
        asyncio.run(self._serve(opened))

    async def _serve(self, opened: Future[tuple[str, int]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._leave = asyncio.Event()
        try:
            bound = await self._server.start(*self._bound)
        except OSError as refusal:
            opened.set_exception(refusal)
            return
        opened.set_result(bound)
        log.info("plant open", extra={"device": self.serial, "port": bound[1]})
        while not self._leave.is_set():
            self._guarded.tick()
            try:
                async with asyncio.timeout(TICK_S):
                    await self._leave.wait()
            except TimeoutError:
                continue
        await self._server.close()
