"""Improv's commands in pieces, of several clients, with pauses."""

import pytest

from bluetooth.improv import BadPacket, Command, Credentials, Packet
from bluetooth.improv_writes import MAX_CLIENTS, SILENCE_S, Writes
from bluetooth_unit_test.virtual_time import VirtualTime

pytestmark = pytest.mark.anyio

JOIN = Credentials("home", "secret99").packet()
IDENTIFY = Packet(Command.IDENTIFY)


class Late:
    """Writes, and how often one was late."""

    def __init__(self) -> None:
        self.time = VirtualTime()
        self.count = 0
        self.writes = Writes(self.time, self.time.spawn, self.time.wait, self._late)

    def _late(self) -> None:
        self.count += 1

    def feed(self, name: str, piece: bytes) -> Packet | None:
        complete = self.writes.feed(name, piece)
        return None if complete is None else complete[1]


async def test_pieces_of_two_clients() -> None:
    """Each client's pieces are put together by themselves."""
    late = Late()
    whole = JOIN.encode()

    assert late.feed("a", whole[:5]) is None
    assert IDENTIFY == late.feed("b", IDENTIFY.encode())
    assert JOIN == late.feed("a", whole[5:])
    await late.time.advance(SILENCE_S)
    assert (0, True) == (late.count, late.time.is_quiet)


async def test_pause_within_a_command() -> None:
    """After SILENCE_S the beginning is forgotten, it is told once, and the next one is read."""
    late = Late()
    late.feed("a", JOIN.encode()[:5])
    await late.time.advance(SILENCE_S - 0.1)
    late.feed("a", JOIN.encode()[5:7])
    await late.time.advance(SILENCE_S - 0.1)
    before = late.count
    await late.time.advance(0.1)

    assert (0, 1) == (before, late.count)
    assert IDENTIFY == late.feed("a", IDENTIFY.encode())
    assert late.time.is_quiet


async def test_client_that_left() -> None:
    """What it began is no part of what the next connection sends, and nobody is told."""
    late = Late()
    late.feed("a", JOIN.encode()[:5])
    late.writes.left("a")

    assert IDENTIFY == late.feed("a", IDENTIFY.encode())
    await late.time.advance(SILENCE_S)
    assert 0 == late.count


async def test_many_clients() -> None:
    """Beyond MAX_CLIENTS the one that was silent longest is forgotten."""
    late = Late()
    whole = JOIN.encode()
    for number in range(MAX_CLIENTS + 1):
        late.feed(str(number), whole[:5])

    assert JOIN == late.feed("1", whole[5:])
    with pytest.raises(BadPacket):  # Its beginning is gone.
        late.feed("0", whole[5:] * 9)
    await late.time.advance(SILENCE_S)


async def test_clients_that_come_and_go_in_haste_leave_one_watcher() -> None:
    """However many begin a command and vanish, there is one piece of work, and it ends."""
    late = Late()
    for number in range(1000):
        late.feed(f"{number}", JOIN.encode()[:5])
        late.writes.left(f"{number}")
    tasks = len(late.time.tasks)
    await late.time.advance(SILENCE_S)

    assert (1, 0, True) == (tasks, late.count, late.time.is_quiet)


async def test_each_client_has_its_own_time() -> None:
    """The one that began later is given up later."""
    late = Late()
    late.feed("a", JOIN.encode()[:5])
    await late.time.advance(1.0)
    late.feed("b", JOIN.encode()[:5])
    await late.time.advance(SILENCE_S - 1.0)
    first = late.count
    await late.time.advance(1.0)

    assert (1, 2, True) == (first, late.count, late.time.is_quiet)
