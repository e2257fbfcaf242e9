"""A Bluetooth LE controller: HCI packets in, HCI packets out, the air on the other side.

Bumble's controller, with what a host under test needs and that one lacks put right: parameters are
checked, unknown commands are answered, a reset resets, a pending connection can be cancelled,
duplicates and the accept list are heeded, scan responses are an advertiser's own, connections obey
range and supervision timeout, and anything may fail on purpose. No input makes it stop answering.
Encryption is Bumble's; radio channels, PHYs and signal strength are not modelled.
"""

import asyncio
import logging
import struct
from collections import deque
from collections.abc import Callable, Mapping

from bumble import core, hci
from bumble.controller import Controller

from virtual_radio.adverts import Advertiser
from virtual_radio.air import Air
from virtual_radio.capture import Capture, Packet
from virtual_radio.commands import (
    INVALID,
    KNOWN,
    MASKED_FEATURES,
    UNKNOWN,
    fixed_length,
    refusal,
)
from virtual_radio.connection import End
from virtual_radio.faults import FaultTable, Hang, decide
from virtual_radio.receiver import ACCEPT_LIST_SIZE, Receiver

logger = logging.getLogger(__name__)

ACL_BYTES = 251
"""Of one ACL packet, as with the data length extension (Vol 6, Part B, 4.5.10)."""
SENSELESS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    struct.error,
    core.BaseBumbleError,
)
"""What Bumble's parsers and handlers raise at bytes that make no sense."""
MAX_OPCODES = 10_000
"""Commands that are remembered: a guest sends them all day."""
COMMAND_HEAD_BYTES = 4
"""Indicator, opcode, length."""
_FROM_HOSTS = (bytes([hci.HCI_COMMAND_PACKET]), bytes([hci.HCI_ACL_DATA_PACKET]))
LOST_SYNC = 0x01
"""Code of the hardware error event for bytes that are no packet; the codes are a vendor's own."""


class RadioController(Controller):
    """One controller in the air. Make it with `Radio.controller()`."""

    hci_version = hci.HCI_VERSION_BLUETOOTH_CORE_5_0
    supported_commands = Controller.supported_commands & KNOWN
    le_features = Controller.le_features & ~MASKED_FEATURES
    le_acl_data_packet_length = ACL_BYTES
    supported_max_tx_octets = ACL_BYTES
    supported_max_rx_octets = ACL_BYTES
    filter_accept_list_size = ACCEPT_LIST_SIZE

    def __init__(
        self,
        name: str,
        air: Air,
        capture: Capture,
        public_address: hci.Address,
        handlers: "Handlers",
    ) -> None:
        """`handlers` carry out the commands for which Bumble's own do too little."""
        super().__init__(name, link=air, public_address=public_address)
        self.faults: FaultTable = {}
        """By opcode: what goes wrong on purpose."""
        self.opcodes: deque[int] = deque(maxlen=MAX_OPCODES)
        """The last commands that arrived, oldest first."""
        self.air = air
        self.receiver = Receiver(self, air)
        self.le_legacy_advertiser = Advertiser(self, air.advertise, air.random)
        self._capture = capture
        self._handlers = handlers
        capture.introduce(name, bytes(public_address))
        air.listen(self.receiver)

    # ---- what decisions look at --------------------------------------------------------------

    @property
    def scanning(self) -> bool:
        """Whether it reports advertisements."""
        return self.le_scan_enable

    @property
    def advertising(self) -> bool:
        """Whether it advertises."""
        return self.le_legacy_advertiser.enabled

    @property
    def initiating(self) -> bool:
        """Whether it waits for an advertisement of a peer to connect to."""
        return self.pending_le_connection is not None

    def connected_to(self, address: hci.Address) -> bool:
        """Whether there is a connection to this peer."""
        return address in self.le_connections

    def knows_handle(self, handle: int) -> bool:
        """Whether this is a connection."""
        return self.find_le_connection_by_handle(handle) is not None

    # ---- HCI ---------------------------------------------------------------------------------

    def on_packet(self, packet: bytes) -> None:
        """One H4 packet from the host, whatever it holds."""
        self._keep(packet, to_host=False)
        if packet[:1] not in _FROM_HOSTS:
            self.hardware_error()
            return
        try:
            parsed = hci.HCI_Packet.from_bytes(packet)
        except SENSELESS:
            self._malformed(packet)
            return
        try:
            self.on_hci_packet(parsed)
        except SENSELESS:
            logger.exception("command failed", extra={"packet": packet.hex()})
            self._malformed(packet)

    def on_hci_command_packet(self, command: hci.HCI_Command) -> None:
        """Faults first, then what every controller refuses, then Bumble's handler."""
        self.opcodes.append(command.op_code)
        outcome = decide(self.faults, command)
        if isinstance(outcome, Hang):
            return
        if outcome is None:
            length = fixed_length(command)
            wrong = length is not None and length != len(command.parameters)
            outcome = refusal(self, command) or (INVALID if wrong else None)
        if outcome is not None:
            self.refuse(command.op_code, int(outcome))
        elif command.op_code in self._handlers:
            answer = self._handlers[command.op_code](self, command)
            if answer is not None:
                self.complete(command.op_code, answer)
        else:
            super().on_hci_command_packet(command)

    def refuse(self, opcode: int, status: int) -> None:
        """Answer a command with an error, in the form that belongs to it."""
        command = hci.HCI_Command.command_classes.get(opcode)
        if command is not None and issubclass(command, hci.HCI_SyncCommand):
            self.complete(opcode, hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode(status)))
        else:
            self.answer_status(status, opcode)

    def answer_status(self, status: int, opcode: int) -> None:
        """A Command Status event: the command is under way, or refused."""
        self._send_hci_command_status(status, opcode)

    def complete(self, opcode: int, answer: hci.HCI_ReturnParameters) -> None:
        """Say that a command has been carried out, or not, and what came out."""
        self.send_hci_packet(
            hci.HCI_Command_Complete_Event(
                num_hci_command_packets=1, command_opcode=opcode, return_parameters=answer
            )
        )

    def hardware_error(self) -> None:
        """Tell the host that its bytes make no packets; it should reset."""
        code = bytes([LOST_SYNC])
        self.send_hci_packet(
            hci.HCI_Event(event_code=hci.HCI_HARDWARE_ERROR_EVENT, parameters=code)
        )

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """To the host, and into the capture."""
        self._keep(bytes(packet), to_host=True)
        super().send_hci_packet(packet)

    def _keep(self, content: bytes, to_host: bool) -> None:
        now_s = asyncio.get_running_loop().time()
        self._capture.add(Packet(now_s, self.name, to_host, content))

    def _malformed(self, packet: bytes) -> None:
        if packet[0] != hci.HCI_COMMAND_PACKET:
            return
        if len(packet) < COMMAND_HEAD_BYTES:
            self.hardware_error()
            return
        opcode = struct.unpack_from("<H", packet, 1)[0]
        self.refuse(opcode, INVALID if opcode in KNOWN else UNKNOWN)

    def on_le_disconnected(self, connection: object, reason: int) -> None:
        """A connection is over; say so, once."""
        assert isinstance(connection, End)
        if connection.alive:
            connection.alive = False
            super().on_le_disconnected(connection, reason)
            connection.shared.review()


Answer = hci.HCI_ReturnParameters | None
"""What a Command Complete event carries; None when the handler has answered by itself."""
Handlers = Mapping[int, Callable[[RadioController, hci.HCI_Command], Answer]]
"""By opcode."""
