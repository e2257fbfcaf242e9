"""Phones before an exchange of requests, in virtual time."""

from bluetooth.egwttp import PAGE_BYTES, Page, Request, parse_page
from bluetooth.exchange import Exchange
from bluetooth.paths import Rule
from bluetooth_unit_test.fake_gateway import FakeGateway
from bluetooth_unit_test.virtual_time import VirtualTime

PHONE = "AA:BB:CC:DD:EE:FF"
HELLO = Request("GET", "/api/hello")
STATE = Request("GET", "/api/state")
JOIN = Request("POST", "/api/wifi", b'{"ssid": "home", "psk": "secret99"}')


class Phones:
    """An exchange, and what phones received from it."""

    def __init__(self, page_bytes: int = PAGE_BYTES) -> None:
        self.time = VirtualTime()
        self.gateway = FakeGateway()
        self.gateway.says("GET", "/api/hello", {"message": "hello"})
        self.gateway.says("GET", "/api/state", {"text": "\u00fc\u20ac\U0001f50b" * 400})
        self.gateway.says("POST", "/api/wifi", {"status": "ok"})
        self.gateway.says("POST", "/api/echo", {"echo": 1})
        self.sent: list[tuple[str, bytes]] = []
        self.judged: list[tuple[str, Request, Rule | None]] = []
        self.verdict = ""
        self.exchange = Exchange(
            self.gateway,
            self.time,
            self.time.spawn,
            self.time.wait,
            self._judge,
            lambda client, page: self.sent.append((client, page)),
            page_bytes,
        )

    def _judge(self, client: str, request: Request, rule: Rule | None) -> str:
        self.judged.append((client, request, rule))
        return self.verdict

    def write(self, request: Request, client: str = PHONE) -> None:
        self.exchange.write(client, request.encode())

    async def ask(self, request: Request, client: str = PHONE) -> Page:
        """Write a request; the page that was notified."""
        self.write(request, client)
        await self.time.settle()
        return parse_page(self.sent[-1][1])

    @property
    def pages(self) -> list[Page]:
        return [parse_page(page) for _, page in self.sent]

    @property
    def statuses(self) -> list[int]:
        return [page.status for page in self.pages]
