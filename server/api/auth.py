"""Who may ask. Until there are tokens: nobody through a foreign web page.

A browser in the house can be made to send requests to any address by any page it shows. Three
things give such a request away, and browsers let no page forge them:

- `Host` is the name the page used. A foreign name that was made to resolve to our address (DNS
  rebinding) is not one of ours. This is checked for every request, because a rebound page could
  also read the answers.
- `Origin`, or else `Referer`, is the site the request comes from. For a request that changes
  something it must be the very site it goes to.
- `Sec-Fetch-Site` says the same in one word, on GET as well.

Programs send none of the last three and pass. There are no CORS headers, so a foreign page never
reads an answer.
"""

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

SAFE_METHODS = frozenset(("GET", "HEAD"))
"""Methods that never change anything here."""
_OWN_SITE = (b"same-origin", b"none")


def reason_to_refuse(
    method: str, headers: Collection[tuple[bytes, bytes]], names: Collection[str]
) -> str | None:
    """Why this request is refused, in words; None when it may pass."""
    host = origin = referer = site = mode = None
    for name, value in headers:
        if name == b"host":
            host = value
        elif name == b"origin":
            origin = value
        elif name == b"referer":
            referer = value
        elif name == b"sec-fetch-site":
            site = value
        elif name == b"sec-fetch-mode":
            mode = value
    if host is not None and not _is_ours(host, names):
        return (
            "this host name is not one of the gateway's: use its IP address, localhost, or one of "
            + (", ".join(names) or "no other name")
        )
    if method in SAFE_METHODS:
        if site == b"cross-site" and mode not in (None, b"navigate"):
            return "another web site may not read the gateway"
        return None
    if site is not None and site not in _OWN_SITE:
        return "another web site may not change anything on the gateway"
    source = origin if origin is not None else referer
    if source is not None and not _same_site(source, host):
        return f"requests from {_shown(source)} may not change anything on the gateway"
    return None


def _is_ours(host: bytes, names: Collection[str]) -> bool:
    name = _hostname(host)
    if name is None:
        return False
    return name == "localhost" or name in names or _is_address(name)


def _hostname(host: bytes) -> str | None:
    try:
        parts = urlsplit("//" + host.decode("ascii"))
        _ = parts.port  # Raises for anything but a number.
    except ValueError:
        return None
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        return None
    return parts.hostname.rstrip(".") if parts.hostname else None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _same_site(source: bytes, host: bytes | None) -> bool:
    """True when scheme, name and port of `source` are those the request was sent to."""
    if host is None:
        return False
    try:
        parts = urlsplit(source.decode("ascii"))
    except ValueError:
        return False
    return parts.scheme == "http" and parts.netloc.lower().encode() == host.lower()


def _shown(source: bytes) -> str:
    return source[:100].decode("ascii", errors="replace")
