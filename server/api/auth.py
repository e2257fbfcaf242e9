"""Whose web page asks: nobody acts through a foreign one. Who asks is for `gate`.

A browser in the house can be made to send requests to any address by any page it shows. Three
things give such a request away, and browsers let no page forge them:

- `Host` is the name the page used. A foreign name that was made to resolve to our address (DNS
  rebinding) is not one of ours. This is checked for every request, because a rebound page could
  also read the answers. There must be exactly one; the authority of a target in absolute form
  arrives here as one more where it differs.
- `Origin`, or else `Referer`, is the site the request comes from. For a request that changes
  something it must be the very site it goes to.
- `Sec-Fetch-Site` says the same in one word, on GET as well.

`X-Forwarded-*` is not looked at: anybody can write it, and nobody has said which proxy is ours.

Programs send none of the last three and pass. There are no CORS headers, so a foreign page never
reads an answer.
"""

from collections.abc import Collection, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from server.api.refusals import BadRequest

SAFE_METHODS = frozenset(("GET", "HEAD"))
"""Methods that never change anything here."""
_OWN_SITE = (b"same-origin", b"none")


_READ_HERE = (b"host", b"origin", b"referer", b"sec-fetch-site", b"sec-fetch-mode")


def check(
    method: str,
    headers: Collection[tuple[bytes, bytes]],
    names: Collection[str],
    scheme: str = "http",
) -> None:
    """Raise PermissionError in words for a request that is refused, BadRequest without one Host.

    `scheme` is how it came: http or https.
    """
    if sum(name == b"host" for name, _ in headers) != 1:
        raise BadRequest("Host: send exactly one, with the gateway's IP address or name")
    told = {name: value for name, value in headers if name in _READ_HERE}
    if not _is_ours(told[b"host"], names):
        raise PermissionError(
            "this host name is not one of the gateway's: use its IP address, localhost, or one of "
            + (", ".join(names) or "no other name")
        )
    if method in SAFE_METHODS:
        _check_reader(told)
    else:
        _check_changer(told, scheme)


def _check_reader(told: Mapping[bytes, bytes]) -> None:
    if told.get(b"sec-fetch-site") == b"cross-site":
        if told.get(b"sec-fetch-mode", b"navigate") != b"navigate":
            raise PermissionError("another web site may not read the gateway")


def _check_changer(told: Mapping[bytes, bytes], scheme: str) -> None:
    if told.get(b"sec-fetch-site", b"none") not in _OWN_SITE:
        raise PermissionError("another web site may not change anything on the gateway")
    source = told.get(b"origin", told.get(b"referer"))
    if source is not None and not _same_site(source, scheme, told[b"host"]):
        raise PermissionError(
            f"requests from {_shown(source)} may not change anything on the gateway"
        )


def _is_ours(host: bytes, names: Collection[str]) -> bool:
    name = hostname(host)
    if name is None:
        return False
    return name == "localhost" or name in names or _is_address(name) or _is_wild(name, names)


def hostname(host: bytes) -> str | None:
    """The name or address in a Host header, without the port; None for what is none."""
    try:
        parts = urlsplit("//" + host.decode("ascii"))
        _ = parts.port  # Raises for anything but a number.
    except ValueError:
        return None
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        return None
    return parts.hostname.rstrip(".") if parts.hostname else None


def _is_wild(name: str, names: Collection[str]) -> bool:
    """Whether a certificate of the owner's covers it with a wildcard (RFC 6125 6.4.3)."""
    first, _, rest = name.partition(".")
    return bool(first and rest) and f"*.{rest}" in names


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _same_site(source: bytes, scheme: str, host: bytes) -> bool:
    """True when scheme, name and port of `source` are those the request was sent to."""
    try:
        parts = urlsplit(source.decode("ascii"))
    except ValueError:
        return False
    return parts.scheme == scheme and parts.netloc.lower().encode() == host.lower()


def _shown(source: bytes) -> str:
    return source[:100].decode("ascii", errors="replace")
