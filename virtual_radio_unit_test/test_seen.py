"""What a scan makes of the bytes of an advertisement."""

from bumble import hci
from bumble.device import Advertisement
from hypothesis import given
from hypothesis import strategies as st

from virtual_radio.peripheral import advertising_data, name_data
from virtual_radio.seen import Seen, read

ADDRESS = hci.Address("C0:00:00:00:00:01")
IMPROV = "00004677-0000-1000-8000-00805f9b34fb"
LAMP = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"


def seen(data: bytes) -> Seen:
    """An advertiser with this data."""
    return read(Advertisement(ADDRESS, -60, is_connectable=True, data_bytes=data))


def test_a_name_and_an_address() -> None:
    """Both as people write them."""
    one = seen(name_data("Zähler"))

    assert ("Zähler", "C0:00:00:00:00:01", -60) == (one.name, one.address_text, one.rssi_dbm)
    assert one.connectable


def test_service_uuids_are_long_and_lower_case() -> None:
    """Whether they were sent with 16 or with 128 bits."""
    assert (LAMP,) == seen(advertising_data([LAMP])).service_uuids
    assert (IMPROV,) == seen(advertising_data([IMPROV])).service_uuids


def test_service_data_belongs_to_a_uuid() -> None:
    """Its key is the long form."""
    assert {IMPROV: b"\x01\x02"} == seen(
        advertising_data(service_data={IMPROV: b"\x01\x02"})
    ).service_data


def test_manufacturer_data_belongs_to_a_company() -> None:
    """By its number."""
    assert {0x0059: b"abc"} == seen(
        advertising_data(manufacturer_data={0x0059: b"abc"})
    ).manufacturer_data


def test_transmit_power_is_signed() -> None:
    """In dBm."""
    assert -4 == seen(b"\x02\x0a\xfc").tx_power_dbm


def test_nothing_is_nothing() -> None:
    """An empty advertisement has no name and nothing else."""
    assert Seen(ADDRESS, None, rssi_dbm=-60, connectable=True) == seen(b"")


@given(st.binary(max_size=62))
def test_no_bytes_are_too_strange(data: bytes) -> None:
    """Fields that are cut short or lie about their length are left out."""
    assert "C0:00:00:00:00:01" == seen(data).address_text
