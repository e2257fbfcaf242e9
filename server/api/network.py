"""GET network/address: where the box is reached."""

import msgspec

from server.api.call import Call, Nothing, Reply, answer


class Address(msgspec.Struct, frozen=True):
    """The box's address on the network and the port of this API."""

    ip: str
    port: int


def address(call: Call[Nothing, Nothing]) -> Reply:
    """The address."""
    return answer(Address(call.context.services.network_address(), call.context.port))
