"""Which certificate the TLS door shows: the owner's if it can be used, else the box's own.

`look` reads files and is called on a lane that may block; `context` is what a handshake uses and
never waits. A file of the owner's that changes, as an ACME client changes it, counts from the next
look on; one that is broken then leaves the last good one where it is.
"""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from server.errors import IdentityError
from server.identity.certificate import Own, moment, own_certificate, read_bounded, view_of
from server.model.encryption import CertificateView
from server.model.reading import ClockQuality
from server.ports import Clock

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secrecy and authenticated encryption only (RFC 9325 4.2); those of TLS 1.3
are all of that kind."""
PROTOCOLS = ("http/1.1",)
"""What is spoken within, said in the handshake (RFC 7301)."""


@dataclass(frozen=True, slots=True)
class OwnersFiles:
    """Where the owner's certificate (with its chain) and key lie, in PEM."""

    certificate: Path
    key: Path


class ServedCertificate:
    """See the module's docstring. `look` from one thread at a time; the rest from any."""

    def __init__(
        self,
        folder: Path,
        title: str,
        names: Callable[[], Sequence[str]],
        clock: Clock,
        owners: OwnersFiles | None = None,
    ) -> None:
        """Reads nothing yet; `names` are asked for at each look."""
        self._folder = folder
        self._title = title
        self._names = names
        self._clock = clock
        self._owners = owners
        self._shown: tuple[ssl.SSLContext, CertificateView] | None = None
        self._key_problem = ""

    @property
    def context(self) -> ssl.SSLContext:
        """For one handshake. Only after a `look` that succeeded."""
        assert self._shown is not None
        return self._shown[0]

    @property
    def view(self) -> CertificateView:
        """What is shown. Only after a `look` that succeeded."""
        assert self._shown is not None
        return self._shown[1]

    def look(self) -> str:
        """Renew and reload what needs it; returns what the owner should know, "" for nothing.

        Raises IdentityError when there is no certificate at all.
        """
        problem = ""
        if self._owners is not None:
            problem = self._take_owners(self._owners)
        if self._owners is None or (problem and not self._shows_owners()):
            own = own_certificate(self._folder, self._title, self._names(), self._clock)
            self._key_problem = own.problem or self._key_problem
            self._show_own(own)
        return " ".join(each for each in (problem, self._key_problem) if each)

    def _shows_owners(self) -> bool:
        return self._shown is not None and self._shown[1].owners

    def _show_own(self, own: Own) -> None:
        if self._shown is not None and self._shown[1] == own.view:
            return
        try:
            self._shown = (context_of(own.certificate, own.key), own.view)
        except (OSError, ValueError) as error:
            raise IdentityError(f"the box's TLS certificate cannot be used: {error}") from error

    def _take_owners(self, files: OwnersFiles) -> str:
        """Show the owner's from now on, or say in words why not."""
        try:
            view = _checked(files)
            if self._shown is None or self._shown[1] != view:
                self._shown = (context_of(files.certificate, files.key), view)
        except (OSError, ValueError) as error:
            counts = "the last good one" if self._shows_owners() else "the box's own"
            words = getattr(error, "strerror", None) or str(error)
            return (
                f"The certificate of api.tls_certificate ({files.certificate}) with api.tls_key"
                f" cannot be used: {words}; {counts} counts until it can."
            )
        synced = self._clock.quality() is not ClockQuality.UNSYNCED
        if synced and view.not_after_ms < self._clock.utc_ms():
            ended = moment(view.not_after_ms)
            return f"The certificate of api.tls_certificate ended on {ended:%Y-%m-%d}: renew it."
        return ""


def context_of(certificate: Path, key: Path) -> ssl.SSLContext:
    """How a connection is encrypted. Raises OSError (ssl.SSLError is one), ValueError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(list(PROTOCOLS))
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # A key with a password would be asked for on a terminal that nobody watches.
    context.load_cert_chain(certificate, key, password=lambda: "")
    return context


def _checked(files: OwnersFiles) -> CertificateView:
    """What the owner's certificate says. Raises OSError, ValueError in words."""
    try:
        chain = x509.load_pem_x509_certificates(read_bounded(files.certificate))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"{files.certificate.name} is not a certificate in PEM") from error
    try:
        key = serialization.load_pem_private_key(read_bounded(files.key), password=None)
    except TypeError as error:
        raise ValueError(f"{files.key.name} has a password; take it off") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"{files.key.name} is not a private key in PEM") from error
    if key.public_key() != chain[0].public_key():
        raise ValueError(f"the key in {files.key.name} is not that of the first certificate")
    return view_of(chain[0], owners=True)
