"""A phone with the label that keeps what it writes to the session, and may write what it likes."""

import asyncio

from ble_rest_test.words import ANSWER_TIMEOUT_S
from bluetooth.client.box import Box
from bluetooth.client.mailbox import Mailbox
from bluetooth.gatt import SESSION_UUID
from bluetooth.label import Label
from bluetooth.phone_session import PhoneSession, Welcomed
from bluetooth.record import Close


class Recorder:
    """One conversation of it."""

    def __init__(self, box: Box, mail: Mailbox, session: PhoneSession) -> None:
        self.session = session
        self.said: list[bytes] = []
        self._link = box.link
        self._mail = mail

    @classmethod
    async def of(cls, box: Box, label: Label) -> "Recorder":
        """Subscribe to the session characteristic."""
        mail = Mailbox(box.link)
        await mail.subscribe(SESSION_UUID)
        room = box.link.write_bytes
        return cls(box, mail, PhoneSession(label.session_key(), room, room))

    async def say(self, fragments: list[bytes]) -> None:
        """Write these."""
        for each in fragments:
            self.said.append(each)
            await self._link.write(SESSION_UUID, each)

    async def heard(self) -> bytes:
        """The next notification."""
        _, value = await self._mail.next(ANSWER_TIMEOUT_S)
        return value

    async def until_welcome(self) -> None:
        """The handshake is over."""
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            while not any(
                isinstance(each, Welcomed) for each in self.session.receive(await self.heard())
            ):
                continue

    async def closed(self) -> Close:
        """What the box says of the end of it, past all that it says before."""
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            while True:
                for each in self.session.receive(await self.heard()):
                    if isinstance(each, Close):
                        return each
