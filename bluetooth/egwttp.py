"""EGWTTP: requests to the gateway's API as text, in GATT writes and values of at most 512 bytes.

Owns the wire format, both halves: what a box needs (Assembler, Response) and what a phone needs
(Request.encode, pieces, Page, Pages). Pure: bytes in, frozen values out. It knows no clock, no
client, no gateway and not which paths there are.

The format is that of the phone apps of this family of gateways, two spellings included:

    POST /api/wifi EGWTTP/1.1\r\n            EGWTP/1.1 200 OK\r\n
    Content-Type: text/json\r\n              Location: /api/wifi\r\n
    Content-Length: 31\r\n                   Method: POST\r\n
    [Offset: 381\r\n]                        Content-Type: text/json\r\n
    \r\n                                     Content-Length: <bytes of the whole body>\r\n
    <body>                                   [Offset: 381\r\n]
                                             \r\n
                                             <bytes of the body from there on>

- One value holds at most PAGE_BYTES. A longer body is fetched in pages: the same request again,
  with the number of body bytes that were received as `Offset`, until as many came as
  `Content-Length` says. `Offset` is echoed only above 0.
- A page ends where a character of UTF-8 ends: each can be decoded by itself.
- A request longer than one write is sent in pieces and put together by its `Content-Length`.
  Without that header the body is what follows the headers in the same write.
- What cannot be answered is answered with an error in the same framing, never with half an answer.
"""

import json
import re
from dataclasses import dataclass, replace
from http import HTTPStatus

from bluetooth.errors import BluetoothError
from bluetooth.gatt import MAX_VALUE_BYTES

REQUEST_VERSION = "EGWTTP/1.1"
RESPONSE_VERSION = "EGWTP/1.1"
"""The older apps look for exactly these two spellings."""

GREETING = b"Hello ble World"
"""The response characteristic before any request; apps of this family know it as this."""

PAGE_BYTES = MAX_VALUE_BYTES
"""Most bytes of one answer, head included: the longest value that GATT knows."""
MAX_HEAD_BYTES = 512
"""Request line and headers: as long as a page, of which usual ones need 90 bytes."""
MAX_PATH_BYTES = 256
"""Path and query. A page echoes the path, and must have room left for the body."""
MAX_BODY_BYTES = 64 * 1024
"""Of a request: what the gateway's API takes of any body."""
MAX_NUMBER_DIGITS = 9
"""Digits of Content-Length and Offset: no body here has a gigabyte."""
MAX_REASON_CHARACTERS = 40
"""Of a status line; the longest phrase in use has 31."""
MAX_ERROR_CHARACTERS = 120
"""Of an error's words, so that they stand in the first page."""

METHODS = ("GET", "POST", "DELETE")
"""Those that the API has. HEAD would have an answer whose length never arrives."""

_END = b"\r\n\r\n"
_BEGIN = f"begin with: METHOD /api/path {REQUEST_VERSION}"
_PHRASES = {each.value: each.phrase for each in HTTPStatus}
_UNFINISHED = re.compile(rb"[A-Z]{1,16}(?: (?:/[ -~]*\r?)?)?")
_PATH = re.compile(r"/[!-~]*")
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_BEGINNING = re.compile(rb"[A-Z]{1,16} /")
_STATUS_LINE = re.compile(rb"EGWTP/1\.1 (\d{3})(?: ([ -~]*))?")


class Unacceptable(BluetoothError):
    """A request that is answered with an error: its status, and words that say what to do."""

    def __init__(self, status: int, text: str, location: str = "", method: str = "") -> None:
        super().__init__(status, text, location, method)
        self.status = status
        self.text = text
        self.location = location
        self.method = method

    def __str__(self) -> str:
        return self.text

    def response(self) -> "Response":
        """The error as the phone gets it."""
        return refusal(self.status, self.text, self.location, self.method)


class NotAPage(BluetoothError):
    """What came from a box is no page of an answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, whole. `offset` counts bytes of the answer's body that the phone has."""

    method: str
    path: str
    body: bytes = b""
    offset: int = 0

    def is_same(self, other: "Request") -> bool:
        """Whether both ask for the same, whichever page of it."""
        mine = (self.method, self.path, self.body)
        return mine == (other.method, other.path, other.body)

    def encode(self) -> bytes:
        """The bytes that a phone writes."""
        offset = f"Offset: {self.offset}\r\n" if self.offset else ""
        head = (
            f"{self.method} {self.path} {REQUEST_VERSION}\r\n"
            "Content-Type: text/json\r\n"
            f"Content-Length: {len(self.body)}\r\n{offset}\r\n"
        )
        return head.encode("ascii") + self.body


