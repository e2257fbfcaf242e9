"""Modbus TCP: an answer is exactly what was asked for, or an error."""

import os
import resource
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.errors import (
    DeviceTimeout,
    DeviceUnreachable,
    EgretError,
    LinkClosed,
    ProtocolError,
    RegisterRefused,
)
from server.model.device import Space
from server.transports import modbus_tcp
from server.transports.modbus_frame import MAX_FRAME_BYTES, MAX_READ_WORDS, MAX_WRITE_WORDS
from server.transports.modbus_tcp import ModbusTcp
from server_unit_test.transports.scripted_server import (
    WAIT_S,
    Script,
    ScriptedServer,
    counting,
    frame,
    refusal,
    words_frame,
)

SHORT_S = 0.05


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A device whose every register holds its own address."""
    with ScriptedServer(counting) as running:
        yield running


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[ModbusTcp]:
    """A connection to it with short time limits."""
    transport = ModbusTcp(
        "127.0.0.1",
        server.port,
        timeout_s=SHORT_S,
        connect_timeout_s=1.0,
        settle_after_silence_s=0.0,
    )
    yield transport
    transport.close()


def read(client: ModbusTcp) -> tuple[int, ...]:
    """Registers 7 and 8 of unit 1."""
    return client.read(1, Space.INPUT, 7, 2)


def connection_of(client: ModbusTcp) -> socket.socket:
    """What it is connected by."""
    assert client._client is not None and client._client.line._socket is not None
    return client._client.line._socket


WRONG: dict[str, Callable[[bytes], tuple[bytes, ...]]] = {
    "another transaction": lambda r: (words_frame(r, (7, 8), transaction=999),),
    "another protocol": lambda r: (words_frame(r, (7, 8), protocol=1),),
    "another unit": lambda r: (words_frame(r, (7, 8), unit=2),),
    "another function": lambda r: (words_frame(r, (7, 8), function=3),),
    "an exception to another function": lambda r: (frame(r, b"\2", function=0x83),),
    "an exception to another request": lambda r: (frame(r, b"\2", function=0x84, transaction=9),),
    "too few words": lambda r: (words_frame(r, (7,)),),
    "too many words": lambda r: (words_frame(r, (7, 8, 9)),),
    "a byte count without its bytes": lambda r: (frame(r, b"\4\0\7"),),
    "a byte count below its bytes": lambda r: (frame(r, b"\2\0\7\0\x08"),),
    "an odd byte count": lambda r: (frame(r, b"\3\0\7\0\x08"),),
    "a length of zero": lambda r: (words_frame(r, (7, 8), length=0),),
    "a length of one": lambda r: (words_frame(r, (7, 8), length=1),),
    "a length without room for a body": lambda r: (words_frame(r, (7, 8), length=2),),
    "a length beyond any frame": lambda r: (words_frame(r, (7, 8), length=255),),
    "its own request": lambda r: (r,),
    "text": lambda _: (b"HTTP/1.1 400 Bad Request\r\n\r\n",),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_not_the_answer_is_refused(
    server: ScriptedServer, client: ModbusTcp, fault: str
) -> None:
    """Any mismatch raises ProtocolError with the frame as hex, and costs the connection."""
    server.script = WRONG[fault]
    with pytest.raises(ProtocolError) as caught:
        read(client)
    server.script = counting

    assert caught.value.frame.hex(" ") in str(caught.value)
    assert (7, 8) == read(client)
    assert 2 == server.connections


def test_a_late_answer_reaches_nobody(server: ScriptedServer, client: ModbusTcp) -> None:
    """After a timeout the next request has a connection of its own."""
    server.script = lambda _: ()
    with pytest.raises(DeviceTimeout):
        read(client)
    server.script = counting

    assert (100, 101) == client.read(1, Space.INPUT, 100, 2)
    assert 2 == server.connections


def test_a_second_answer_is_never_taken_for_the_next(
    server: ScriptedServer, client: ModbusTcp
) -> None:
    """Bytes that follow an answer are given up together with the connection."""
    server.script = lambda r: (words_frame(r, (7, 8)) + words_frame(r, (5, 5)),)
    first = read(client)
    server.script = counting
    second = client.read(1, Space.INPUT, 100, 2)

    assert ((7, 8), (100, 101)) == (first, second)
    assert 2 == server.connections


def test_bytes_before_the_request_cost_the_connection(
    server: ScriptedServer, client: ModbusTcp
) -> None:
    """What lies on an idle connection cannot be an answer to what is asked next."""
    client.read(1, Space.INPUT, 1, 1)
    server._current.sendall(words_frame(server.requests[-1], (6, 6)))  # type: ignore[union-attr]
    waiting = select.poll()
    waiting.register(connection_of(client), select.POLLIN)
    waiting.poll(WAIT_S * 1000)

    assert (7, 8) == read(client)
    assert 2 == server.connections


def test_a_padded_frame_is_read_by_its_byte_count(
    server: ScriptedServer, client: ModbusTcp
) -> None:
    """Some inverters send more words than they count: those asked for are the first ones."""
    server.script = lambda r: (frame(r, b"\4\0\7\0\x08\0\0\0\0"),)

    assert (7, 8) == read(client)
    assert (7, 8) == read(client)
    assert 1 == server.connections


def test_an_exception_keeps_the_connection(server: ScriptedServer, client: ModbusTcp) -> None:
    """A refusal is an answer: nothing is dropped for it."""
    server.script = lambda r: (refusal(r, 6),)
    with pytest.raises(RegisterRefused, match="busy") as caught:
        read(client)
    server.script = counting
    read(client)

    assert 6 == caught.value.code
    assert 1 == server.connections


def test_an_exception_with_a_short_length_is_understood(
    server: ScriptedServer, client: ModbusTcp
) -> None:
    """WiNet-S firmware 12 says 2 where an exception has 3 bytes."""
    server.script = lambda r: (frame(r, b"\2", function=0x84, length=2),)
    with pytest.raises(RegisterRefused) as caught:
        read(client)

    assert 2 == caught.value.code


def test_an_answer_in_pieces_is_put_together(server: ScriptedServer, client: ModbusTcp) -> None:
    """A serial gateway may forward byte by byte."""
    server.script = lambda r: [bytes([byte]) for byte in words_frame(r, (7, 8))]

    assert (7, 8) == read(client)


def test_half_an_answer_is_a_timeout(server: ScriptedServer, client: ModbusTcp) -> None:
    """A frame that does not end is not waited for beyond its time, and what came is told."""
    server.script = lambda r: (words_frame(r, (7, 8))[:10],)

    with pytest.raises(DeviceTimeout, match="half an answer"):
        read(client)


def test_half_an_answer_and_a_hang_up(server: ScriptedServer, client: ModbusTcp) -> None:
    """A connection closed within an answer is a broken frame, not a refusal."""

    def script(request: bytes) -> tuple[bytes, ...]:
        server._current.sendall(words_frame(request, (7, 8))[:10])  # type: ignore[union-attr]
        raise ConnectionResetError

    server.script = script

    with pytest.raises(ProtocolError, match="middle of an answer"):
        read(client)


def test_silence_closes_nothing_else(server: ScriptedServer) -> None:
    """Two connections have nothing in common: the silence of one is not the other's."""
    with ScriptedServer(lambda _: ()) as silent:
        quiet = ModbusTcp("127.0.0.1", silent.port, timeout_s=SHORT_S)
        lively = ModbusTcp("127.0.0.1", server.port, timeout_s=SHORT_S)
        with pytest.raises(DeviceTimeout):
            read(quiet)

        assert (7, 8) == read(lively)

        lively.close()


