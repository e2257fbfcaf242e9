"""Which certificate is shown: the owner's if it can be used, else the box's own."""

import hashlib
import shutil
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from server.errors import IdentityError
from server.identity.certificate import own_certificate
from server.identity.served_certificate import (
    CIPHERS,
    PROTOCOLS,
    OwnersFiles,
    ServedCertificate,
    context_of,
)
from server.model.encryption import CertificateView
from server_unit_test.contracts.fake_clock import FakeClock

NOW = datetime(2026, 11, 20, tzinfo=UTC)
NAMES = ("box.local", "127.0.0.1")


def a_clock() -> FakeClock:
    """A right clock."""
    return FakeClock(utc_ms=round(NOW.timestamp() * 1000))


def an_owners(folder: Path, clock: FakeClock, name: str = "gw.example") -> OwnersFiles:
    """A certificate as an owner would get it."""
    made = own_certificate(folder, name, (name,), clock)
    return OwnersFiles(made.certificate, made.key)


def a_served(
    folder: Path, clock: FakeClock, owners: OwnersFiles | None = None
) -> ServedCertificate:
    """What the gateway has, not yet looked."""
    return ServedCertificate(folder, "calm otter lagoon", lambda: NAMES, clock, owners)


def shown_by(context: ssl.SSLContext) -> bytes:
    """The certificate of a handshake, in DER."""
    ours, theirs = socket.socketpair()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    with ours, theirs:
        ours.settimeout(5)
        theirs.settimeout(5)

        def serve() -> None:
            context.wrap_socket(ours, server_side=True).close()

        server = threading.Thread(target=serve)
        server.start()
        with client.wrap_socket(theirs, server_hostname="box.local") as door:
            found = door.getpeercert(binary_form=True)
        server.join(5)
    assert found is not None
    return found


def test_without_the_owners_the_boxs_own_is_shown(tmp_path: Path) -> None:
    """And a handshake shows what `view` tells."""
    served = a_served(tmp_path, a_clock())

    problem = served.look()

    found = hashlib.sha256(shown_by(served.context)).hexdigest()
    assert ("", False, found) == (problem, served.view.owners, served.view.fingerprint)


def test_looking_again_keeps_what_has_not_changed(tmp_path: Path) -> None:
    """Sessions of clients go on, for the context is the same."""
    served = a_served(tmp_path, a_clock())
    served.look()
    before = served.context

    served.look()

    assert before is served.context


def test_the_owners_counts(tmp_path: Path) -> None:
    """It is shown from the first look on, and the box's own is not even made."""
    clock = a_clock()
    served = a_served(tmp_path / "data", clock, an_owners(tmp_path / "owner", clock))

    problem = served.look()

    assert ("", True, ("gw.example",)) == (problem, served.view.owners, served.view.names)
    assert not (tmp_path / "data").exists()


def test_the_owners_is_reloaded_when_it_changes(tmp_path: Path) -> None:
    """As an ACME client renews it, with another key."""
    clock = a_clock()
    files = an_owners(tmp_path / "owner", clock)
    served = a_served(tmp_path, clock, files)
    served.look()
    first: CertificateView = served.view
    newer = an_owners(tmp_path / "newer", clock)
    shutil.copy(newer.key, files.key)
    shutil.copy(newer.certificate, files.certificate)

    problem = served.look()

    assert "" == problem
    assert first.key_fingerprint != served.view.key_fingerprint


def test_half_a_renewal_leaves_the_last_good_one(tmp_path: Path) -> None:
    """Between the two files of a renewal nobody is turned away."""
    clock = a_clock()
    files = an_owners(tmp_path / "owner", clock)
    served = a_served(tmp_path, clock, files)
    served.look()
    before = served.view
    shutil.copy(an_owners(tmp_path / "newer", clock).key, files.key)

    problem = served.look()

    assert "the last good one counts until it can" in problem
    assert before == served.view


def no_certificate(files: OwnersFiles) -> None:
    files.certificate.unlink()


def no_key(files: OwnersFiles) -> None:
    files.key.unlink()


def rubbish(files: OwnersFiles) -> None:
    files.certificate.write_text("rubbish")


def rubbish_key(files: OwnersFiles) -> None:
    files.key.write_text("rubbish")


def another_key(files: OwnersFiles) -> None:
    _write_key(files, serialization.NoEncryption())


def locked_key(files: OwnersFiles) -> None:
    _write_key(files, serialization.BestAvailableEncryption(b"secret"))


def _write_key(files: OwnersFiles, how: serialization.KeySerializationEncryption) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    files.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, how))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (no_certificate, "No such file"),
        (no_key, "No such file"),
        (rubbish, "is not a certificate in PEM"),
        (rubbish_key, "is not a private key in PEM"),
        (another_key, "is not that of the first certificate"),
        (locked_key, "has a password; take it off"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_broken_one_is_said_and_the_boxs_own_counts(
    tmp_path: Path, damage: object, words: str
) -> None:
    """The box stays within reach, and the words name what to mend."""
    clock = a_clock()
    files = an_owners(tmp_path / "owner", clock)
    assert callable(damage)
    damage(files)
    served = a_served(tmp_path, clock, files)

    problem = served.look()

    assert words in problem and "the box's own counts" in problem
    assert not served.view.owners


def test_one_that_ended_is_said_and_shown_all_the_same(tmp_path: Path) -> None:
    """A browser tells the date; another certificate would only tell less."""
    clock = a_clock()
    files = an_owners(tmp_path / "owner", clock)
    clock.advance(timedelta(days=900).total_seconds())
    served = a_served(tmp_path, clock, files)

    problem = served.look()

    assert "ended on 2029-02-16" in problem
    assert served.view.owners


def test_no_certificate_at_all_is_said_in_words(tmp_path: Path) -> None:
    """Then there is no TLS door; the gateway goes on without."""
    (tmp_path / "data").write_text("in the way")

    with pytest.raises(IdentityError, match="check the disk"):
        a_served(tmp_path / "data", a_clock()).look()


def test_what_is_weak_is_not_spoken(tmp_path: Path) -> None:
    """TLS 1.2 at least, forward secrecy, no compression, no renegotiation."""
    files = an_owners(tmp_path, a_clock())

    context = context_of(files.certificate, files.key)

    names = {each["name"] for each in context.get_ciphers()}
    assert ssl.TLSVersion.TLSv1_2 == context.minimum_version
    assert all(each.startswith(("TLS_", "ECDHE-")) for each in names)
    assert all("GCM" in each or "CHACHA20" in each for each in names)
    assert context.options & ssl.OP_NO_RENEGOTIATION and context.options & ssl.OP_NO_COMPRESSION
    assert ("http/1.1",) == PROTOCOLS and "ECDHE" in CIPHERS
