"""Writes that no phone would send: random bytes, and good ones that something has happened to.

Deterministic from the source of chance. Hellos of sessions are left out: five wrong ones pause the
door for half a minute, as they should.
"""

import random
from collections.abc import Callable, Iterator

from bluetooth import egwttp
from bluetooth.gatt import IMPROV_COMMAND_UUID, REQUEST_UUID, SESSION_UUID
from bluetooth.improv import Command, Packet
from bluetooth.record import Kind
from system_test.phone import WRITE_BYTES

Write = tuple[str, bytes]

GOOD_REQUESTS = (
    egwttp.Request("GET", "/api/hello").encode(),
    egwttp.Request("GET", "/api/supported", offset=300).encode(),
    egwttp.Request("POST", "/api/echo", b'{"text": "\xc3\xa4"}').encode(),
)

GOOD_COMMANDS = (
    Packet(Command.IDENTIFY).encode(),
    Packet(Command.DEVICE_INFO).encode(),
    Packet(Command.WIFI_SETTINGS, b"\x05ab").encode(),
)

MAX_CHANGES = 4
"""Bytes of a good write that are changed, added or taken."""


def writes(source: random.Random) -> Iterator[Write]:
    """Without end."""
    makers: tuple[Callable[[random.Random], Write], ...] = (_noise, _request, _command, _fragment)
    while True:
        yield source.choice(makers)(source)


def _noise(source: random.Random) -> Write:
    uuid = source.choice((REQUEST_UUID, IMPROV_COMMAND_UUID))
    return uuid, source.randbytes(source.randrange(WRITE_BYTES))


def _request(source: random.Random) -> Write:
    return REQUEST_UUID, _damaged(source, source.choice(GOOD_REQUESTS))


def _command(source: random.Random) -> Write:
    return IMPROV_COMMAND_UUID, _damaged(source, source.choice(GOOD_COMMANDS))


def _fragment(source: random.Random) -> Write:
    kinds = [kind for kind in range(256) if kind != Kind.HELLO]
    kind = bytes([source.choice(kinds)])
    data = source.randbytes(1) + kind + source.randbytes(source.randrange(WRITE_BYTES - 2))
    return SESSION_UUID, data


def _damaged(source: random.Random, good: bytes) -> bytes:
    data = bytearray(good)
    for _ in range(source.randint(1, MAX_CHANGES)):
        at = source.randrange(len(data)) if data else 0
        change = source.randrange(3)
        if change == 0 and data:
            data[at] = source.randrange(256)
        elif change == 1 and data:
            del data[at : at + source.randint(1, 8)]
        else:
            data[at:at] = source.randbytes(source.randint(1, 8))
    return bytes(data[:WRITE_BYTES])
