"""Sungrow's encrypted door: what is agreed, what ends it, and exactly what was asked for."""

import socket
import struct
import threading
from collections.abc import Iterator, Sequence

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
from server.transports import sungrow_tcp
from server.transports.sungrow_tcp import SungrowTcp
from server.transports.tcp_line import TcpLine
from server_unit_test.contracts.fake_clock import START_MS, FakeClock
from server_unit_test.transports.ciphered import (
    CONSTANT,
    KEY_HEAD,
    OTHER_PUBLIC,
    PUBLIC,
    Ciphered,
    enciphered,
)
from server_unit_test.transports.scripted_server import (
    WAIT_S,
    ScriptedServer,
    asked,
    counting,
    frame,
    refusal,
    words_frame,
)

SHORT_S = 0.1
DAY_S = 86_400.0


@pytest.fixture
def device() -> Ciphered:
    """A device whose every register holds its own address."""
    return Ciphered(counting)


@pytest.fixture
def server(device: Ciphered) -> Iterator[ScriptedServer]:
    """The device on loopback."""
    with ScriptedServer(device) as running:
        yield running


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[SungrowTcp]:
    """The transport under test with short time limits."""
    transport = SungrowTcp("127.0.0.1", server.port, timeout_s=SHORT_S, connect_timeout_s=1.0)
    yield transport
    transport.close()


def read(client: SungrowTcp) -> tuple[int, ...]:
    """Registers 7 and 8 of unit 1."""
    return client.read(1, Space.INPUT, 7, 2)


def test_it_asks_for_the_key_and_comes_back(
    server: ScriptedServer, device: Ciphered, client: SungrowTcp
) -> None:
    """One exchange, a new connection, and enciphered requests from then on."""
    first, second = read(client), read(client)

    assert ((7, 8), (7, 8)) == (first, second)
    assert (2, 1, 0) == (server.connections, device.exchanges, device.plain)


def test_it_can_stay_on_the_same_connection(server: ScriptedServer, device: Ciphered) -> None:
    """Without reconnecting the exchange and the requests share one connection."""
    client = SungrowTcp("127.0.0.1", server.port, timeout_s=SHORT_S, reconnects=False)

    assert (7, 8) == read(client)
    assert (1, 1, 0) == (server.connections, device.exchanges, device.plain)

    client.close()


def test_the_key_outlives_its_connection(
    server: ScriptedServer, device: Ciphered, client: SungrowTcp
) -> None:
    """A connection that was given back is opened again without another exchange."""
    read(client)
    client.close()

    assert (7, 8) == read(client)
    assert (3, 1) == (server.connections, device.exchanges)


