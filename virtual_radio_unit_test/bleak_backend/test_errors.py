"""The radio's errors in bleak's words."""

import pytest
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError

from virtual_radio.bleak_backend import errors


@pytest.mark.parametrize("code", [0x02, 0x0E, 0x13, 0x42, 0x80, 0xFF])
def test_any_code_of_the_protocol_is_kept(code: int) -> None:
    """Also those that have no name."""
    refused = errors.gatt_refused(code)

    assert isinstance(refused, BleakGATTProtocolError)
    assert code == refused.code


def test_a_lost_connection_is_an_error_of_bluez() -> None:
    """For whoever was waiting."""
    gone = errors.gone()

    assert isinstance(gone, BleakDBusError)
    assert (errors.FAILED, "Not connected") == (gone.dbus_error, gone.dbus_error_details)


def test_no_connection_is_an_error_of_bleak() -> None:
    """For whoever asks without one."""
    assert isinstance(errors.not_connected(), BleakError)


@pytest.mark.parametrize("status", range(0x01, 0x46))
def test_every_status_has_a_text(status: int) -> None:
    """One of those that BlueZ has."""
    assert "le-connection-" in str(errors.connect_failed(status))
