"""Endpoints become transports by their scheme."""

import pytest

from server.errors import SettingsError
from server.model.device import KNOWN_SCHEMES, Endpoint
from server.transports import SCHEMES, open_transport
from server.transports.modbus_tcp import ModbusTcp
from server.transports.sungrow_tcp import SungrowTcp
from server.transports.winet import Winet
from server_unit_test.contracts.fake_clock import FakeClock


@pytest.mark.parametrize(
    "scheme,kind", [("modbus_tcp", ModbusTcp), ("sungrow_tcp", SungrowTcp), ("winet", Winet)]
)
def test_a_known_scheme_makes_a_transport(scheme: str, kind: type) -> None:
    """Nothing is connected by making it, so the device may be away."""
    transport = open_transport(Endpoint(scheme, "127.0.0.1", 1), FakeClock())

    assert isinstance(transport, kind)
    transport.close()


def test_an_unknown_scheme_names_the_known_ones() -> None:
    """The error says what is wrong and what it should be."""
    with pytest.raises(SettingsError, match="'modbus_udp' is unknown.*modbus_tcp"):
        open_transport(Endpoint("modbus_udp", "127.0.0.1", 1))


def test_factories_need_the_endpoint_alone() -> None:
    """Every scheme can be opened without a clock."""
    made = [factory(Endpoint(scheme, "127.0.0.1", 1)) for scheme, factory in SCHEMES.items()]

    assert len(SCHEMES) == len(made)


def test_settings_know_exactly_these_schemes() -> None:
    """They may not look in here, so only this test holds both lists together."""
    assert set(KNOWN_SCHEMES) == set(SCHEMES)
