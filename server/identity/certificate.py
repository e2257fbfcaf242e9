"""The box's own TLS certificate: one P-256 key for good, and a certificate that it signs itself.

The key (DATA/tls_key.pem) has nothing to do with the gateway's identity, which signs readings: that
one may be in a chip, and never signs what a stranger on the network chooses.

Who wants to be sure of the box keeps the fingerprint of its public key. So the rules are:

- The key is made once. A certificate is renewed with the same key.
- It is renewed RENEW_BEFORE_DAYS before it ends, and whenever the box has a name or an address that
  it lacks; those it had before stay in it, so that a box that comes and goes is not renewed again.
- With a clock that nobody set, it begins at a fixed day in the past and lasts UNSET_CLOCK_DAYS. As
  soon as the clock is right it is replaced by one of the usual length.
- One that has ended is renewed like any other: the box is never out of reach because of a date.

It is no certificate authority (RFC 5280 4.2.1.9): whoever trusts it trusts this box and no other.
"""

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from server import durable_file
from server.errors import IdentityError
from server.model.encryption import CertificateView, lacks
from server.model.reading import ClockQuality
from server.ports import Clock

TLS_KEY_FILE = "tls_key.pem"
TLS_CERTIFICATE_FILE = "tls_certificate.pem"

LIFETIME_DAYS = 820
"""Some programs refuse certificates of more than 825 days (https://support.apple.com/HT210176)."""
RENEW_BEFORE_DAYS = 90
"""Long before the end, so that months without a right clock do no harm."""
BACKDATED_DAYS = 1
"""A certificate begins a day ago: clocks of phones and laptops are wrong by minutes and hours."""
UNSET_CLOCK_FROM = datetime(2026, 1, 1, tzinfo=UTC)
"""Before the first box was made; every clock that is right is later."""
UNSET_CLOCK_DAYS = 7_305
"""Twenty years: a box whose clock nobody ever sets is reached for as long as it lives."""
LATEST = datetime(2099, 1, 1, tzinfo=UTC)
"""A clock beyond this is wrong, whatever it says of itself."""

MAX_CERTIFICATE_NAMES = 48
"""Names and addresses in one certificate; a handshake carries them all."""
MAX_TITLE = 64
"""Characters of a common name (RFC 5280 A.1, ub-common-name)."""
MAX_PEM_BYTES = 65_536
"""A key or a chain of certificates; more is not read into memory."""
BROKEN_TLS_KEPT = 3
"""Broken keys and certificates kept beside the new ones, for a person to look at."""


@dataclass(frozen=True, slots=True)
class Own:
    """The box's own, as it lies on disk; `problem` says in words what was wrong with it."""

    certificate: Path
    key: Path
    view: CertificateView
    problem: str = ""


def own_certificate(folder: Path, title: str, names: Sequence[str], clock: Clock) -> Own:
    """Read the box's own from `folder`; make or renew what needs it. Raises IdentityError.

    `title` is what the box is called, `names` are its host names and IP addresses.
    """
    key_path, path = folder / TLS_KEY_FILE, folder / TLS_CERTIFICATE_FILE
    try:
        key, problem = _key(key_path)
        found = _certificate(path)
        synced = clock.quality() is not ClockQuality.UNSYNCED
        now = moment(clock.utc_ms())
        if found is None or reason_to_renew(found, key, names, now, synced):
            found = _sign(key, title, _kept_names(names, found), _dates(now, synced))
            durable_file.write(path, found.public_bytes(serialization.Encoding.PEM))
    except OSError as error:
        raise IdentityError(
            f"the box's TLS key and certificate in {folder} can be neither read nor made"
            f" ({error.strerror or error}): check the disk, and that the folder belongs to this"
            " program"
        ) from error
    return Own(path, key_path, view_of(found), problem)


def reason_to_renew(
    found: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
    now: datetime,
    synced: bool,
) -> str:
    """Why this certificate will not do, in a few words; "" if it will."""
    if found.public_key() != key.public_key():
        return "it is for another key"
    if lacks(names_of(found), usable(names)):
        return "the box has other names"
    begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
    if not synced:
        return "it has ended" if now > ends else ""
    if now < begins:
        return "it has not begun"
    if ends - now < timedelta(days=RENEW_BEFORE_DAYS):
        return "it ends soon"
    if ends - begins > timedelta(days=LIFETIME_DAYS):
        return "it was made when the clock was not set"
    return ""


def moment(utc_ms: int) -> datetime:
    """A time of the clock, within what a certificate can say."""
    latest_ms = LATEST.timestamp() * 1000
    return datetime.fromtimestamp(min(max(utc_ms, 0), latest_ms) / 1000, UTC).replace(microsecond=0)


