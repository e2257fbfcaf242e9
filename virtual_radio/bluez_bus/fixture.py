"""The pytest fixture of route B. The plugin gives it to whoever asks; nothing is imported before.

@pytest.mark.system
@pytest.mark.real_time
async def test_my_peripheral(bluez_bus, central):
    await my_peripheral.serve()                      # finds bluetoothd on the system bus
    session = await central.connect(bluez_bus.box)
"""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from virtual_radio.bluez_bus.bus_room import BusRoom
    from virtual_radio.radio import Radio


@pytest.fixture
def bluez_bus(
    radio: "Radio",
    radio_loop: asyncio.AbstractEventLoop,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> "Iterator[BusRoom]":
    """A message bus with a fake bluetoothd, in place of the machine's own; it is in `radio`.

    The test must be marked `real_time`: a message bus is another process, for which time passes.
    Needs dbus-daemon (Debian package `dbus`).
    """
    from virtual_radio.bluez_bus.bus_room import BusRoom
    from virtual_radio.bluez_bus.private_bus import PrivateBus
    from virtual_radio.clock import VirtualLoop

    if isinstance(radio_loop, VirtualLoop):
        pytest.fail("mark this test real_time: a message bus is another process", pytrace=False)
    with PrivateBus(tmp_path_factory.mktemp("bus")) as bus:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
        room = radio_loop.run_until_complete(BusRoom.open(bus.address, radio))
        try:
            yield room
        finally:
            radio_loop.run_until_complete(room.close())
