"""What a controller does with the advertisements that it hears: reports, filters, connects.

Two lists decide: the duplicates of this scan, and the accept list of the host.
"""

from bumble import hci
from bumble.controller import Controller

from virtual_radio.adverts import CONNECTABLE, SCANNABLE, Advert, Advertiser, Kind
from virtual_radio.air import Air
from virtual_radio.connection import End, join

ACCEPT_LIST_SIZE = 8
"""Entries of the accept list."""
MAX_DUPLICATES = 512
"""Reports that the duplicates filter remembers; what comes later is reported again and again, as
real controllers do, which remember fewer."""

Pending = hci.HCI_LE_Create_Connection_Command


class Receiver:
    """The ear of one controller."""

    def __init__(self, controller: Controller, air: Air) -> None:
        self.accept_list: list[hci.Address] = []
        self._controller = controller
        self._air = air
        self._heard: set[tuple[bytes, Kind]] = set()

    @property
    def controller(self) -> Controller:
        """Whose ear it is."""
        return self._controller

    @property
    def listening(self) -> bool:
        """Whether advertisements mean anything now."""
        return self._controller.le_scan_enable or self._pending is not None

    @property
    def _pending(self) -> Pending | None:
        pending = self._controller.pending_le_connection
        assert not isinstance(pending, hci.HCI_LE_Extended_Create_Connection_Command)
        return pending

    def forget(self) -> None:
        """A new scan begins: everybody is new."""
        self._heard.clear()

    def hear(self, advert: Advert) -> None:
        """An advertisement has arrived."""
        own = (self._controller.random_address, self._controller.public_address)
        if advert.target is not None and advert.target not in own:
            return
        if self._controller.le_scan_enable:
            self._report(advert, advert.kind, advert.data)
            if self._controller.le_scan_type and advert.kind in SCANNABLE:
                self._report(advert, Kind.SCAN_RESPONSE, advert.scan_response)
        pending = self._pending
        if pending and advert.kind in CONNECTABLE and self._wanted(pending, advert.address):
            self._connect(pending, advert.address)

    def fail(self, status: int) -> None:
        """End the waiting for a peer, if the host still waits."""
        pending, self._controller.pending_le_connection = self._pending, None
        if pending is not None:
            self._controller.send_hci_packet(_complete(status, 0, None, pending))

    def _report(self, advert: Advert, kind: Kind, data: bytes) -> None:
        if self._controller.le_scanning_filter_policy & 1:
            if advert.address not in self.accept_list:
                return
        key = (bytes(advert.address), kind)
        if self._controller.filter_duplicates and key in self._heard:
            return
        if len(self._heard) < MAX_DUPLICATES:
            self._heard.add(key)
        report = hci.HCI_LE_Advertising_Report_Event.Report(
            event_type=hci.HCI_LE_Advertising_Report_Event.EventType(kind),
            address_type=advert.address.address_type,
            address=advert.address,
            data=data,
            rssi=self._air.rssi(advert.address),
        )
        self._controller.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))

    def _wanted(self, pending: Pending, address: hci.Address) -> bool:
        if pending.initiator_filter_policy:
            return address in self.accept_list and address not in self._controller.le_connections
        return address == pending.peer_address

    def _connect(self, pending: Pending, address: hci.Address) -> None:
        peer = next((each for each in self._air.controllers if _offers(each, address)), None)
        if peer is None:
            return
        refused = self._air.refusals.get(bytes(address))
        if refused is not None:
            self.fail(refused)
            return
        public = pending.own_address_type == hci.OwnAddressType.PUBLIC
        own = self._controller.public_address if public else self._controller.random_address
        if own in peer.le_connections:
            return  # it still believes in an older connection with us, and takes no second one
        link = join(
            self._air,
            ((self._controller, hci.Role.CENTRAL, own), (peer, hci.Role.PERIPHERAL, address)),
            pending.connection_interval_max,
            pending.supervision_timeout,
        )
        self._controller.pending_le_connection = None
        self._air.keep(link)
        peer.le_legacy_advertiser.stop()
        for end in link.ends:
            end.controller.le_connections[end.peer_address] = end
            end.controller.send_hci_packet(_complete(0, end.handle, end, pending))


def _offers(controller: Controller, address: hci.Address) -> bool:
    advertiser = controller.le_legacy_advertiser
    return (
        isinstance(advertiser, Advertiser)
        and advertiser.enabled
        and advertiser.address == address
        and advertiser.advert().kind in CONNECTABLE
    )


def _complete(
    status: int, handle: int, end: End | None, asked: Pending
) -> hci.HCI_LE_Connection_Complete_Event:
    return hci.HCI_LE_Connection_Complete_Event(
        status=status,
        connection_handle=handle,
        role=end.role if end else hci.Role.CENTRAL,
        peer_address_type=(end.peer_address if end else asked.peer_address).address_type,
        peer_address=end.peer_address if end else asked.peer_address,
        connection_interval=asked.connection_interval_max if end else 0,
        peripheral_latency=asked.max_latency if end else 0,
        supervision_timeout=asked.supervision_timeout if end else 0,
        central_clock_accuracy=0,
    )
