"""The radio: one air, and everything in it. The way in for tests with and without pytest.

    async def main() -> None:
        async with Radio(seed=1) as radio:
            lamp = await radio.peripheral("Lamp", [service(LAMP, characteristic(STATE, "read"))])
            phone = await radio.central()
            session = await phone.connect(await phone.find(name="Lamp"))
            print(await session.read(STATE))

It runs on any event loop; on a VirtualLoop no time passes while it waits.
"""

import asyncio
import random
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from bumble import hci

from virtual_radio import host
from virtual_radio.adverts import Advert, Beacon, Kind
from virtual_radio.air import Air
from virtual_radio.capture import Capture
from virtual_radio.central import Central
from virtual_radio.controller import RadioController
from virtual_radio.gatt import VirtualService
from virtual_radio.h4 import Attachment
from virtual_radio.handlers import HANDLERS, silence
from virtual_radio.peripheral import Peripheral, advertising_data, name_data

BEACON_INTERVAL_S = 0.1
MAX_BEACONS = 10_000
"""Their addresses count in two bytes, and no test needs more."""
MAX_CENTRALS = 3
"""Whom a peripheral lets in at the same time, if it is not told otherwise."""

Who = str | hci.Address | RadioController | Central | Peripheral | Beacon
"""Anybody in the air: an address as text, or the thing itself."""


class Radio:
    """One air, and everything in it. Nothing in one radio is heard in another."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.air = Air(self.random)
        self.capture = Capture()
        """What went over every controller's HCI."""
        self._beacons: list[Beacon] = []
        self._attachments: list[Attachment] = []
        self._centrals: list[Central] = []
        self._peripherals: list[Peripheral] = []
        self._numbers = 0

    # ---- who is there ------------------------------------------------------------------------

    def controller(
        self, name: str | None = None, public_address: str | None = None
    ) -> RadioController:
        """A controller with no host yet. Call it while the event loop runs."""
        number = self._number()
        text = public_address or f"00:AA:01:00:{number >> 8:02X}:{number & 255:02X}"
        address = hci.Address(text, hci.Address.PUBLIC_DEVICE_ADDRESS)
        return RadioController(name or f"hci{number}", self.air, self.capture, address, HANDLERS)

    def attach_h4(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        name: str | None = None,
        public_address: str | None = None,
    ) -> Attachment:
        """A controller whose host is at the other end of a stream of bytes: a guest's serial port,
        a unix socket, /dev/vhci. Closed with the radio; the stream too."""
        attachment = Attachment(self.controller(name, public_address), reader, writer)
        self._attachments.append(attachment)
        return attachment

    async def central(self, name: str = "central", address: str | None = None) -> Central:
        """A central that is up."""
        controller = self.controller(name)
        own = hci.Address(address or self._random_address(0xC1))
        central = Central(await host.start(name, own, controller), controller, self.air)
        self._centrals.append(central)
        return central

    async def peripheral(
        self,
        name: str = "peripheral",
        services: Iterable[VirtualService] = (),
        *,
        address: str | None = None,
        advertise: bool = True,
        max_centrals: int = MAX_CENTRALS,
    ) -> Peripheral:
        """A peripheral that is up and, unless told otherwise, advertises its first service, with
        its name in the scan response."""
        served = list(services)
        controller = self.controller(name)
        own = hci.Address(address or self._random_address(0xF0))
        device = await host.start(name, own, controller)
        peripheral = Peripheral(device, controller, max_centrals)
        self._peripherals.append(peripheral)
        peripheral.serve(served)
        if advertise:
            data = advertising_data([each.uuid for each in served[:1]])
            await peripheral.advertise(data, name_data(name))
        return peripheral

    def advertisers(
        self, count: int, interval_s: float = BEACON_INTERVAL_S, name: str = "Beacon"
    ) -> list[Beacon]:
        """So many advertisers that only advertise: Beacon 0, Beacon 1... Raises ValueError."""
        first = len(self._beacons)
        if first + count > MAX_BEACONS:
            raise ValueError(f"at most {MAX_BEACONS} advertisers fit into one radio")
        made = [
            Beacon(
                Advert(
                    hci.Address(f"F1:00:00:00:{each >> 8:02X}:{each & 255:02X}"),
                    Kind.SCANNABLE,
                    advertising_data(),
                    name_data(f"{name} {each}"),
                ),
                interval_s,
                self.air.advertise,
                self.random,
            )
            for each in range(first, first + count)
        ]
        self._beacons += made
        for beacon in made:
            beacon.start()
        return made

    def remove(self, who: RadioController) -> None:
        """Its power is gone: its peers find out after the supervision timeout."""
        silence(who)
        self.air.leave(who)

    # ---- what happens to them ----------------------------------------------------------------

    @property
    def loss(self) -> float:
        """Share of packets lost, 0 to 1. Lost adverts are gone; data is sent again."""
        return self.air.loss

    @loss.setter
    def loss(self, share: float) -> None:
        self.air.loss = share

    @property
    def latency_s(self) -> float:
        """How long every packet is under way, in seconds."""
        return self.air.latency_s

    @latency_s.setter
    def latency_s(self, seconds: float) -> None:
        self.air.latency_s = seconds

    def out_of_range(self, who: Who) -> None:
        """Nobody hears it, it hears nobody; connections end after their supervision timeout."""
        self.air.move(address_of(who), away=True)

    def in_range(self, who: Who) -> None:
        """It is back; what was sent meanwhile arrives, if the connection still lives."""
        self.air.move(address_of(who), away=False)

    def refuse(self, who: Who, status: int | None) -> None:
        """Connections to it fail with this status of HCI; None: no longer."""
        key = bytes(address_of(who))
        if status is None:
            self.air.refusals.pop(key, None)
        else:
            self.air.refusals[key] = status

    def hear_at(self, who: Who, rssi_dbm: int) -> None:
        """How loud others hear it."""
        self.air.rssi_dbm[bytes(address_of(who))] = rssi_dbm

    # ---- the end -----------------------------------------------------------------------------

    async def close(self) -> None:
        """Silence: every timer and task of the radio ends. Idempotent."""
        for beacon in self._beacons:
            beacon.stop()
        for peripheral in self._peripherals:
            await peripheral.close()
        for attachment in self._attachments:
            await attachment.close()
        for controller in list(self.air.controllers):
            if isinstance(controller, RadioController):
                self.remove(controller)
        self.air.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers - 1

    def _random_address(self, first: int) -> str:
        number = self._numbers
        return f"{first:02X}:00:00:00:{number >> 8:02X}:{number & 255:02X}"


def address_of(who: Who) -> hci.Address:
    """The address under which somebody is in the air."""
    match who:
        case str():
            return hci.Address(who)
        case hci.Address():
            return who
        case RadioController():
            return who.public_address
        case Central():
            return who.device.random_address
        case Peripheral():
            return who.bumble_address
        case Beacon():
            return who.address
