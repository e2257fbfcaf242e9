"""What `app` hands to the API."""

import dataclasses

import pytest

from server_unit_test.api.fake_services import fake_services


def test_services_do_not_change() -> None:
    """Handlers share them and own none."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        fake_services().version = "2"  # type: ignore[misc]  # The very thing that must fail.
