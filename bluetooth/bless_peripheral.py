"""The Peripheral port on bless: for systems that have no BlueZ. On Linux `bluetooth.bluez` serves.

What bless can do, it does: services, reads, writes, notifications, and one advertisement with the
name and what the system adds. What it cannot, on macOS and Windows: several advertisements, service
data, telling who asks or that somebody left, sending anybody away, and answering with an error (a
refused read is empty there, a refused write vanishes). A channel that needs those must say so.

On BlueZ it runs too, with its faults mended (`bless_mending`), so that it can be tested against the
same contract. No system's library is imported before `open`.
"""

import asyncio
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, Protocol, TypeVar

from bluetooth.errors import AdapterMissing, BluetoothError, PeripheralLost, Refused
from bluetooth.gatt import Advertisement, Property, Service
from bluetooth.notifications import Notifications
from bluetooth.ports import Values
from bluetooth.served_values import ServedValues

log = logging.getLogger(__name__)

CALLBACK_TIMEOUT_S = 5.0
"""macOS and Windows ask on threads of their own; so long such a thread waits for the event loop."""

T = TypeVar("T")

Add = Callable[[Any, Sequence[Service]], Any]


class System(Protocol):
    """What bless stands on: where the operating systems differ."""

    async def prepare(self, left: Callable[[str], None]) -> dict[str, Any]:
        """Wait until it can serve; returns what BlessServer is to be made with beside its name.
        Raises AdapterMissing."""
        ...

    async def build(
        self, server: Any, services: Sequence[Service], served: ServedValues, add: Add
    ) -> None:
        """Have `server` serve; `await add(server, services)` adds them. Raises AdapterMissing."""
        ...

    async def advertise(self, server: Any, name: str) -> None:
        """Raises PeripheralLost."""
        ...

    async def silence(self, server: Any) -> None:
        """Raises PeripheralLost."""
        ...

    async def wait_lost(self) -> None:
        """Return when it can no longer serve."""
        ...

    def is_lost(self) -> bool:
        """Whether it can no longer serve."""
        ...

    async def notify(self, server: Any, service: str, uuid: str, value: bytes) -> None:
        """Returns when the system has taken it. Raises PeripheralLost, and what bless raises."""
        ...

    async def disconnect(self, client: str) -> None:
        """Never raises."""
        ...

    async def close(self) -> None:
        """Never raises."""
        ...


