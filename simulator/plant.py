"""A virtual plant on real sockets: one inverter, its model of the world, and its doors.

It runs in a thread of its own, so that a test or a script can hold it in a `with` block:

    with VirtualPlant(model="sh10rt", doors={"modbus": 0}, speed=60) as plant:
        print(plant.doors["modbus"], plant.truth())

Every door shows the same plant at the same moment; how it misbehaves is in `troubles`.
"""

import asyncio
import logging
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

from simulator.behaviour import Condition
from simulator.clock import Clock, ManualClock, RunningClock, utc_s
from simulator.door import MODBUS
from simulator.door_settings import DoorSettings
from simulator.doors import Doors, Ports
from simulator.models import Model, model_named
from simulator.physics import Moment, Physics
from simulator.plant_face import PlantFace
from simulator.trouble import Quirk, Troubles

log = logging.getLogger(__name__)

TICK_S = 0.2
"""How often the model is walked on while nobody asks, so that no request has to catch up."""

LEAP_SLICE_S = 600.0
"""Plant seconds of one slice of a leap: some milliseconds of walking."""

START_TIMEOUT_S = 30.0
"""Opening a port takes milliseconds; a thread that needs longer is not coming."""

STOP_TIMEOUT_S = 10.0
"""Closing takes one turn of the loop; after this the thread is left to die with the process."""

WH_S = 3600
"""Watt seconds of a watt hour."""


class VirtualPlant:
    """One inverter behind its doors. Start it, or use it in a `with` block."""

    def __init__(
        self,
        model: str | Model = "sh10rt",
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
        doors: Mapping[str, Ports] | None = None,
        quirks: Iterable[Quirk] = (),
        door_settings: DoorSettings | None = None,
    ) -> None:
        """`start_s` is plant time in epoch seconds, now if not given; a `clock` overrides both.

        `doors` names each door's port, or ports; without it there is one Modbus door on `port`.
        """
        self.model = model if isinstance(model, Model) else model_named(model)
        self.serial = serial or self.model.serial(seed)
        self.unit_id = unit_id
        self.clock = clock or RunningClock(utc_s() if start_s is None else start_s, speed)
        began_s = self.clock.now_s()
        self.troubles = Troubles(seed, lambda: self.clock.now_s() - began_s)
        for quirk in quirks:
            self.troubles.switch(quirk)
        physics = Physics(self.model.site(latitude_deg), seed, began_s)
        self.face = PlantFace(self.model, self.serial, physics, self.clock, self.troubles, unit_id)
        asked = {MODBUS: port} if doors is None else doors
        self._doors = Doors(asked, host, self.face, self.troubles, door_settings or DoorSettings())
        self.host = host
        """The host it listens on."""
        self._shut_out = False
        """Whether somebody else has one of its ports, now that it wants to return."""
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None

    @property
    def doors(self) -> dict[str, str]:
        """Door -> `host:port`, or `host:http:websocket` for the classic dongle."""
        return self._doors.addresses

    @property
    def port(self) -> int:
        """The port of the Modbus door; the real one where 0 was asked for."""
        return self._doors.named(MODBUS).ports[0]

    @property
    def address(self) -> str:
        """`host:port` of the Modbus door."""
        return self._doors.named(MODBUS).address

    @property
    def requests(self) -> int:
        """Requests understood so far, at all doors that count them."""
        return self._doors.requests

    @property
    def connections(self) -> int:
        """Clients connected now, at all doors that count them."""
        return self._doors.connections

    @property
    def door_settings(self) -> DoorSettings:
        """How the doors treat those who come."""
        return self._doors.settings

    def set_doors(self, /, **changes: object) -> DoorSettings:
        """Treat them otherwise from now on; see `DoorSettings`. Raises ValueError."""
        return self._doors.set(**changes)

    def door(self, name: str) -> Any:
        """The door itself, for what only that one can do; raises ValueError."""
        return self._doors.named(name).door

    def moment(self) -> Moment:
        """Everything there is to see of the plant now."""
        return self.face.moment()

    def advance(self, seconds: float) -> None:
        """Leap forward in plant time, in slices, so that no door waits for the model to walk."""
        if not isinstance(self.clock, RunningClock | ManualClock):
            raise ValueError("this plant's clock cannot be advanced")
        if not seconds >= 0:
            raise ValueError("plant time never goes back")
        while seconds > 0:
            self.clock.advance(min(seconds, LEAP_SLICE_S))
            self.face.tick()
            seconds -= LEAP_SLICE_S

    def behave(self, /, **changes: object) -> Condition:
        """Fault, derate, stand by or spend the night otherwise; see `behaviour.changed`."""
        return self.face.behave(**changes)

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
        """Open the doors; raises OSError when a port cannot be had, ValueError for a bad setting.

        A plant that was stopped opens at the addresses it had, and time has gone on meanwhile.
        """
        opened: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(opened,), name="virtual-plant", daemon=True
        )
        self._thread.start()
        opened.result(START_TIMEOUT_S)
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

    def _run(self, opened: Future[None]) -> None:
        try:
            asyncio.run(self._serve(opened))
        finally:
            if not opened.done():
                opened.set_exception(RuntimeError("the plant did not open; its thread says why"))

    async def _serve(self, opened: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._leave = asyncio.Event()
        try:
            await self._doors.open()
        except (OSError, ValueError) as refusal:
            opened.set_exception(refusal)
            return
        opened.set_result(None)
        log.info("plant open", extra={"device": self.serial, "doors": self.doors})
        there = True
        while not self._leave.is_set():
            self.face.tick()
            there = await self._come_and_go(there)
            try:
                async with asyncio.timeout(TICK_S):
                    await self._leave.wait()
            except TimeoutError:
                continue
        await self._doors.close()

    async def _come_and_go(self, there: bool) -> bool:
        """Close the doors when the device leaves the network, and open them when it returns."""
        if there == (not self.face.gone):
            return there
        if there:
            log.info("device leaves", extra={"device": self.serial})
            await self._doors.close()
            return False
        try:
            await self._doors.open()
        except OSError as refusal:
            if not self._shut_out:
                log.warning("port taken", extra={"device": self.serial, "error": str(refusal)})
            self._shut_out = True
            return False
        log.info("device returns", extra={"device": self.serial})
        self._shut_out = False
        return True
