"""GET / and /static: the page, from memory.

The files are read once at start: a request then costs no disk access, and no path that a client
sends ever reaches the file system.
"""

import logging
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from server.api.call import GUARDED, Asset, Call, Nothing, Reply
from server.api.refusals import NotFound

FOLDER = Path(__file__).parent / "static"
INDEX = "index.html"
MAX_ASSET_BYTES = 1024 * 1024
"""The largest file of the page; the chart library has 50 kB."""
MAX_ASSETS = 64
"""Files of the page; there are about ten."""

POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    b"form-action 'self'; frame-ancestors 'none'"
)
"""The page runs its own files only, talks to the gateway only, and is shown in nobody's frame."""

_TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".mjs": b"text/javascript; charset=utf-8",
    ".json": b"application/json",
    ".webmanifest": b"application/manifest+json",
    ".svg": b"image/svg+xml",
    ".png": b"image/png",
    ".ico": b"image/x-icon",
    ".woff2": b"font/woff2",
    ".txt": b"text/plain; charset=utf-8",
}

log = logging.getLogger(__name__)


def load(folder: Path = FOLDER) -> Mapping[str, Asset]:
    """All files of the page; what cannot be served is left out and logged."""
    assets: dict[str, Asset] = {}
    for path in sorted(folder.rglob("*")):
        content_type = _TYPES.get(path.suffix)
        if content_type is None or not path.is_file():
            continue
        if len(assets) >= MAX_ASSETS or path.stat().st_size > MAX_ASSET_BYTES:
            log.error("file of the page left out", extra={"file": path.name})
            continue
        body = path.read_bytes()
        etag = b'"%s"' % sha256(body).hexdigest()[:32].encode()
        assets[path.relative_to(folder).as_posix()] = Asset(content_type, etag, body)
    return assets


def index(call: Call[Nothing, Nothing]) -> Reply:
    """The page."""
    return _file(call, INDEX)


def file(call: Call[Nothing, Nothing]) -> Reply:
    """A file of the page."""
    return _file(call, call.path["file"])


def _file(call: Call[Nothing, Nothing], name: str) -> Reply:
    asset = call.context.assets.get(name)
    if asset is None:
        raise NotFound(f"the page has no file {name[:100]!r}")
    headers = (
        (b"content-type", asset.content_type),
        (b"cache-control", b"no-cache"),
        (b"etag", asset.etag),
        (b"content-security-policy", POLICY),
        *GUARDED,
    )
    if _has_it(call, asset.etag):
        return Reply(304, b"", headers)
    return Reply(200, asset.body, headers)


def _has_it(call: Call[Nothing, Nothing], etag: bytes) -> bool:
    for name, value in call.headers:
        if name == b"if-none-match":
            given = [each.strip().removeprefix(b"W/") for each in value.split(b",")]
            return etag in given or b"*" in given
    return False
