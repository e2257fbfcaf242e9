"""Where the contract of any box is run once more: with the service in a guest, on real BlueZ."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ble_rest_test.fixtures import Saw
from ble_rest_test.stand import MAX_MTU
from bluetooth import clock
from bluetooth.client.bleak_link import BleakRadio
from bluetooth.client.box import Box as Phone
from bluetooth.client.box import connect
from bluetooth.label import LABEL_FILE, Label, typed
from system_test.guest_box import FIND_TIMEOUT_S, NAME, SERVICE_DATA, Box
from virtual_radio.bleak_backend.install import backends

__all__ = ["any_box", "pytestmark", "saw", "stand"]

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("guest")]


OPEN_AGAIN_S = 90.0
"""Half of the time for which a door stays open: asking the guest for it takes seconds."""


class GuestStand:
    """`ble_rest_test.stand.Stand` in a guest."""

    def __init__(self, box: Box) -> None:
        self.label: Label | None = None
        self._box = box
        self._opened_at: float | None = None

    async def open(self) -> None:
        """The door is open, and the label known."""
        now = asyncio.get_running_loop().time()
        if self._opened_at is not None and now - self._opened_at < OPEN_AGAIN_S:
            return
        await self._box.start_programs()
        await self._box.open_window()
        self._opened_at = asyncio.get_running_loop().time()
        lines = await self._box.guest.ask("cat", f"{SERVICE_DATA}/{LABEL_FILE}")
        self.label = typed(lines.splitlines()[1])

    @asynccontextmanager
    async def phone(self, label: Label | None = None, mtu: int = MAX_MTU) -> AsyncIterator[Phone]:
        """See Stand."""
        async with self._box.central() as central:
            radio = BleakRadio("", clock.wait, *backends(central, mtu))
            found = connect(name=NAME, label=label, radio=radio, find_timeout_s=FIND_TIMEOUT_S)
            async with found as phone:
                yield phone


@pytest.fixture(scope="module")
def stand(box: Box) -> GuestStand:
    """For all tests of a module."""
    return GuestStand(box)


@pytest.fixture
def any_box(box: Box, stand: GuestStand) -> GuestStand:
    """The box in the guest; its owner has opened the door."""
    box.play(stand.open())
    return stand


@pytest.fixture
def saw() -> Saw:
    """Nobody sees what the gateway in the guest is asked."""
    return Saw(None)
