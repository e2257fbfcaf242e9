"""The doors a plant can have: one line each. Adding one is adding a line.

A door is imported only when a plant has it, so that a plant of plain Modbus needs no web server.
Each class takes `(face, troubles)`, and what `door_settings` has for it.
"""

import asyncio
import importlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.door_settings import DoorSettings, changed
from simulator.door import ENCRYPTED, MODBUS, WINET, WINET_TLS
from simulator.face import Face
from simulator.latecomers import settled
from simulator.trouble import Troubles

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 5.0
"""One door that cannot close must not keep the others open, nor the plant from stopping."""

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
        usual = ":".join(map(str, DEFAULT_PORTS[name]))
        ports_wanted = "two ports" if wanted == 2 else "one port"
        raise ValueError(f"door {name} has {ports_wanted}, like {usual}; not {len(spelled)}")
    if any(not 0 <= port <= 65535 for port in spelled):
        raise ValueError(f"door {name}: a port is a number from 0 to 65535")
    return spelled


class CannotOpenError(OSError):
    """A door's port cannot be had."""

    door = ""
    host = ""
    ports: tuple[int, ...] = ()


def cannot_open(refusal: OSError, door: str, host: str, ports: tuple[int, ...]) -> CannotOpenError:
    """The same refusal, with the door that it befell."""
    error = CannotOpenError(refusal.errno, refusal.strerror or str(refusal))
    error.door, error.host, error.ports = door, host, ports
    return error


def at(host: str, *ports: int) -> str:
    """`host:port` with every port, an IPv6 address in brackets."""
    return ":".join([f"[{host}]" if ":" in host else host, *map(str, ports)])


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
        return at(self.host, *self.ports)

    async def open(self) -> None:
        """Listen; a door that was open before opens where it was."""
        try:
            bound = await self.door.open(self.host, *self.ports)
        except OSError as refusal:
            if refusal.filename is not None:
                raise  # Not of a port but of a file, which it names.
            raise cannot_open(refusal, self.name, self.host, self.ports) from refusal
        self.ports = (bound,) if isinstance(bound, int) else tuple(bound)

    async def close(self) -> None:
        """Close the door and all that goes through it."""
        await self.door.close()


class Doors:
    """The doors of one plant: opened and closed together, and set together."""

    def __init__(
        self,
        asked: Mapping[str, Ports],
        host: str,
        face: Face,
        troubles: Troubles,
        settings: DoorSettings,
    ) -> None:
        """Those asked for, still closed, in the order of the table; raises ValueError."""
        wanted = {name: ports_of(name, ports) for name, ports in asked.items()}
        self.settings = settings
        self._opened = {
            name: OpenDoor(_made(name, face, troubles, settings), host, wanted[name])
            for name in DOORS
            if name in wanted
        }

    @property
    def addresses(self) -> dict[str, str]:
        """Door -> `host:port`, or `host:http:websocket` for the classic dongle."""
        return {name: opened.address for name, opened in self._opened.items()}

    @property
    def requests(self) -> int:
        """Requests understood so far, at all doors that count them."""
        return sum(getattr(each.door, "requests", 0) for each in self._opened.values())

    @property
    def connections(self) -> int:
        """Clients connected now, at all doors that count them."""
        return sum(getattr(each.door, "connections", 0) for each in self._opened.values())

    def named(self, name: str) -> OpenDoor:
        """One of them; raises ValueError."""
        opened = self._opened.get(name)
        if opened is None:
            raise ValueError(f"this plant has no {name} door; it has: {', '.join(self._opened)}")
        return opened

    def add(self, opened: OpenDoor) -> None:
        """One more, of whatever kind."""
        self._opened[opened.name] = opened

    def set(self, /, **changes: Any) -> DoorSettings:
        """Treat those who come otherwise from now on; raises ValueError and changes nothing."""
        if "certificate_folder" in changes:
            raise ValueError("certificate_folder is set at the start alone")
        self.settings = changed(self.settings, changes)
        for opened in self._opened.values():
            self.settings.impose(opened.door)
        return self.settings

    async def open(self) -> None:
        """Open every door, or none; raises OSError."""
        try:
            for opened in self._opened.values():
                await opened.open()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close every door, those that were never open too."""
        await asyncio.gather(*(_closed(opened) for opened in self._opened.values()))
        await settled()


async def _closed(opened: OpenDoor) -> None:
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await opened.close()
    except TimeoutError:
        log.warning("a door does not close", extra={"door": opened.name, "at": opened.address})


def _made(name: str, face: Face, troubles: Troubles, settings: DoorSettings) -> Any:
    module, _, kind = DOORS[name].partition(":")
    made = getattr(importlib.import_module(module), kind)
    return made(face, troubles, **settings.at_birth(name))
