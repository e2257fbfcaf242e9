"""What a peer has, in bleak's form."""

from virtual_radio.bleak_backend.table import service_collection
from virtual_radio.central import Central
from virtual_radio.radio import Radio
from virtual_radio_unit_test.lamp import LAMP, LOG, STATE, SWITCH, Lamp

GENERIC_ACCESS = "00001800-0000-1000-8000-00805f9b34fb"


async def test_all_services_or_those_wanted(radio: Radio, central: Central) -> None:
    """In the peer's order."""
    lamp = await radio.peripheral("Lamp", Lamp().services)
    session = await central.connect(lamp.address)

    everything = [each.uuid for each in service_collection(session, None)]
    wanted = [each.uuid for each in service_collection(session, {LAMP})]

    assert (GENERIC_ACCESS, LAMP) == (everything[0], everything[-1])
    assert [LAMP] == wanted


async def test_properties_are_in_bleaks_words(radio: Radio, central: Central) -> None:
    """In BlueZ's order, and handles are those of the peer."""
    lamp = await radio.peripheral("Lamp", Lamp().services)
    session = await central.connect(lamp.address, mtu=100)

    table = service_collection(session, None)

    found = {each.uuid: each for each in table.characteristics.values()}
    assert ["read", "write", "notify"] == found[STATE].properties
    assert ["write-without-response"] == found[SWITCH].properties
    assert session.find(LOG).handle == found[LOG].handle
    assert 97 == found[LOG].max_write_without_response_size
