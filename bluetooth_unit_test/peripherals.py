"""A peripheral without a radio, that passes the contract of the real ones."""

import asyncio
import itertools
from collections.abc import Sequence

from bluetooth.errors import AdapterMissing, PeripheralLost, Refused
from bluetooth.gatt import Advertisement, Service
from bluetooth.ports import Values
from bluetooth.served_values import ServedValues
from bluetooth_unit_test.contracts.peripheral import AttRefused


class FakeCentral:
    """A phone that is connected to it."""

    def __init__(self, peripheral: "FakePeripheral", client: str, mtu: int) -> None:
        self.client = client
        self._peripheral = peripheral
        self._mtu = mtu
        self._heard: dict[str, asyncio.Queue[bytes]] = {}
        self.gone = asyncio.Event()

    def services(self) -> Sequence[str]:
        """UUIDs of the services; all are primary."""
        return [each.uuid for each in self._peripheral.services]

    async def read(self, uuid: str) -> bytes:
        """A value, in as many reads as it takes. Raises AttRefused."""
        value = part = await self.read_part(uuid, 0)
        while len(part) == self._mtu - 1:
            part = await self.read_part(uuid, len(value))
            value += part
        return value

    async def read_part(self, uuid: str, offset: int) -> bytes:
        """One read. Raises AttRefused."""
        try:
            return self._served().read(self.client, uuid, offset)[: self._mtu - 1]
        except Refused as refused:
            raise AttRefused(refused.code) from refused

    async def write(self, uuid: str, value: bytes) -> None:
        """With response. Raises AttRefused."""
        try:
            self._served().write(self.client, uuid, value)
        except Refused as refused:
            raise AttRefused(refused.code) from refused

    async def subscribe(self, uuid: str) -> "asyncio.Queue[bytes]":
        """Where notifications arrive from now on."""
        return self._heard.setdefault(uuid, asyncio.Queue())  # A test reads what it waits for.

    async def leave(self) -> None:
        """Disconnect."""
        self._peripheral.gone(self)

    async def wait_sent_away(self) -> None:
        """Return when it is no longer connected."""
        await self.gone.wait()

    def hear(self, uuid: str, value: bytes) -> None:
        """A notification arrives, cut as the radio cuts it."""
        if uuid in self._heard:
            self._heard[uuid].put_nowait(value[: self._mtu - 3])

    def _served(self) -> ServedValues:
        if self.gone.is_set() or self._peripheral.served is None:
            raise ConnectionError("the connection is gone")
        return self._peripheral.served


class FakePeripheral:
    """`ports.Peripheral` in memory."""

    def __init__(self) -> None:
        self.missing = ""
        """Why it cannot be opened; "" when it can."""
        self.opened = 0
        """How often it was."""
        self.closed = 0
        self.advertised: tuple[Advertisement, ...] = ()
        self.services: tuple[Service, ...] = ()
        self.served: ServedValues | None = None
        self.centrals: dict[str, FakeCentral] = {}
        self.notified: list[tuple[str, bytes]] = []
        """All that was sent, whether anybody subscribed or not."""
        self._lost = asyncio.Event()
        self._numbers = itertools.count(1)

    async def open(self, services: Sequence[Service], values: Values) -> None:
        """See the port."""
        if self.missing:
            raise AdapterMissing(self.missing)
        if self.served is not None:
            self.served.values = values
            return
        self.opened += 1
        self._lost.clear()
        self.services = tuple(services)
        self.served = ServedValues(values)

    async def advertise(self, advertisements: Sequence[Advertisement]) -> None:
        """See the port."""
        if self.served is None:
            raise PeripheralLost("not open")
        self.advertised = tuple(advertisements)

    def notify(self, uuid: str, value: bytes) -> None:
        """See the port."""
        self.notified.append((uuid, value))
        for central in list(self.centrals.values()):
            central.hear(uuid, value)

    async def wait_lost(self) -> None:
        """See the port."""
        if self.served is not None:
            await self._lost.wait()

    async def disconnect(self, client: str) -> None:
        """See the port."""
        central = self.centrals.get(client)
        if central is not None:
            self.gone(central)

    async def close(self) -> None:
        """See the port."""
        self.closed += 1
        self.lose()

    def connect(self, mtu: int = 247) -> FakeCentral:
        """A phone connects."""
        central = FakeCentral(self, f"phone {next(self._numbers)}", mtu)
        self.centrals[central.client] = central
        return central

    def gone(self, central: FakeCentral) -> None:
        """A phone is no longer connected."""
        central.gone.set()
        if self.centrals.pop(central.client, None) is not None and self.served is not None:
            self.served.left(central.client)

    def lose(self) -> None:
        """bluetoothd goes."""
        served, self.served = self.served, None
        for central in list(self.centrals.values()):
            central.gone.set()
        self.centrals.clear()
        self.advertised, self.services = (), ()
        if served is not None:
            served.all_left()
        self._lost.set()


class FakeStage:
    """The fake, for the contract."""

    def __init__(self) -> None:
        self.peripheral = FakePeripheral()

    async def visit(self, mtu: int = 23) -> FakeCentral:
        """A new central, connected."""
        return self.peripheral.connect(mtu)

    async def hear(self, service_uuid: str) -> Advertisement | None:
        """What is in the air for this service."""
        for advertisement in self.peripheral.advertised:
            if service_uuid in advertisement.service_uuids:
                return advertisement
        return None

    async def lose(self) -> None:
        """bluetoothd goes."""
        self.peripheral.lose()

    async def restore(self) -> None:
        """It is back."""
