"""Which port a program of the demo takes."""

import socket

from demo.ports import free_or_any


def test_a_busy_port_becomes_any() -> None:
    """Where somebody listens, 0 lets the program choose."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]

        assert 0 == free_or_any("127.0.0.1", port)


def test_a_free_port_is_kept() -> None:
    """Where nobody listens, the wish stands."""
    with socket.create_server(("127.0.0.1", 0)) as once_busy:
        port = once_busy.getsockname()[1]

    assert port == free_or_any("127.0.0.1", port)
