"""What every `ports.Transport` keeps to; run against the real ones and the fake."""

from collections.abc import Iterator
from typing import Protocol

import pytest

from server.errors import DeviceTimeout, EgretError, LinkClosed, ProtocolError, RegisterRefused
from server.model.device import Space
from server.ports import Transport
from server.transports.modbus_tcp import ModbusTcp
from server.transports.sungrow_tcp import SungrowTcp
from server_unit_test.contracts.fake_transport import FakeTransport
from server_unit_test.transports.ciphered import Ciphered
from server_unit_test.transports.scripted_server import ScriptedServer, registers

INPUT = {address: 1000 + address for address in range(10, 140)}
HOLDING = {address: 2000 + address for address in range(10, 140)}


class Bench(Protocol):
    """A transport, and a device behind it that misbehaves when told to."""

    transport: Transport

    def next_is_silent(self) -> None:
        """The next request gets no answer."""
        ...

    def next_is_closed(self) -> None:
        """The next request is answered by closing the connection."""
        ...

    def next_is_garbled(self) -> None:
        """The next request is answered with what is no answer to it."""
        ...


class FakeBench:
    """The device in memory."""

    def __init__(self) -> None:
        self.fake = FakeTransport(INPUT, HOLDING)
        self.transport: Transport = self.fake

    def next_is_silent(self) -> None:
        """As Bench."""
        self.fake.faults.append(DeviceTimeout("no answer"))

    def next_is_closed(self) -> None:
        """As Bench."""
        self.fake.faults.append(LinkClosed("closed"))

    def next_is_garbled(self) -> None:
        """As Bench."""
        self.fake.faults.append(ProtocolError("garbled", b"\1"))


class ModbusTcpBench:
    """Modbus TCP on loopback."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server
        self._script = server.script
        self.transport: Transport = ModbusTcp(
            "127.0.0.1", server.port, timeout_s=0.05, settle_after_silence_s=0.0
        )

    def _once(self, pieces: tuple[bytes, ...] | None) -> None:
        def script(_: bytes) -> tuple[bytes, ...] | None:
            self._server.script = self._script
            return pieces

        self._server.script = script

    def next_is_silent(self) -> None:
        """As Bench."""
        self._once(())

    def next_is_closed(self) -> None:
        """As Bench."""
        self._once(None)

    def next_is_garbled(self) -> None:
        """As Bench."""
        self._once((b"HTTP/1.1 400 Bad Request\r\n\r\n",))


class SungrowTcpBench:
    """Encrypted Modbus TCP on loopback; what goes wrong goes wrong behind the cipher."""

    def __init__(self, server: ScriptedServer, device: Ciphered) -> None:
        self._device = device
        self._script = device.inner
        self.transport: Transport = SungrowTcp("127.0.0.1", server.port, timeout_s=0.1)

    def _once(self, pieces: tuple[bytes, ...] | None) -> None:
        def script(_: bytes) -> tuple[bytes, ...] | None:
            self._device.inner = self._script
            return pieces

        self._device.inner = script

    def next_is_silent(self) -> None:
        """As Bench."""
        self._once(())

    def next_is_closed(self) -> None:
        """As Bench."""
        self._once(None)

    def next_is_garbled(self) -> None:
        """As Bench."""
        self._once((b"HTTP/1.1 400 Bad Request\r\n\r\n",))


class PlainSungrowBench(ModbusTcpBench):
    """The same device, asked for a key first, which it does not have."""

    def __init__(self, server: ScriptedServer) -> None:
        super().__init__(server)
        self.transport = SungrowTcp("127.0.0.1", server.port, timeout_s=0.1)
        self.transport.read(1, Space.INPUT, 10, 1)  # Agreed: what follows is no key exchange.


@pytest.fixture(params=["fake", "modbus_tcp", "sungrow_tcp", "sungrow_tcp, plain"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Every transport there is."""
    if request.param == "fake":
        yield FakeBench()
        return
    script = registers(dict(INPUT), dict(HOLDING))
    if request.param == "sungrow_tcp":
        device = Ciphered(script)
        with ScriptedServer(device) as server:
            encrypted = SungrowTcpBench(server, device)
            yield encrypted
            encrypted.transport.close()
        return
    with ScriptedServer(script) as server:
        plain = request.param == "sungrow_tcp, plain"
        real = PlainSungrowBench(server) if plain else ModbusTcpBench(server)
        yield real
        real.transport.close()


