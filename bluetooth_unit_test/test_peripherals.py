"""The fake peripheral keeps to the contract of the real ones."""

from collections.abc import AsyncIterator

import pytest

from bluetooth_unit_test.contracts.peripheral import (
    PeripheralContract,
    SeveralAdvertisementsContract,
)
from bluetooth_unit_test.peripherals import FakeStage


class TestFakePeripheral(PeripheralContract, SeveralAdvertisementsContract):
    """What the tests of the door stand on."""

    @pytest.fixture
    async def stage(self) -> AsyncIterator[FakeStage]:
        """A fake."""
        stage = FakeStage()
        yield stage
        await stage.peripheral.close()
