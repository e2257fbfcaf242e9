"""The Modbus door, byte by byte: every expected frame is written out by hand."""

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import modbus_server
from simulator.clock import ManualClock
from simulator.modbus_pdu import MAX_PDU_BYTES
from simulator.modbus_server import MAX_CONNECTIONS
from simulator.plant import VirtualPlant
from simulator.trouble import Order, Quirk, Trouble
from simulator_unit_test.waiting import until

GOOD_REQUEST = bytes.fromhex("0001 0000 0006 01 04 1387 0002")
GOOD_REPLY = bytes.fromhex("0001 0000 0007 01 04 04 0E03 0064")
"""An SH10RT: type code 0x0E03, 10.0 kW."""


@pytest.fixture(scope="module")
def plant() -> Iterator[VirtualPlant]:
    with VirtualPlant(clock=ManualClock(1_782_043_200)) as plant:
        yield plant


def connect(plant: VirtualPlant) -> socket.socket:
    return socket.create_connection((plant.host, plant.port), timeout=10)


def receive(client: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        chunk = client.recv(size - len(got))
        if not chunk:
            break
        got += chunk
    return got


def test_several_requests_in_one_segment(plant: VirtualPlant) -> None:
    """Requests that arrive together are answered one by one, in order."""
    second = bytes.fromhex("0002 0000 0006 01 04 1387 0001")
    expected = GOOD_REPLY + bytes.fromhex("0002 0000 0005 01 04 02 0E03")

    with connect(plant) as client:
        client.sendall(GOOD_REQUEST + second)
        got = receive(client, len(expected))

    assert expected == got


def test_half_frames(plant: VirtualPlant) -> None:
    """A request that arrives byte by byte is answered like any other."""
    with connect(plant) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in GOOD_REQUEST:
            client.sendall(bytes([byte]))
        got = receive(client, len(GOOD_REPLY))

    assert GOOD_REPLY == got


def test_wrong_unit(plant: VirtualPlant) -> None:
    """A unit that is not there is refused with exception 11, under its own number."""
    with connect(plant) as client:
        client.sendall(bytes.fromhex("0007 0000 0006 02 04 1387 0002"))
        got = receive(client, 9)

    assert bytes.fromhex("0007 0000 0003 02 84 0B") == got


@pytest.mark.parametrize(
    "frame_hex",
    ["0001 0001 0006 01 04 1387 0002", "0001 0000 0001 01", "0001 0000 0100 01 04"],
)
def test_untrustworthy_framing(plant: VirtualPlant, frame_hex: str) -> None:
    """A frame whose end cannot be known closes the connection without an answer."""
    with connect(plant) as client:
        client.sendall(bytes.fromhex(frame_hex))
        got = receive(client, 1)

    assert b"" == got


def test_longest_pdu(plant: VirtualPlant) -> None:
    """The longest frame of the specification is read whole, and the next one is found."""
    longest = struct.pack(">HHHB", 1, 0, MAX_PDU_BYTES + 1, 1) + b"\x41" + bytes(MAX_PDU_BYTES - 1)
    expected = bytes.fromhex("0001 0000 0003 01 C1 01") + GOOD_REPLY

    with connect(plant) as client:
        client.sendall(longest + GOOD_REQUEST)
        got = receive(client, len(expected))

    assert expected == got


def test_too_many_clients() -> None:
    """One client too many is turned away and the others are still served."""
    with VirtualPlant(clock=ManualClock(1_782_043_200)) as plant:
        with ExitStack() as clients:
            for _ in range(MAX_CONNECTIONS):
                client = clients.enter_context(connect(plant))
                client.sendall(GOOD_REQUEST)
                receive(client, len(GOOD_REPLY))

            with connect(plant) as one_more:
                try:
                    turned_away = receive(one_more, 1)
                except ConnectionResetError:
                    turned_away = b""
            client.sendall(GOOD_REQUEST)
            served = receive(client, len(GOOD_REPLY))

    assert (b"", GOOD_REPLY) == (turned_away, served)


def test_silent_client_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a request and then silence holds a connection no longer than the idle timeout."""
    monkeypatch.setattr(modbus_server, "IDLE_TIMEOUT_S", 0.05)

    with VirtualPlant() as plant, connect(plant) as client:
        client.sendall(GOOD_REQUEST[:5])
        got = receive(client, 1)

    assert b"" == got


def test_client_that_never_reads_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that asks on and on and takes no answer is dropped, and harms nobody."""
    monkeypatch.setattr(modbus_server, "WRITE_TIMEOUT_S", 0.05)
    request = bytes.fromhex("0001 0000 0006 01 04 32C7 0050")

    with VirtualPlant() as plant, connect(plant) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with pytest.raises(OSError):
            for _ in range(10_000):
                deaf.sendall(request * 100)
        with connect(plant) as client:
            client.sendall(GOOD_REQUEST)
            served = receive(client, len(GOOD_REPLY))

    assert GOOD_REPLY == served


@pytest.fixture
def troubled() -> Iterator[VirtualPlant]:
    with VirtualPlant(clock=ManualClock(1_782_043_200), seed=1) as plant:
        yield plant


def ask(plant: VirtualPlant, request: bytes, size: int) -> bytes:
    """What one client gets, at most `size` bytes, before the door or its own patience closes."""
    with connect(plant) as client:
        client.settimeout(0.3)
        client.sendall(request)
        got = b""
        try:
            while len(got) < size:
                chunk = client.recv(size - len(got))
                if not chunk:
                    return got + b"closed"
                got += chunk
        except TimeoutError:
            return got + b"silent"
        return got


@pytest.mark.parametrize(
    ("trouble", "value", "expected"),
    [
        (Trouble.DROP, 0, b"silent"),
        (Trouble.CLOSE, 0, b"closed"),
        (Trouble.LOCKED, 0, b"closed"),
        (Trouble.BUSY, 0, bytes.fromhex("0001 0000 0003 01 84 06")),
        (Trouble.EXCEPTION, 0, bytes.fromhex("0001 0000 0003 01 84 04")),
        (Trouble.EXCEPTION, 2, bytes.fromhex("0001 0000 0003 01 84 02")),
        (Trouble.LATENCY, 0.01, GOOD_REPLY),
        (Trouble.SLOW_DRIP, 0.01, GOOD_REPLY),
        (Trouble.LATE_REPLY, 0.01, GOOD_REPLY),
        (Trouble.CLOCK_WRONG, 60, GOOD_REPLY),
    ],
)
def test_troubles(troubled: VirtualPlant, trouble: Trouble, value: float, expected: bytes) -> None:
    """Each trouble looks on the wire as it is described, and is over once it is cleared."""
    troubled.troubles.set(Order(trouble, value=value))
    size = len(expected) if expected[0] == 0 else 1

    got = ask(troubled, GOOD_REQUEST, size)

    troubled.troubles.clear()
    assert (expected, GOOD_REPLY) == (got, ask(troubled, GOOD_REQUEST, len(GOOD_REPLY)))


@pytest.mark.parametrize("trouble", [Trouble.GARBLE, Trouble.WRONG_TRANSACTION])
def test_spoiled_frames(troubled: VirtualPlant, trouble: Trouble) -> None:
    """A spoiled answer has the length of the right one and not its framing."""
    troubled.troubles.set(Order(trouble))

    got = ask(troubled, GOOD_REQUEST, len(GOOD_REPLY))

    assert (len(GOOD_REPLY), GOOD_REPLY[9:], False) == (len(got), got[9:], got == GOOD_REPLY)


def test_short_frame(troubled: VirtualPlant) -> None:
    """An answer that ends in its middle leaves the connection open and silent."""
    troubled.troubles.set(Order(Trouble.SHORT_FRAME))

    got = ask(troubled, GOOD_REQUEST, len(GOOD_REPLY))

    assert got.endswith(b"silent")
    assert GOOD_REPLY.startswith(got[: -len(b"silent")])


def test_late_reply_comes_after_its_successor(troubled: VirtualPlant) -> None:
    """What is asked meanwhile is answered before, under its own number."""
    late = troubled.troubles.set(Order(Trouble.LATE_REPLY, value=0.2))
    second = bytes.fromhex("0002 0000 0006 01 04 1387 0001")
    answer_of_second = bytes.fromhex("0002 0000 0005 01 04 02 0E03")

    with connect(troubled) as client:
        client.sendall(GOOD_REQUEST)
        until(lambda: troubled.requests > 0)
        troubled.troubles.clear(late)
        client.sendall(second)
        got = receive(client, len(answer_of_second) + len(GOOD_REPLY))

    assert answer_of_second + GOOD_REPLY == got


def test_late_replies_are_bounded(troubled: VirtualPlant, monkeypatch: pytest.MonkeyPatch) -> None:
    """One reply too many that waits to go out late is never sent."""
    monkeypatch.setattr(modbus_server, "MAX_LATE_REPLIES", 1)
    troubled.troubles.set(Order(Trouble.LATE_REPLY, value=0.05))

    got = ask(troubled, GOOD_REQUEST * 2, 2 * len(GOOD_REPLY))

    assert GOOD_REPLY + b"silent" == got


def test_swallowed_writes_have_not_happened(troubled: VirtualPlant) -> None:
    """A write that was dropped or refused changed nothing; one with a spoiled answer did."""
    write = bytes.fromhex("0001 0000 0006 01 06 32FB 01F4")  # 500 W to 13052
    read = bytes.fromhex("0001 0000 0006 01 03 32FB 0001")
    seen = []
    for trouble in (Trouble.DROP, Trouble.BUSY, Trouble.CLOSE, Trouble.SHORT_FRAME):
        troubled.troubles.set(Order(trouble))
        ask(troubled, write, 12)
        troubled.troubles.clear()
        seen.append(ask(troubled, read, 11)[-2:])

    assert [b"\0\0", b"\0\0", b"\0\0", b"\x01\xf4"] == seen


def test_same_seed_same_run() -> None:
    """Two plants of one seed spoil the same answers in the same bytes."""

    def run() -> list[bytes]:
        with VirtualPlant(clock=ManualClock(1_782_043_200), seed=5) as plant:
            plant.troubles.set(Order(Trouble.GARBLE, rate=0.5, value=1))
            return [ask(plant, GOOD_REQUEST, len(GOOD_REPLY)) for _ in range(20)]

    first, second = run(), run()

    assert first == second
    assert 0 < sum(got == GOOD_REPLY for got in first) < 20


@pytest.mark.parametrize(
    ("quirk", "request_hex", "reply_hex"),
    [
        (Quirk.SHORT_EXCEPTION_LENGTH, "0001 0000 0006 01 04 0000 0001", "0001 0000 0002 01 84 02"),
        (Quirk.SHORT_EXCEPTION_LENGTH, GOOD_REQUEST.hex(), GOOD_REPLY.hex()),
        (Quirk.CLOSES_INSTEAD, "0001 0000 0006 01 04 33C1 0001", b"closed".hex()),
        (Quirk.CLOSES_INSTEAD, "0001 0000 0006 01 03 338F 0008", b"closed".hex()),
        (Quirk.CLOSES_INSTEAD, "0001 0000 0006 01 03 32FB 0001", "0001 0000 0005 01 03 02 0000"),
    ],
)
def test_quirks_of_framing(
    troubled: VirtualPlant, quirk: Quirk, request_hex: str, reply_hex: str
) -> None:
    """(e) exceptions of length 2, (b) hanging up instead of refusing, and nothing else."""
    troubled.troubles.switch(quirk)
    expected = bytes.fromhex(reply_hex)

    assert expected == ask(troubled, bytes.fromhex(request_hex), len(expected))


@pytest.mark.parametrize(("wire_hex", "count"), [("0A34", 11), ("0A34", 15), ("0A44", 11)])
def test_padded_frame(troubled: VirtualPlant, wire_hex: str, count: int) -> None:
    """(a) At 2613 and 2629 the byte count says 11 registers, and 15 follow."""
    troubled.troubles.switch(Quirk.PADDED_FRAME)
    request = bytes.fromhex(f"0001 0000 0006 01 04 {wire_hex}") + count.to_bytes(2, "big")

    got = ask(troubled, request, 9 + 30)

    assert (9 + 30, bytes.fromhex("0001 0000 0021 01 04 16")) == (len(got), got[:9])
    assert bytes(8) == got[-8:]


def test_firmware_unpadded(troubled: VirtualPlant) -> None:
    """Without the quirk the firmware's name is a string like any other."""
    got = ask(troubled, bytes.fromhex("0001 0000 0006 01 04 0A34 000F"), 9 + 30)

    assert (30, b"SAPPHIRE-H_03011.95.03" + bytes(8)) == (got[8], got[9:])


@given(st.binary(max_size=600))
def test_no_bytes_crash_it(plant: VirtualPlant, noise: bytes) -> None:
    """Whatever one client sends, the connection ends and the next client is served."""
    with connect(plant) as client:
        try:
            client.sendall(noise)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
        except TimeoutError:
            raise
        except OSError:
            pass  # It was closed with our bytes unread, which is an answer too.

    with connect(plant) as client:
        client.sendall(GOOD_REQUEST)
        served = receive(client, len(GOOD_REPLY))

    assert GOOD_REPLY == served


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(min_size=1, max_size=253)), max_size=20))
def test_every_framed_request_is_answered(
    plant: VirtualPlant, requests: list[tuple[int, bytes]]
) -> None:
    """However senseless, a well-framed request gets one answer under its own transaction."""
    with connect(plant) as client:
        for number, (unit, pdu) in enumerate(requests):
            client.sendall(struct.pack(">HHHB", number, 0, len(pdu) + 1, unit) + pdu)
        answered = []
        for _ in requests:
            number, _, length, unit = struct.unpack(">HHHB", receive(client, 7))
            receive(client, length - 1)
            answered.append((number, unit))

    assert [(number, unit) for number, (unit, _) in enumerate(requests)] == answered
