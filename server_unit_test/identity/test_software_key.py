"""The key file: made once, kept whole, guarded, and never silently replaced."""

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from server.errors import IdentityError
from server.identity.software_key import (
    KEY_FILE,
    MAX_BROKEN_KEYS,
    MAX_KEY_FILE_BYTES,
    SERIAL_BYTES,
    SoftwareKey,
)


class PowerCut(BaseException):
    """The process ends here; nothing of it catches this."""


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(each.name for each in folder.iterdir())


def pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, password: str = "") -> bytes:
    """A private key as a file holds it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        (
            serialization.BestAvailableEncryption(password.encode())
            if password
            else serialization.NoEncryption()
        ),
    )


NO_PEM = "it is not a private key in PEM"
NO_P256 = "it is not a P-256 key"
BROKEN: Mapping[str, tuple[bytes, str]] = {
    "empty": (b"", NO_PEM),
    "rubbish": (b"rubbish", NO_PEM),
    "cut": (pem(ec.generate_private_key(ec.SECP256R1()))[:-40], NO_PEM),
    "locked": (pem(ec.generate_private_key(ec.SECP256R1()), "password"), NO_PEM),
    "other curve": (pem(ec.generate_private_key(ec.SECP384R1())), NO_P256),
    "other kind": (pem(ed25519.Ed25519PrivateKey.generate()), NO_P256),
    "too large": (b"x" * (MAX_KEY_FILE_BYTES + 1), "it is too large to be a key"),
}
"""Content of a key file -> what is said of it."""


def test_first_start_makes_a_key_of_the_owners_alone(tmp_path: Path) -> None:
    """The key exists, with mode 0600 whatever the umask, and there is nothing to complain of."""
    before = os.umask(0)
    try:
        key = SoftwareKey.open(tmp_path / "new")
    finally:
        os.umask(before)

    path = tmp_path / "new" / KEY_FILE
    assert (0o600, "") == (stat.S_IMODE(path.stat().st_mode), key.problem)
    assert [KEY_FILE] == names(tmp_path / "new")


def test_later_starts_keep_the_identity(tmp_path: Path) -> None:
    """The same file gives the same serial and public key."""
    first = SoftwareKey.open(tmp_path)

    second = SoftwareKey.open(tmp_path)

    assert (first.serial, first.public_key) == (second.serial, second.public_key)


def test_the_serial_comes_from_the_public_key(tmp_path: Path) -> None:
    """Anyone who knows the public key can check the serial."""
    key = SoftwareKey.open(tmp_path)

    assert hashlib.sha256(key.public_key).hexdigest()[: 2 * SERIAL_BYTES] == key.serial


def test_two_boxes_differ(tmp_path: Path) -> None:
    """Every box has an identity of its own."""
    one, other = SoftwareKey.open(tmp_path / "one"), SoftwareKey.open(tmp_path / "other")

    assert one.serial != other.serial


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_power_cut_leaves_no_key_or_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Cut while the first key is made, the next start makes one as if it were the first."""

    def cut(*_: object) -> None:
        raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(os, call, cut)
        with pytest.raises(PowerCut):
            SoftwareKey.open(tmp_path)
    there_after_cut = (tmp_path / KEY_FILE).exists()

    key = SoftwareKey.open(tmp_path)

    assert (False, "", [KEY_FILE]) == (there_after_cut, key.problem, names(tmp_path))


@pytest.mark.parametrize("trace", ["store", "key.pem.broken-3"])
def test_a_key_that_has_gone_is_told(tmp_path: Path, trace: str) -> None:
    """Where a gateway has run before, a new identity is not taken for a first start; told once."""
    (tmp_path / trace).mkdir()

    key = SoftwareKey.open(tmp_path)

    assert (
        f"There was no key.pem, though {trace} lies beside it; this box has a new identity,"
        f" {key.serial}: put the old key back and start again, or tell the clouds that knew it."
    ) == key.problem
    assert "" == SoftwareKey.open(tmp_path).problem


def test_prepared_settings_are_no_trace_of_an_earlier_key(tmp_path: Path) -> None:
    """Settings may be laid down before the first start; that start is like any other."""
    (tmp_path / "settings.json").touch()

    assert "" == SoftwareKey.open(tmp_path).problem


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_key_is_set_aside_and_said(tmp_path: Path, what: str) -> None:
    """The old file is kept to the byte, and the owner hears of the new identity."""
    content, reason = BROKEN[what]
    (tmp_path / KEY_FILE).write_bytes(content)

    key = SoftwareKey.open(tmp_path)

    assert (
        f"The key in key.pem was broken ({reason}); it was moved to key.pem.broken-1 and this"
        f" box has a new identity, {key.serial}: a cloud that knew the old one must be told."
    ) == key.problem
    assert content == (tmp_path / "key.pem.broken-1").read_bytes()
    assert ("", key.serial) == (
        SoftwareKey.open(tmp_path).problem,
        SoftwareKey.open(tmp_path).serial,
    )


def test_broken_keys_are_never_deleted(tmp_path: Path) -> None:
    """Past MAX_BROKEN_KEYS no new identity is made: a person has to look."""
    for number in range(MAX_BROKEN_KEYS):
        (tmp_path / KEY_FILE).write_text(f"broken {number}")
        SoftwareKey.open(tmp_path)
    (tmp_path / KEY_FILE).write_text("broken again")

    with pytest.raises(IdentityError, match="8 broken keys lie beside it"):
        SoftwareKey.open(tmp_path)

    assert MAX_BROKEN_KEYS + 1 == len(names(tmp_path))
    assert "broken again" == (tmp_path / KEY_FILE).read_text()


def test_a_key_that_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    """An error of the disk is not a broken key: it may be there again tomorrow."""
    (tmp_path / KEY_FILE).mkdir()

    with pytest.raises(IdentityError, match="can be neither read nor made"):
        SoftwareKey.open(tmp_path)

    assert [KEY_FILE] == names(tmp_path)


def test_a_folder_that_cannot_be_one_is_said(tmp_path: Path) -> None:
    """Where nothing can be kept there is no identity: it would change at every start."""
    (tmp_path / "data").touch()

    with pytest.raises(IdentityError, match="Not a directory"):
        SoftwareKey.open(tmp_path / "data")


def test_a_key_that_others_could_read_is_closed_and_said(tmp_path: Path) -> None:
    """The identity stays, the mode is put right, and the owner is told once."""
    first = SoftwareKey.open(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)

    second = SoftwareKey.open(tmp_path)

    assert (first.serial, True) == (second.serial, "(mode 0644)" in second.problem)
    assert 0o600 == stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode)
    assert "" == SoftwareKey.open(tmp_path).problem


def test_no_problem_quotes_the_file(tmp_path: Path) -> None:
    """What may be most of a key never reaches a log or a page."""
    (tmp_path / KEY_FILE).write_bytes(b"-----BEGIN PRIVATE KEY-----\nMIGHsecret\n")

    key = SoftwareKey.open(tmp_path)

    assert "MIGH" not in key.problem
