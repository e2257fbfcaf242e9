"""A connection in the air: two ends, a queue in each direction, and the supervision timeout.

What is sent arrives in order and whole, as the link layer promises: a lost packet is sent again
one connection interval later, and so is all that is sent out of range, until both ends give the
connection up after the supervision timeout (Bluetooth Core 5.3, Vol 6, Part B, 4.5.2 and 4.5.9).
Refuses to know what the packets mean.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from bumble import hci, ll
from bumble.controller import Connection, Controller
from bumble.core import PhysicalTransport

MAX_UNDER_WAY = 64
"""Packets of one direction that the controller keeps: the credits it gives to its host."""

INTERVAL_UNIT_S = 0.00125
"""Of connection intervals (Vol 4, Part E, 7.8.12)."""
TIMEOUT_UNIT_S = 0.01
"""Of supervision timeouts (Vol 4, Part E, 7.8.12)."""

OVERFLOW = hci.HCI_DATA_BUFFER_OVERFLOW_EVENT
ACL = b"\x01"
"""Event and link type for a host that sends more than it has credits for (7.7.26)."""

SAME_TIME_S = 1e-6
"""Two times that lie closer together are the same: sums of seconds are not exact."""

Deliver = Callable[[], None]


class Weather(Protocol):
    """What the air does to packets."""

    @property
    def latency_s(self) -> float:
        """How long a packet is under way."""
        ...

    def loses(self) -> bool:
        """Whether the packet that is sent now is lost."""
        ...

    def cut(self, one: "End", other: "End") -> bool:
        """Whether nothing at all passes between two ends."""
        ...


class Lane:
    """What is under way in one direction."""

    def __init__(self, weather: Weather, link: "Link") -> None:
        self._weather = weather
        self._link = link
        self._waiting: deque[tuple[float, Deliver]] = deque()  # bounded by MAX_UNDER_WAY
        self._handle: asyncio.Handle | None = None

    def send(self, deliver: Deliver) -> bool:
        """Have `deliver` called when the packet has arrived; False if too many are under way."""
        if len(self._waiting) >= MAX_UNDER_WAY:
            return False
        now_s = asyncio.get_running_loop().time()
        self._waiting.append((now_s + self._weather.latency_s, deliver))
        if self._handle is None:
            self._wake_at(self._waiting[0][0])
        return True

    def close(self) -> None:
        """Forget all that is under way. Idempotent."""
        self._waiting.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _wake_at(self, due_s: float) -> None:
        loop = asyncio.get_running_loop()
        if due_s <= loop.time() + SAME_TIME_S:
            self._handle = loop.call_soon(self._pump)
        else:
            self._handle = loop.call_at(due_s, self._pump)

    def _pump(self) -> None:
        self._handle = None
        now_s = asyncio.get_running_loop().time()
        while self._waiting and self._waiting[0][0] <= now_s + SAME_TIME_S:
            if self._link.cut or self._weather.loses():
                self._wake_at(now_s + self._link.interval_s)
                return
            self._waiting.popleft()[1]()
        if self._waiting and self._handle is None:
            self._wake_at(self._waiting[0][0])


class Link:
    """What two ends share."""

    def __init__(self, weather: Weather, interval_units: int, timeout_units: int) -> None:
        self.interval_s = 0.0
        self.timeout_s = 0.0
        self.ends: tuple[End, ...] = ()
        self._weather = weather
        self._timer: asyncio.TimerHandle | None = None
        self.update(interval_units, timeout_units)

    @property
    def cut(self) -> bool:
        """Nothing passes: out of range, or one end fell silent without a word."""
        return any(end.silent for end in self.ends) or self._weather.cut(*self.ends)

    @property
    def over(self) -> bool:
        """Neither end believes in the connection any longer."""
        return not any(end.alive for end in self.ends)

    def update(self, interval_units: int, timeout_units: int) -> None:
        """Take over new connection parameters, in the units of HCI."""
        self.interval_s = interval_units * INTERVAL_UNIT_S
        self.timeout_s = timeout_units * TIMEOUT_UNIT_S

    def review(self) -> None:
        """Something has changed: start or stop the supervision timer."""
        if self.over or not self.cut:
            self._stop_timer()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.timeout_s, self._give_up)
        if self.over:
            self.close()

    def close(self) -> None:
        """Nothing is under way any more. Idempotent."""
        self._stop_timer()
        for end in self.ends:
            end.lane.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        for end in self.ends:
            if end.alive:
                end.controller.on_le_disconnected(end, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)


class End(Connection):
    """One controller's end of a connection."""

    def __init__(
        self,
        controller: Controller,
        role: hci.Role,
        addresses: tuple[hci.Address, hci.Address],
        shared: Link,
        weather: Weather,
    ) -> None:
        """`addresses` are our own and the peer's."""
        self.shared = shared
        self.lane = Lane(weather, shared)
        self.alive = True
        self.silent = False
        self._sent = False
        super().__init__(
            controller=controller,
            handle=controller.allocate_connection_handle(),
            role=role,
            self_address=addresses[0],
            peer_address=addresses[1],
            link=controller.link,
            transport=PhysicalTransport.LE,
            link_type=hci.HCI_Connection_Complete_Event.LinkType.ACL,
        )

    @property
    def other(self) -> "End":
        """The peer's end."""
        one, two = self.shared.ends
        return two if one is self else one

    def on_hci_acl_data_packet(self, packet: hci.HCI_AclDataPacket) -> None:
        """From our host. Its credit returns when the peer has it, as from a real controller; that
        of a fragment in the middle returns at once, so that a long packet cannot lock itself."""
        self._sent = False
        self.assembler.feed_packet(packet)
        if not self._sent:
            self._give_credit()

    def on_acl_pdu(self, pdu: bytes) -> None:
        """A whole L2CAP packet from our host."""

        def deliver() -> None:
            if self.alive:
                self._give_credit()
            if self.other.alive:
                self.other.receive(pdu)

        self._sent = self.lane.send(deliver)
        if not self._sent:
            self.controller.send_hci_packet(hci.HCI_Event(event_code=OVERFLOW, parameters=ACL))

    def send_ll_control_pdu(self, packet: ll.ControlPdu) -> None:
        """Behind all data that was sent before."""

        def deliver() -> None:
            if self.other.alive:
                self.other.controller.on_ll_control_pdu(self.self_address, packet)

        self.lane.send(deliver)

    def receive(self, pdu: bytes) -> None:
        """From the peer, to our host, in as many pieces as a packet of this controller needs."""
        size = self.controller.le_acl_data_packet_length
        for begin in range(0, len(pdu) or 1, size):
            piece = pdu[begin : begin + size]
            self.controller.send_hci_packet(
                hci.HCI_AclDataPacket(self.handle, 1 if begin else 2, 0, len(piece), piece)
            )

    def _give_credit(self) -> None:
        self.controller.send_hci_packet(
            hci.HCI_Number_Of_Completed_Packets_Event(
                connection_handles=[self.handle], num_completed_packets=[1]
            )
        )


def join(
    weather: Weather,
    ends: Iterable[tuple[Controller, hci.Role, hci.Address]],
    interval_units: int,
    timeout_units: int,
) -> Link:
    """Connect two controllers, each with its role and the address that it uses."""
    link = Link(weather, interval_units, timeout_units)
    one, two = ends
    link.ends = (
        End(one[0], one[1], (one[2], two[2]), link, weather),
        End(two[0], two[1], (two[2], one[2]), link, weather),
    )
    return link