def usable(names: Sequence[str]) -> tuple[str, ...]:
    """Names that a certificate can hold, each once, MAX_CERTIFICATE_NAMES at most."""
    plain = (str(_address(each) or each.lower()) for each in names)
    good = dict.fromkeys(each for each in plain if each and each.isascii() and len(each) < 254)
    return tuple(good)[:MAX_CERTIFICATE_NAMES]


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Its host names, then its addresses."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    addresses = found.get_values_for_type(x509.IPAddress)
    return (*found.get_values_for_type(x509.DNSName), *(str(each) for each in addresses))


def view_of(certificate: x509.Certificate, owners: bool = False) -> CertificateView:
    """What is told of it."""
    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = Hash(SHA256())
    digest.update(spki)
    return CertificateView(
        fingerprint=certificate.fingerprint(SHA256()).hex(),
        key_fingerprint=digest.finalize().hex(),
        names=names_of(certificate),
        not_before_ms=round(certificate.not_valid_before_utc.timestamp() * 1000),
        not_after_ms=round(certificate.not_valid_after_utc.timestamp() * 1000),
        owners=owners,
    )


def read_bounded(path: Path) -> bytes:
    """Raises OSError, and ValueError for a file that is too large to be meant."""
    with path.open("rb") as file:
        content = file.read(MAX_PEM_BYTES + 1)
    if len(content) > MAX_PEM_BYTES:
        raise ValueError(f"it is larger than {MAX_PEM_BYTES} bytes")
    return content


def _key(path: Path) -> tuple[ec.EllipticCurvePrivateKey, str]:
    """The key, and what the owner should know about it. Raises OSError."""
    try:
        return _usable_key(read_bounded(path)), _closed(path)
    except FileNotFoundError:
        return _made_key(path), ""
    except ValueError as error:
        aside = durable_file.set_aside(path, keep=BROKEN_TLS_KEPT)
        key = _made_key(path)
        return key, (
            f"The TLS key in {path.name} was broken ({error}); it was moved to {aside.name} and a"
            " new one was made: browsers and programs that trusted the old one will ask again."
        )


def _closed(path: Path) -> str:
    """Take away what others may do with the key file; say so if they could."""
    mode = path.stat().st_mode & 0o777
    if not mode & 0o077:
        return ""
    os.chmod(path, durable_file.OWNER_ONLY)
    return (
        f"{path.name} could be opened by others (mode {mode:04o}); it is the owner's alone now. If"
        " others have been on this machine, remove the file: a new key is made at the next start."
    )


def _usable_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("it is not a private key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != ec.SECP256R1.name:
        raise ValueError("it is not a P-256 key")
    return key


def _made_key(path: Path) -> ec.EllipticCurvePrivateKey:
    made = ec.generate_private_key(ec.SECP256R1())
    pem = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    durable_file.write(path, pem)
    return _usable_key(read_bounded(path))


def _certificate(path: Path) -> x509.Certificate | None:
    """The one on disk; a broken one is worth nothing, because the key makes it anew."""
    try:
        found = x509.load_pem_x509_certificate(read_bounded(path))
        found.public_key()
        return found
    except (FileNotFoundError, ValueError, UnsupportedAlgorithm):
        return None


def _kept_names(names: Sequence[str], before: x509.Certificate | None) -> tuple[str, ...]:
    return usable((*names, *(names_of(before) if before is not None else ())))


def _dates(now: datetime, synced: bool) -> tuple[datetime, datetime]:
    if synced:
        begins = now - timedelta(days=BACKDATED_DAYS)
        return begins, begins + timedelta(days=LIFETIME_DAYS)
    return UNSET_CLOCK_FROM, max(now, UNSET_CLOCK_FROM) + timedelta(days=UNSET_CLOCK_DAYS)


def _sign(
    key: ec.EllipticCurvePrivateKey,
    title: str,
    names: Sequence[str],
    dates: tuple[datetime, datetime],
) -> x509.Certificate:
    public = key.public_key()
    common = x509.NameAttribute(NameOID.COMMON_NAME, title[:MAX_TITLE] or "Egret")
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Egret"), common])
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
    )
    usage |= dict.fromkeys(("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(dates[0])
        .not_valid_after(dates[1])
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    if names:
        told = x509.SubjectAlternativeName([_general(each) for each in names])
        builder = builder.add_extension(told, critical=False)
    return builder.sign(key, SHA256())


def _general(name: str) -> x509.GeneralName:
    address = _address(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return None
