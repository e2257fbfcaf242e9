"""What is known of a box from its advertisements, and the fake link's word that it is like one."""

import pytest

from bluetooth.client.link import Link, Sighting
from bluetooth.gatt import EGRET, IMPROV, IMPROV_DATA_UUID, NATIVE, AttError
from bluetooth.improv import Capability, State, service_data
from bluetooth_unit_test.client.fake_link import FakeLink
from bluetooth_unit_test.client.link_contract import LinkContract


class FakeStage:
    """The fake at both ends."""

    def __init__(self) -> None:
        self.fake = FakeLink()
        self.link: Link = self.fake
        self.written = self.fake.written

    def hold(self, uuid: str, value: bytes) -> None:
        """See Stage."""
        self.fake.values[uuid] = value

    def refuse(self, uuid: str, code: AttError) -> None:
        """See Stage."""
        self.fake.refusals[uuid] = code

    async def notify(self, uuid: str, value: bytes) -> None:
        """See Stage."""
        self.fake.notify(uuid, value)

    async def end(self) -> None:
        """See Stage."""
        self.fake.end()


class TestFakeLink(LinkContract):
    """It is like a real one."""

    @pytest.fixture
    def stage(self) -> FakeStage:
        """The fake."""
        return FakeStage()


def test_a_sighting_says_what_it_offers() -> None:
    """In words; a stranger offers nothing."""
    box = Sighting("A", "Egret", -50, frozenset({EGRET.uuid, NATIVE.uuid, IMPROV.uuid}))
    stranger = Sighting("B", "Lamp", -50, frozenset({"180f"}))

    assert ("native", "improv", "egret") == box.ways
    assert () == stranger.ways


@pytest.mark.parametrize("state", State)
def test_a_sighting_has_improvs_state(state: State) -> None:
    """Out of the service data."""
    data = service_data(state, Capability.SCAN_WIFI)

    sighting = Sighting("A", "Egret", -50, frozenset({IMPROV.uuid}), {IMPROV_DATA_UUID: data})

    assert state is sighting.improv_state


@pytest.mark.parametrize("data", [b"", b"\x09", b"\x00\x01"])
def test_service_data_that_says_nothing(data: bytes) -> None:
    """Is no state."""
    assert Sighting("A", "", -50, frozenset(), {IMPROV_DATA_UUID: data}).improv_state is None
