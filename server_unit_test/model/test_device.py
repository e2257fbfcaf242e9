"""An endpoint is one lane, whatever units are behind it."""

import pytest

from server.model.device import PASSWORD_MASK, Account, DeviceConfig, Endpoint, accounts_of


def test_an_endpoint_names_its_lane() -> None:
    """Scheme, host and port: two of them never share one, the same one always does."""
    here = Endpoint("modbus_tcp", "10.0.0.1", 502)
    others = {Endpoint("modbus_tcp", "10.0.0.1", 503), Endpoint("modbus_tcp", "10.0.0.2", 502)}

    assert "modbus_tcp:10.0.0.1:502" == here.lane
    assert 3 == len({here.lane, *(each.lane for each in others)})
    assert here.lane == Endpoint("modbus_tcp", "10.0.0.1", 502).lane


def test_a_password_is_in_no_printed_form() -> None:
    """Errors and logs print values."""
    config = _with_account("owner", "s3cret")

    assert "s3cret" not in f"{config} {config.account!r}"
    assert ("owner", "s3cret") == (config.account.user, config.account.password)


@pytest.mark.parametrize("password,expected", [("s3cret", PASSWORD_MASK), ("", "")])
def test_others_see_a_mask(password: str, expected: str) -> None:
    """And whether there is a password at all."""
    assert expected == _with_account("owner", password).masked.password


def test_an_endpoint_has_one_account() -> None:
    """The first that is given behind it; none elsewhere."""
    devices = [_with_account("", ""), _with_account("owner", "s3cret"), _with_account("x", "y")]

    assert {devices[0].endpoint: Account("owner", "s3cret")} == accounts_of(devices)


def _with_account(user: str, password: str) -> DeviceConfig:
    endpoint = Endpoint("winet", "10.0.0.1", 443)
    return DeviceConfig("a", "A", endpoint, 1, "auto", 5.0, user=user, password=password)
