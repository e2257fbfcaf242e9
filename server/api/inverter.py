"""GET and DELETE inverter, POST invertertcp: the first device, for clients that know only one."""

from http import HTTPStatus

import msgspec

from server.api.addressing import DeviceAddress
from server.api.call import Call, Nothing, Reply, answer
from server.api.device import DeviceChoice, add, connection_of, described, removed
from server.api.refusals import KNOWN, BadRequest, Failed, status_of


class Inverter(msgspec.Struct, frozen=True, omit_defaults=True):
    """The first device. Without one there is nothing but `status`, which says so."""

    status: str
    connection: str = ""
    type: str = ""
    device_type: str = ""
    profile: str = ""
    address: int | None = None
    slave_id: int | None = None
    host: str = ""
    ip: str = ""
    port: int | None = None
    sn: str = ""
    is_open: bool | None = None
    id: str = ""
    name: str = ""
    client_name: str = ""
    state: str = ""


def show(call: Call[Nothing, Nothing]) -> Reply:
    """The first device, or that there is none."""
    devices = call.snapshot.devices
    if not devices:
        return answer(Inverter("No inverter"))
    device = described(devices[0])
    way = connection_of(devices[0].config)
    return answer(
        Inverter(
            status=device.status,
            connection=way.connection,
            type=way.type,
            device_type=way.device_type,
            profile=way.profile,
            address=way.address,
            slave_id=way.slave_id,
            host=way.host,
            ip=way.ip,
            port=way.port,
            sn=way.sn,
            is_open=device.is_open,
            id=device.id,
            name=device.name,
            client_name=device.client_name,
            state=device.state,
        )
    )


async def add_tcp(call: Call[Nothing, DeviceAddress]) -> Reply:
    """Configure a device on Modbus TCP.

    The contract knows two refusals here, 400 for what was sent and 500 for all that fails then.
    """
    try:
        return await add(call)
    except KNOWN as error:
        if status_of(error) == HTTPStatus.BAD_REQUEST:
            raise
        raise Failed(str(error) or type(error).__name__) from error


async def remove(call: Call[DeviceChoice, DeviceChoice]) -> Reply:
    """Forget the first device, or the one that is named."""
    devices = call.snapshot.devices
    device_id = call.body.id or call.query.id
    if not device_id and not devices:
        raise BadRequest("there is no inverter to remove")
    return await removed(call, device_id or devices[0].config.device_id)
