"""A pytest plugin: virtual plants for the tests of any client, one line to use.

    pytest_plugins = ["simulator.pytest_plugin"]

    def test_my_client(virtual_plant):
        plant = virtual_plant("sh10rt", doors=["modbus"])
        door = plant.connection("modbus")
        assert MyClient(door.host, door.port).power() == plant.truth()["pv_power"]

It owns starting, stopping and saying where to connect; what a plant does is `plant.py`. Tests that
import nothing of pytest may use `PlantUnderTest` alone, in a `with` block.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import pytest

from simulator.clock import ManualClock
from simulator.door import MODBUS, WINET
from simulator.doors import at
from simulator.face import INVERTER
from simulator.plant import VirtualPlant
from simulator.trouble import Order, quirk_named, trouble_named

SOLAR_NOON_S = 1_782_043_200.0
"""2026-06-21 12:00, where a plant under test stands still: sun in every string."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Where one door is, and what is behind it."""

    door: str
    host: str
    port: int
    websocket_port: int | None
    """The classic dongle's second port; None at every other door."""
    unit_id: int
    serial: str
    model: str
    type_code: int

    @property
    def address(self) -> str:
        """`host:port`, or `host:port:websocket_port`."""
        return at(self.host, *(p for p in (self.port, self.websocket_port) if p is not None))


class PlantUnderTest:
    """A plant for a test: time stands still until `advance`, and the same arguments, same plant."""

    def __init__(
        self,
        model: str = "sh10rt",
        *,
        doors: Iterable[str] = (MODBUS,),
        quirks: Iterable[str] = (),
        seed: int = 0,
        start_s: float = SOLAR_NOON_S,
        **options: Any,
    ) -> None:
        """`options` go to `VirtualPlant`. Every port is a free one."""
        wanted: dict[str, int | tuple[int, int]] = {
            door: (0, 0) if door == WINET else 0 for door in doors
        }
        self.plant = VirtualPlant(
            model,
            doors=wanted,
            quirks=tuple(quirk_named(quirk) for quirk in quirks),
            seed=seed,
            **{"clock": ManualClock(start_s), **options},
        )

    @property
    def connections(self) -> Mapping[str, Connection]:
        """Every open door by name."""
        return {door: self._connection(door, at) for door, at in self.plant.doors.items()}

    def connection(self, door: str = MODBUS) -> Connection:
        """Where one door is; raises KeyError, naming the doors, when the plant has it not."""
        found = self.connections
        if door not in found:
            raise KeyError(f"no door {door!r}; this plant has: {', '.join(found)}")
        return found[door]

    def truth(self) -> dict[str, float | int]:
        """What every reading is to be compared with: W, Wh, Hz, °C, shares of 1."""
        return self.plant.truth()

    def words(self, first: int, count: int, space: str = "input", door: str = MODBUS) -> list[int]:
        """The registers from document address `first` on, as the inverter shows them now."""
        return list(self.plant.face.read(door, self._unit(door), space, first - 1, count))

    def advance(self, seconds: float) -> None:
        """Let plant time go on."""
        self.plant.advance(seconds)

    def misbehave(self, trouble: str, door: str = "", rate: float = 1.0, value: float = 0.0) -> int:
        """Let a trouble befall requests from now on; returns the id for `behave`."""
        return self.plant.troubles.set(
            Order(trouble_named(trouble), door=door, rate=rate, value=value)
        )

    def behave(self, number: int | None = None) -> None:
        """End one trouble, or all."""
        self.plant.troubles.clear(number)

    def quirk(self, name: str, on: bool = True) -> None:
        """Turn a quirk of real firmware on or off."""
        self.plant.troubles.switch(quirk_named(name), on)

    def start(self) -> Self:
        """Open the doors; after `stop` at the addresses they had, like a device that returns."""
        self.plant.start()
        return self

    def stop(self) -> None:
        """Close the doors and drop every client."""
        self.plant.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _unit(self, door: str) -> int:
        """The inverter's number at this door."""
        units = self.plant.face.units(door)
        return next(unit for unit, kind in units.items() if kind == INVERTER)

    def _connection(self, door: str, address: str) -> Connection:
        ends = 2 if door == WINET else 1
        host, *ports = address.rsplit(":", ends)
        return Connection(
            door=door,
            host=host.strip("[]"),
            port=int(ports[0]),
            websocket_port=int(ports[1]) if door == WINET else None,
            unit_id=self._unit(door),
            serial=self.plant.serial,
            model=self.plant.model.name,
            type_code=self.plant.model.type_code,
        )


class StartPlant(Protocol):
    """What the fixture `virtual_plant` is: a plant, started, and stopped with the test."""

    def __call__(self, model: str = "sh10rt", **options: Any) -> PlantUnderTest: ...


@pytest.fixture
def virtual_plant() -> Iterator[StartPlant]:
    """Start virtual plants on free ports: `virtual_plant("sh10rt", doors=["modbus"])`."""
    with ExitStack() as stack:

        def start(model: str = "sh10rt", **options: Any) -> PlantUnderTest:
            return stack.enter_context(PlantUnderTest(model, **options))

        yield start
