"""A box as a phone has it before it, for programs:

    async with connect(name="Egret 7F3A2B", label=label.typed("P6ZS-...")) as box:
        reply = await box.get("/api/version")
        print(reply.status, reply.json())

With a label everything goes through an encrypted session; without one in the clear, which the box
takes only while a person has just opened its door and the owner lets such apps in.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from bluetooth import clock as process_clock
from bluetooth import paths, progress
from bluetooth.client import door_state, finding
from bluetooth.client.door_state import DoorState
from bluetooth.client.errors import AttRefused, ClientError, LinkLost, NotLetIn, Unusable
from bluetooth.client.finding import FIND_TIMEOUT_S, Wanted
from bluetooth.client.improv_talk import ImprovTalk
from bluetooth.client.link import Link, Radio, Sighting
from bluetooth.client.plain_channel import PlainChannel
from bluetooth.client.session_channel import SessionChannel
from bluetooth.egwttp import METHODS, Request, Response
from bluetooth.gatt import DOOR_STATE_UUID, EGRET, PROGRESS_UUID
from bluetooth.label import Label
from bluetooth.phone_session import Told
from bluetooth.ports import Clock, Wait
from bluetooth.record import EventKind

ANSWER_MARGIN_S = 10.0
"""Beyond what the box itself allows for a request: its own words shall come before ours."""

DEFAULT_TIMEOUT_S = 20.0
"""For a path that the box does not offer; it says so at once."""

GOODBYE_TIMEOUT_S = 2.0
"""For the last words of a session; the box gets over it without them."""

_TURNED_AWAY = (
    "the box ended the connection at once: another phone is connected to it, or its door has just"
    " closed. Disconnect that phone, or press the button, and try again"
)

_PATH = re.compile(r"/[!-~]*")

Followed = Callable[[dict[str, Any]], None]
"""Hears how joining a Wi-Fi goes on: number, ssid, step, reason, message."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the gateway in the box answered."""

    status: int
    reason: str
    body: bytes

    @property
    def is_ok(self) -> bool:
        """Whether it did what it was asked."""
        return 200 <= self.status < 400

    def json(self) -> Any:
        """The body. Raises ValueError when it is no JSON."""
        return json.loads(self.body)

    @property
    def words(self) -> str:
        """The error in its own words; its status where it has none."""
        with suppress(ValueError, RecursionError):
            fields = self.json()
            for name in ("message", "error"):
                if isinstance(fields, dict) and isinstance(fields.get(name), str):
                    return str(fields[name])
        return f"{self.status} {self.reason}"


class Channel(Protocol):
    """How requests reach the box."""

    async def ask(self, request: Request, timeout_s: float) -> Response:
        """The whole answer. Raises ClientError."""
        ...

    async def close(self) -> None:
        """Say goodbye. Raises ClientError."""
        ...


