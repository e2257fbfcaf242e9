"""Sungrow's Modbus on one connection: a frame goes there, another comes back, enciphered or not.

Owns where an answer ends. Refuses to know sockets (`tcp_line`), what was agreed with the device
before this connection, and what an answer means.
"""

from pymodbus.pdu import DecodePDU

from server.errors import ProtocolError
from server.ports import Clock
from server.transports import sungrow_cipher as cipher
from server.transports.modbus_frame import StrictFramer
from server.transports.tcp_line import TcpLine

_WRAPPED_HEADER_BYTES = 4


def _wrapped_came(data: bytes) -> bool:
    """True when an encrypted frame is complete; raises ProtocolError when it is none."""
    if len(data) < _WRAPPED_HEADER_BYTES:
        return False
    return len(data) >= _WRAPPED_HEADER_BYTES + cipher.wrapped_bytes(data)


class Line:
    """A connection and what is known of it. Made anew for each, like the connection itself."""

    def __init__(
        self, address: tuple[str, int], timeout_s: float, connect_s: float, clock: Clock | None
    ) -> None:
        self.tcp = TcpLine(address, timeout_s, connect_s, clock)
        self.strict = StrictFramer(DecodePDU(False))
        self.key: bytes | None = None
        self.number = 0
        self.surplus = False

    def converse(self, frame: bytes) -> bytes:
        """The Modbus TCP frame that answers `frame`, as far as the bytes themselves can tell."""
        if self.key is None:
            self.tcp.send(frame)
            return self.tcp.receive(self.strict.complete)
        self.tcp.send(cipher.wrap(frame, self.key))
        data = self.tcp.receive(_wrapped_came)
        end = _WRAPPED_HEADER_BYTES + cipher.wrapped_bytes(data)
        self.surplus = len(data) > end
        answer = cipher.unwrap(data[:end], self.key, frame[:2])
        if not self.strict.complete(answer):
            raise ProtocolError("garbage within an encrypted frame; is the key too old?", answer)
        return answer
