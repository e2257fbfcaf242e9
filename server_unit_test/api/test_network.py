"""Where the box is reached."""

from server_unit_test.api.conftest import Api


def test_address_and_port_are_the_boxs_own(api: Api) -> None:
    """The port is the one that the server really listens on."""
    assert {"ip": "192.0.2.2", "port": api.port} == api.json("/api/network/address")
