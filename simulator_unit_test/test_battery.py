"""The battery on its own unit."""

import pytest

from simulator.battery import Battery
from simulator.modbus_pdu import Refused
from simulator.models import model_named
from simulator.physics import Energies, Flow, Moment

MOMENT = Moment(
    time_s=0,
    flow=Flow(pv_w=0, battery_w=-2125, grid_w=0, load_w=0),
    strings_w=(0, 0),
    soc=0.75,
    today=Energies(),
    total=Energies(),
    battery_c=-4.5,
)


def battery() -> Battery:
    return Battery(model_named("sh10rt"), "A2212345678", lambda: MOMENT)


def test_measurements() -> None:
    """Volts, amperes (negative while charging), degrees and charge, all in tenths."""
    shown = battery().read("input", 10740, 4)

    assert [4250, 0x10000 - 50, 0x10000 - 45, 750] == list(shown)


def test_serial() -> None:
    """Another box than the inverter has another serial number, in ten registers."""
    words = battery().read("input", 10710, 10)

    text = b"".join(word.to_bytes(2, "big") for word in words).rstrip(b"\0").decode()
    assert ("S2212345678", "S2212345678") == (text, battery().serial)


def test_reserved_between() -> None:
    """What lies between serial and measurements reads as unavailable."""
    assert [0xFFFF] * 3 == list(battery().read("input", 10725, 3))


@pytest.mark.parametrize(
    ("space", "first", "count"),
    [("input", 10709, 1), ("input", 10743, 2), ("holding", 10740, 1), ("input", 4999, 1)],
)
def test_not_there(space: str, first: int, count: int) -> None:
    """Other registers are refused with exception 2, the inverter's included."""
    with pytest.raises(Refused) as refused:
        battery().read(space, first, count)

    assert 2 == refused.value.code
