"""The feed-in registers of the dongle's own page, and the documented ones behind them."""

import pytest

from simulator import winet_inner, winet_rtu
from simulator.clock import ManualClock
from simulator.door import WINET_TLS
from simulator.modbus_pdu import ILLEGAL_ADDRESS, ILLEGAL_VALUE, Refused
from simulator.plant import VirtualPlant

NOON_S = 1_782_043_200


def plant_of(model: str) -> VirtualPlant:
    return VirtualPlant(model, clock=ManualClock(NOON_S))


def framed(plant: VirtualPlant, text: str) -> str:
    reply = winet_rtu.reply(bytes.fromhex(text), WINET_TLS, plant.face)
    return "" if reply is None else reply.hex().upper()


@pytest.mark.parametrize(
    ("model", "switch_at", "limit_at", "limit"),
    [("sg5.0rs", 5010, 5011, 100), ("sh10rt", 13087, 13074, 1000)],
)
def test_a_public_clients_limit_arrives(
    model: str, switch_at: int, limit_at: int, limit: int
) -> None:
    """sungrow_http_config's frames: the switch is echoed, 1.00 kW set, and both read back."""
    plant = plant_of(model)
    switch = framed(plant, "010679F400AA511B")
    write = winet_rtu.sealed(bytes.fromhex("0106 79F5 0064")).hex().upper()
    echoed = framed(plant, write)
    read = bytes.fromhex(framed(plant, "010379F400081CA2"))
    words = [plant.face.read(WINET_TLS, 1, "holding", at - 1, 1)[0] for at in (switch_at, limit_at)]

    assert ["010679F400AA511B", write] == [switch, echoed]
    assert [0xAA, limit] == words
    assert bytes.fromhex("010310 00AA 0064 FFFF") == read[:9]
    assert 3 + 16 + 2 == len(read)


def test_only_switch_and_limit_can_be_written() -> None:
    """The rest of the span is refused, and so is a limit above the inverter's power."""
    face = plant_of("sh10rt").face
    codes = []
    for first, word in ((winet_inner.FIRST + 1, 1), (winet_inner.FIRST, 0x7FFF)):
        with pytest.raises(Refused) as refused:
            winet_inner.write(face, WINET_TLS, 1, first, [word])
        codes.append(refused.value.code)

    assert [ILLEGAL_ADDRESS, ILLEGAL_VALUE] == codes


def test_other_registers_are_the_plants_own() -> None:
    """Reads and writes elsewhere go through untouched, across the span they are refused."""
    face = plant_of("sh10rt").face
    winet_inner.write(face, WINET_TLS, 1, 13051, [700])

    assert [700] == list(winet_inner.read_holding(face, WINET_TLS, 1, 13051, 1))
    with pytest.raises(Refused):
        winet_inner.read_holding(face, WINET_TLS, 1, winet_inner.FIRST - 2, 3)
