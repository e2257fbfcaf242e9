"""The encrypted door in trouble: what is spoiled, swallowed or late, as it travels."""

import select
import socket
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from simulator.clock import ManualClock
from simulator.plant import VirtualPlant
from simulator.trouble import Order, Quirk, Trouble
from simulator_unit_test.cipher_client import (
    Client,
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


def wait_for_request(plant: VirtualPlant) -> None:
    """Until the door has understood one."""
    for _ in range(10_000):
        if plant.requests:
            return
        select.select([], [], [], 0.001)
    raise AssertionError("no request arrived")


def troubled(plant: VirtualPlant, trouble: Trouble, value: float = 0.0) -> bytes:
    """What comes back, as it travels, under the printed key; the trouble meets one request."""
    door_of(plant).public = lambda day: PUBLIC
    number = plant.troubles.set(Order(trouble, door="encrypted", value=value))
    with Client(plant) as client:
        client.socket.sendall(WIRE_REQUEST)
        if trouble in (Trouble.DROP, Trouble.LATE_REPLY, Trouble.SHORT_FRAME):
            wait_for_request(plant)
            plant.troubles.clear(number)
            client.socket.sendall(REQUEST)
            client.socket.shutdown(socket.SHUT_WR)
        else:
            client.socket.shutdown(socket.SHUT_WR)
        return client.receive(1000)


def test_dropped_requests_have_no_answer(plant: VirtualPlant) -> None:
    """The connection stays, and the next request has one."""
    assert PLAIN_ANSWER == troubled(plant, Trouble.DROP)


@pytest.mark.parametrize("trouble", [Trouble.CLOSE, Trouble.LOCKED])
def test_closing_instead_of_answering(plant: VirtualPlant, trouble: Trouble) -> None:
    """Modbus has no accounts, so a locked one is a closed connection too."""
    assert b"" == troubled(plant, trouble)


def test_garbled_bytes_can_be_told(plant: VirtualPlant) -> None:
    """What is spoiled is the head of the answer, so that every client can see it."""
    answer = troubled(plant, Trouble.GARBLE)

    assert len(WIRE_ANSWER) == len(answer)
    assert WIRE_ANSWER[:9] != answer[:9]
    assert WIRE_ANSWER[9:] == answer[9:]


def test_a_wrong_number_is_wrong_within(plant: VirtualPlant) -> None:
    """The frame deciphers, and another number than 0x6868 stands in it; the rest is right."""
    answer = troubled(plant, Trouble.WRONG_TRANSACTION)
    work = Cipher(algorithms.AES(SESSION), modes.ECB()).decryptor()
    frame = work.update(answer[4:])[: answer[2]]

    assert b"\x68\x68" != frame[:2]
    assert PLAIN_ANSWER[2:] == frame[2:]


def test_refusals_and_business(plant: VirtualPlant) -> None:
    """An ordered exception and a busy device are enciphered exceptions."""
    door_of(plant).public = lambda day: PUBLIC
    answers = []
    for trouble, value in ((Trouble.EXCEPTION, 0), (Trouble.EXCEPTION, 2), (Trouble.BUSY, 0)):
        number = plant.troubles.set(Order(trouble, value=value))
        with Client(plant) as client:
            client.session = SESSION
            answers.append(client.ask(REQUEST)[7:])
        plant.troubles.clear(number)

    assert [b"\x84\x04", b"\x84\x02", b"\x84\x06"] == answers


def test_a_short_frame_ends_in_its_middle(plant: VirtualPlant) -> None:
    """Nothing follows it but the next answer."""
    answer = troubled(plant, Trouble.SHORT_FRAME)
    short = answer.removesuffix(PLAIN_ANSWER)

    assert 0 < len(short) < len(WIRE_ANSWER)
    assert WIRE_ANSWER.startswith(short)


@pytest.mark.parametrize("trouble", [Trouble.SLOW_DRIP, Trouble.LATENCY])
def test_slow_answers_are_right(plant: VirtualPlant, trouble: Trouble) -> None:
    """Late or byte by byte, it is the answer."""
    assert WIRE_ANSWER == troubled(plant, trouble, 0.02)


def test_a_late_reply_comes_after_its_successor(plant: VirtualPlant) -> None:
    """It goes out while the connection has gone on, for whoever still listens."""
    door_of(plant).public = lambda day: PUBLIC
    number = plant.troubles.set(Order(Trouble.LATE_REPLY, value=0.2))
    with Client(plant) as client:
        client.socket.sendall(WIRE_REQUEST)
        wait_for_request(plant)
        plant.troubles.clear(number)
        client.socket.sendall(REQUEST)
        got = client.receive(len(PLAIN_ANSWER) + len(WIRE_ANSWER))

    assert PLAIN_ANSWER + WIRE_ANSWER == got


def test_a_trouble_meets_the_exchange_as_well(plant: VirtualPlant) -> None:
    """A busy device hands out no key."""
    plant.troubles.set(Order(Trouble.BUSY))
    with Client(plant) as client:
        client.socket.sendall(KEY_REQUEST)

        assert bytes.fromhex("68680000 0003 F7 84 06") == client.receive(9)
    assert 0 == door_of(plant).exchanges


def test_quirks_of_framing_hold_within(plant: VirtualPlant) -> None:
    """Exceptions of the short length, enciphered."""
    plant.troubles.switch(Quirk.SHORT_EXCEPTION_LENGTH)
    with Client(plant) as client:
        client.exchange()

        assert bytes.fromhex("6868 0000 0002 02 84 0B") == client.ask(
            bytes.fromhex("0002 0000 0006 02 04 1387 0001")
        )
