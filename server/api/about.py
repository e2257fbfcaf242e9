"""GET version, uptime and name: what the box is."""

import msgspec

from server.api.call import Call, Nothing, Reply, answer


class Version(msgspec.Struct, frozen=True):
    """The program's version."""

    version: str


class Uptime(msgspec.Struct, frozen=True):
    """Milliseconds since the program started."""

    msek: int


class Name(msgspec.Struct, frozen=True):
    """The name that the owner gave the box; empty when it has none."""

    name: str


def version(call: Call[Nothing, Nothing]) -> Reply:
    """The version."""
    return answer(Version(call.context.services.version))


def uptime(call: Call[Nothing, Nothing]) -> Reply:
    """The uptime."""
    return answer(Uptime(call.snapshot.gateway.uptime_ms))


def name(call: Call[Nothing, Nothing]) -> Reply:
    """The name."""
    return answer(Name(call.snapshot.gateway.name))
