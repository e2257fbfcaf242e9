"""docs/devices.md says what the profiles say."""

import pytest

from docs import generate_devices
from server.devices.profile import load_profiles
from server_unit_test.devices.recorded import Recorded, recorded


def test_the_page_is_current() -> None:
    """Whoever changes a profile or a fixture writes the page again."""
    assert generate_devices.page() == generate_devices.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("each", recorded(), ids=lambda each: each.name)
def test_the_page_lists_every_recorded_device(each: Recorded) -> None:
    """With the number of values it is checked for."""
    assert f"| `{each.name}.json` | {len(each.expect)} |" in generate_devices.page()


def test_the_page_lists_every_model() -> None:
    """Every type code of every family."""
    page = generate_devices.page()

    codes = [code for profile in load_profiles().profiles.values() for code in profile.models]

    assert [] == [code for code in codes if f"`0x{code:04X}`" not in page]
