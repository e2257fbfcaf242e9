"""POST probe: what is at this address."""

from typing import cast

from server.api.addressing import DeviceAddress, endpoint_of, unfolded, unit_of
from server.api.asking import ask
from server.api.call import Call, Nothing, Reply, answer
from server.model.device import Identity
from server.model.request import Probe


async def probe(call: Call[Nothing, DeviceAddress]) -> Reply:
    """Ask the address; nothing is stored."""
    body = unfolded(call.body)
    request = Probe(endpoint_of(body), unit_of(body))
    return answer(cast(Identity, await ask(call.context.desk, request)))
