"""How far the API reaches, and whom it therefore lets in."""

import pytest

from server.model.access import Protection
from server.model.exposure import Exposure, exposure_of, is_alone
from server.model.setting import ACCESSES

HOME = ("192.168.1.2", "172.17.0.1")
PUBLIC = "8.8.8.8"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_is_open_unless_told_otherwise(host: str) -> None:
    """Whoever reaches it is on the machine already."""
    assert is_alone(host)
    assert Exposure(Protection.OPEN) == exposure_of("auto", host, (PUBLIC,))
    assert Exposure(Protection.OPEN) == exposure_of("open", host, (PUBLIC,))
    assert Exposure(Protection.PROTECTED) == exposure_of("protected", host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", PUBLIC, "egret.local", ""])
def test_a_network_is_protected_unless_told_otherwise(host: str) -> None:
    """Also at an address that nobody could say much about."""
    assert not is_alone(host)
    assert Exposure(Protection.PROTECTED) == exposure_of("auto", host, HOME)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "192.168.1.2", "fd00::5", "169.254.3.4", "egret.local"]
)
def test_an_owner_may_open_it_to_his_own_network(host: str) -> None:
    """Then the page says so in red."""
    assert Exposure(Protection.OPEN, exposed=True) == exposure_of("open", host, HOME)


@pytest.mark.parametrize(
    ("host", "addresses"), [("0.0.0.0", (*HOME, PUBLIC)), (PUBLIC, ()), ("2a00::1", ()), ("::", ())]
)
def test_nobody_may_open_it_to_the_whole_internet(host: str, addresses: tuple[str, ...]) -> None:
    """It stays protected, and says why in words."""
    judged = exposure_of("open", host, addresses)

    assert (Protection.PROTECTED, False) == (judged.protection, judged.exposed)
    assert "stays protected" in judged.problem


def test_every_choice_of_the_setting_is_judged() -> None:
    """And a word that slipped in counts as the careful one."""
    assert {"auto", "protected", "open"} == set(ACCESSES)
    assert Exposure() == Exposure(Protection.PROTECTED)
