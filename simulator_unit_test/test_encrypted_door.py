"""The encrypted door, byte by byte: expected frames come from the published scheme."""

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulator import encrypted_door, modbus_server
from simulator.clock import ManualClock
from simulator.encrypted_door import Keys, public_keys, session_cipher
from simulator.modbus_server import MAX_CONNECTIONS
from simulator.plant import VirtualPlant
from simulator.trouble import Order, Trouble
from simulator_unit_test.cipher_client import (
    Client,
    DAY_S,
    KEY_REQUEST,
    NOON_S,
    PLAIN_ANSWER,
    PUBLIC,
    REQUEST,
    SESSION,
    WIRE_ANSWER,
    WIRE_REQUEST,
    door_of,
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON_S)


@pytest.fixture
def plant(clock: ManualClock) -> Iterator[VirtualPlant]:
    with VirtualPlant("sg10rt", doors={"encrypted": 0, "modbus": 0}, clock=clock) as plant:
        yield plant


@pytest.fixture(scope="module")
def printed() -> Iterator[VirtualPlant]:
    """A plant whose public key is 01..10 every day, as in the printed example."""
    with VirtualPlant("sg10rt", doors={"encrypted": 0}, clock=ManualClock(NOON_S)) as plant:
        door_of(plant).public = lambda day: PUBLIC
        yield plant


def test_the_printed_example(printed: VirtualPlant) -> None:
    """Key, request and answer of the published scheme's example, on one connection."""
    with Client(printed) as client:
        client.socket.sendall(KEY_REQUEST)
        handed = client.receive(25)
        client.socket.sendall(WIRE_REQUEST)
        answered = client.receive(len(WIRE_ANSWER))

    assert bytes.fromhex("68680000 0013 F7 04 10") + PUBLIC == handed
    assert WIRE_ANSWER == answered


def test_a_client_may_come_back_with_its_key(plant: VirtualPlant) -> None:
    """Clients that close after the exchange speak enciphered from the first byte then."""
    with Client(plant) as client:
        client.exchange()
        session = client.session
    with Client(plant) as client:
        client.session = session
        answer = client.ask(REQUEST)

    assert b"\x68\x68" + PLAIN_ANSWER[2:] == answer


def test_whoever_never_asks_speaks_plainly(plant: VirtualPlant) -> None:
    """The same port answers plain Modbus, its transaction number kept."""
    with Client(plant) as client:
        client.socket.sendall(REQUEST)

        assert PLAIN_ANSWER == client.receive(len(PLAIN_ANSWER))


def test_whoever_was_handed_a_key_has_to_use_it(plant: VirtualPlant) -> None:
    """Plain frames close a connection on which a key was handed out; asking again does not."""
    with Client(plant) as client:
        first, second = client.exchange(), client.exchange()
        client.socket.sendall(REQUEST)

        assert first == second
        assert b"" == client.receive(1)


@pytest.mark.parametrize(
    "keys,key_hex",
    [(Keys.ZEROS, "00" * 16), (Keys.ONES, "ff" * 16), (Keys.SHORT, "0102030405060708")],
)
def test_a_device_that_wants_no_cipher(plant: VirtualPlant, keys: Keys, key_hex: str) -> None:
    """A blank or short key, and plain Modbus goes on beside it."""
    door_of(plant).hand_out(keys)
    key = bytes.fromhex(key_hex)
    with Client(plant) as client:
        client.socket.sendall(KEY_REQUEST)
        handed = client.receive(9 + len(key))
        client.socket.sendall(REQUEST)

        assert (
            bytes.fromhex("68680000 00") + bytes((3 + len(key), 0xF7, 4, len(key))) + key == handed
        )
        assert PLAIN_ANSWER == client.receive(len(PLAIN_ANSWER))


def test_enciphered_frames_mean_nothing_without_a_key(plant: VirtualPlant) -> None:
    """A door that hands out no key hangs up on them."""
    door_of(plant).hand_out(Keys.ZEROS)
    with Client(plant) as client:
        client.socket.sendall(WIRE_REQUEST)

        assert b"" == client.receive(1)