def pieces(data: bytes, most_bytes: int) -> list[bytes]:
    """`data` in writes of at most `most_bytes` (a phone's MTU - 3)."""
    return [data[at : at + most_bytes] for at in range(0, len(data), most_bytes)]


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above the body of a request. `length` is None when it is not said."""

    method: str
    path: str
    length: int | None
    offset: int


def parse_head(head: bytes) -> Head:
    """Read the lines above the empty one. Raises Unacceptable."""
    lines = head.split(b"\r\n")
    method, path = _request_line(lines[0])
    try:
        headers = _headers(lines[1:])
        length = _number(headers, "content-length")
        offset = _number(headers, "offset")
    except Unacceptable as error:
        raise Unacceptable(error.status, error.text, path, method) from None
    if length is not None and length > MAX_BODY_BYTES:
        raise Unacceptable(413, f"the body may have at most {MAX_BODY_BYTES} bytes", path, method)
    return Head(method, path, length, offset or 0)


def _request_line(line: bytes) -> tuple[str, str]:
    words = line.decode("ascii", "replace").strip(" ").split(" ")
    if len(words) != 3 or words[2] != REQUEST_VERSION:
        raise Unacceptable(400, _BEGIN)
    method, path, _ = words
    if len(path) > MAX_PATH_BYTES:
        raise Unacceptable(414, f"a path may have at most {MAX_PATH_BYTES} bytes")
    if not _PATH.fullmatch(path):
        raise Unacceptable(400, "a path begins with / and holds printable ASCII only")
    if method not in METHODS:
        raise Unacceptable(405, f"use {', '.join(METHODS)}", path)
    return method, path


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        name, value = name.lower(), value.strip(" \t")
        if not colon or not _HEADER_NAME.fullmatch(name):
            raise Unacceptable(400, "write each header as Name: value")
        if headers.setdefault(name, value) != value:
            raise Unacceptable(400, "a header stands there twice")
    return headers


def _number(headers: dict[str, str], name: str) -> int | None:
    text = headers.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > MAX_NUMBER_DIGITS:
        raise Unacceptable(400, f"{name}: use a number of bytes")
    return int(text)


class Assembler:
    """Puts one client's writes together to requests. Holds at most one unfinished request.

    After an error the rest of what a client still sends of that request is passed over, until a
    piece begins like a request or `reset` says that the client paused.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: Head | None = None
        self._body_at = 0
        self._skips = False

    @property
    def waits(self) -> bool:
        """Whether a request has begun and more of it must come."""
        return bool(self._buffer) or self._skips

    def feed(self, piece: bytes) -> Request | None:
        """Take one write; the request when it is complete. Raises Unacceptable."""
        if self._skips:
            if not _BEGINNING.match(piece):
                return None
            self.reset()
        self._buffer += piece
        try:
            return self._complete(len(piece))
        except Unacceptable as error:
            self.reset()
            self._skips = error.status != 400
            raise

    def reset(self) -> None:
        """Forget the unfinished request."""
        self._buffer.clear()
        self._head = None
        self._skips = False

    def overdue(self) -> Unacceptable | None:
        """The client has paused too long: forget what there is, and the error it is told."""
        head, skipped = self._head, self._skips
        self.reset()
        if skipped:
            return None
        text = "the rest of the request did not come in time; send it again, whole"
        at = (head.path, head.method) if head else ("", "")
        return Unacceptable(408, text, *at)

    def _complete(self, piece_bytes: int) -> Request | None:
        if self._head is None:
            self._find_head(piece_bytes)
        if (head := self._head) is None:
            return None
        body_bytes = len(self._buffer) - self._body_at
        if head.length is not None and body_bytes > head.length:
            text = f"Content-Length says {head.length}, but {body_bytes} bytes came"
            raise Unacceptable(400, text, head.path, head.method)
        if head.length is not None and body_bytes < head.length:
            return None
        body = bytes(self._buffer[self._body_at :])
        self.reset()
        return Request(head.method, head.path, body, head.offset)

    def _find_head(self, piece_bytes: int) -> None:
        # Only the last bytes are new: a long head in small pieces is not searched again and again.
        searched = max(0, len(self._buffer) - piece_bytes - len(_END) + 1)
        end = self._buffer.find(_END, searched)
        if end < 0:
            self._check_beginning()
        if end > MAX_HEAD_BYTES or (end < 0 and len(self._buffer) > MAX_HEAD_BYTES + len(_END)):
            text = f"path and headers may have at most {MAX_HEAD_BYTES} bytes together"
            raise Unacceptable(431, text)
        if end >= 0:
            self._head = parse_head(bytes(self._buffer[:end]))
            self._body_at = end + len(_END)

    def _check_beginning(self) -> None:
        """Nonsense is refused at once, not after a pause in which nothing completes it."""
        line, newline, _ = bytes(self._buffer[: MAX_HEAD_BYTES + 1]).partition(b"\r\n")
        if newline:
            _request_line(line)
        elif line and not _UNFINISHED.fullmatch(line):
            raise Unacceptable(400, _BEGIN)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, whole; `page` gives the part of it that a value carries."""

    status: int
    reason: str
    location: str
    method: str
    body: bytes

    def page(self, offset: int = 0, page_bytes: int = PAGE_BYTES) -> bytes:
        """Head and body from `offset`, at most `page_bytes`. Raises Unacceptable past the end."""
        if offset > len(self.body):
            text = f"the answer has {len(self.body)} bytes; begin again with Offset 0"
            raise Unacceptable(416, text, self.location, self.method)
        head = self.head(offset)
        end = _character_end(self.body, offset, offset + page_bytes - len(head))
        return head + self.body[offset:end]

    def head(self, offset: int = 0) -> bytes:
        """What stands above the body."""
        lines = [
            f"{RESPONSE_VERSION} {self.status} {_reason(self.status, self.reason)}",
            f"Location: {self.location}",
            f"Method: {self.method}",
            "Content-Type: text/json",
            f"Content-Length: {len(self.body)}",
        ]
        if offset > 0:
            lines.append(f"Offset: {offset}")
        return "\r\n".join([*lines, "", ""]).encode("ascii", "replace")


def refusal(status: int, text: str, location: str = "", method: str = "") -> Response:
    """An error of this side of the API, in the shape that the API's own errors have.

    It always fits one page: below a long path `error` stands alone. ASCII only.
    """
    words = text.replace('"', "'").encode("ascii", "replace").decode("ascii")
    words = "".join(each if each.isprintable() else "?" for each in words).replace("\\", "/")
    short = {"error": words[:MAX_ERROR_CHARACTERS]}
    full = {**short, "status": "error", "message": short["error"]}
    response = Response(status, "", location, method, json.dumps(full).encode())
    if len(response.page()) < len(response.head()) + len(response.body):
        response = replace(response, body=json.dumps(short).encode())
    return response


def _reason(status: int, reason: str) -> str:
    """One line of printable ASCII, the usual phrase when there is none."""
    reason = reason or _PHRASES.get(status, "Unknown")
    printable = "".join(each if " " <= each <= "~" else "?" for each in reason)
    return printable[:MAX_REASON_CHARACTERS]


def _character_end(body: bytes, start: int, end: int) -> int:
    """`end`, or up to three bytes before it where it would cut a character of UTF-8."""
    if end >= len(body):
        return len(body)
    for cut in range(end, max(start, end - 4), -1):
        if body[cut] & 0xC0 != 0x80:
            return cut
    return end  # Not UTF-8: there is no character to keep whole.


@dataclass(frozen=True, slots=True)
class Page:
    """A page as a phone reads it. `total_bytes` is the length of the whole body."""

    status: int
    reason: str
    location: str
    method: str
    total_bytes: int
    offset: int
    body: bytes

    @property
    def is_pending(self) -> bool:
        """Whether the box is still at it: wait for the notification."""
        return self.status == 102


def parse_page(value: bytes) -> Page:
    """Read one value of the response characteristic. Raises NotAPage, for the greeting too."""
    head, end, body = value.partition(_END)
    lines = head.split(b"\r\n")
    status_line = _STATUS_LINE.fullmatch(lines[0])
    if not end or status_line is None:
        raise NotAPage(f"this is no answer of a gateway: {value[:40]!r}")
    try:
        headers = _headers(lines[1:])
        total = _number(headers, "content-length")
        offset = _number(headers, "offset") or 0
    except Unacceptable as error:
        raise NotAPage(f"an answer of a gateway is broken: {error}") from None
    if total is None or offset + len(body) > total:
        raise NotAPage("an answer of a gateway does not say how long it is")
    reason = (status_line[2] or b"").decode("ascii")
    location, method = headers.get("location", ""), headers.get("method", "")
    return Page(int(status_line[1]), reason, location, method, total, offset, body)


class Pages:
    """Collects the pages of one answer, on a phone's side."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._body = bytearray()
        self._last: Page | None = None

    def add(self, page: Page) -> Request | None:
        """Take a page of the answer; the request for the next one, None when all is there.

        Raises NotAPage when it does not continue what was received.
        """
        last = self._last or page
        if (page.status, page.total_bytes) != (last.status, last.total_bytes):
            raise NotAPage(f"the answer changed to {page.status} {page.reason}: begin again")
        if page.offset != len(self._body):
            raise NotAPage(f"a page from {page.offset} came instead of {len(self._body)}")
        if not page.body and len(self._body) < page.total_bytes:
            raise NotAPage("a page without a body came before the end")
        self._last = page
        self._body += page.body
        if len(self._body) == page.total_bytes:
            return None
        return replace(self._request, offset=len(self._body))

    def response(self) -> Response:
        """The whole answer."""
        assert self._last is not None
        last = self._last
        return Response(last.status, last.reason, last.location, last.method, bytes(self._body))