def test_a_device_may_not_let_us_back_at_once(
    device: Ciphered, client: SungrowTcp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key is kept though the connection after the exchange is refused; the next one uses it."""
    dial, dials = TcpLine.dial, []

    def second_is_refused(line: TcpLine) -> None:
        dials.append(line)
        if len(dials) == 2:
            raise ConnectionRefusedError("busy with the client before")
        dial(line)

    monkeypatch.setattr(TcpLine, "dial", second_is_refused)
    with pytest.raises(DeviceUnreachable, match="busy with the client before"):
        read(client)

    assert (7, 8) == read(client)
    assert (3, 1) == (len(dials), device.exchanges)


BLANK: dict[str, Sequence[bytes] | None] = {
    "all zero": (KEY_HEAD + bytes(16),),
    "all ones": (KEY_HEAD + b"\xff" * 16,),
    "short": (bytes.fromhex("68680000 000B F704 08") + PUBLIC[:8],),
    "long": (bytes.fromhex("68680000 0015 F704 12") + PUBLIC + b"\1\2",),
    "refused": (bytes.fromhex("68680000 0003 F784 02"),),
    "refused with a short length": (bytes.fromhex("68680000 0002 F784 0B"),),
    "silence": (),
    "closed": None,
    "half an answer": (KEY_HEAD + PUBLIC[:5],),
    "another protocol": (b"HTTP/1.1 400 Bad Request\r\n\r\n",),
}


@pytest.mark.parametrize("answer", BLANK.values(), ids=list(BLANK))
def test_whoever_has_no_key_is_spoken_to_plainly(
    device: Ciphered, client: SungrowTcp, answer: Sequence[bytes] | None
) -> None:
    """Whatever is no key means plain Modbus, and the device is not asked each time."""
    device.key_answer = answer

    first = read(client)
    client.close()
    second = read(client)

    assert ((7, 8), (7, 8)) == (first, second)
    assert (1, 2) == (device.exchanges, device.plain)


def test_a_key_in_pieces_is_a_key(device: Ciphered, client: SungrowTcp) -> None:
    """The answer to the exchange may come byte by byte."""
    device.key_answer = [bytes([byte]) for byte in KEY_HEAD + PUBLIC]

    assert (7, 8) == read(client)
    assert 0 == device.plain


def test_the_header_of_a_key_is_not_looked_at(device: Ciphered, client: SungrowTcp) -> None:
    """Published clients skip it unread, so no device needs to have it right."""
    device.key_answer = (bytes(9) + PUBLIC,)

    assert (7, 8) == read(client)
    assert 0 == device.plain


def test_the_key_changes_at_night(device: Ciphered, client: SungrowTcp) -> None:
    """The device's midnight costs one error; the next read asks for the new key."""
    read(client)
    device.roll(OTHER_PUBLIC)
    with pytest.raises(ProtocolError):
        read(client)

    assert (7, 8) == read(client)
    assert 2 == device.exchanges


@pytest.mark.parametrize("pieces,error", [((), DeviceTimeout), (None, LinkClosed)])
def test_a_device_may_meet_an_old_key_with_silence(
    device: Ciphered,
    client: SungrowTcp,
    pieces: Sequence[bytes] | None,
    error: type[EgretError],
) -> None:
    """Silence or a closed connection under a key makes the next call ask for another."""
    read(client)
    device.inner = lambda _: pieces
    with pytest.raises(error):
        read(client)
    device.inner = counting
    read(client)

    assert 2 == device.exchanges


def test_a_key_of_yesterday_is_renewed(server: ScriptedServer, device: Ciphered) -> None:
    """With a clock, a new day (UTC) brings a new exchange before anything fails."""
    clock = FakeClock()
    client = SungrowTcp("127.0.0.1", server.port, timeout_s=WAIT_S, clock=clock)
    read(client)
    clock.advance(DAY_S - START_MS / 1000 % DAY_S - 1)
    read(client)
    before = device.exchanges
    clock.advance(1)
    device.roll(OTHER_PUBLIC)

    assert (7, 8) == read(client)
    assert (1, 2) == (before, device.exchanges)

    client.close()


def test_plain_devices_are_not_asked_each_day(server: ScriptedServer, device: Ciphered) -> None:
    """There is no key that could have changed."""
    device.key_answer = BLANK["all zero"]
    clock = FakeClock()
    client = SungrowTcp("127.0.0.1", server.port, timeout_s=WAIT_S, clock=clock)
    read(client)
    clock.advance(DAY_S)
    read(client)

    assert (1, 1) == (server.connections, device.exchanges)

    client.close()


def test_a_proven_plain_device_is_believed_for_a_while(
    device: Ciphered, client: SungrowTcp
) -> None:
    """MAX_PLAIN_FAILURES in a row later it is asked again: it may speak otherwise now."""
    device.key_answer = BLANK["refused"]
    read(client)
    device.inner = lambda _: None
    exchanges = []
    for _ in range(sungrow_tcp.MAX_PLAIN_FAILURES + 1):
        exchanges.append(device.exchanges)
        with pytest.raises(LinkClosed):
            read(client)
    device.inner = counting
    device.roll(PUBLIC)

    assert [1, 1, 1, 1] == exchanges
    assert (7, 8) == read(client)
    assert (3, 5) == (device.exchanges, device.plain)


def test_an_unproven_plain_device_is_asked_again(device: Ciphered, client: SungrowTcp) -> None:
    """A key request lost while the device starts must not make it plain for ever."""
    device.key_answer = ()
    device.inner = lambda _: ()
    with pytest.raises(DeviceTimeout):
        read(client)
    device.roll(PUBLIC)
    device.inner = counting
    plain = device.plain

    assert (7, 8) == read(client)
    assert plain == device.plain


def test_long_reads_are_two_that_agree(
    server: ScriptedServer, device: Ciphered, client: SungrowTcp
) -> None:
    """125 words fit no encrypted frame: they are read as two overlapping spans."""
    spans: list[tuple[int, int]] = []

    def script(request: bytes) -> Sequence[bytes]:
        spans.append(asked(request))
        return counting(request)

    device.inner = script
    fits = client.read(1, Space.INPUT, 0, sungrow_tcp.MAX_ENCRYPTED_READ_WORDS)
    longest = client.read(1, Space.INPUT, 1000, 125)

    assert (tuple(range(123)), tuple(range(1000, 1125))) == (fits, longest)
    assert [(0, 123), (1000, 123), (1002, 123)] == spans


def test_a_value_of_two_words_is_never_torn(device: Ciphered, client: SungrowTcp) -> None:
    """Where both reads see one word alike, what is left of it is old and what is right is new."""
    read(client)
    answers = iter(([0] * 60 + [5] + [0] * 62, [1] * 58 + [5] + [1] * 64))
    device.inner = lambda r: (words_frame(r, next(answers)),)

    assert (0,) * 60 + (5,) + (1,) * 64 == client.read(1, Space.INPUT, 0, 125)


def test_two_reads_that_share_nothing_are_no_reading(device: Ciphered, client: SungrowTcp) -> None:
    """Without a word to join them at, nothing is returned."""
    read(client)
    answers = iter(([0] * 123, [1] * 123))
    device.inner = lambda r: (words_frame(r, next(answers)),)

    with pytest.raises(ProtocolError, match="share no word"):
        client.read(1, Space.INPUT, 0, 125)


def test_a_long_read_from_a_plain_device_is_one(device: Ciphered, client: SungrowTcp) -> None:
    """Only the cipher is narrow."""
    device.key_answer = BLANK["all ones"]

    assert tuple(range(125)) == client.read(1, Space.INPUT, 0, 125)
    assert 1 == device.plain


def test_the_longest_write(device: Ciphered, client: SungrowTcp) -> None:
    """MAX_ENCRYPTED_WRITE_WORDS fit a frame; one more is refused in words, and not sent."""
    device.inner = lambda r: (frame(r, r[8:12]),)
    most = sungrow_tcp.MAX_ENCRYPTED_WRITE_WORDS
    client.write(1, 0, [1] * most)
    with pytest.raises(RegisterRefused, match=f"carries {most} words"):
        client.write(1, 0, [1] * (most + 1))
    device.key_answer = BLANK["all zero"]
    device.inner = lambda _: None
    with pytest.raises(LinkClosed):
        client.write(1, 0, [1])
    device.inner = lambda r: (frame(r, r[8:12]),)

    client.write(1, 0, [1] * (most + 1))
    assert (121, 1) == (most, device.plain)


WRONG = {
    "another unit": lambda r: (words_frame(r, (7, 8), unit=2),),
    "another function": lambda r: (words_frame(r, (7, 8), function=3),),
    "another protocol": lambda r: (words_frame(r, (7, 8), protocol=1),),
    "an exception to another function": lambda r: (frame(r, b"\2", function=0x83),),
    "too few words": lambda r: (words_frame(r, (7,)),),
    "too many words": lambda r: (words_frame(r, (7, 8, 9)),),
    "a byte count without its bytes": lambda r: (frame(r, b"\4\0\7"),),
    "a length beyond its frame": lambda r: (words_frame(r, (7, 8), length=99),),
    "an exception without a code": lambda r: (frame(r, b"", function=0x84),),
}


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_answer_is_never_a_value(
    device: Ciphered, client: SungrowTcp, wrong: str, plain: bool
) -> None:
    """Whatever is not the answer asked for raises, and costs no later read."""
    if plain:
        device.key_answer = BLANK["all zero"]
    read(client)
    device.inner = WRONG[wrong]
    with pytest.raises((ProtocolError, DeviceTimeout)):
        read(client)
    device.inner = counting

    assert (7, 8) == read(client)


def test_a_padded_frame_is_tolerated(device: Ciphered, client: SungrowTcp) -> None:
    """Some blocks come longer than their byte count; the values are those counted."""
    device.inner = lambda r: (frame(r, bytes.fromhex("04 0007 0008 0000 0000")),)

    assert (7, 8) == read(client)


def test_an_exception_is_an_answer(
    server: ScriptedServer, device: Ciphered, client: SungrowTcp
) -> None:
    """It is raised with its code and words, and the connection and the key stay."""
    device.inner = lambda r: (refusal(r, 6),)
    with pytest.raises(RegisterRefused, match="exception 6, server device busy") as caught:
        read(client)
    device.inner = counting

    assert 6 == caught.value.code
    assert (7, 8) == read(client)
    assert (2, 1) == (server.connections, device.exchanges)


def test_bytes_behind_an_answer_cost_the_connection(
    server: ScriptedServer, device: Ciphered, client: SungrowTcp
) -> None:
    """They could be taken for the answer to the next request."""

    def twice(request: bytes) -> Sequence[bytes] | None:
        pieces = device(request)
        return [b"".join(pieces) * 2] if pieces and request[:2] == b"\1\0" else pieces

    server.script = twice

    assert ((7, 8), (7, 8)) == (read(client), read(client))
    assert 3 == server.connections


def test_a_late_answer_reaches_nobody(
    server: ScriptedServer, device: Ciphered, client: SungrowTcp
) -> None:
    """An encrypted answer bears no number, so a connection with one on its way is dropped."""
    read(client)
    device.inner = lambda _: ()
    with pytest.raises(DeviceTimeout):
        client.read(1, Space.INPUT, 50, 2)
    device.inner = counting

    assert (7, 8) == read(client)
    assert 4 == server.connections


def test_an_answer_in_pieces(server: ScriptedServer, client: SungrowTcp, device: Ciphered) -> None:
    """A frame that comes byte by byte is put together."""
    read(client)
    server.script = lambda r: [bytes([byte]) for byte in (device(r) or [b""])[0]]

    assert (7, 8) == read(client)


def test_nobody_listening_is_unreachable() -> None:
    """A refused connection raises DeviceUnreachable with the address in its words."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(DeviceUnreachable, match=f"127.0.0.1:{port}"):
        SungrowTcp("127.0.0.1", port).open()


def test_a_name_that_stands_for_nothing_is_unreachable() -> None:
    """A host name that cannot be one is an error of ours, not of the resolver."""
    with pytest.raises(DeviceUnreachable):
        SungrowTcp("a" * 70 + ".invalid", 502).open()


def _in_background(client: SungrowTcp) -> tuple[threading.Thread, list[EgretError]]:
    """Start a read on a thread; what it raises is collected."""
    raised: list[EgretError] = []

    def run() -> None:
        try:
            read(client)
        except EgretError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


@pytest.mark.parametrize("during", ["exchange", "read"])
def test_abort_wakes_whatever_waits(server: ScriptedServer, device: Ciphered, during: str) -> None:
    """A call that would wait for minutes ends at once, and the next one answers."""
    client = SungrowTcp("127.0.0.1", server.port, timeout_s=600.0)
    if during == "exchange":
        device.key_answer = ()
    else:
        read(client)
        device.inner = lambda _: ()
        server.asked.clear()
    thread, raised = _in_background(client)
    assert server.asked.wait(WAIT_S)
    client.abort()
    thread.join(WAIT_S)
    device.inner = counting
    device.roll(PUBLIC)

    assert not thread.is_alive()
    assert ["broken off"] == [str(error)[-10:] for error in raised]
    assert (7, 8) == read(client)
    assert 0 == device.plain

    client.close()


def test_an_abandoned_call_does_not_harm_its_successor(
    server: ScriptedServer, device: Ciphered
) -> None:
    """A call that was given up drops its own connection and its own key only."""
    client = SungrowTcp("127.0.0.1", server.port, timeout_s=WAIT_S)
    read(client)
    device.inner = lambda _: ()
    server.asked.clear()
    thread, _ = _in_background(client)
    assert server.asked.wait(WAIT_S)
    device.inner = counting
    client.abort()
    words = read(client)
    thread.join(WAIT_S)

    assert (7, 8) == words == read(client)

    client.close()


def test_limits_leave_time_for_both(server: ScriptedServer) -> None:
    """An answer has less time than a connection, and both together less than a person's call."""
    assert sungrow_tcp.ANSWER_TIMEOUT_S < sungrow_tcp.CONNECT_TIMEOUT_S
    assert 2 * (sungrow_tcp.ANSWER_TIMEOUT_S + sungrow_tcp.CONNECT_TIMEOUT_S) < 20


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[tuple[ScriptedServer, SungrowTcp]]:
    """One server and client for many examples; each is answered once and then closed."""
    with ScriptedServer(Ciphered(counting)) as running:
        transport = SungrowTcp("127.0.0.1", running.port, timeout_s=WAIT_S)
        yield running, transport
        transport.close()


def _headed(body: bytes) -> bytes:
    """`body` behind the header of an encrypted frame that fits it, as far as any can."""
    return bytes((1, 0, max(8, len(body) // 16 * 16 - 3), 3)) + body


def _framed(body: bytes) -> bytes:
    return enciphered(struct.pack(">HHHB", 1, 0, len(body) + 1, 1) + body, PUBLIC)


ANY = (
    st.binary(max_size=300)
    | st.binary(min_size=16, max_size=240).map(_headed)
    | st.binary(min_size=1, max_size=230).map(_framed)
    | st.binary(min_size=2, max_size=240).map(lambda frame: enciphered(frame, PUBLIC))
)


@given(data=ANY)
@example(data=b"")
@example(data=_framed(b"\x04\x04\0\7\0\x08"))
@example(data=_framed(b"\x84"))
@example(data=_framed(b"\x84\0"))
@example(data=_framed(b"\x04"))
@example(data=b"\1\0\0\0")
def test_no_peer_can_do_more_than_fail(
    fuzzed: tuple[ScriptedServer, SungrowTcp], data: bytes
) -> None:
    """Whatever bytes come back, a read returns exactly its words or raises one of our errors."""
    server, client = fuzzed
    server.script = Ciphered(counting)
    client.open()
    server.script = lambda _: _hang_up_after(data)
    try:
        words = read(client)
    except EgretError:
        return

    assert 2 == len(words)
    assert all(0 <= word <= 0xFFFF for word in words)


@given(data=st.binary(max_size=40) | st.binary(max_size=30).map(lambda tail: KEY_HEAD + tail))
@example(data=KEY_HEAD + CONSTANT)
@example(data=b"\x68\x68\0\0\0\3\xf7\x84")
def test_no_answer_to_the_exchange_can_do_more_than_fail(
    fuzzed: tuple[ScriptedServer, SungrowTcp], data: bytes
) -> None:
    """Whatever is offered as a key, a read returns its words or raises one of our errors."""
    server, client = fuzzed
    server.script = lambda _: _hang_up_after(data)
    client.close()
    client._agreed = None
    try:
        words = read(client)
    except EgretError:
        return

    assert 2 == len(words)


def _hang_up_after(data: bytes) -> Iterator[bytes]:
    yield data
    raise ConnectionResetError
