"""Improv's commands arrive in pieces: puts each client's together, and gives up what pauses.

Knows bytes, clients and time; not what a command does.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from bluetooth.improv import Packet, PacketAssembler
from bluetooth.ports import Clock, Spawn, Wait

SILENCE_S = 3.0
"""Seconds between two pieces of a command, after which it is given up."""
MAX_CLIENTS = 8
"""Clients with an unfinished command; the one that was silent longest makes room."""


@dataclass(slots=True)
class Client:
    """One client's unfinished command, and whether it is still there to be answered."""

    name: str
    assembler: PacketAssembler = field(default_factory=PacketAssembler)
    piece_at: float = 0.0
    has_left: bool = False


class Writes:
    """Puts each client's pieces together; `late` is told of a command that was not finished."""

    def __init__(self, clock: Clock, spawn: Spawn, wait: Wait, late: Callable[[], None]) -> None:
        self._clock = clock
        self._spawn = spawn
        self._wait = wait
        self._late = late
        self._clients: OrderedDict[str, Client] = OrderedDict()
        self._is_watching = False

    def feed(self, name: str, piece: bytes) -> tuple[Client, Packet] | None:
        """Take one write; the command when it is complete. Raises BadPacket."""
        client = self._clients.get(name)
        if client is None:
            if len(self._clients) >= MAX_CLIENTS:
                self.left(next(iter(self._clients)))
            client = self._clients[name] = Client(name)
        self._clients.move_to_end(name)
        client.piece_at = self._clock.monotonic()
        packet = client.assembler.feed(piece)
        if client.assembler.waits and not self._is_watching:
            self._is_watching = True
            self._spawn(self._watch())
        return None if packet is None else (client, packet)

    def left(self, name: str) -> None:
        """Forget the client."""
        client = self._clients.pop(name, None)
        if client is not None:
            client.has_left = True
            client.assembler.reset()

    async def _watch(self) -> None:
        """One for all clients: those that come and go in haste leave no watcher each."""
        try:
            while waiting := [each for each in self._clients.values() if each.assembler.waits]:
                client = min(waiting, key=lambda each: each.piece_at)
                left_s = client.piece_at + SILENCE_S - self._clock.monotonic()
                if left_s > 0:
                    await self._wait(left_s)
                else:
                    client.assembler.reset()
                    self._late()
        finally:
            self._is_watching = False