class Box:
    """One connection to a box. All calls raise ClientError, in words that say what to do."""

    def __init__(
        self, sighting: Sighting, link: Link, label: Label | None, clock: Clock, door: DoorState
    ) -> None:
        self.sighting = sighting
        self.link = link
        self.door = door
        """How its door stood when we came."""
        self._label = label
        self._clock = clock
        self._channel: Channel | None = None
        self._asking = asyncio.Lock()
        self._followed: Followed | None = None
        self._looking: asyncio.Task[None] | None = None

    @property
    def is_sealed(self) -> bool:
        """Whether requests go through an encrypted session."""
        return self._label is not None

    async def get(self, path: str, timeout_s: float | None = None) -> Reply:
        """GET; see `ask`."""
        return await self.ask("GET", path, None, timeout_s)

    async def post(self, path: str, body: object = None, timeout_s: float | None = None) -> Reply:
        """POST; see `ask`."""
        return await self.ask("POST", path, body, timeout_s)

    async def delete(self, path: str, body: object = None, timeout_s: float | None = None) -> Reply:
        """DELETE; see `ask`."""
        return await self.ask("DELETE", path, body, timeout_s)

    async def ask(
        self, method: str, path: str, body: object = None, timeout_s: float | None = None
    ) -> Reply:
        """One request, executed once; bytes go as they are, None as nothing, all else as JSON.

        `timeout_s`: until the answer begins; None is what the box itself allows, and a margin.
        """
        if method not in METHODS or not _PATH.fullmatch(path):
            raise Unusable(
                f"{method} {path}: use {', '.join(METHODS)} and a path like /api/version, with"
                " anything but ASCII percent-encoded"
            )
        content = body if isinstance(body, bytes) else b""
        if body is not None and not isinstance(body, bytes):
            content = json.dumps(body).encode()
        async with self._asking:
            channel = await self._open()
            request = Request(method, path, content)
            response = await channel.ask(request, timeout_s or _timeout_s(method, path))
        return Reply(response.status, response.reason, response.body)

    async def state(self) -> DoorState:
        """How its door stands now."""
        self.door = door_state.parse(await self.link.read(DOOR_STATE_UUID))
        return self.door

    async def follow(self, followed: Followed) -> None:
        """Hear from now on how joining a Wi-Fi goes on: scanning, connecting, wrong password..."""
        is_first, self._followed = self._followed is None, followed
        if is_first and not self.is_sealed and EGRET.uuid in self.link.service_uuids:
            await self.link.subscribe(PROGRESS_UUID, self._progressed)

    async def improv(self) -> ImprovTalk:
        """Speak Improv Wi-Fi, which knows of no label and is in the clear."""
        return await ImprovTalk.open(self.link, self._clock)

    async def close(self) -> None:
        """Say goodbye and disconnect. Never raises."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        if self._channel is not None and self.is_sealed:
            with suppress(ClientError, TimeoutError):
                async with asyncio.timeout(GOODBYE_TIMEOUT_S):
                    await self._channel.close()
        await self.link.close()

    async def _open(self) -> Channel:
        if self._channel is None:
            if not self.door.lets_in and not (await self.state()).lets_in:
                raise NotLetIn(f"the door of this box is {self.door.words}")
            if self._label is None:
                self._channel = await PlainChannel.open(self.link, self._clock)
            else:
                key = self._label.session_key()
                self._channel = await SessionChannel.open(self.link, self._clock, key, self._told)
        return self._channel

    def _told(self, told: Told) -> None:
        if told.kind is EventKind.PROGRESS:
            self._progressed(told.value)

    def _progressed(self, value: bytes) -> None:
        """What was cut on its way is read."""
        report = progress.parse(value)
        if report is not None and self._followed is not None:
            self._followed(report)
        elif self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        with suppress(ClientError):  # The next step, and the result, say more.
            report = progress.parse(await self.link.read(PROGRESS_UUID))
            if report is not None and self._followed is not None:
                self._followed(report)


async def open_box(
    radio: Radio,
    sighting: Sighting,
    label: Label | None = None,
    clock: Clock | None = None,
) -> Box:
    """Connect to a box that was found; close it afterwards. Raises ClientError."""
    link = await radio.connect(sighting)
    try:
        door = DoorState("open", legacy=True)  # A box of an earlier kind has no such value.
        if EGRET.uuid in link.service_uuids:
            door = door_state.parse(await link.read(DOOR_STATE_UUID))
    except (LinkLost, AttRefused) as lost:
        # A phone that may stay reads this value always. One that may not is refused, with a code
        # that BlueZ cannot pass on, and sent away: whichever is heard first.
        await link.close()
        raise NotLetIn(_TURNED_AWAY) from lost
    except BaseException:
        await link.close()
        raise
    return Box(sighting, link, label, clock or process_clock.SystemClock(), door)


@asynccontextmanager
async def connect(
    address: str = "",
    name: str = "",
    *,
    label: Label | None = None,
    radio: Radio | None = None,
    clock: Clock | None = None,
    wait: Wait = process_clock.wait,
    find_timeout_s: float = FIND_TIMEOUT_S,
) -> AsyncIterator[Box]:
    """Find a box (without address and name: the only one in range) and connect to it.

    `radio`: this computer's Bluetooth, if not told otherwise. Raises ClientError.
    """
    if radio is None:
        from bluetooth.client.bleak_link import BleakRadio

        radio = BleakRadio()
    sighting = await finding.find(radio, wait, Wanted(address, name), find_timeout_s)
    box = await open_box(radio, sighting, label, clock)
    try:
        yield box
    finally:
        await box.close()


def _timeout_s(method: str, path: str) -> float:
    rule = paths.find(method, path)
    return DEFAULT_TIMEOUT_S if rule is None else rule.timeout_s + ANSWER_MARGIN_S
