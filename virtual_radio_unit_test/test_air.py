"""Who hears whom."""

import asyncio

import pytest
from bumble import core, hci, lmp

from virtual_radio.air import RSSI_DBM
from virtual_radio.central import Central
from virtual_radio.controller import RadioController
from virtual_radio.radio import Radio


async def test_controllers_stay_in_order(radio: Radio) -> None:
    """In the order in which they came, not where memory has put them."""
    made = [radio.controller() for _ in range(50)]

    assert made == radio.air.controllers


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_loss_is_a_share(share: float) -> None:
    """Below 0 or above 1 is refused."""
    with pytest.raises(ValueError, match="give 0 to 1"):
        Radio().loss = share


async def test_lost_adverts_are_gone(radio: Radio, central: Central) -> None:
    """With half of them lost about half arrive; with all of them none."""
    radio.advertisers(200, interval_s=10.0)
    radio.loss = 0.5
    half = len(await central.scan(10.0))
    radio.loss = 1.0

    assert 70 <= half <= 130
    assert [] == await central.scan(10.0)


async def test_adverts_take_their_time(radio: Radio, central: Central) -> None:
    """Nobody is found before the latency has passed."""
    radio.advertisers(1)
    radio.latency_s = 5.0

    await central.find(name="Beacon 0")

    assert asyncio.get_running_loop().time() >= 5.0


async def test_who_is_away_is_not_heard(radio: Radio, central: Central) -> None:
    """One beacon out of two; back again, both."""
    one, two = radio.advertisers(2)
    radio.out_of_range(one)
    heard = [each.name for each in await central.scan(1.0)]
    radio.in_range(one)

    assert ["Beacon 1"] == heard
    assert 2 == len(await central.scan(1.0))
    assert two.address != one.address


async def test_who_is_away_hears_nothing(radio: Radio, central: Central) -> None:
    """Whichever of its addresses was named."""
    radio.advertisers(3)
    radio.out_of_range(central.controller)

    assert [] == await central.scan(1.0)


async def test_a_controller_that_has_left_hears_nothing(radio: Radio, central: Central) -> None:
    """Nor does anybody own its address."""
    radio.advertisers(3)
    radio.remove(central.controller)

    assert [] == await central.scan(1.0)
    assert radio.air.owner(central.address) is None


async def test_everybody_is_equally_loud_by_default(radio: Radio, central: Central) -> None:
    """Until the test says otherwise."""
    one, two = radio.advertisers(2)
    radio.hear_at(two, -90)

    strengths = {each.name: each.rssi_dbm for each in await central.scan(1.0)}

    assert {"Beacon 0": RSSI_DBM, "Beacon 1": -90} == strengths


async def test_an_address_has_an_owner(radio: Radio, controller: RadioController) -> None:
    """With the kind that it uses it as."""
    text = controller.public_address.to_string(False)
    owner = radio.air.owner(text)

    assert owner is not None and owner.is_public
    assert radio.air.owner("F0:00:00:00:00:99") is None


async def test_there_is_no_classic_bluetooth(radio: Radio, controller: RadioController) -> None:
    """Whoever tries is told."""
    with pytest.raises(core.InvalidArgumentError):
        radio.air.send_lmp_packet(controller, hci.Address.ANY, lmp.LmpHostConnectionReq())