class PlainSystem:
    """macOS and Windows: bless as it is. Who asks is "", and nobody is said to leave."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()

    async def prepare(self, left: Callable[[str], None]) -> dict[str, Any]:
        """See System."""
        return {}

    async def build(
        self, server: Any, services: Sequence[Service], served: ServedValues, add: Add
    ) -> None:
        """See System."""
        loop = asyncio.get_running_loop()

        def read(characteristic: Any) -> bytearray:
            uuid = str(characteristic.uuid).lower()
            return on_loop(loop, lambda: bytearray(served.read("", uuid)), bytearray())

        def write(characteristic: Any, value: Any) -> None:
            uuid = str(characteristic.uuid).lower()
            on_loop(loop, lambda: served.write("", uuid, bytes(value)), None)

        server.read_request_func, server.write_request_func = read, write
        await add(server, services)

    async def advertise(self, server: Any, name: str) -> None:
        """See System."""
        server.name = name
        try:
            await server.start()
        except Exception as error:  # bless raises bare Exceptions and those of the system.
            raise PeripheralLost(f"bless cannot advertise: {error}") from error

    async def silence(self, server: Any) -> None:
        """See System."""
        try:
            await server.stop()
        except Exception as error:
            raise PeripheralLost(f"bless cannot stop: {error}") from error

    async def wait_lost(self) -> None:
        """See System. Nothing watches the adapter there: it returns at `close`."""
        await self._closed.wait()

    def is_lost(self) -> bool:
        """See System."""
        return self._closed.is_set()

    async def notify(self, server: Any, service: str, uuid: str, value: bytes) -> None:
        """See System."""
        # Not server.get_characteristic: bless raises IndexError there for what it has not.
        characteristic = server.get_service(service).get_characteristic(uuid)
        characteristic.value = bytearray(value)
        server.update_value(service, uuid)

    async def disconnect(self, client: str) -> None:
        """See System. There is no way."""

    async def close(self) -> None:
        """See System."""
        self._closed.set()


def on_loop(loop: asyncio.AbstractEventLoop, work: Callable[[], T], refused: T) -> T:
    """Do `work` on the event loop, from whatever thread; `refused` if it is Refused or late."""
    answer: list[T] = [refused]
    done = threading.Event()

    def run() -> None:
        try:
            answer[0] = work()
        except Refused as refusal:
            log.info("refused, which bless cannot say here", extra={"why": refusal.text})
        finally:
            done.set()

    try:
        if asyncio.get_running_loop() is loop:
            run()
            return answer[0]
    except RuntimeError:
        pass  # No loop runs on this thread: hand it over.
    loop.call_soon_threadsafe(run)
    if not done.wait(CALLBACK_TIMEOUT_S):
        log.warning("the event loop was too slow for a central")
        return refused
    return answer[0]


async def add_services(server: Any, services: Sequence[Service]) -> None:
    """Put `services` into a BlessServer."""
    from bless.backends.attribute import GATTAttributePermissions
    from bless.backends.characteristic import GATTCharacteristicProperties

    for service in services:
        await server.add_new_service(service.uuid)
        for added in service.characteristics:
            properties = GATTCharacteristicProperties(0)
            permissions = GATTAttributePermissions(0)
            for each in added.properties:
                properties |= GATTCharacteristicProperties[each.value.replace("-", "_")]
            if Property.READ in added.properties:
                permissions |= GATTAttributePermissions.readable
            if added.properties & {Property.WRITE, Property.WRITE_WITHOUT_RESPONSE}:
                permissions |= GATTAttributePermissions.writeable
            # A value of its own would be served from a cache on some systems, and never asked for.
            await server.add_new_characteristic(
                service.uuid, added.uuid, properties, None, permissions
            )


def _make_server(name: str, **options: Any) -> Any:
    bless: Any = import_module("bless")
    return bless.BlessServer(name=name, **options)


def system_here(adapter: str = "") -> System:
    """What this machine needs."""
    platform: str = sys.platform
    if platform == "linux":
        from bluetooth.bless_mending import MendedBluez

        return MendedBluez(adapter)
    return PlainSystem()


class BlessPeripheral:
    """`ports.Peripheral` on bless. `name` is advertised until an advertisement brings another."""

    def __init__(
        self,
        name: str = "Egret",
        adapter: str = "",
        make_system: Callable[[], System] | None = None,
        make_server: Callable[..., Any] = _make_server,
        add: Add = add_services,
    ) -> None:
        self._name = name
        self._make_system = make_system or partial(system_here, adapter)
        self._make_server = make_server
        self._add = add
        self._services: tuple[Service, ...] = ()
        self._served: ServedValues | None = None
        self._system: System | None = None
        self._server: Any = None
        self._sending: Advertisement | None = None
        self._notifications: Notifications | None = None
        self._service_of: dict[str, str] = {}
        self._changing = asyncio.Lock()

    async def open(self, services: Sequence[Service], values: Values) -> None:
        """See the port."""
        async with self._changing:
            is_open = self._system is not None and not self._system.is_lost()
            if is_open and self._served is not None and self._services == tuple(services):
                self._served.values = values
                return
            await self._stop()
            self._served, self._services = ServedValues(values), tuple(services)
            self._system = self._make_system()
            try:
                options = await self._system.prepare(self._served.left)
                self._server = self._make_server(self._name, **options)
                await self._system.build(self._server, services, self._served, self._add)
                self._service_of = {
                    one.uuid: each.uuid for each in services for one in each.characteristics
                }
                self._notifications = Notifications(self._send)
            except PeripheralLost as error:
                await self._stop()
                raise AdapterMissing(str(error)) from error
            except BaseException:
                await self._stop()
                raise

    async def advertise(self, advertisements: Sequence[Advertisement]) -> None:
        """See the port; of several only the first one's name counts, and no service data."""
        async with self._changing:
            system = self._system
            if system is None or system.is_lost():
                raise PeripheralLost("not open")
            wanted = advertisements[0] if advertisements else None
            if wanted == self._sending:
                return
            if self._sending is not None:
                self._sending = None
                await system.silence(self._server)
            if wanted is not None:
                await system.advertise(self._server, wanted.name or self._name)
                self._sending = wanted

    def notify(self, uuid: str, value: bytes) -> None:
        """See the port."""
        if self._notifications is not None and uuid in self._service_of:
            self._notifications.put(uuid, bytes(value))

    async def wait_lost(self) -> None:
        """See the port. Returns at once if it is not open."""
        if self._system is not None:
            await self._system.wait_lost()

    async def disconnect(self, client: str) -> None:
        """See the port."""
        if self._system is not None:
            await self._system.disconnect(client)

    async def close(self) -> None:
        """See the port."""
        async with self._changing:
            await self._stop()

    async def _send(self, uuid: str, value: bytes) -> None:
        system = self._system
        if system is None or system.is_lost():
            raise PeripheralLost("not open")
        try:
            await system.notify(self._server, self._service_of[uuid], uuid, value)
        except BluetoothError:
            raise
        except Exception as error:  # bless's, or its system's.
            raise BluetoothError(f"bless cannot notify: {error}") from error

    async def _stop(self) -> None:
        system, self._system = self._system, None
        server, self._server = self._server, None
        sending, self._sending = self._sending, None
        notifications, self._notifications = self._notifications, None
        if notifications is not None:
            await notifications.close()
        if system is None:
            return
        if server is not None and sending is not None and not system.is_lost():
            try:
                await system.silence(server)
            except PeripheralLost as lost:
                log.info("gone already", extra={"why": str(lost)})
        await system.close()
        if self._served is not None:
            self._served.all_left()
