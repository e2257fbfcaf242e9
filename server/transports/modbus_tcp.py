"""Modbus TCP over pymodbus's synchronous client.

Owns one connection at a time and the matching of answers to requests. Refuses to know what a
register means and when to try again.

Rules:

1. One request in flight. pymodbus numbers and encodes it; `_Client` waits for the answer and
   `StrictFramer` accepts it only if transaction, protocol, unit, function and length are those
   asked for. Nothing is skipped while waiting for something better, and nothing is retried here:
   a caller that gets words gets exactly the words it asked for.
2. After a timeout or any surprise the connection is dropped, so that a late answer has no
   connection to arrive on. Bytes that lie there before a request is sent are such a surprise.
3. An exception answered to this very request is an answer: the connection stays.
4. Connecting and waiting are `tcp_line`'s: pymodbus's own `select` fails beyond 1,024 descriptors.

Tolerated, because devices in the field do it and no value can land on another address:

- A frame longer than its byte count says (SG inverters pad some blocks). The byte count has to be
  what was asked for, the values are those counted, the surplus is dropped. Surplus behind the
  frame's own length also costs the connection.
- An exception frame with a length of 2 instead of 3 (WiNet-S firmware 12).
"""

from collections.abc import Sequence
from typing import NoReturn

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import DecodePDU, ModbusPDU

from server.errors import DeviceTimeout, EgretError, ProtocolError, RegisterRefused
from server.model.device import Space
from server.ports import Clock
from server.transports.modbus_frame import (
    EXCEPTION,
    MEANINGS,
    StrictFramer,
    check_read,
    check_write,
)
from server.transports.tcp_line import TcpLine

ANSWER_TIMEOUT_S = 3.0
"""Seconds for an answer: RS485 devices may take 1 s, and a dongle before them as long again."""
CONNECT_TIMEOUT_S = 5.0
"""Seconds for each address that a host name stands for; two retransmissions of a lost SYN."""
SETTLE_S = 0.0
"""Seconds of quiet after connecting, to begin with: most devices need none."""
SETTLE_AFTER_SILENCE_S = 2.0
"""Seconds of quiet once a device ignored the first request of a connection: some drop what comes
in the first one or two seconds, and would never answer a client that connects anew and asks."""
_READ_FUNCTION = {Space.INPUT: 4, Space.HOLDING: 3}


class ModbusTcp:
    """A `ports.Transport`. Used by one thread, but for `abort`."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        timeout_s: float = ANSWER_TIMEOUT_S,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        settle_s: float = SETTLE_S,
        settle_after_silence_s: float = SETTLE_AFTER_SILENCE_S,
        clock: Clock | None = None,
    ) -> None:
        """Nothing is connected yet.

        With a clock `timeout_s` bounds the whole answer, from its request on; without one it
        bounds each piece.
        """
        self._host = host
        self._port = port
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._settle_s = settle_s
        self._settle_after_silence_s = settle_after_silence_s
        self._clock = clock
        self._client: _Client | None = None

    def read(self, unit_id: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        """As `ports.RegisterReader.read`."""
        check_read(address, count)
        client = self._ready()
        client.strict.expect_words(_READ_FUNCTION[space], count)
        try:
            if space is Space.INPUT:
                answer = client.read_input_registers(address, count=count, device_id=unit_id)
            else:
                answer = client.read_holding_registers(address, count=count, device_id=unit_id)
        except (EgretError, ModbusException, OSError) as error:
            self._broken(client, error)
        self._settled(client, answer, f"{space} {address}+{count} of unit {unit_id}")
        return client.strict.words

    def write(self, unit_id: int, address: int, words: Sequence[int]) -> None:
        """As `ports.RegisterWriter.write`."""
        check_write(address, words)
        count = len(words)
        client = self._ready()
        client.strict.expect_echo(address, words)
        try:
            if count == 1:
                answer = client.write_register(address, words[0], device_id=unit_id)
            else:
                answer = client.write_registers(address, list(words), device_id=unit_id)
        except (EgretError, ModbusException, OSError) as error:
            self._broken(client, error)
        self._settled(client, answer, f"write to {address}+{count} of unit {unit_id}")

    def open(self) -> None:
        """As `ports.Session.open`."""
        if self._client is not None and self._client.line.idle():
            return
        self.close()
        self._client = client = _Client(
            self._host, self._port, self._timeout_s, self._connect_timeout_s, self._clock
        )
        try:
            client.line.dial(self._settle_s)
            client.line.busy = False
        except (EgretError, OSError, UnicodeError) as error:
            self._drop(client)
            client.line.cannot_connect(error)

    def close(self) -> None:
        """As `ports.Session.close`."""
        client, self._client = self._client, None
        if client is not None and not (client.line.aborted and client.line.busy):
            client.close()  # An abandoned call closes its own, once it has noticed.

    def abort(self) -> None:
        """As `ports.Session.abort`."""
        client = self._client
        if client is not None:
            client.line.abort()

    @property
    def _name(self) -> str:
        return f"{self._host}:{self._port}"

    def _ready(self) -> "_Client":
        """A connection with nothing on it."""
        self.open()
        assert self._client is not None
        self._client.line.busy = True
        return self._client

    def _drop(self, client: "_Client") -> None:
        """Close this connection, and not one that was opened since it was abandoned."""
        client.close()
        if self._client is client:
            self._client = None

    def _broken(self, client: "_Client", error: Exception) -> NoReturn:
        """Drop the connection and raise what it means."""
        self._drop(client)
        if not client.line.aborted:
            if isinstance(error, DeviceTimeout) and not client.answered:
                self._settle_s = max(self._settle_s, self._settle_after_silence_s)
            if isinstance(error, ModbusException):
                raise ProtocolError(f"{self._name}: {error}", client.strict.frame) from error
        client.line.fail(error)

    def _settled(self, client: "_Client", answer: ModbusPDU, request: str) -> None:
        """Raise what the device refused; give up a connection that has bytes left over."""
        client.answered = True
        client.line.busy = False
        if client.strict.surplus:
            self._drop(client)
        code = answer.exception_code
        if code or answer.function_code & EXCEPTION:
            meaning = MEANINGS.get(code, "unknown exception")
            raise RegisterRefused(code, f"{self._name}: {request}: exception {code}, {meaning}")


class _Client(ModbusTcpClient):
    """pymodbus's client with its own connection, waiting and matching replaced.

    Made anew for each connection, so that nothing of an old one (a lock, a number, a byte) can
    reach the next.
    """

    def __init__(
        self, host: str, port: int, timeout_s: float, connect_s: float, clock: Clock | None
    ) -> None:
        super().__init__(host, port=port, timeout=timeout_s, retries=0)
        self.line = TcpLine((host, port), timeout_s, connect_s, clock)
        self.strict = StrictFramer(DecodePDU(False))
        self.framer = self.transaction.framer = self.strict
        self.answered = False

    def connect(self) -> bool:
        """pymodbus asks before each request; connecting is for `line` and never implicit."""
        return self.line.connected

    def close(self) -> None:
        """As `TcpLine.close`."""
        self.line.close()

    def send(self, request: bytes, addr: tuple[str, int] | None = None) -> int:
        """The whole request, or an error."""
        self.line.send(request)
        return len(request)

    def recv(self, size: int | None) -> bytes:
        """The bytes of one answer, complete by its own account; perhaps more than that."""
        return self.line.receive(self.strict.complete)
