"""The box's own certificate: one key for good, renewed in time, never in the way of reaching it."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from server.errors import IdentityError
from server.identity.certificate import (
    BACKDATED_DAYS,
    BROKEN_TLS_KEPT,
    LATEST,
    LIFETIME_DAYS,
    MAX_CERTIFICATE_NAMES,
    MAX_PEM_BYTES,
    MAX_TITLE,
    RENEW_BEFORE_DAYS,
    TLS_CERTIFICATE_FILE,
    TLS_KEY_FILE,
    UNSET_CLOCK_DAYS,
    UNSET_CLOCK_FROM,
    Own,
    moment,
    own_certificate,
    usable,
)
from server.model.reading import ClockQuality
from server_unit_test.contracts.fake_clock import FakeClock

TITLE = "calm otter lagoon"
NAMES = ("box", "box.local", "egret-a1b2c3.local", "localhost", "127.0.0.1", "192.0.2.7", "::1")
NOW = datetime(2026, 11, 20, tzinfo=UTC)
DAY_S = 86_400.0


def a_clock(at: datetime = NOW, quality: ClockQuality = ClockQuality.SYNCED) -> FakeClock:
    """A clock that shows `at`."""
    return FakeClock(utc_ms=round(at.timestamp() * 1000), quality=quality)


def made(folder: Path, clock: FakeClock | None = None, names: tuple[str, ...] = NAMES) -> Own:
    """The box's own, as at a start."""
    return own_certificate(folder, TITLE, names, clock or a_clock())


def parsed(own: Own) -> x509.Certificate:
    """What lies on disk."""
    return x509.load_pem_x509_certificate(own.certificate.read_bytes())


def test_the_first_start_makes_key_and_certificate(tmp_path: Path) -> None:
    """Both are for the box's own eyes alone."""
    own = made(tmp_path)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in (own.key, own.certificate)}

    assert {0o600} == modes
    assert ("", NAMES) == (own.problem, own.view.names)


def test_it_is_called_as_the_box_and_vouches_for_nobody_else(tmp_path: Path) -> None:
    """Trusting this certificate trusts this box; it can sign no other."""
    found = parsed(made(tmp_path))

    constraints = found.extensions.get_extension_for_class(x509.BasicConstraints).value

    assert found.subject.rfc4514_string() == f"CN={TITLE},O=Egret"
    assert not constraints.ca
    found.verify_directly_issued_by(found)


def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    """The same bytes, whatever the number of starts."""
    first = made(tmp_path)
    content = first.certificate.read_bytes()

    again = made(tmp_path)

    assert (first.view, content) == (again.view, again.certificate.read_bytes())


def test_it_lasts_as_long_as_programs_allow(tmp_path: Path) -> None:
    """From a day ago, for less than 825 days."""
    found = parsed(made(tmp_path))

    assert NOW - timedelta(days=BACKDATED_DAYS) == found.not_valid_before_utc
    assert timedelta(days=LIFETIME_DAYS) == found.not_valid_after_utc - found.not_valid_before_utc
    assert 825 > LIFETIME_DAYS


def test_it_is_renewed_in_time_with_the_same_key(tmp_path: Path) -> None:
    """Who keeps the fingerprint of the key notices nothing."""
    clock = a_clock()
    first = made(tmp_path, clock)
    clock.advance((LIFETIME_DAYS - BACKDATED_DAYS - RENEW_BEFORE_DAYS) * DAY_S)
    kept = made(tmp_path, clock)
    clock.advance(1)

    renewed = made(tmp_path, clock)

    assert first.view == kept.view
    assert first.view.fingerprint != renewed.view.fingerprint
    assert first.view.key_fingerprint == renewed.view.key_fingerprint
    assert clock.utc_ms() + (LIFETIME_DAYS - 2) * DAY_S * 1000 < renewed.view.not_after_ms


@pytest.mark.parametrize("years", [3, 30, 60])
def test_one_that_has_ended_is_renewed(tmp_path: Path, years: int) -> None:
    """A box that lay in a drawer answers like any other."""
    clock = a_clock()
    first = made(tmp_path, clock)
    clock.advance(years * 365 * DAY_S)

    renewed = made(tmp_path, clock)

    assert renewed.view.not_before_ms < clock.utc_ms() < renewed.view.not_after_ms
    assert first.view.key_fingerprint == renewed.view.key_fingerprint


@pytest.mark.parametrize("at", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)])
def test_a_clock_that_nobody_set_makes_one_for_the_life_of_the_box(
    tmp_path: Path, at: datetime
) -> None:
    """It begins at a fixed day in the past: a phone, whose clock is right, finds it valid."""
    found = parsed(made(tmp_path, a_clock(at, ClockQuality.UNSYNCED)))

    assert UNSET_CLOCK_FROM == found.not_valid_before_utc
    assert timedelta(days=UNSET_CLOCK_DAYS) <= found.not_valid_after_utc - UNSET_CLOCK_FROM


def test_once_the_clock_is_right_the_long_one_is_replaced(tmp_path: Path) -> None:
    """With the same key, and without making another at each look before."""
    clock = a_clock(datetime(1970, 1, 1, tzinfo=UTC), ClockQuality.UNSYNCED)
    first = made(tmp_path, clock)
    assert first.view == made(tmp_path, clock).view
    clock.step(round(NOW.timestamp() * 1000) - clock.utc_ms())
    clock.set_quality(ClockQuality.SYNCED)

    renewed = made(tmp_path, clock)

    lasts_ms = renewed.view.not_after_ms - renewed.view.not_before_ms
    assert LIFETIME_DAYS * DAY_S * 1000 == lasts_ms
    assert first.view.key_fingerprint == renewed.view.key_fingerprint


