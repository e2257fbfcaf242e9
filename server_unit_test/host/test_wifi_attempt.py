"""Joining: what is refused before anything is touched, and what happens when nothing happens."""

from collections.abc import Iterator

import pytest

from server.errors import EgretError, WifiRefused, WifiUnanswered
from server.host.access_points import Found
from server.host.system_bus import BusRefused
from server.host.wifi_attempt import (
    JOIN_LIMIT_S,
    RESTORE_LIMIT_S,
    SETTLE_LIMIT_S,
    Attempt,
    refuse_unfit,
)
from server.model.request import JoinWifi
from server.model.wifi import Security, WifiReason, WifiTold
from server_unit_test.contracts.fake_clock import FakeClock
from server_unit_test.host.fake_bus import FakeBus

PSK = "right-password"
POINT = {"Ssid": b"TestAP", "Strength": 80, "Flags": 1, "WpaFlags": 0, "RsnFlags": 0x100}
HOME = {"connection": {"id": "Home"}, "802-11-wireless": {"ssid": b"HomeAP"}}


@pytest.fixture
def bus() -> Iterator[FakeBus]:
    """An adapter on no network, and TestAP in range."""
    found = FakeBus(FakeClock())
    found.points = [POINT]
    yield found
    found.close()


def outcome(bus: FakeBus, wanted: JoinWifi) -> tuple[list[WifiTold], EgretError]:
    """Every step, and the error at the end."""
    attempt = Attempt(bus, wanted, bus.clock)
    told: list[WifiTold] = []
    try:
        while True:
            news = attempt.advance()
            assert isinstance(news, WifiTold)
            told.append(news)
    except EgretError as error:
        return told, error


@pytest.mark.parametrize(
    ("security", "psk", "reason"),
    [
        (Security.ENTERPRISE, PSK, WifiReason.UNSUPPORTED),
        (Security.WEP, PSK, WifiReason.UNSUPPORTED),
        (Security.OPEN, PSK, WifiReason.PASSWORD_UNUSED),
        (Security.WPA2, "", WifiReason.PASSWORD_MISSING),
        (Security.WPA3, "", WifiReason.PASSWORD_MISSING),
    ],
)
def test_what_could_only_fail_is_refused(security: Security, psk: str, reason: WifiReason) -> None:
    """In words that name the network and what to do."""
    with pytest.raises(WifiRefused, match="Cafe") as caught:
        refuse_unfit(Found(b"Cafe", 50, security), psk)

    assert reason == caught.value.reason
    assert PSK not in str(caught.value)


@pytest.mark.parametrize(("security", "psk"), [(Security.OPEN, ""), (Security.WPA, PSK)])
def test_what_can_work_is_let_through(security: Security, psk: str) -> None:
    """Nothing is said of it."""
    refuse_unfit(Found(b"Cafe", 50, security), psk)


def test_a_network_that_never_answers_is_given_up(bus: FakeBus) -> None:
    """After JOIN_LIMIT_S, and a little for the adapter to come free again."""
    bus.changes((40, 0), (50, 0))
    begun = bus.clock.monotonic()

    _, error = outcome(bus, JoinWifi("TestAP", PSK))

    assert isinstance(error, WifiUnanswered)
    assert WifiReason.TIMEOUT == error.reason
    assert JOIN_LIMIT_S == bus.clock.monotonic() - begun


def test_an_address_that_never_comes_is_said(bus: FakeBus) -> None:
    """It is not the password that is wrong."""
    bus.changes((40, 0), (50, 0), (70, 0))

    told, error = outcome(bus, JoinWifi("TestAP", PSK))

    assert WifiReason.NO_ADDRESS == getattr(error, "reason", "")
    assert ["connecting", "getting_address", "failed"] == [each.step for each in told]


def test_an_old_network_that_does_not_come_back_is_not_waited_for_without_end(
    bus: FakeBus,
) -> None:
    """SETTLE_LIMIT_S for the adapter, RESTORE_LIMIT_S for the network."""
    bus.properties |= {"State": 100, "ActiveConnection": "/active/1", "Connection": "/settings/1"}
    bus.answers["GetSettings"] = [HOME]
    bus.changes((40, 0), (50, 0), (60, 8))
    begun = bus.clock.monotonic()
    attempt = Attempt(bus, JoinWifi("TestAP", PSK), bus.clock)
    while (news := attempt.advance()).reason is None:
        pass
    assert WifiReason.WRONG_PASSWORD == news.reason
    bus.properties |= {"State": 60, "ActiveConnection": "/active/9", "Connection": "/settings/9"}

    with pytest.raises(WifiRefused, match="goes back to HomeAP as soon as it can"):
        attempt.advance()

    assert SETTLE_LIMIT_S + RESTORE_LIMIT_S == bus.clock.monotonic() - begun
    assert ["DeactivateConnection", "ActivateConnection"] == [
        each for each in bus.called if each.endswith("ivateConnection")
    ]


def test_what_networkmanager_refuses_is_said_without_the_password(bus: FakeBus) -> None:
    """Whatever it puts into its words."""
    name = "org.freedesktop.NetworkManager.InvalidProperty"
    bus.answers["AddAndActivateConnection2"] = BusRefused(name, f"psk '{PSK}' is not valid")

    _, error = outcome(bus, JoinWifi("TestAP", PSK))

    assert isinstance(error, WifiRefused)
    assert "is not valid" in str(error) and PSK not in f"{error} {error!r}"


def test_an_attempt_that_was_never_begun_can_be_closed(bus: FakeBus) -> None:
    """The gateway stops before its turn has come."""
    attempt = Attempt(bus, JoinWifi("TestAP", PSK), bus.clock)

    attempt.close()
    attempt.close()

    assert [] == bus.called


def test_an_attempt_can_be_closed_between_two_steps(bus: FakeBus) -> None:
    """And is over then."""
    attempt = Attempt(bus, JoinWifi("TestAP", PSK), bus.clock)
    attempt.advance()

    attempt.close()

    with pytest.raises(StopIteration):
        attempt.advance()
