"""A Bumble host on one of our controllers."""

import logging

from bumble import core, hci
from bumble.device import Connection, Device
from bumble.host import Host
from bumble.transport.common import AsyncPipeSink

from virtual_radio.controller import RadioController

logger = logging.getLogger(__name__)


async def start(name: str, address: hci.Address, controller: RadioController) -> Device:
    """A host that is up: its controller is reset, and its random address set."""
    device = Device(name=name, address=address, host=Host(controller, AsyncPipeSink(controller)))
    await device.power_on()
    return device


async def hang_up(connection: Connection) -> None:
    """End a connection, unless the peer was quicker."""
    try:
        await connection.disconnect()
    except core.ProtocolError as over:
        logger.debug("the connection was over", extra={"reason": str(over)})
