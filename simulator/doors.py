"""The doors a plant can have: one line each. Adding one is adding a line.

A door is imported only when a plant has it, so that a plant of plain Modbus needs no web server.
Each class takes `(face, troubles)`.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.door import ENCRYPTED, MODBUS, WINET, WINET_TLS
from simulator.face import Face
from simulator.trouble import Troubles

DOORS: dict[str, str] = {
    MODBUS: "simulator.modbus_server:ModbusDoor",
    ENCRYPTED: "simulator.encrypted_door:EncryptedDoor",
    WINET: "simulator.winet_door:WinetDoor",
    WINET_TLS: "simulator.winet_door:WinetTlsDoor",
}
"""Name -> module and class."""

DEFAULT_PORTS: dict[str, tuple[int, ...]] = {
    MODBUS: (5020,),
    ENCRYPTED: (5021,),
    WINET: (10080, 18082),
    WINET_TLS: (8443,),
}
"""The ports of each door where none is given: as many as it has.

The dongle's two are as far apart as 80 and 8082, by which a client may find one by the other, and
neither is 8080, where a gateway often serves its own page."""

Ports = int | tuple[int, ...]


def ports_of(name: str, ports: Ports) -> tuple[int, ...]:
    """A door's ports as a tuple of the right length; raises ValueError."""
    if name not in DOORS:
        raise ValueError(f"no door {name!r}; there are: {', '.join(DOORS)}")
    spelled = (ports,) if isinstance(ports, int) else tuple(ports)
    wanted = len(DEFAULT_PORTS[name])
    if len(spelled) != wanted:
        raise ValueError(f"door {name} has {wanted} port(s), not {len(spelled)}")
    if any(not 0 <= port <= 65535 for port in spelled):
        raise ValueError(f"door {name}: a port is a number from 0 to 65535")
    return spelled


class CannotOpenError(OSError):
    """A door's port cannot be had."""

    door = ""
    ports: tuple[int, ...] = ()


def cannot_open(refusal: OSError, door: str, ports: tuple[int, ...]) -> CannotOpenError:
    """The same refusal, with the door that it befell."""
    error = CannotOpenError(refusal.errno, refusal.strerror or str(refusal))
    error.door, error.ports = door, ports
    return error


@dataclass(slots=True)
class OpenDoor:
    """A door and where it is: the ports asked for until it is open, the real ones from then on."""

    door: Any
    host: str
    ports: tuple[int, ...]

    @property
    def name(self) -> str:
        """The door's name."""
        return str(self.door.name)

    @property
    def address(self) -> str:
        """`host:port`, with every port it has."""
        return ":".join([self.host, *map(str, self.ports)])

    async def open(self) -> None:
        """Listen; a door that was open before opens where it was."""
        try:
            bound = await self.door.open(self.host, *self.ports)
        except OSError as refusal:
            raise cannot_open(refusal, self.name, self.ports) from refusal
        self.ports = (bound,) if isinstance(bound, int) else tuple(bound)

    async def close(self) -> None:
        """Close the door and all that goes through it."""
        await self.door.close()


def build(
    asked: Mapping[str, Ports], host: str, face: Face, troubles: Troubles
) -> dict[str, OpenDoor]:
    """The doors asked for, still closed, in the order of the table."""
    wanted = {name: ports_of(name, ports) for name, ports in asked.items()}
    return {
        name: _build(name, host, wanted[name], face, troubles) for name in DOORS if name in wanted
    }


def _build(
    name: str, host: str, ports: tuple[int, ...], face: Face, troubles: Troubles
) -> OpenDoor:
    module, _, kind = DOORS[name].partition(":")
    door = getattr(importlib.import_module(module), kind)(face, troubles)
    return OpenDoor(door, host, ports)
