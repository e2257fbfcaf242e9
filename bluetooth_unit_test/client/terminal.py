"""A terminal before a fake box: what is typed, and what comes of it."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

from bluetooth.client.__main__ import COMMANDS, arguments, options_of
from bluetooth.client.errors import ClientError, Exit
from bluetooth.client.kept_labels import KeptLabels
from bluetooth.client.link import Sighting
from bluetooth.client.visit import Means
from bluetooth.client.voice import Voice
from bluetooth.egwttp import Assembler, Response
from bluetooth.gatt import DOOR_STATE_UUID, EGRET, NATIVE, REQUEST_UUID, RESPONSE_UUID
from bluetooth_unit_test.client.fake_link import FakeLink, FakeRadio
from bluetooth_unit_test.client.test_plain_channel import LoopClock

HERE = Sighting("AA:01", "Egret 1", -60, frozenset({EGRET.uuid, NATIVE.uuid}))
OPEN = b'{"state":"open","left_s":9,"legacy":true,"attempts_left":5,"session":[1]}'


class TerminalInput(io.StringIO):
    """Standard input of somebody who sits there."""

    def isatty(self) -> bool:
        """They do."""
        return True


class Terminal:
    """One box in range; its API answers what a test says."""

    def __init__(self, folder: Path) -> None:
        self.labels = KeptLabels(folder)
        self.link = FakeLink()
        self.link.values[DOOR_STATE_UUID] = OPEN
        self.link.on_write = self._written
        self.radio = FakeRadio(HERE)
        self.radio.links[HERE.address] = self.link
        self.says: dict[tuple[str, str], tuple[int, Any]] = {}
        self.asked: list[tuple[str, str, bytes]] = []
        self.typed: io.StringIO = io.StringIO()
        self.secret = "secret words"
        self.questions: list[str] = []
        self.out = self.err = ""
        self._assembler = Assembler()

    async def run(self, *words: str) -> Exit:
        """One command."""
        self.link.reopen()
        options = options_of(arguments().parse_args(words))
        out, err = io.StringIO(), io.StringIO()
        voice = Voice(out, err, options.as_json)
        means = Means(
            radio=lambda: self.radio,
            clock=LoopClock(),
            wait=asyncio.sleep,
            labels=self.labels,
            voice=voice,
            typed=self.typed,
            ask_secret=self._asked_secret,
        )
        try:
            code = await COMMANDS[options.command](means, options)
        except ClientError as error:
            voice.fail(error)
            code = error.code
        self.out, self.err = out.getvalue(), err.getvalue()
        return code

    @property
    def last(self) -> Any:
        """The last line that a program gets."""
        return json.loads(self.out.splitlines()[-1])

    def _asked_secret(self, question: str) -> str:
        self.questions.append(question)
        return self.secret

    def _written(self, uuid: str, value: bytes) -> None:
        request = self._assembler.feed(value) if uuid == REQUEST_UUID else None
        if request is None:
            return
        if not request.offset:
            self.asked.append((request.method, request.path, request.body))
        status, said = self.says.get((request.method, request.path), (404, {"error": "no"}))
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        answer = Response(status, "", request.path, request.method, body)
        self.link.tell(RESPONSE_UUID, answer.page(request.offset))
