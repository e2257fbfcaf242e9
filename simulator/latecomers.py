"""Those who come while a port closes: let in completely, so that they can be dropped completely.

asyncio takes a connection from the kernel in one turn of its loop and gives it a transport some
turns later. A server that is closed in between loses the connection: nobody owns it, nobody closes
it. So a port stops taking connections first, and closes once those that it took are all there.
"""

import asyncio

LATECOMER_TURNS = 8
"""Turns of the loop that a connection needs, from the kernel's queue to its protocol or to its
end: six, and two to spare."""


async def settled() -> None:
    """Return when whatever was under way in the loop has happened."""
    for _ in range(LATECOMER_TURNS):
        await asyncio.sleep(0)


async def stop_listening(server: asyncio.Server) -> None:
    """Take no connection any more; those that were taken have their protocols then."""
    loop = asyncio.get_running_loop()
    for each in server.sockets:
        loop.remove_reader(each.fileno())
    await settled()
    server.close()
