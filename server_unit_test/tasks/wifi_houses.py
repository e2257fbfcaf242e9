"""A house with a radio."""

from dataclasses import replace

from server_unit_test.contracts.fake_wifi import FakeWifi
from server_unit_test.tasks.houses import Home


def with_wifi(home: Home) -> FakeWifi:
    """Put a radio into the house."""
    wifi = FakeWifi()
    home.house.adapters = replace(home.house.adapters, wifi=wifi)
    return wifi
