"""GATT tables as values."""

import pytest

from virtual_radio.gatt import (
    MAX_VALUE_BYTES,
    GattError,
    bumble_services,
    characteristic,
    service,
)
from virtual_radio_unit_test.lamp import LAMP, STATE


def test_a_misspelt_property_is_named() -> None:
    """With what there is instead."""
    with pytest.raises(ValueError, match="reed"):
        characteristic(STATE, "reed")


def test_a_value_is_what_was_written() -> None:
    """Unless callables say otherwise."""
    one = characteristic(STATE, "read", "write")
    one.write("phone", b"on")

    assert b"on" == one.read("phone")


def test_callables_know_who_asks() -> None:
    """And what they return is the value."""
    written: list[tuple[str, bytes]] = []
    one = characteristic(
        STATE,
        "read",
        "write",
        on_read=lambda client: client.encode(),
        on_write=lambda client, value: written.append((client, value)),
    )
    one.write("phone", b"on")

    assert (b"phone", [("phone", b"on")]) == (one.read("phone"), written)


def test_a_value_has_a_longest_length() -> None:
    """512 bytes fit, 513 are refused with the standard's code."""
    one = characteristic(STATE, "write")
    one.write("phone", bytes(MAX_VALUE_BYTES))
    with pytest.raises(GattError) as refused:
        one.write("phone", bytes(MAX_VALUE_BYTES + 1))

    assert 0x0D == refused.value.code


def test_bumble_gets_the_same_table() -> None:
    """Services in order, characteristics by UUID."""
    made, by_uuid = bumble_services([service(LAMP, characteristic(STATE, "read"))])

    assert ([1], [STATE]) == ([len(each.characteristics) for each in made], list(by_uuid))


def test_what_is_not_offered_is_not_permitted() -> None:
    """Reading what can only be written, and the other way round."""
    with pytest.raises(GattError) as unreadable:
        characteristic(STATE, "write").read("phone")
    with pytest.raises(GattError) as unwritable:
        characteristic(STATE, "read").write("phone", b"on")

    assert (0x02, 0x03) == (unreadable.value.code, unwritable.value.code)