def test_without_a_right_clock_even_an_ended_one_is_renewed(tmp_path: Path) -> None:
    """A clock that is wrong by decades keeps nobody out."""
    made(tmp_path)
    clock = a_clock(datetime(2060, 1, 1, tzinfo=UTC), ClockQuality.UNSYNCED)

    renewed = made(tmp_path, clock)

    assert clock.utc_ms() < renewed.view.not_after_ms


def test_a_clock_set_far_back_is_no_reason_to_lose_reach(tmp_path: Path) -> None:
    """One that has not begun is made anew, with the same key."""
    first = made(tmp_path, a_clock(NOW + timedelta(days=900)))

    renewed = made(tmp_path)

    assert renewed.view.not_before_ms < NOW.timestamp() * 1000
    assert first.view.key_fingerprint == renewed.view.key_fingerprint


@pytest.mark.parametrize("utc_ms", [-1, 0, 10**18])
def test_no_clock_is_too_wrong(tmp_path: Path, utc_ms: int) -> None:
    """Times that no certificate can say are cut to what one can."""
    clock = FakeClock(utc_ms=utc_ms)

    own = made(tmp_path, clock)

    assert LATEST >= moment(utc_ms)
    assert 64 == len(own.view.fingerprint)


def test_a_new_address_is_added_and_old_ones_stay(tmp_path: Path) -> None:
    """A box that comes and goes between networks is not renewed at each step."""
    first = made(tmp_path, names=("box", "192.0.2.7"))
    moved = made(tmp_path, names=("box", "198.51.100.9"))

    back = made(tmp_path, names=("box", "192.0.2.7"))

    assert {"box", "192.0.2.7", "198.51.100.9"} == set(moved.view.names)
    assert moved.view == back.view
    assert first.view.key_fingerprint == moved.view.key_fingerprint


def test_its_names_are_bounded_and_the_present_ones_come_first(tmp_path: Path) -> None:
    """After many networks the oldest addresses go."""
    made(tmp_path, names=tuple(f"10.0.0.{each}" for each in range(MAX_CERTIFICATE_NAMES)))

    moved = made(tmp_path, names=("box", "192.0.2.7"))

    assert MAX_CERTIFICATE_NAMES == len(moved.view.names)
    assert {"box", "192.0.2.7"} <= set(moved.view.names)


def test_names_that_no_certificate_can_hold_are_left_out() -> None:
    """Neither an accent nor an empty name stops the rest; addresses are written one way."""
    found = usable(("bøx", "", "BOX", "x" * 300, "fe80::1%eth0", "2001:DB8:0::1", "box"))

    assert ("box", "fe80::1", "2001:db8::1") == found


def test_a_long_title_is_cut(tmp_path: Path) -> None:
    """The owner may call the box what he likes."""
    own = own_certificate(tmp_path, "x" * 200, NAMES, a_clock())

    assert f"CN={'x' * MAX_TITLE},O=Egret" == parsed(own).subject.rfc4514_string()


BROKEN = {
    "empty": b"",
    "rubbish": b"\x00\xff" * 99,
    "too large": b"-" * (MAX_PEM_BYTES + 1),
    "not P-256": rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ),
    "with a password": ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    ),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_key_is_set_aside_and_said_so(tmp_path: Path, content: bytes) -> None:
    """The box stays within reach; whoever trusted the old key is asked again, and told why."""
    first = made(tmp_path)
    first.key.write_bytes(content)

    again = made(tmp_path)

    assert "a new one was made" in again.problem
    assert content == (tmp_path / f"{TLS_KEY_FILE}.broken-1").read_bytes()
    assert first.view.key_fingerprint != again.view.key_fingerprint
    assert "" == made(tmp_path).problem


def test_broken_keys_do_not_fill_the_disk(tmp_path: Path) -> None:
    """Only the newest few are kept."""
    for each in range(BROKEN_TLS_KEPT + 2):
        (tmp_path / TLS_KEY_FILE).write_text(f"broken {each}")
        made(tmp_path)

    assert BROKEN_TLS_KEPT == len(list(tmp_path.glob(f"{TLS_KEY_FILE}.broken-*")))


@pytest.mark.parametrize("content", [b"", b"rubbish", b"-" * (MAX_PEM_BYTES + 1)])
def test_a_broken_certificate_is_made_anew(tmp_path: Path, content: bytes) -> None:
    """The key makes another; nobody who keeps its fingerprint notices."""
    first = made(tmp_path)
    first.certificate.write_bytes(content)

    again = made(tmp_path)

    assert first.view.key_fingerprint == again.view.key_fingerprint
    assert NAMES == again.view.names


def test_the_certificate_of_another_key_is_made_anew(tmp_path: Path) -> None:
    """As after restoring one file of two from a backup."""
    other = made(tmp_path / "other").certificate.read_bytes()
    own = made(tmp_path)
    (tmp_path / TLS_CERTIFICATE_FILE).write_bytes(other)

    assert own.view.key_fingerprint == made(tmp_path).view.key_fingerprint


def test_a_key_that_others_could_read_is_closed_and_said_so(tmp_path: Path) -> None:
    """It goes on, because the owner decides whether others have been here."""
    own = made(tmp_path)
    own.key.chmod(0o644)

    again = made(tmp_path)

    assert 0o600 == stat.S_IMODE(own.key.stat().st_mode)
    assert "mode 0644" in again.problem


def test_a_disk_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    """No traceback, and what to look at."""
    place = tmp_path / "file"
    place.write_text("in the way")

    with pytest.raises(IdentityError, match="check the disk"):
        made(place)
