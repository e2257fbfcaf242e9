"""Commands that are carried out here and not by Bumble."""

from bumble import hci

from virtual_radio.bare_host import BareHost, packet
from virtual_radio.commands import KNOWN
from virtual_radio.handlers import HANDLERS, RANDOM_BYTES
from virtual_radio.radio import Radio
from virtual_radio_unit_test import hci_packets as h

REMOVE = hci.HCI_LE_REMOVE_DEVICE_FROM_FILTER_ACCEPT_LIST_COMMAND
CLEAR = packet(hci.HCI_LE_CLEAR_FILTER_ACCEPT_LIST_COMMAND)
RAND = packet(hci.HCI_LE_RAND_COMMAND)
ONE, TWO = "F0:00:00:00:00:01", "F0:00:00:00:00:02"


def test_every_handler_is_for_a_known_command() -> None:
    """No handler can lie idle."""
    assert set(HANDLERS) <= KNOWN


async def test_the_accept_list_is_kept(bare_host: BareHost) -> None:
    """Added, removed (twice does no harm), cleared."""
    listed = bare_host.controller.receiver.accept_list
    await bare_host.status(h.accept_list(ONE))
    await bare_host.status(h.accept_list(TWO))
    for _ in range(2):
        await bare_host.status(packet(REMOVE, h.accept_list(ONE)[4:]))
    left = [each.to_string(False) for each in listed]
    await bare_host.status(CLEAR)

    assert ([TWO], []) == (left, listed)


async def test_random_numbers_come_from_the_seed(radio: Radio) -> None:
    """Eight bytes, other ones each time, the same ones for the same seed."""

    async def numbers(seed: int) -> list[bytes]:
        async with Radio(seed) as radio:
            host = BareHost(radio.controller())
            return [(await host.command(RAND))[7:] for _ in range(2)]

    one, same, other = await numbers(1), await numbers(1), await numbers(2)

    assert one == same != other
    assert one[0] != one[1]
    assert [RANDOM_BYTES] * 2 == [len(each) for each in one]
