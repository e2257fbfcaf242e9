"""RTU frames: the vendor's own example, checksums, refusals and silence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import winet_rtu
from simulator.clock import ManualClock
from simulator.door import WINET_TLS
from simulator.plant import VirtualPlant
from simulator.winet_rtu import MAX_FRAME_BYTES, MIN_FRAME_BYTES

PLANT = VirtualPlant("sh25t", clock=ManualClock(1_782_043_200))
REQUEST = bytes.fromhex("0104 1387 000A C4A0")
"""The vendor's example request (hybrid protocol V1.1.16): ten registers from document 5000."""


def test_the_checksum_is_the_vendors() -> None:
    """The checksum of the vendor's example is the one printed there."""
    assert bytes.fromhex("C4A0") == winet_rtu.crc(REQUEST[:-2])


def test_a_read_is_answered_with_unit_function_length_and_checksum() -> None:
    """An SH25T says its type code, 25.0 kW and three phases, as in the vendor's example."""
    reply = winet_rtu.reply(REQUEST, WINET_TLS, PLANT.face)

    assert reply is not None
    assert bytes.fromhex("010414 0E28 00FA 0001") == reply[:9]
    assert 3 + 20 + 2 == len(reply)
    assert winet_rtu.crc(reply[:-2]) == reply[-2:]


def test_a_write_is_echoed_and_done() -> None:
    """Function 6 is answered with itself, and function 3 then reads the new word."""
    plant = VirtualPlant("sh10rt", clock=ManualClock(1_782_043_200))
    write = winet_rtu.sealed(bytes.fromhex("0106 32FB 0064"))
    echoed = winet_rtu.reply(write, WINET_TLS, plant.face)
    read = winet_rtu.reply(winet_rtu.sealed(bytes.fromhex("0103 32FB 0001")), WINET_TLS, plant.face)

    assert write == echoed
    assert winet_rtu.sealed(bytes.fromhex("010302 0064")) == read


def test_a_refused_register_gets_an_exception_frame() -> None:
    """Exception 2 travels with unit, function and checksum."""
    request = winet_rtu.sealed(bytes.fromhex("0104 0001 0001"))

    assert winet_rtu.sealed(b"\x01\x84\x02") == winet_rtu.reply(request, WINET_TLS, PLANT.face)


@pytest.mark.parametrize(
    "frame",
    [
        REQUEST[:-1] + b"\x00",
        winet_rtu.sealed(b"\x09" + REQUEST[1:-2]),
        REQUEST[: MIN_FRAME_BYTES - 1],
        winet_rtu.sealed(b"\x01" * (MAX_FRAME_BYTES - 1)),
        b"",
    ],
    ids=["checksum", "unit", "short", "long", "empty"],
)
def test_a_frame_that_nobody_takes_gets_silence(frame: bytes) -> None:
    """A wrong checksum, a unit that is not there, and lengths no line carries: no answer."""
    assert winet_rtu.reply(frame, WINET_TLS, PLANT.face) is None


def test_writes_are_told_from_reads() -> None:
    """Functions 6 and 16 write, 3 and 4 do not."""
    kinds = [winet_rtu.is_write(bytes([1, function])) for function in (3, 4, 6, 16)]

    assert [False, False, True, True] == kinds


@given(st.binary(max_size=MAX_FRAME_BYTES + 4))
def test_no_frame_breaks_it(body: bytes) -> None:
    """Whatever is sealed and sent gets silence or a sealed answer."""
    reply = winet_rtu.reply(winet_rtu.sealed(body), WINET_TLS, PLANT.face)

    assert reply is None or winet_rtu.crc(reply[:-2]) == reply[-2:]
