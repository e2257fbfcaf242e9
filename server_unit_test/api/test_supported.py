"""What can be connected."""

import pytest

from server_unit_test.api.conftest import Api


@pytest.mark.parametrize(
    "path", ["/api/supported", "/api/inverter/supported", "/api/device/supported"]
)
def test_the_types_are_listed(api: Api, path: str) -> None:
    """Every profile may be given, and sungrow as earlier clients say it."""
    assert ["sungrow_hybrid", "sungrow_string", "sungrow"] == api.json(path)["inverters"]


def test_the_models_stand_beside_the_types(api: Api) -> None:
    """A person finds the model on the label."""
    assert ["SH10RT", "SH5.0RT"] == api.json("/api/supported")["devices"][0]["models"]


def test_the_keys_of_a_connection_are_described(api: Api) -> None:
    """A client can build its form from the answer."""
    keys = api.json("/api/device/supported/configurations")["TCP"]

    assert {"ip"} == {name for name, key in keys.items() if key["required"]}
    assert 502 == keys["port"]["default"]
    assert "auto" in keys["device_type"]["choices"]
