"""What every door sees of the plant: units, registers, the moment and the time.

It owns the seam between doors and plant, and knows neither sockets nor registers' meaning.

Rules. Every door shows the same plant: two reads at one moment, through whichever doors, agree.
Calls come from any thread and never wait for anything but a lock held for microseconds.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from simulator.models import Model
from simulator.physics import Moment

INVERTER = "inverter"
BATTERY = "battery"

INPUT: Literal["input"] = "input"
HOLDING: Literal["holding"] = "holding"


class Face(Protocol):
    """The plant as a door sees it. Addresses are wire addresses (document address - 1)."""

    @property
    def model(self) -> Model:
        """Which inverter it is."""

    @property
    def serial(self) -> str:
        """The inverter's serial number."""

    def units(self, door: str) -> Mapping[int, str]:
        """Unit id -> "inverter" or "battery", as this door numbers them."""

    def read(self, door: str, unit: int, space: str, first: int, count: int) -> Sequence[int]:
        """Words of the space "input" or "holding"; raises `modbus_pdu.Refused`."""

    def write(self, door: str, unit: int, first: int, words: Sequence[int]) -> None:
        """Write holding registers, all or none; raises `modbus_pdu.Refused`."""

    def moment(self) -> Moment:
        """Everything there is to see of the plant now."""

    def now_s(self) -> float:
        """Plant time in seconds of the Unix epoch."""