@pytest.mark.parametrize("count", [1, 2, 125])
@pytest.mark.parametrize("space", list(Space))
def test_a_read_returns_exactly_its_words(bench: Bench, space: Space, count: int) -> None:
    """The words of the space asked for, from the address asked for, as many as asked for."""
    first = 1000 if space is Space.INPUT else 2000

    words = bench.transport.read(1, space, 12, count)

    assert tuple(range(first + 12, first + 12 + count)) == words


@pytest.mark.parametrize("address,count", [(0, 0), (0, 126), (-1, 1), (0xFFFF, 2)])
def test_an_impossible_read_is_our_own_mistake(bench: Bench, address: int, count: int) -> None:
    """What no frame can ask for raises ValueError and never reaches the device."""
    with pytest.raises(ValueError):
        bench.transport.read(1, Space.INPUT, address, count)


def test_a_refusal_carries_its_code(bench: Bench) -> None:
    """An address that the device does not serve raises RegisterRefused, and the link goes on."""
    with pytest.raises(RegisterRefused) as caught:
        bench.transport.read(1, Space.INPUT, 9, 2)

    assert 2 == caught.value.code
    assert (1010,) == bench.transport.read(1, Space.INPUT, 10, 1)


def test_a_write_is_read_back(bench: Bench) -> None:
    """One word or several arrive where they were sent."""
    bench.transport.write(1, 20, (7,))
    bench.transport.write(1, 21, (8, 9))

    assert (7, 8, 9) == bench.transport.read(1, Space.HOLDING, 20, 3)


@pytest.mark.parametrize("words", [(), (1,) * 124, (0x10000,), (-1, 2)])
def test_an_impossible_write_is_our_own_mistake(bench: Bench, words: tuple[int, ...]) -> None:
    """What no frame can carry raises ValueError."""
    with pytest.raises(ValueError):
        bench.transport.write(1, 20, words)


def test_a_refused_write_carries_its_code(bench: Bench) -> None:
    """An address that cannot be written raises RegisterRefused."""
    with pytest.raises(RegisterRefused) as caught:
        bench.transport.write(1, 5, (1, 2))

    assert 2 == caught.value.code


def test_silence_is_a_timeout(bench: Bench) -> None:
    """No answer raises DeviceTimeout; the next read is right again."""
    bench.next_is_silent()
    with pytest.raises(DeviceTimeout):
        bench.transport.read(1, Space.INPUT, 10, 2)

    assert (1030, 1031) == bench.transport.read(1, Space.INPUT, 30, 2)


def test_a_closed_connection_says_so(bench: Bench) -> None:
    """Closing instead of answering raises LinkClosed; the next read is right again."""
    bench.next_is_closed()
    with pytest.raises(LinkClosed):
        bench.transport.read(1, Space.INPUT, 10, 2)

    assert (1030, 1031) == bench.transport.read(1, Space.INPUT, 30, 2)


def test_garbage_is_the_peers_fault(bench: Bench) -> None:
    """What breaks the protocol raises ProtocolError; the next read is right again."""
    bench.next_is_garbled()
    with pytest.raises(ProtocolError):
        bench.transport.read(1, Space.INPUT, 10, 2)

    assert (1030, 1031) == bench.transport.read(1, Space.INPUT, 30, 2)


def test_a_write_fails_as_a_read_does(bench: Bench) -> None:
    """Silence after a write is a timeout: whether it took effect is unknown."""
    bench.next_is_silent()

    with pytest.raises(DeviceTimeout):
        bench.transport.write(1, 20, (7,))


def test_open_and_close_may_be_repeated(bench: Bench) -> None:
    """Both are idempotent, and a read after closing connects again."""
    bench.transport.open()
    bench.transport.open()
    bench.transport.close()
    bench.transport.close()

    assert (1010,) == bench.transport.read(1, Space.INPUT, 10, 1)


def test_abort_between_calls_breaks_nothing(bench: Bench) -> None:
    """Aborting when nothing is in flight raises nothing, and the next read answers."""
    bench.transport.abort()
    first = bench.transport.read(1, Space.INPUT, 10, 1)
    bench.transport.abort()
    second = bench.transport.read(1, Space.INPUT, 11, 1)

    assert ((1010,), (1011,)) == (first, second)


def test_every_failure_is_one_of_ours(bench: Bench) -> None:
    """Whatever the device does, callers see errors of `server.errors` alone."""
    for order in (bench.next_is_silent, bench.next_is_closed, bench.next_is_garbled):
        order()
        with pytest.raises(EgretError):
            bench.transport.read(1, Space.INPUT, 10, 2)
