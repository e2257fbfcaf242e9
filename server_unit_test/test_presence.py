"""How a running box is met from outside."""

from pathlib import Path
from typing import Any

from server.model.configuration import ApiConfig, Configuration
from server.presence import Presence, certificate_of, local_name
from server_unit_test.contracts.fake_clock import FakeClock

SERIAL = "0123456789abcdef01"


def presence(data: Path, **api: Any) -> Presence:
    """That of a box with these settings."""
    return Presence(data, Configuration(api=ApiConfig(**api)), SERIAL, FakeClock())


def test_what_is_off_is_not_made(tmp_path: Path) -> None:
    """Beyond loopback there is a certificate, unless the owner wants none."""
    made = [
        certificate_of(tmp_path, Configuration(api=ApiConfig(**api)), SERIAL, FakeClock())
        for api in ({"host": "0.0.0.0"}, {"host": "0.0.0.0", "tls": "off"}, {"host": "127.0.0.1"})
    ]

    assert [True, False, False] == [each is not None for each in made]


def test_the_name_comes_from_the_serial() -> None:
    """By which multicast DNS finds the box."""
    assert "egret-cdef01.local" == local_name(SERIAL)


def test_a_box_on_loopback_is_not_announced(tmp_path: Path) -> None:
    """Nobody could reach it; stopping is no error all the same."""
    alone = presence(tmp_path)

    alone.advertise("calm otter lagoon", "127.0.0.1", 8080)
    alone.stop()

    assert (None, "", "") == (alone.offer(), alone.fingerprint, alone.missing)


def test_an_owner_may_keep_a_box_quiet(tmp_path: Path) -> None:
    """api.announce is off."""
    quiet = presence(tmp_path, host="0.0.0.0", announce=False, tls="off")

    quiet.advertise("calm otter lagoon", "0.0.0.0", 8080)
    quiet.stop()

    assert quiet.certificate is None


def test_the_fingerprint_is_told_once_the_port_is_known(tmp_path: Path) -> None:
    """As browsers show it: pairs of digits."""
    box = presence(tmp_path, tls="on")
    offered = box.offer()
    before = box.fingerprint
    box.tls_port = 8443

    assert offered is not None and "" == before
    assert 32 == len(box.fingerprint.split(":"))


def test_a_certificate_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """The page goes on without."""
    (tmp_path / "tls_key.pem").mkdir()
    box = presence(tmp_path, tls="on")

    assert box.offer() is None
    assert box.missing.startswith("There is no TLS door:")
