"""POST probe: what is at this address."""

from collections.abc import Mapping
from typing import cast

import msgspec

from server.api.addressing import DeviceAddress, search_of, unfolded
from server.api.asking import ask
from server.api.call import Call, Nothing, Reply, answer
from server.model.device import Endpoint
from server.model.request import Found, FoundDevices


class Neighbour(msgspec.Struct, frozen=True):
    """A device beside the one asked for, or `behind` it: a second inverter, a battery."""

    profile: str
    serial: str
    model: str
    unit_id: int
    name: str
    behind: bool


class ProbeAnswer(msgspec.Struct, frozen=True):
    """The device found and the way to it; `also` would be added along; `progress` is what was done.

    While the box looks, each step is the text of the notice with the key `probe <host>`.
    """

    profile: str
    serial: str
    model: str
    type_code: int | None
    verified: bool
    facts: Mapping[str, str]
    endpoint: Endpoint
    unit_id: int
    also: tuple[Neighbour, ...]
    progress: tuple[str, ...]


async def probe(call: Call[Nothing, DeviceAddress]) -> Reply:
    """Ask the address; nothing is stored."""
    request = search_of(unfolded(call.body))
    found = cast(FoundDevices, await ask(call.context.desk, request))
    first, *others = found.devices
    identity = first.identity
    return answer(
        ProbeAnswer(
            profile=identity.profile,
            serial=identity.serial,
            model=identity.model,
            type_code=identity.type_code,
            verified=identity.verified,
            facts=identity.facts,
            endpoint=first.endpoint,
            unit_id=first.unit_id,
            also=tuple(_neighbour(each) for each in others),
            progress=found.progress,
        )
    )


def _neighbour(found: Found) -> Neighbour:
    identity = found.identity
    return Neighbour(
        profile=identity.profile,
        serial=identity.serial,
        model=identity.model,
        unit_id=found.unit_id,
        name=found.name,
        behind=found.behind is not None,
    )
