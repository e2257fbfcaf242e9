"""A dongle is left alone for as long as asking would harm."""

import pytest

from server.errors import DeviceUnreachable
from server.transports.winet_answer import LOCKED, Answer
from server.transports.winet_lockout import LOCK_S, REFUSED_LOGIN_PAUSE_S, Lockout
from server_unit_test.contracts.fake_clock import FakeClock


@pytest.mark.parametrize("code,pause_s", [(LOCKED, LOCK_S), (109, REFUSED_LOGIN_PAUSE_S)])
def test_nothing_is_sent_before_the_time(code: int, pause_s: float) -> None:
    """The words say why and until when; afterwards it may be asked again."""
    clock = FakeClock()
    lockout = Lockout(clock)
    lockout.check("dongle")
    lockout.heed("login", Answer(code, "", {}))
    clock.advance(pause_s - 1)
    with pytest.raises(DeviceUnreachable, match=r"dongle: .*before \d\d:\d\d UTC|password"):
        lockout.check("dongle")
    clock.advance(1)

    lockout.check("dongle")


def test_other_refusals_hold_up_nothing() -> None:
    """A busy dongle does not lock anybody out."""
    lockout = Lockout(FakeClock())
    lockout.heed("devicelist", Answer(301, "", {}))

    lockout.check("dongle")


def test_without_a_clock_it_holds_for_ever() -> None:
    """Nothing can say when it is over."""
    lockout = Lockout(None)
    lockout.heed("read", Answer(LOCKED, "", {}))

    with pytest.raises(DeviceUnreachable, match="locked"):
        lockout.check("dongle")
