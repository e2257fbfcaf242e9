"""A Bumble host on one of our controllers."""

from bumble import hci
from bumble.device import Device
from bumble.host import Host
from bumble.transport.common import AsyncPipeSink

from virtual_radio.controller import RadioController


async def start(name: str, address: hci.Address, controller: RadioController) -> Device:
    """A host that is up: its controller is reset, and its random address set."""
    device = Device(name=name, address=address, host=Host(controller, AsyncPipeSink(controller)))
    await device.power_on()
    return device
