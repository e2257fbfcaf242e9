"""Who hears whom: range, loss, latency, and the delivery of advertisements to those that listen.

The air replaces Bumble's bus. It keeps controllers in a list, because the order of a set depends
on where objects lie in memory and no run would be like another. Knows nothing of HCI.
"""

import asyncio
import random

from bumble import core, hci, lmp
from bumble.controller import Controller
from bumble.link import LocalLink

from virtual_radio.adverts import Advert
from virtual_radio.connection import End, Link
from virtual_radio.listener import Listener

RSSI_DBM = -50
"""Signal strength of whoever was given none: nothing is modelled, near is near."""


class Air(LocalLink):
    """What lies between all controllers of one radio."""

    controllers: list[Controller]  # type: ignore[assignment]  # see above: order matters

    def __init__(self, source: random.Random) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Bumble's
        self.controllers = []
        self.random = source
        self.latency_s = 0.0
        self.rssi_dbm: dict[bytes, int] = {}
        self.refusals: dict[bytes, int] = {}
        """By address: the status with which connections to it fail."""
        self._loss = 0.0
        self._away: set[bytes] = set()
        self._listeners: list[Listener] = []
        self._links: list[Link] = []

    @property
    def loss(self) -> float:
        """Share of the packets that are lost, 0 to 1; 1 cuts every connection."""
        return self._loss

    @loss.setter
    def loss(self, share: float) -> None:
        if not 0 <= share <= 1:
            raise ValueError(f"a loss of {share} is no share: give 0 to 1")
        self._loss = share
        self._review()

    def move(self, address: hci.Address, away: bool) -> None:
        """Take somebody out of everybody's range, or bring them back."""
        if away:
            self._away.add(bytes(address))
        else:
            self._away.discard(bytes(address))
        self._review()

    def is_away(self, controller: Controller) -> bool:
        """Whether one of its addresses is out of range."""
        addresses = {bytes(controller.public_address), bytes(controller.random_address)}
        addresses |= {bytes(each.self_address) for each in controller.le_connections.values()}
        return not self._away.isdisjoint(addresses)

    def loses(self) -> bool:
        """Whether the packet that is sent now is lost."""
        return self._loss > 0 and self.random.random() < self._loss

    def cut(self, one: End, other: End) -> bool:
        """Whether nothing passes between the ends of a connection."""
        return self._loss >= 1 or any(
            bytes(end.self_address) in self._away or self.is_away(end.controller)
            for end in (one, other)
        )

    def add_controller(self, controller: Controller) -> None:
        """It is in the air from now on."""
        self.controllers.append(controller)

    def listen(self, listener: Listener) -> None:
        """From now on it hears adverts, whenever it says that it is listening."""
        self._listeners.append(listener)

    def leave(self, controller: Controller) -> None:
        """Its power is gone: it says no word, and its peers find out by themselves."""
        if controller in self.controllers:
            self.controllers.remove(controller)
        self._listeners = [each for each in self._listeners if each.controller is not controller]

    def close(self) -> None:
        """Forget every connection and what is under way in it."""
        for link in self._links:
            link.close()
        self._links.clear()

    def advertise(self, advert: Advert, sender: object) -> None:
        """Deliver to whoever listens now and is in range."""
        if bytes(advert.address) in self._away:
            return
        if isinstance(sender, Controller) and self.is_away(sender):
            return
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            if listener.controller is sender or not listener.listening:
                continue
            if self.is_away(listener.controller) or self.loses():
                continue
            if self.latency_s:
                loop.call_later(self.latency_s, listener.hear, advert)
            else:
                loop.call_soon(listener.hear, advert)

    def rssi(self, address: hci.Address) -> int:
        """How loud somebody is, in dBm."""
        return self.rssi_dbm.get(bytes(address), RSSI_DBM)

    def keep(self, link: Link) -> None:
        """Tell this connection when range or loss change."""
        self._links = [each for each in self._links if not each.over]
        self._links.append(link)

    def owner(self, address: str) -> hci.Address | None:
        """The address, with its kind, of whoever uses it; None if nobody here does."""
        wanted = hci.Address(address)
        for controller in self.controllers:
            for own in (controller.random_address, controller.public_address):
                if bytes(own) == bytes(wanted):
                    return own
        return None

    def send_lmp_packet(
        self, sender_controller: Controller, receiver_address: hci.Address, packet: lmp.Packet
    ) -> None:
        """There is no BR/EDR in this air."""
        raise core.InvalidArgumentError("this radio has no BR/EDR")

    def _review(self) -> None:
        for link in self._links:
            link.review()
