"""A dongle is left alone for as long as asking would harm."""

from pathlib import Path

import pytest

from server.errors import DeviceUnreachable
from server.host.embargoes import EMBARGOES_FILE, FileEmbargoes
from server.model.device import Account
from server.transports.winet_answer import BUSY, LOCKED, NOTICE, TOKEN_INVALID, Answer
from server.transports.winet_lockout import (
    LOCK_S,
    MAX_LOCKOUTS,
    MAX_LOGIN_PAUSE_S,
    REFUSED_LOGIN_PAUSE_S,
    Lockout,
    Lockouts,
)
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


@pytest.mark.parametrize("code", [BUSY, NOTICE, TOKEN_INVALID])
def test_a_login_that_was_not_looked_at_is_none(code: int) -> None:
    """A dongle that is busy, taken or does not know the token says nothing of the password."""
    lockout = Lockout(FakeClock())
    lockout.heed("login", Answer(code, "", {}))

    lockout.check("dongle")


def test_without_a_clock_it_holds_for_ever() -> None:
    """Nothing can say when it is over."""
    lockout = Lockout(None)
    lockout.heed("read", Answer(LOCKED, "", {}))

    with pytest.raises(DeviceUnreachable, match="locked"):
        lockout.check("dongle")


def refusals_until(lockout: Lockout, clock: FakeClock, moment: float) -> int:
    """Logins that a dongle refuses when one is tried as soon as it may be."""
    count = 0
    while clock.monotonic() < moment:
        try:
            lockout.check("dongle")
        except DeviceUnreachable:
            clock.advance(60.0)
            continue
        lockout.heed("login", Answer(109, "", {}))
        count += 1
    return count


def test_a_wrong_password_is_tried_ever_more_rarely() -> None:
    """Pauses double up to MAX_LOGIN_PAUSE_S, and begin anew once a login was taken."""
    clock = FakeClock(now=0.0)
    lockout = Lockout(clock)
    first = refusals_until(lockout, clock, 3 * 3600.0)
    week = refusals_until(lockout, clock, 7 * MAX_LOGIN_PAUSE_S)
    clock.advance(MAX_LOGIN_PAUSE_S)
    lockout.forgive()
    anew = refusals_until(lockout, clock, clock.monotonic() + 3 * 3600.0)

    assert (5, 5) == (first, anew)
    assert week < 10


def test_a_dongle_and_an_account_have_one_lockout() -> None:
    """Another account or another dongle has its own."""
    lockouts = Lockouts(FakeClock())
    first = lockouts.of("dongle", Account("", "a"))

    assert first is lockouts.of("dongle", Account("", "a"))
    assert first is not lockouts.of("dongle", Account("", "b"))
    assert first is not lockouts.of("other", Account("", "a"))


def test_a_lock_is_the_users_whatever_the_password() -> None:
    """A locked account must not be tried with a corrected password either, nor as the factory's
    user by his name; another user, and another dongle, may be."""
    clock = FakeClock()
    lockouts = Lockouts(clock)
    lockouts.of("dongle", Account("", "a")).heed("login", Answer(LOCKED, "", {}))
    for account in (Account("", "b"), Account("admin", "c")):
        with pytest.raises(DeviceUnreachable, match="locked"):
            lockouts.of("dongle", account).check("dongle")
    lockouts.of("dongle", Account("owner", "a")).check("dongle")
    lockouts.of("other", Account("", "a")).check("other")
    clock.advance(LOCK_S)

    lockouts.of("dongle", Account("", "b")).check("dongle")


def test_a_refused_login_is_the_passwords_alone() -> None:
    """A corrected password may be tried at once."""
    lockouts = Lockouts(FakeClock())
    lockouts.of("dongle", Account("", "a")).heed("login", Answer(109, "", {}))

    lockouts.of("dongle", Account("", "b")).check("dongle")
    with pytest.raises(DeviceUnreachable, match="refuses the login"):
        lockouts.of("dongle", Account("", "a")).check("dongle")


def test_a_restart_tries_nothing_anew(tmp_path: Path) -> None:
    """Neither a locked user nor a refused password; another password is tried at once."""
    clock = FakeClock()
    before = Lockouts(clock, FileEmbargoes(tmp_path))
    before.of("locked", Account("", "a")).heed("login", Answer(LOCKED, "", {}))
    before.of("refusing", Account("", "s3cret")).heed("login", Answer(109, "", {}))
    clock.advance(60.0)
    after = Lockouts(clock, FileEmbargoes(tmp_path))
    for dongle, account in (("locked", Account("", "b")), ("refusing", Account("", "s3cret"))):
        with pytest.raises(DeviceUnreachable, match=f"{dongle}: .*nothing is sent before"):
            after.of(dongle, account).check(dongle)
    after.of("refusing", Account("", "right")).check("refusing")
    clock.advance(LOCK_S)

    after.of("locked", Account("", "b")).check("locked")
    after.of("refusing", Account("", "s3cret")).check("refusing")
    assert "s3cret" not in (tmp_path / EMBARGOES_FILE).read_text()


def test_a_wrong_wall_clock_holds_up_no_longer_than_a_lock(tmp_path: Path) -> None:
    """A box without a battery for its clock starts in the past."""
    clock = FakeClock()
    Lockouts(clock, FileEmbargoes(tmp_path)).of("dongle", Account()).heed(
        "login", Answer(LOCKED, "", {})
    )
    early = FakeClock(utc_ms=0)
    lockout = Lockouts(early, FileEmbargoes(tmp_path)).of("dongle", Account())
    with pytest.raises(DeviceUnreachable):
        lockout.check("dongle")
    early.advance(LOCK_S)

    lockout.check("dongle")


def test_lockouts_are_bounded() -> None:
    """MAX_LOCKOUTS are remembered; the one that was not asked for the longest time goes."""
    lockouts = Lockouts(FakeClock())
    made = [lockouts.of(str(number), Account()) for number in range(MAX_LOCKOUTS)]
    kept = lockouts.of("0", Account())
    lockouts.of("one more", Account())

    assert made[0] is kept is lockouts.of("0", Account())
    assert made[1] is not lockouts.of("1", Account())