def test_a_connection_closed_while_idle_is_replaced(
    server: ScriptedServer, client: ModbusTcp
) -> None:
    """A device may drop an idle client; that is no refusal and costs no error."""
    read(client)
    server._current.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
    waiting = select.poll()
    waiting.register(connection_of(client), select.POLLIN)
    waiting.poll(WAIT_S * 1000)

    assert (7, 8) == read(client)
    assert 2 == server.connections


def test_a_reset_instead_of_an_answer_is_a_closed_link(
    server: ScriptedServer, client: ModbusTcp
) -> None:
    """A device that resets says no more than one that closes."""

    def script(_: bytes) -> None:
        linger = struct.pack("ii", 1, 0)
        assert server._current is not None
        server._current.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    server.script = script

    with pytest.raises(LinkClosed):
        read(client)


def test_nobody_listening_is_unreachable() -> None:
    """A refused connection raises DeviceUnreachable with the address in its words."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = ModbusTcp("127.0.0.1", port)

    with pytest.raises(DeviceUnreachable, match=f"127.0.0.1:{port}"):
        client.open()


def test_a_name_that_stands_for_nothing_is_unreachable() -> None:
    """A host name that cannot be one is an error of ours, not of the resolver."""
    client = ModbusTcp("a" * 70 + ".invalid", 502)

    with pytest.raises(DeviceUnreachable):
        client.open()


def test_settling_waits_before_the_first_request(server: ScriptedServer) -> None:
    """With settle_s a device gets its quiet, and is then asked."""
    client = ModbusTcp("127.0.0.1", server.port, timeout_s=SHORT_S, settle_s=0.02)

    assert 0 == modbus_tcp.SETTLE_S < modbus_tcp.ANSWER_TIMEOUT_S < modbus_tcp.CONNECT_TIMEOUT_S
    assert (7, 8) == read(client)

    client.close()


def test_a_device_that_ignores_its_first_request_gets_quiet(server: ScriptedServer) -> None:
    """It is asked later the next time; a device that has answered before is not."""
    client = ModbusTcp("127.0.0.1", server.port, timeout_s=SHORT_S, settle_after_silence_s=SHORT_S)
    read(client)
    server.script = lambda _: ()
    with pytest.raises(DeviceTimeout):
        read(client)
    after_an_answer = client._settle_s
    with pytest.raises(DeviceTimeout):
        read(client)
    server.script = counting

    assert (0.0, SHORT_S) == (after_an_answer, client._settle_s)
    assert (7, 8) == read(client)
    assert 1.0 < modbus_tcp.SETTLE_AFTER_SILENCE_S < modbus_tcp.CONNECT_TIMEOUT_S

    client.close()


def test_an_abandoned_call_does_not_close_its_successor(server: ScriptedServer) -> None:
    """A call that was given up, and comes back late, drops its own connection only."""
    client = ModbusTcp("127.0.0.1", server.port, timeout_s=WAIT_S)
    server.script = lambda _: ()
    thread, _ = _in_background(lambda: read(client))
    assert server.asked.wait(WAIT_S)
    server.script = counting
    client.abort()
    words = read(client)
    thread.join(WAIT_S)

    assert (7, 8) == words == read(client)
    assert 2 == server.connections

    client.close()


@pytest.mark.parametrize(
    "greeting,words", [(None, "one client only"), (b"220 hello\r\n", "no Modbus server")]
)
def test_a_device_may_hang_up_while_settling(
    server: ScriptedServer, greeting: bytes | None, words: str
) -> None:
    """What happens before the first request says why there will be no answer."""
    server.greeting = greeting
    client = ModbusTcp("127.0.0.1", server.port, timeout_s=SHORT_S, settle_s=WAIT_S)

    with pytest.raises(DeviceUnreachable, match=words):
        client.open()


def _in_background(call: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    """Start `call` on a thread; what it raises is collected."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except EgretError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


