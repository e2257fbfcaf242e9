"""The peripheral on which these tests stand keeps to the contract of the real ones."""

from collections.abc import AsyncIterator, Sequence

import pytest

from ble_rest_test.radio_peripheral import RadioPeripheral
from bluetooth.errors import AdapterMissing
from bluetooth.gatt import Advertisement
from bluetooth_unit_test.contracts.peripheral import (
    ADVERTISEMENT,
    SERVICES,
    PeripheralContract,
    RecordedValues,
    SeveralAdvertisementsContract,
)
from system_test.bluez_stage import PhoneOnRadio
from virtual_radio.central import NotFound
from virtual_radio.radio import Radio

HEAR_TIMEOUT_S = 0.5
"""Adverts come every 20 ms, two in turn every 100 ms; so long without is silence."""


class RadioStage:
    """`contracts.peripheral.Stage` on a radio alone."""

    def __init__(self, radio: Radio, peripheral: RadioPeripheral, address: str) -> None:
        self.radio = radio
        self.peripheral = peripheral
        self._address = address
        self._phones: list[PhoneOnRadio] = []

    @classmethod
    async def make(cls) -> "RadioStage":
        """With an air of its own."""
        radio = Radio()
        host = await radio.peripheral("box", advertise=False)
        return cls(radio, RadioPeripheral(host), host.address)

    async def visit(self, mtu: int = 23) -> PhoneOnRadio:
        """As Stage."""
        central = await self.radio.central()
        session = await central.connect(self._address, mtu=mtu if mtu > 23 else None)
        self._phones.append(PhoneOnRadio(session, central.address))
        return self._phones[-1]

    async def hear(self, service_uuid: str) -> Advertisement | None:
        """As Stage."""
        central = await self.radio.central()
        try:
            seen = await central.find(service=service_uuid, timeout_s=HEAR_TIMEOUT_S)
        except NotFound:
            return None
        for each in await central.scan(HEAR_TIMEOUT_S) if seen.name is None else []:
            if service_uuid in each.service_uuids:
                seen = each
        return Advertisement(seen.service_uuids, seen.name or "", seen.service_data)

    async def lose(self) -> None:
        """As Stage."""
        self.peripheral.is_missing = True
        await self.peripheral.lose()

    async def restore(self) -> None:
        """As Stage."""
        self.peripheral.is_missing = False

    async def close(self) -> None:
        """Everybody goes home."""
        for phone in self._phones:
            await phone.leave()
        await self.peripheral.close()
        await self.radio.close()


@pytest.fixture
def anyio_backend() -> str:
    """The radio runs on asyncio."""
    return "asyncio"


class TestRadioPeripheral(PeripheralContract, SeveralAdvertisementsContract):
    """It does."""

    @pytest.fixture
    async def stage(self) -> AsyncIterator[RadioStage]:
        """A radio with one host in it."""
        stage = await RadioStage.make()
        yield stage
        await stage.close()

    async def test_a_missing_adapter_is_said(self, stage: RadioStage) -> None:
        """As BlueZ's peripheral says it, so that the service tries again."""
        await stage.lose()

        with pytest.raises(AdapterMissing):
            await stage.peripheral.open(SERVICES, RecordedValues())

    async def test_nothing_is_sent_that_was_not_asked_for(self, stage: RadioStage) -> None:
        """An open peripheral is silent until it is told what to advertise."""
        await stage.peripheral.open(SERVICES, RecordedValues())

        heard: Sequence[object] = [await stage.hear(uuid) for uuid in ADVERTISEMENT.service_uuids]

        assert [None] == heard
