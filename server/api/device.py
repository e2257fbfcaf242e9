"""GET, POST and DELETE device: the configured devices and their connections."""

from typing import cast

import msgspec

from server.api.addressing import DeviceAddress, addition, contract_type
from server.api.asking import ask
from server.api.call import Call, Nothing, Reply, answer
from server.api.refusals import BadRequest
from server.model.device import DeviceConfig, LinkState
from server.model.request import RemoveDevice
from server.model.snapshot import DeviceView


class Connection(msgspec.Struct, frozen=True):
    """How a device is reached; keys that mean the same repeat it for clients of either era.

    `device_type` and `type` are the contract's names, `profile` is what serves the device.
    """

    connection: str
    ip: str
    host: str
    port: int
    slave_id: int
    address: int
    device_type: str
    type: str
    profile: str
    sn: str
    mac: str
    """Always empty: the box does not look hardware addresses up."""
    scheme: str
    """The way to it: `modbus_tcp`, ..."""
    user: str
    password: str
    """A mask where one is stored, else empty; sent back, the mask changes nothing."""


class Device(msgspec.Struct, frozen=True):
    """One device: its connection, and whether it answers."""

    connection: Connection
    is_open: bool
    id: str
    name: str
    client_name: str
    status: str
    state: LinkState
    error: str
    model: str
    interval_s: float
    parent: str
    """The id of the device that it sits behind, empty for none."""


class DeviceAdded(msgspec.Struct, frozen=True):
    """The device as stored."""

    status: str
    id: str
    name: str
    device: Connection


class DeviceChoice(msgspec.Struct, frozen=True):
    """The id of a device, as GET /api/device gives it."""

    id: str = ""


class DeviceRemoved(msgspec.Struct, frozen=True):
    """The device that is forgotten. Its readings stay."""

    status: str
    id: str
    isTerminated: bool  # noqa: N815  # The contract's spelling.
    isOpen: bool  # noqa: N815
    device: Connection


def show_all(call: Call[Nothing, Nothing]) -> Reply:
    """Every device."""
    return answer([described(view) for view in call.snapshot.devices])


async def add(call: Call[Nothing, DeviceAddress]) -> Reply:
    """Configure a device."""
    request = addition(call.body, call.context.services.supported)
    config = cast(DeviceConfig, await ask(call.context.desk, request))
    return answer(
        DeviceAdded(
            status="ok", id=config.device_id, name=config.name, device=connection_of(config)
        ),
        about=(config.device_id,),
    )


async def remove(call: Call[DeviceChoice, DeviceChoice]) -> Reply:
    """Forget the device that the body or the query names."""
    device_id = call.body.id or call.query.id
    if not device_id:
        raise BadRequest("id: name the device to remove; GET /api/device lists all")
    return await removed(call, device_id)


async def removed(call: Call[DeviceChoice, DeviceChoice], device_id: str) -> Reply:
    """Forget one device and say which it was."""
    config = cast(DeviceConfig, await ask(call.context.desk, RemoveDevice(device_id)))
    return answer(
        DeviceRemoved(
            status="ok",
            id=config.device_id,
            isTerminated=True,
            isOpen=False,
            device=connection_of(config),
        ),
        about=(config.device_id,),
    )


def described(view: DeviceView) -> Device:
    """One device as the contract shows it."""
    config = view.config
    is_open = view.state is LinkState.ONLINE
    identity = view.identity
    return Device(
        connection=connection_of(config),
        is_open=is_open,
        id=config.device_id,
        name=config.name,
        client_name=config.profile,
        status="open" if is_open else "closed",
        state=view.state,
        error=view.error,
        model=identity.model if identity is not None else config.model,
        interval_s=config.interval_s,
        parent=config.parent,
    )


def connection_of(config: DeviceConfig) -> Connection:
    """The connection in the words of all eras."""
    return Connection(
        connection="TCP",
        ip=config.endpoint.host,
        host=config.endpoint.host,
        port=config.endpoint.port,
        slave_id=config.unit_id,
        address=config.unit_id,
        device_type=contract_type(config.profile),
        type=contract_type(config.profile),
        profile=config.profile,
        sn=config.serial,
        mac="",
        scheme=config.endpoint.scheme,
        user=config.user,
        password=config.masked.password,
    )
