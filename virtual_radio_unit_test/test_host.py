"""A Bumble host on one of our controllers."""

from bumble import hci

from virtual_radio import host
from virtual_radio.controller import RadioController


async def test_it_is_up(controller: RadioController) -> None:
    """The controller was reset first, and has the host's address."""
    device = await host.start("phone", hci.Address("C0:00:00:00:00:05"), controller)

    assert device.powered_on
    assert hci.HCI_RESET_COMMAND == controller.opcodes[0]
    assert "C0:00:00:00:00:05" == controller.random_address.to_string(False)
