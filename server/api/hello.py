"""GET hello and POST echo: is anybody there."""

from typing import Any

import msgspec

from server.api.call import Call, Nothing, Reply, answer


class Hello(msgspec.Struct, frozen=True):
    """The greeting that earlier clients look for."""

    message: str


class Echo(msgspec.Struct, frozen=True):
    """What was sent."""

    echo: Any


def hello(_: Call[Nothing, Nothing]) -> Reply:
    """Greet."""
    return answer(Hello("hello world from srcful!"))


def echo(call: Call[Nothing, Any]) -> Reply:
    """Send the body back."""
    return answer(Echo(call.body))
