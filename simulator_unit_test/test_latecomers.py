"""A port that stops listening has done so completely."""

import asyncio
import socket

import pytest

from simulator.latecomers import LATECOMER_TURNS, settled, stop_listening
from simulator_unit_test.turn import Turn


@pytest.mark.parametrize("turns", range(LATECOMER_TURNS))
def test_who_was_let_in_has_a_protocol(turns: int) -> None:
    """Whoever was taken from the kernel is known when listening ends; nobody comes after that."""
    made: list[asyncio.BaseTransport] = []

    class Guest(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.append(transport)

    async def visit() -> tuple[int, int]:
        server = await asyncio.get_running_loop().create_server(Guest, "127.0.0.1", 0)
        with socket.create_connection(server.sockets[0].getsockname(), timeout=10):
            for _ in range(turns):
                await Turn()
            await stop_listening(server)
            then = len(made)
            await settled()
            now = len(made)
            for transport in made:
                transport.close()
            await settled()
        assert not server.is_serving()
        return then, now

    then, now = asyncio.run(visit())

    assert then == now
    assert turns < 2 or 1 == now
