"""The guard that keeps unit tests on this machine."""

import socket

import pytest


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_another_machine_cannot_be_reached(address: str) -> None:
    """A connection to anything but loopback fails at once, with the way out."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as outside:
        outside.settimeout(0.1)

        with pytest.raises(AssertionError, match=f"may not reach {address}; start a server on"):
            outside.connect((address, 80))


def test_loopback_can_be_reached() -> None:
    """A server of the test's own is reached as ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname(), timeout=1) as client:
            assert server.getsockname() == client.getpeername()
