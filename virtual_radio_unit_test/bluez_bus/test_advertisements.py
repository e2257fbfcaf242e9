"""Advertisements, as a fake bluetoothd composes and sends them."""

from typing import Any

import pytest
from dbus_fast import Variant

from virtual_radio.bluez_bus.advertisements import (
    MAX_DATA_BYTES,
    TURN_S,
    Advertisements,
    Sent,
    TooLong,
    compose,
)
from virtual_radio.central import Central
from virtual_radio.peripheral import Peripheral

LONG = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
OTHER = "7e400001-b5a3-f393-e0a9-e50e24dcca9e"
IMPROV = "00004677-0000-1000-8000-00805f9b34fb"


def test_everything_has_its_place() -> None:
    """Flags, services and data in the advertisement, the name in the scan response."""
    sent = compose(
        {"ServiceUUIDs": [LONG], "ServiceData": {"4677": b"\1\2\3\4\5\6"}, "LocalName": "Egret"}
    )

    uuid = bytes.fromhex(LONG.replace("-", ""))[::-1]
    assert b"\2\1\6" + b"\x11\x07" + uuid + b"\x09\x16\x77\x46\1\2\3\4\5\6" == sent.data
    assert b"\x06\x09Egret" == sent.scan_response
    assert MAX_DATA_BYTES == len(sent.data)


@pytest.mark.parametrize("key", ["4677", IMPROV])
def test_a_16_bit_uuid_takes_two_bytes(key: str) -> None:
    """However it was written; values may carry their D-Bus type."""
    data = {key: Variant("ay", b"x")}

    sent = compose({"ServiceUUIDs": ["180d"], "ServiceData": data, "Discoverable": False})

    assert b"\x03\x03\x0d\x18" + b"\x04\x16\x77\x46x" == sent.data


def test_data_of_a_long_uuid_takes_sixteen() -> None:
    """It has another type."""
    sent = compose({"ServiceData": {LONG: b"x"}, "Discoverable": False})

    assert (18, 0x21) == (sent.data[0], sent.data[1])


@pytest.mark.parametrize(
    "properties",
    [
        {"ServiceUUIDs": [LONG, OTHER]},
        {"ServiceUUIDs": [LONG], "ServiceData": {"4677": b"\1\2\3\4\5\6\7"}},
        {"LocalName": "x" * 30},
    ],
)
def test_what_does_not_fit_is_refused(properties: dict[str, Any]) -> None:
    """One byte too many is too many."""
    with pytest.raises(TooLong):
        compose(properties)


def test_nothing_is_nothing() -> None:
    """Not even flags, if it is not to be discovered."""
    assert Sent(b"", b"") == compose({"Discoverable": False})


async def test_several_take_turns(peripheral: Peripheral, central: Central) -> None:
    """Each is heard; one that is taken out falls silent."""
    await peripheral.stop_advertising()
    sending = Advertisements(peripheral.device)
    sending.add("one", compose({"ServiceUUIDs": [LONG]}))
    sending.add("two", compose({"ServiceUUIDs": [OTHER]}))

    both = [await central.find(service=uuid) for uuid in (LONG, OTHER)]
    sending.remove("one")
    await central.scan(TURN_S)
    left = {uuid for seen in await central.scan(5 * TURN_S) for uuid in seen.service_uuids}
    keys = sending.keys()
    await sending.close()

    assert 2 == len(both)
    assert {OTHER} == left
    assert ["two"] == keys


async def test_it_goes_on_beside_a_connection(peripheral: Peripheral, central: Central) -> None:
    """A host stops advertising when a central connects; a refresh starts it again."""
    await peripheral.stop_advertising()
    sending = Advertisements(peripheral.device)
    sending.add("one", compose({"ServiceUUIDs": [LONG]}))
    await central.connect(await central.find(service=LONG))

    sending.refresh()
    heard = await central.find(service=LONG)
    await sending.close()

    assert (LONG,) == heard.service_uuids


async def test_closed_it_is_silent(peripheral: Peripheral, central: Central) -> None:
    """And closing again is no error; what is not sent cannot be removed."""
    await peripheral.stop_advertising()
    sending = Advertisements(peripheral.device)
    sending.add("one", compose({"ServiceUUIDs": [LONG]}))

    await sending.close()
    await sending.close()

    assert [] == await central.scan(1.0)
    assert (0, False) == (len(sending), "one" in sending)
    with pytest.raises(KeyError):
        sending.remove("one")