def test_abort_wakes_a_waiting_read(server: ScriptedServer) -> None:
    """A read that would wait for minutes ends at once, and the next one answers."""
    server.script = lambda _: ()
    client = ModbusTcp("127.0.0.1", server.port, timeout_s=600.0)
    thread, raised = _in_background(lambda: read(client))
    assert server.asked.wait(WAIT_S)
    client.abort()
    thread.join(WAIT_S)
    server.script = counting

    assert ["the call was broken off"] == [str(error).split(": ")[-1] for error in raised]
    assert isinstance(raised[0], DeviceTimeout)
    assert (7, 8) == read(client)

    client.close()


def test_abort_wakes_a_connection_that_settles(server: ScriptedServer) -> None:
    """The pause after connecting is waited out on the socket, so it can be broken off."""
    client = ModbusTcp("127.0.0.1", server.port, settle_s=600.0)
    thread, raised = _in_background(client.open)
    while not server.connections:
        select.select([], [], [], 0.001)
    client.abort()
    thread.join(WAIT_S)

    assert not thread.is_alive()
    assert [DeviceUnreachable] == [type(error) for error in raised]


def test_abort_wakes_a_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that drops our packets does not hold the lane."""
    started = threading.Event()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        client = ModbusTcp(*address, connect_timeout_s=600.0)

        def connect() -> None:
            started.set()
            client.open()

        thread, raised = _in_background(connect)
        assert started.wait(WAIT_S)
        while thread.is_alive():
            client.abort()
            thread.join(0.01)
        for each in waiting:
            each.close()

    assert [DeviceUnreachable] == [type(error) for error in raised]


def test_more_than_a_thousand_descriptors(server: ScriptedServer) -> None:
    """A gateway with many sockets reads as ever: select(2) would fail beyond 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1300
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this machine allows {hard} descriptors only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1150)]
    client = ModbusTcp("127.0.0.1", server.port, timeout_s=WAIT_S)
    try:
        words = read(client)
        descriptor = connection_of(client).fileno()
    finally:
        client.close()
        for each in held:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert (7, 8) == words
    assert descriptor > 1100