def test_every_day_has_its_key(plant: VirtualPlant, clock: ManualClock) -> None:
    """The key is the same until the plant's midnight and another one afterwards."""
    keys = []
    for seconds in (0, DAY_S // 2 - 1, 1):
        clock.advance(seconds)
        with Client(plant) as client:
            keys.append(client.exchange())

    assert keys[0] == keys[1] != keys[2]
    assert 3 == door_of(plant).exchanges
    assert public_keys(Keys.DAILY, "A1")(7) != public_keys(Keys.DAILY, "A2")(7)


def test_an_old_key_ends_at_midnight(plant: VirtualPlant, clock: ManualClock) -> None:
    """The door hangs up on what yesterday's key enciphered; a new exchange opens it again."""
    with Client(plant) as client:
        client.exchange()
        before = client.ask(REQUEST)
        clock.advance(DAY_S)
        after = client.ask(REQUEST)
    with Client(plant) as client:
        client.exchange()
        anew = client.ask(REQUEST)

    assert (13 - 2, b"", before) == (len(before), after, anew)


def test_an_old_key_may_bring_garbage(plant: VirtualPlant, clock: ManualClock) -> None:
    """Asked for it, the door answers under its new key, which is garbage under the old one."""
    door_of(plant).answers_garbage = True
    with Client(plant) as client:
        client.exchange()
        clock.advance(DAY_S)
        garbage = client.ask(REQUEST)
        client.exchange()
        anew = client.ask(REQUEST)

    assert 9 == len(garbage)
    assert b"\0\0" != garbage[2:4]
    assert PLAIN_ANSWER[2:] == anew[2:]


def test_a_door_that_insists_on_its_key(plant: VirtualPlant) -> None:
    """It hangs up on plain requests, but for the one for the key; where it has none it cannot."""
    plant.set_doors(answers_plain=False)
    with Client(plant) as client:
        client.socket.sendall(REQUEST)
        plain = client.receive(len(PLAIN_ANSWER))
    with Client(plant) as client:
        client.exchange()
        enciphered = client.ask(REQUEST)
    plant.set_doors(keys="zeros")
    with Client(plant) as client:
        client.socket.sendall(REQUEST)
        without = client.receive(len(PLAIN_ANSWER))

    assert (b"", PLAIN_ANSWER[2:], PLAIN_ANSWER[2:]) == (plain, enciphered[2:], without[2:])


def test_a_wrong_clock_has_another_midnight(plant: VirtualPlant, clock: ManualClock) -> None:
    """A device whose clock is fast changes its key before the others do."""
    plant.troubles.set(Order(Trouble.CLOCK_WRONG, door="encrypted", value=7_200))
    clock.advance(DAY_S / 2 - 7_201)
    with Client(plant) as client:
        before = client.exchange()
        clock.advance(1)
        after = client.exchange()

    assert before != after


def test_all_doors_show_one_plant(plant: VirtualPlant) -> None:
    """What the encrypted door says, the plain one says too."""
    request = bytes.fromhex("0001 0000 0006 01 04 1388 0025")
    with Client(plant) as client:
        client.exchange()
        enciphered = client.ask(request)
    with socket.create_connection((plant.host, plant.port), timeout=10) as plain:
        plain.sendall(request)
        plain.shutdown(socket.SHUT_WR)
        received = plain.makefile("rb").read()

    assert 9 + 2 * 37 == len(enciphered)
    assert received[2:] == enciphered[2:]


def test_writes_and_refusals_pass_through(plant: VirtualPlant) -> None:
    """A write is done, another unit is exception 11, and so is the key's unit otherwise."""
    with Client(plant) as client:
        client.exchange()
        written = client.ask(bytes.fromhex("0001 0000 0006 01 06 138E 00AA"))
        elsewhere = client.ask(bytes.fromhex("0002 0000 0006 02 04 1387 0001"))
        other = client.ask(bytes.fromhex("0003 0000 0006 F7 04 0AE7 0007"))

    assert bytes.fromhex("6868 0000 0006 01 06 138E 00AA") == written
    assert bytes.fromhex("6868 0000 0003 02 84 0B") == elsewhere
    assert bytes.fromhex("6868 0000 0003 F7 84 0B") == other


def test_the_key_may_be_asked_for_within(plant: VirtualPlant) -> None:
    """An enciphered request for the key is a request for the key."""
    with Client(plant) as client:
        public = client.exchange()

        assert public == client.ask(KEY_REQUEST)[9:]


def test_an_answer_has_to_fit(plant: VirtualPlant, monkeypatch: pytest.MonkeyPatch) -> None:
    """MAX_FRAME_BYTES hold 123 registers; 124 are refused with exception 3."""
    monkeypatch.setattr(plant.face, "read", lambda door, unit, space, first, count: [7] * count)
    with Client(plant) as client:
        client.exchange()
        longest = client.ask(bytes.fromhex("0001 0000 0006 01 04 1387 007B"))
        longer = client.ask(bytes.fromhex("0001 0000 0006 01 04 1387 007C"))

    assert encrypted_door.MAX_FRAME_BYTES == len(longest) == 9 + 2 * 123
    assert bytes.fromhex("6868 0000 0003 01 84 03") == longer


def test_several_requests_in_one_segment(printed: VirtualPlant) -> None:
    """Enciphered requests that arrive together are answered one by one."""
    with Client(printed) as client:
        client.socket.sendall(WIRE_REQUEST * 3)

        assert WIRE_ANSWER * 3 == client.receive(3 * len(WIRE_ANSWER))


def test_half_frames(printed: VirtualPlant) -> None:
    """A request that arrives byte by byte is answered like any other."""
    with Client(printed) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in WIRE_REQUEST:
            client.socket.sendall(bytes([byte]))

        assert WIRE_ANSWER == client.receive(len(WIRE_ANSWER))


def test_too_many_clients(plant: VirtualPlant) -> None:
    """MAX_CONNECTIONS hold here as they do at the plain door."""
    with ExitStack() as clients:
        for _ in range(MAX_CONNECTIONS):
            clients.enter_context(Client(plant)).exchange()
        with Client(plant) as one_more:
            try:
                turned_away = one_more.receive(1)
            except ConnectionResetError:
                turned_away = b""

        assert b"" == turned_away
        assert MAX_CONNECTIONS == plant.connections


def test_silent_client_is_dropped(plant: VirtualPlant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an enciphered request holds a connection no longer than the idle timeout."""
    monkeypatch.setattr(modbus_server, "IDLE_TIMEOUT_S", 0.05)
    with Client(plant) as client:
        client.socket.sendall(WIRE_REQUEST[:10])

        assert b"" == client.receive(1)


@given(noise=st.binary(max_size=300) | st.binary(max_size=60).map(lambda tail: b"\1\0" + tail))
@example(noise=b"\1\0\x08\x08" + bytes(16))
@example(noise=b"\1\0\xff\x01" + bytes(256))
def test_no_bytes_crash_it(printed: VirtualPlant, noise: bytes) -> None:
    """Whatever one client sends, the connection ends and the next client is served."""
    with Client(printed) as client:
        try:
            client.socket.sendall(noise)
            client.socket.shutdown(socket.SHUT_WR)
            while client.socket.recv(4096):
                pass
        except TimeoutError:
            raise
        except OSError:
            pass  # It was closed with our bytes unread, which is an answer too.
    with Client(printed) as client:
        client.socket.sendall(WIRE_REQUEST)

        assert WIRE_ANSWER == client.receive(len(WIRE_ANSWER))


@given(
    unit=st.integers(0, 255),
    pdu=st.binary(min_size=1, max_size=200),
)
def test_every_enciphered_request_is_answered(printed: VirtualPlant, unit: int, pdu: bytes) -> None:
    """However senseless, a frame under the right key gets one answer under the same key."""
    with Client(printed) as client:
        client.session = SESSION
        answer = client.ask(struct.pack(">HHHB", 9, 0, len(pdu) + 1, unit) + pdu)

    assert (0, len(answer) - 6, unit) == struct.unpack_from(">HHB", answer, 2)
    assert pdu[0] & 0x7F == answer[7] & 0x7F


@pytest.mark.parametrize("public", [b"", bytes(16), b"\xff" * 16, bytes(15), bytes(17)])
def test_no_key_is_no_cipher(public: bytes) -> None:
    """As clients decide it, so does the door."""
    assert session_cipher(public) is None
