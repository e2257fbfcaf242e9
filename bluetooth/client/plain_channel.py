"""Requests in the clear (EGWTTP), as a phone sends them; see bluetooth.egwttp for the bytes.

A notification is no more than a hint that something can be read: it is cut to what the connection
carries, and on BlueZ reading a value looks like one. So each page is read, and a page counts only
if it answers what was asked. A notification that was lost costs LOOK_AGAIN_S.
"""

from contextlib import suppress

from bluetooth.client.errors import NoAnswer, TooSlow
from bluetooth.client.link import Link
from bluetooth.client.mailbox import Mailbox
from bluetooth.egwttp import (
    GREETING,
    NotAPage,
    Page,
    Pages,
    Request,
    Response,
    parse_page,
    pieces,
)
from bluetooth.gatt import REQUEST_UUID, RESPONSE_UUID
from bluetooth.phone_session import MAX_ANSWER_BYTES
from bluetooth.ports import Clock

PAGE_TIMEOUT_S = 15.0
"""For every page but the first: the box has the whole answer already."""

LOOK_AGAIN_S = 3.0
"""The answer is read after so long though no notification came."""

MAX_BEGINNINGS = 2
"""How often a GET is asked from its beginning: an answer may no longer be kept when its next page
is asked for."""


class PlainChannel:
    """One conversation; one request at a time."""

    def __init__(self, link: Link, clock: Clock, mail: Mailbox) -> None:
        self._link = link
        self._clock = clock
        self._mail = mail

    @classmethod
    async def open(cls, link: Link, clock: Clock) -> "PlainChannel":
        """Subscribe to answers. Raises what Link raises."""
        mail = Mailbox(link)
        await mail.subscribe(RESPONSE_UUID)
        return cls(link, clock, mail)

    async def ask(self, request: Request, timeout_s: float) -> Response:
        """The whole answer, however many pages it has. Raises what Link raises, and NoAnswer."""
        beginnings = MAX_BEGINNINGS if request.method == "GET" else 1
        while True:
            beginnings -= 1
            try:
                return await self._pages(request, timeout_s)
            except NotAPage as error:
                if beginnings == 0:
                    raise NoAnswer(f"the box does not answer as it should: {error}") from error

    async def close(self) -> None:
        """There is nothing to end."""

    async def _pages(self, request: Request, timeout_s: float) -> Response:
        pages = Pages(request)
        wanted: Request | None = request
        while wanted is not None:
            page = await self._page(wanted, timeout_s)
            if page.total_bytes > MAX_ANSWER_BYTES:
                raise NoAnswer(f"an answer of {page.total_bytes} bytes is more than a box may send")
            wanted = pages.add(page)
            timeout_s = PAGE_TIMEOUT_S
        return pages.response()

    async def _page(self, request: Request, timeout_s: float) -> Page:
        self._mail.clear()
        for piece in pieces(request.encode(), self._link.write_bytes):
            await self._link.write(REQUEST_UUID, piece)
        until = self._clock.monotonic() + timeout_s
        while (left_s := until - self._clock.monotonic()) > 0:
            with suppress(TooSlow):
                await self._mail.next(min(left_s, LOOK_AGAIN_S))
            page = _answer(await self._link.read(RESPONSE_UUID), request)
            if page is not None:
                return page
        raise TooSlow(
            f"{request.method} {request.path} was not answered within {timeout_s:g} s: try again"
        )


def _answer(value: bytes, request: Request) -> Page | None:
    """The page, if it answers `request`. What could not be understood names no path."""
    if value == GREETING:
        return None
    page = parse_page(value)
    is_ours = (page.method, page.location) == (request.method, request.path)
    if page.is_pending or not (is_ours or not page.location):
        return None
    is_refused = page.status >= 400 and page.offset == 0
    return page if page.offset == request.offset or is_refused else None
