"""When the box answers over TLS, what its certificate is, and what may come in the clear. Pure."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from server.model.exposure import is_alone

TLS_CHOICES = ("auto", "on", "off")
"""What `api.tls` may be."""


@dataclass(frozen=True, slots=True)
class CertificateView:
    """What anybody who opens a TLS connection sees of the certificate anyway.

    Fingerprints are SHA-256 in lower-case hex: of the whole certificate, and of its public key
    (SubjectPublicKeyInfo), which stays the same when the box renews its own.
    """

    fingerprint: str
    key_fingerprint: str
    names: tuple[str, ...]
    not_before_ms: int
    not_after_ms: int
    owners: bool = False
    """Whether the owner gave it; False: the box signed it itself."""


def is_offered(tls: str, host: str) -> bool:
    """Whether there is a TLS door, by `api.tls` and `api.host`."""
    return tls == "on" or (tls == "auto" and not is_alone(host))


def colons(fingerprint: str) -> str:
    """A fingerprint as browsers show it: pairs of capitals with colons between."""
    return ":".join(fingerprint[at : at + 2] for at in range(0, len(fingerprint), 2)).upper()


def lacks(names: Collection[str], wanted: Collection[str]) -> tuple[str, ...]:
    """Those of `wanted` that a certificate with `names` does not cover."""
    known = {each.lower() for each in names}
    return tuple(each for each in wanted if each.lower() not in known)


@dataclass(frozen=True, slots=True)
class TlsTerms:
    """What there is beside the plain door, and what must go through it. While this process runs."""

    port: int = 0
    """The TCP port of the TLS door; 0: there is none."""
    required: bool = False
    """Whether page and secrets are turned away at the plain door, where they come over a network.
    """
    certificate: Callable[[], CertificateView] | None = None
    """What the door shows at this moment."""
