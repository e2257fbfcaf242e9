"""GET tls: the TLS door and the fingerprints to compare; and what must not come past that door.

On a box that protects itself a password or a token in the clear is a secret given away. So over a
network the plain door

- sends a browser that wants the page to the TLS door (308, which keeps the path),
- refuses every request that carries or fetches a secret (403, with the address to use instead):
  claim, login, password, tokens, and whatever comes with a token or a session,
- answers the rest, which is open to all.

Nothing is refused that never leaves the machine (loopback), nor the Bluetooth service's own token,
which stays among the containers of one box; nor anything where there is no TLS door, or the owner
wants it so (`api.plain_http`). There is no HSTS (RFC 6797): browsers ignore it with a certificate
that the user had to accept, and one that is trusted would lock the plain door of every other
service on the same name, for months.
"""

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from server.api.auth import hostname
from server.api.call import JSON, Access, Call, Context, Nothing, Reply, Route, answer
from server.api.gate import COOKIE, SECURE_COOKIE
from server.api.refusals import NotFound, refusal
from server.model.access import Protection
from server.model.encryption import CertificateView, TlsTerms, colons
from server.model.exposure import Exposure, is_alone

MAX_REDIRECT = 2048
"""Characters of the address that a browser is sent to; a longer one leads to the page."""

_PAGES = ("/", "/static/{file:path}", "/api/docs")
_SECRETS = frozenset(
    ("/api/entry/claim", "/api/entry/login", "/api/entry/logout", "/api/entry/password")
)
_SERVICE = b"bearer egret_bluetooth_"
"""How the Bluetooth service's own token begins; its id is no secret."""


@dataclass(frozen=True, slots=True)
class TlsOffer:
    """A TLS door that is wanted: its port, and what it shows."""

    port: int
    context: Callable[[], ssl.SSLContext]
    certificate: Callable[[], CertificateView]
    plain_http: bool = False
    """`api.plain_http`."""


class Tls(msgspec.Struct, frozen=True):
    """The TLS door. Fingerprints are SHA-256: of the certificate, and of its public key.

    That of the key stays when the box renews its own certificate. `port` is 0 without a door.
    `owners`: the owner gave the certificate. `required`: secrets are refused at the plain door.
    """

    port: int
    url: str
    required: bool
    fingerprint: str
    key_fingerprint: str
    names: tuple[str, ...]
    not_before_ms: int
    not_after_ms: int
    owners: bool


def terms_of(offer: TlsOffer | None, port: int, exposure: Exposure) -> TlsTerms:
    """What counts while this process runs; `port` is 0 where the door could not be opened."""
    if offer is None or not port:
        return TlsTerms()
    required = exposure.protection is Protection.PROTECTED and not offer.plain_http
    return TlsTerms(port, required, offer.certificate)


def names_of(context: Context) -> tuple[str, ...]:
    """Host names that are ours: the box's, and those of a certificate that the owner gave.

    Nobody who could make such a name lead elsewhere holds its key.
    """
    names, certificate = context.services.names, context.tls.certificate
    if certificate is None or not (view := certificate()).owners:
        return names
    return (*names, *(each.lower() for each in view.names))


def show(call: Call[Nothing, Nothing]) -> Reply:
    """What a handshake tells everybody as well."""
    terms = call.context.tls
    if terms.certificate is None:
        return answer(Tls(0, "", False, "", "", (), 0, 0, False))
    view = terms.certificate()
    return answer(
        Tls(
            port=terms.port,
            url=_address(call.headers, terms.port, ""),
            required=terms.required,
            fingerprint=colons(view.fingerprint),
            key_fingerprint=colons(view.key_fingerprint),
            names=view.names,
            not_before_ms=view.not_before_ms,
            not_after_ms=view.not_after_ms,
            owners=view.owners,
        )
    )


def sent_elsewhere(route: Route, scope: Mapping[str, Any], context: Context) -> Reply | None:
    """The answer to what must come through the TLS door; None where it may stay."""
    terms = context.tls
    if not terms.required or scope["scheme"] == "https" or _is_here(scope):
        return None
    if route.path in _PAGES:
        return _redirect(scope, terms.port)
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    secret = route.access is Access.OWNER or route.path in _SECRETS
    if not secret and not _carries_secret(headers):
        return None
    there = _address(headers, terms.port, route.path if "{" not in route.path else "")
    words = f"secrets are not taken unencrypted over a network: use {there}"
    return refusal(HTTPStatus.FORBIDDEN, words, reason="needs_tls")


def _is_here(scope: Mapping[str, Any]) -> bool:
    client = scope.get("client")
    return client is not None and is_alone(str(client[0]).removeprefix("::ffff:"))


def _carries_secret(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    for name, value in headers:
        if name == b"authorization" and not value.lower().startswith(_SERVICE):
            return True
        if name == b"cookie" and (COOKIE.encode() in value or SECURE_COOKIE.encode() in value):
            return True
    return False


def _redirect(scope: Mapping[str, Any], port: int) -> Reply:
    path = scope.get("raw_path", b"/").decode("ascii", errors="replace").partition("?")[0]
    there = _address(scope["headers"], port, path if path.startswith("/") else "/")
    if len(there) > MAX_REDIRECT or not there.isprintable():
        there = _address(scope["headers"], port, "/")
    reply = refusal(HTTPStatus.PERMANENT_REDIRECT, f"the page is at {there}")
    return Reply(308, reply.body, (*JSON, (b"location", there.encode("ascii", "replace"))))


def _address(headers: Sequence[tuple[bytes, bytes]], port: int, path: str) -> str:
    host = next((value for name, value in headers if name == b"host"), b"")
    name = hostname(host)
    if name is None:
        raise NotFound("this request names no host")
    shown = f"[{name}]" if ":" in name else name
    return f"https://{shown}{'' if port == 443 else f':{port}'}{path}"
