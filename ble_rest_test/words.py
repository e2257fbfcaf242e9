"""What the tests of the contract say often."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bluetooth import egwttp
from bluetooth.client.box import Box
from bluetooth.client.mailbox import Mailbox
from bluetooth.egwttp import Page
from bluetooth.gatt import REQUEST_UUID, RESPONSE_UUID
from bluetooth_unit_test.http_gateway import Handler, HttpGateway

MTUS = (23, 48, 247, 517)
"""The least there is, the least BlueZ takes, what most phones ask for, and the most."""

ANSWER_TIMEOUT_S = 20.0
"""Whatever a test waits for comes in milliseconds; on a loaded machine in seconds."""

_DOORS_OWN = (
    ("GET", "/api/bluetooth"),
    ("POST", "/api/bluetooth/state"),
    ("GET", "/api/wifi/progress"),
    ("GET", "/api/wifi"),
)
"""What the service asks for itself."""


def asked(stub: HttpGateway) -> list[tuple[str, str]]:
    """Method and path of what phones had the gateway do."""
    return [(method, path) for method, path, _ in stub.asked if (method, path) not in _DOORS_OWN]


def bodies(stub: HttpGateway) -> list[bytes]:
    """What came with it."""
    return [body for *what, body in stub.asked if tuple(what) not in _DOORS_OWN]


def text(characters: int) -> str:
    """So many characters, of one to four bytes each, in no order that a page border likes."""
    alphabet = "aä€\U0001f50c"
    return "".join(alphabet[each * 7 % 11 % 4] for each in range(characters))


def echo(handler: Handler) -> None:
    """Answers as the gateway's own echo does."""
    _, _, body = handler.server.asked[-1]
    say(handler, {"echo": json.loads(body)})


def say(handler: Handler, value: Any) -> None:
    """Answers with JSON."""
    content = json.dumps(value).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


class RawPhone:
    """A phone that writes what it likes to the request characteristic."""

    def __init__(self, box: Box, mail: Mailbox) -> None:
        self.box = box
        self._mail = mail

    @classmethod
    async def of(cls, box: Box) -> "RawPhone":
        """Subscribe to answers."""
        mail = Mailbox(box.link)
        await mail.subscribe(RESPONSE_UUID)
        return cls(box, mail)

    async def write(self, *pieces: bytes) -> None:
        """In just these writes."""
        for piece in pieces:
            await self.box.link.write(REQUEST_UUID, piece)

    async def notified(self) -> bytes:
        """The next notification, cut as it may be."""
        _, value = await self._mail.next(ANSWER_TIMEOUT_S)
        return value

    async def read(self) -> bytes:
        """The response characteristic."""
        return await self.box.link.read(RESPONSE_UUID)

    async def page(self, *pieces: bytes) -> Page:
        """Write these; the page that is notified then."""
        await self.write(*pieces)
        await self.notified()
        return egwttp.parse_page(await self.read())


@contextmanager
def held_back(stub: HttpGateway, method: str, path: str, value: Any) -> Iterator[threading.Event]:
    """This request is answered when the event is set, at the latest when the block ends."""
    let_go = threading.Event()

    def answer(handler: Handler) -> None:
        let_go.wait(ANSWER_TIMEOUT_S)
        say(handler, value)

    stub.says(method, path, answer)
    try:
        yield let_go
    finally:
        let_go.set()
