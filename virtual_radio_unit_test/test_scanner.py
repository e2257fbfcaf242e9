"""One scan for everybody on a host."""

from virtual_radio.central import Central
from virtual_radio.clock import elapse
from virtual_radio.radio import Radio
from virtual_radio.seen import Seen


async def test_the_first_starts_and_the_last_ends_it(radio: Radio, central: Central) -> None:
    """In between nobody is disturbed; leaving twice does no harm."""
    one: list[Seen] = []
    two: list[Seen] = []
    states = []
    await central.scanner.add(one.append)
    await central.scanner.add(two.append)
    for each in (one, one, two):
        await central.scanner.remove(each.append)
        states.append(central.controller.scanning)

    assert [True, True, False] == states


async def test_an_active_listener_makes_the_scan_active(radio: Radio, central: Central) -> None:
    """Whoever came before, content with less, gets names now too."""
    radio.advertisers(1)
    passive: list[Seen] = []
    active: list[Seen] = []
    await central.scanner.add(passive.append, active=False)
    await elapse(1.0)
    names = {each.name for each in passive}
    await central.scanner.add(active.append, active=True)
    await elapse(1.0)

    assert ({None}, {"Beacon 0"}) == (names, {each.name for each in active})
    assert "Beacon 0" == passive[-1].name
