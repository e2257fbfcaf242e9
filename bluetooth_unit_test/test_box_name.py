"""What the box is called in the air."""

import pytest

from bluetooth import box_name
from bluetooth.box_name import ASK_TIMEOUT_S, END_CHARACTERS, PREFIX
from bluetooth.errors import GatewayAway, GatewaySlow
from bluetooth_unit_test.fake_gateway import FakeGateway


@pytest.mark.parametrize(
    ("serial", "name"),
    [
        ("0123abcdef", "Egret ABCDEF"),
        ("01-23-ab:c", "Egret 123ABC"),
        ("abc", "Egret ABC"),
        ("", ""),
        ("--", ""),
        ("ä12", "Egret 12"),
    ],
)
def test_a_name_ends_as_the_serial_does(serial: str, name: str) -> None:
    """The last six letters and digits, in capitals; none from nothing."""
    assert name == box_name.from_serial(serial)
    assert len(name) <= len(PREFIX) + END_CHARACTERS


def test_a_machine_always_has_a_name() -> None:
    """From its network address, the same each time."""
    assert len(PREFIX) + END_CHARACTERS == len(box_name.from_machine())
    assert box_name.from_machine() == box_name.from_machine()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ({"serialNumber": "0123abcdef"}, "Egret ABCDEF"),
        ({"serialNumber": 5}, ""),
        ([], ""),
        (b"not JSON", ""),
        (GatewayAway("away"), ""),
        (GatewaySlow("slow"), ""),
    ],
)
async def test_the_gateways_serial_gives_the_name(answer: object, name: str) -> None:
    """Or none, whatever it answers instead."""
    gateway = FakeGateway()
    gateway.says("GET", "/api/crypto", answer)

    assert name == await box_name.from_gateway(gateway)
    assert [ASK_TIMEOUT_S] == gateway.timeouts_s