def test_the_largest_requests_fit_a_frame(server: ScriptedServer, client: ModbusTcp) -> None:
    """MAX_READ_WORDS and MAX_WRITE_WORDS make frames of at most MAX_FRAME_BYTES."""
    words = client.read(1, Space.INPUT, 0, MAX_READ_WORDS)
    server.script = lambda r: (frame(r, r[8:12]),)
    client.write(1, 0, [1] * MAX_WRITE_WORDS)

    assert tuple(range(125)) == words
    assert len(server.requests[-1]) == 13 + 2 * 123 <= MAX_FRAME_BYTES


def test_a_write_that_echoes_something_else(server: ScriptedServer, client: ModbusTcp) -> None:
    """A confirmation of another write confirms nothing."""
    server.script = lambda r: (frame(r, b"\0\x14\0\x09"),)

    with pytest.raises(ProtocolError, match="repeats something else"):
        client.write(1, 0x14, (8,))


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[tuple[ScriptedServer, ModbusTcp]]:
    """One server and client for many examples; each is answered once and then closed."""
    with ScriptedServer(counting) as running:
        transport = ModbusTcp("127.0.0.1", running.port, timeout_s=WAIT_S)
        yield running, transport
        transport.close()


def _headed(body: bytes) -> bytes:
    """`body` behind a header that fits it, as far as any can."""
    return struct.pack(">HHHB", 1, 0, len(body) + 1, 1) + body


@given(data=st.binary(max_size=300) | st.binary(min_size=1, max_size=253).map(_headed))
@example(data=b"")
@example(data=_headed(b"\x04\x04\0\7\0\x08"))
@example(data=_headed(b"\x84"))
@example(data=_headed(b"\x84\0"))
@example(data=_headed(b"\x04"))
def test_no_peer_can_do_more_than_fail(
    fuzzed: tuple[ScriptedServer, ModbusTcp], data: bytes
) -> None:
    """Whatever bytes come back, a read returns exactly its words or raises one of our errors."""
    server, client = fuzzed
    server.script = _once(data)
    client.close()
    try:
        words = read(client)
    except EgretError:
        return

    assert 2 == len(words)
    assert all(0 <= word <= 0xFFFF for word in words)


def _once(data: bytes) -> Script:
    """Send `data`, then hang up."""

    def script(_: bytes) -> Iterator[bytes]:
        yield data
        raise ConnectionResetError

    return script
