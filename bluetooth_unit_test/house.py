"""A door with a gateway behind it and a phone before it, all in virtual time."""

import json
from typing import Any

from bluetooth import egwttp
from bluetooth.door import Door, Policy
from bluetooth.egwttp import Page, Request, Response
from bluetooth.gatt import DOOR_STATE_UUID, REQUEST_UUID, RESPONSE_UUID, SESSION_UUID
from bluetooth.improv_flow import Box
from bluetooth.phone_session import Answered, Got, PhoneSession, Told
from bluetooth.record import Close
from bluetooth_unit_test.fake_gateway import FakeGateway
from bluetooth_unit_test.virtual_time import VirtualTime

KEY = bytes(range(32))
OTHER_KEY = bytes(32)
BOX = Box("Egret TEST01", "a bench")
PHONE = "phone 1"
OTHER_PHONE = "phone 2"
CONFIGURED = Policy(configured=True)
NEW = Policy(configured=False)


class House:
    """What a test of the door needs. Is the door's `Outside` itself."""

    def __init__(self, policy: Policy = CONFIGURED) -> None:
        self.time = VirtualTime()
        self.gateway = FakeGateway()
        self.gateway.says("GET", "/api/hello", {"message": "hello"})
        self.gateway.says("GET", "/api/settings", {"settings": {}})
        self.gateway.says("POST", "/api/settings", {"success": True})
        self.gateway.says("POST", "/api/device", {"status": "ok"})
        self.notified: list[tuple[str, bytes]] = []
        self.sent_away: list[str] = []
        self.changes = 0
        self.door = Door(
            KEY,
            self.gateway,
            self.time,
            self.time.spawn,
            self.time.wait,
            BOX,
            self,
            policy,
        )

    def notify(self, uuid: str, value: bytes) -> None:
        """See door.Outside."""
        self.notified.append((uuid, value))

    def send_away(self, client: str) -> None:
        """See door.Outside."""
        self.sent_away.append(client)

    def changed(self) -> None:
        """See door.Outside."""
        self.changes += 1

    async def pass_time(self, seconds: float) -> None:
        """Let time go by as the service does, second by second."""
        for _ in range(int(seconds)):
            await self.time.advance(1.0)
            self.door.tick()
        await self.time.advance(seconds - int(seconds))
        self.door.tick()
        await self.time.settle()

    def said(self, uuid: str) -> list[bytes]:
        """What was notified there since the last call."""
        values = [value for each, value in self.notified if each == uuid]
        self.notified = [each for each in self.notified if each[0] != uuid]
        return values

    def executed(self, method: str = "") -> list[str]:
        """Paths that the gateway was asked for, the door's own questions aside."""
        own = (("GET", "/api/wifi/progress"), ("GET", "/api/wifi"))
        asked = [each for each in self.gateway.asked if each[:2] not in own]
        return [path for each, path, _ in asked if each == method or not method]

    def state(self) -> dict[str, Any]:
        """The door's own value."""
        found: dict[str, Any] = json.loads(self.door.read(PHONE, DOOR_STATE_UUID))
        return found

    async def ask(self, method: str, path: str, body: bytes = b"", client: str = PHONE) -> Page:
        """A request in the clear; its answer."""
        self.said(RESPONSE_UUID)
        self.door.write(client, REQUEST_UUID, Request(method, path, body).encode())
        await self.time.settle()
        return egwttp.parse_page(self.said(RESPONSE_UUID)[-1])


class Phone:
    """An app that knows the label, in a house."""

    def __init__(self, house: House, key: bytes = KEY, client: str = PHONE) -> None:
        self.house = house
        self.client = client
        self.session = PhoneSession(key, 244, 244)
        self.told: list[Told] = []
        self.closed: Close | None = None
        self._number = 0

    def write(self, values: list[bytes]) -> None:
        """Write to the session characteristic."""
        for value in values:
            self.house.door.write(self.client, SESSION_UUID, value)

    def hear(self) -> list[Got]:
        """Take what was notified until nothing more comes."""
        got: list[Got] = []
        while fragments := self.house.said(SESSION_UUID):
            for fragment in fragments:
                got += self.session.receive(fragment)
            self.write(self.session.acknowledgements())
        self.told += [each for each in got if isinstance(each, Told)]
        for each in got:
            if isinstance(each, Close):
                self.closed = each
        return got

    def begin(self) -> "Phone":
        """Say hello."""
        self.write(self.session.hello())
        self.hear()
        return self

    def send(self, method: str, path: str, body: bytes = b"") -> int:
        """A request; its number."""
        self._number += 1
        self.write(self.session.ask(self._number, Request(method, path, body).encode()))
        return self._number

    async def answers(self) -> dict[int, Page]:
        """What has been answered by now."""
        await self.house.time.settle()
        return {
            each.id: egwttp.parse_page(each.text)
            for each in self.hear()
            if isinstance(each, Answered)
        }

    async def ask(self, method: str, path: str, body: bytes = b"") -> Page:
        """A request and its answer."""
        number = self.send(method, path, body)
        return (await self.answers())[number]


def words(page: Page | Response) -> str:
    """The words of an error."""
    found = json.loads(page.body)
    return str(found["error"])
