"""The Peripheral port on BlueZ: joins bus, adapter, application and advertisements.

One connection to the message bus per `open`; when it ends, however it ends, bluetoothd takes back
all that was registered over it. Only bluetoothd is answered: a call from anybody else on the bus is
refused. The adapter's name is never touched, so there is nothing to put back.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from dbus_fast import Variant

from bluetooth import clock
from bluetooth.bluez import words
from bluetooth.bluez.adapter import BluezAdapter
from bluetooth.bluez.advertising import Advertiser
from bluetooth.bluez.application import ROOT, Application
from bluetooth.bluez.bus import Bus, Connect, DbusRefused, Heard, Reply, SystemBus
from bluetooth.errors import AdapterMissing, BluetoothError, PeripheralLost
from bluetooth.gatt import Advertisement, Service
from bluetooth.notifications import Notifications
from bluetooth.ports import Values, Wait
from bluetooth.served_values import ServedValues

log = logging.getLogger(__name__)

CLOSE_BUDGET_S = 3.0
"""For taking everything back in good order; ending the connection does it too."""


class _Serving:
    """What exists between one `open` and its `close`."""

    def __init__(
        self, bus: Bus, adapter_name: str, services: Sequence[Service], values: Values, wait: Wait
    ) -> None:
        self.bus = bus
        self.served = ServedValues(values)
        self.application = Application(services, self.served)
        self.adapter = BluezAdapter(bus, adapter_name, self.served.left)
        self.advertiser: Advertiser | None = None
        self._wait = wait
        self.notifications = Notifications(self._send)
        self._follower: asyncio.Task[None] | None = None
        bus.attend(self._answer, self.adapter.hear)

    async def start(self) -> None:
        """Raises AdapterMissing, PeripheralLost."""
        await self.adapter.wait_ready()
        self.advertiser = Advertiser(self.bus, self.adapter.path, self._wait)
        try:
            await self._manage("RegisterApplication", "oa{sv}", ROOT, {})
        except DbusRefused as refused:
            raise AdapterMissing(f"bluetoothd does not take our services: {refused}") from refused
        self._follower = asyncio.create_task(self._follow_bus())

    async def stop(self) -> None:
        """Take everything back. Never raises."""
        await self.notifications.close()
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)
        if self.advertiser is not None and not self.adapter.lost.is_set():
            with contextlib.suppress(BluetoothError, TimeoutError):
                async with asyncio.timeout(CLOSE_BUDGET_S):
                    await self.advertiser.close()
                    await self._manage("UnregisterApplication", "o", ROOT)
        elif self.advertiser is not None:
            self.advertiser.abandon()
        await self.bus.close()
        self.adapter.lost.set()
        self.served.all_left()

    async def _send(self, path: str, value: bytes) -> None:
        changed = {"Value": Variant("ay", value)}
        body: tuple[object, ...] = (words.CHARACTERISTIC, changed, [])
        await self.bus.emit(path, words.PROPERTIES, "PropertiesChanged", "sa{sv}as", body)

    async def _follow_bus(self) -> None:
        await self.bus.wait_closed()
        log.warning("the message bus ended")
        self.adapter.lost.set()

    def _answer(self, heard: Heard) -> Reply | None:
        if heard.sender != self.adapter.owner:
            raise DbusRefused(words.ACCESS_DENIED, "only bluetoothd is answered here")
        if self.advertiser is not None:
            reply = self.advertiser.answer(heard)
            if reply is not None:
                return reply
        return self.application.answer(heard)

    async def _manage(self, member: str, signature: str, *body: object) -> None:
        await self.bus.call(
            words.BLUEZ, self.adapter.path, words.GATT_MANAGER, member, signature, body
        )


class BluezPeripheral:
    """`ports.Peripheral` on bluetoothd.

    `adapter` as in `hci0`; "" is the first that can serve. `connect` makes the bus connection;
    `wait` lets time pass.
    A client is named by its object path, `/org/bluez/hci0/dev_AA_BB_CC_DD_EE_FF`.
    """

    def __init__(
        self,
        adapter: str = "",
        connect: Connect = SystemBus.connect,
        wait: Wait = clock.wait,
    ) -> None:
        self._adapter = adapter
        self._connect = connect
        self._wait = wait
        self._services: tuple[Service, ...] = ()
        self._serving: _Serving | None = None
        self._changing = asyncio.Lock()

    async def open(self, services: Sequence[Service], values: Values) -> None:
        """See the port. Waits READY_TIMEOUT_S for bluetoothd and the adapter, which it switches on.

        Raises AdapterMissing with what is missing, in words, and ValueError for two
        characteristics of one UUID.
        """
        async with self._changing:
            serving = self._serving
            if serving and self._services == tuple(services) and not serving.adapter.lost.is_set():
                serving.served.values = values
                return
            await self._stop()
            await self._start(tuple(services), values)

    async def advertise(self, advertisements: Sequence[Advertisement]) -> None:
        """See the port. Several are sent in turn, TURN_S each. Raises PeripheralLost."""
        serving = self._serving
        if serving is None or serving.advertiser is None or serving.adapter.lost.is_set():
            raise PeripheralLost("not open")
        await serving.advertiser.advertise(advertisements)

    def notify(self, uuid: str, value: bytes) -> None:
        """See the port. At most MAX_WAITING_NOTIFICATIONS wait; the oldest are dropped."""
        serving = self._serving
        path = serving.application.path_of(uuid) if serving else None
        if serving is None or path is None:
            log.debug("nobody to notify", extra={"uuid": uuid})
            return
        serving.notifications.put(path, bytes(value))

    async def wait_lost(self) -> None:
        """See the port. Returns at once if it is not open."""
        serving = self._serving
        if serving is not None:
            await serving.adapter.lost.wait()

    async def disconnect(self, client: str) -> None:
        """See the port."""
        serving = self._serving
        if serving is not None:
            await serving.adapter.disconnect(client)

    async def close(self) -> None:
        """See the port. Within CLOSE_BUDGET_S."""
        async with self._changing:
            await self._stop()

    async def _start(self, services: tuple[Service, ...], values: Values) -> None:
        bus = await self._connect()
        try:
            serving = _Serving(bus, self._adapter, services, values, self._wait)
        except BaseException:
            await bus.close()
            raise
        try:
            await serving.start()
        except PeripheralLost as error:
            await serving.stop()
            raise AdapterMissing(f"bluetoothd went away again: {error}") from error
        except BaseException:
            await serving.stop()
            raise
        self._serving, self._services = serving, services

    async def _stop(self) -> None:
        serving, self._serving = self._serving, None
        if serving is not None:
            await serving.stop()
