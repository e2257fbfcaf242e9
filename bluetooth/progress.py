"""Tells the phone how joining a Wi-Fi goes on, as it happens: the values of PROGRESS_UUID.

Owns when the gateway is asked (GET /api/wifi/progress) and what is told of its answers; knows no
radio. The gateway numbers its changes: a number is told once. An old result is not news: what
stood there before something began is taken note of and not told.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from bluetooth.errors import BluetoothError
from bluetooth.gatt import MAX_VALUE_BYTES
from bluetooth.ports import Clock, Gateway, Spawn, Wait

POLL_INTERVAL_S = 0.5
"""Between two questions: a person sees each step, and the gateway answers in a millisecond."""
POLL_TIMEOUT_S = 3.0
"""For one question; a gateway that is busy joining answers others at once all the same."""
FOLLOW_LIMIT_S = 180.0
"""For one following: a join takes 150 s at most, and then tells how it ended."""
BEGIN_LIMIT_S = 15.0
"""In which something must begin; a request that was refused begins nothing. An end that is heard
before any beginning may be that of what ran before (a scan, say), so it is told, and waited on."""
MAX_SSID_CHARACTERS = 32
"""An SSID has at most 32 bytes."""
MAX_WORD_CHARACTERS = 32
"""Of step and reason. With these two a value fits though all of the SSID must be escaped."""
LONGEST_ESCAPE_BYTES = 6
"""What one character of a text can need in JSON."""
MAX_NUMBER = 2**53
"""Largest number that every phone's JSON reads exactly."""

_PATH = "/api/wifi/progress"
_WORD = re.compile(rf"[a-z0-9_]{{1,{MAX_WORD_CHARACTERS}}}")
_ENDED = frozenset(("idle", "connected", "failed"))
_QUIET = {"number": 0, "ssid": None, "step": "idle", "reason": None, "message": ""}


class Progress:
    """Follows GET /api/wifi/progress while something is under way. On the event loop only.

    A value is JSON of at most 512 bytes: number, ssid, step, reason, message (words, cut to fit).
    `publish` gets each change exactly once.
    """

    def __init__(
        self,
        gateway: Gateway,
        clock: Clock,
        spawn: Spawn,
        wait: Wait,
        publish: Callable[[bytes], None],
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._spawn = spawn
        self._wait = wait
        self._publish = publish
        self._newest: dict[str, Any] = _QUIET
        self._known: int | None = None
        self._has_begun = False
        self._begin_until = 0.0
        self._follow_until = 0.0
        self._is_following = False
        self._is_looking = False

    @property
    def value(self) -> bytes:
        """What reading PROGRESS_UUID gives: the newest value, idle at first."""
        return encode(self._newest)

    def look(self) -> None:
        """Learn how things stand, so that an old result is not told as news: call when a phone
        connects or the window opens. Publishes nothing."""
        if not self._is_following and not self._is_looking:
            self._is_looking = True
            self._spawn(self._look())

    def follow(self) -> None:
        """Something that `joins` begins: poll until it has ended, or FOLLOW_LIMIT_S. Again while
        following: starts the limit anew."""
        now = self._clock.monotonic()
        self._begin_until = now + BEGIN_LIMIT_S
        self._follow_until = now + FOLLOW_LIMIT_S
        self._has_begun = False
        if not self._is_following:
            self._is_following = True
            self._spawn(self._follow())

    def stop(self) -> None:
        """Follow no longer."""
        self._follow_until = self._clock.monotonic()

    async def _look(self) -> None:
        try:
            report = await self._ask()
        finally:
            self._is_looking = False
        if report is not None and not self._is_following:
            self._known = report["number"]
            self._newest = report

    async def _follow(self) -> None:
        try:
            while not self._is_over():
                report = await self._ask()
                if report is not None and self._clock.monotonic() < self._follow_until:
                    self._take(report)
                if not self._is_over():
                    await self._wait(POLL_INTERVAL_S)
        finally:
            self._is_following = False

    def _is_over(self) -> bool:
        now = self._clock.monotonic()
        if self._has_begun:
            return now >= self._follow_until or self._newest["step"] in _ENDED
        return now >= min(self._begin_until, self._follow_until)

    def _take(self, report: dict[str, Any]) -> None:
        is_first = self._known is None
        if report["number"] == self._known:
            return
        self._known = report["number"]
        self._newest = report
        if is_first and report["step"] in _ENDED:
            return  # Nobody looked before: this is how the last one ended, or that there was none.
        if report["step"] not in _ENDED:
            self._has_begun = True
        self._publish(self.value)

    async def _ask(self) -> dict[str, Any] | None:
        """The gateway's report; None when it has none or says nothing that can be understood."""
        try:
            answer = await self._gateway.ask("GET", _PATH, timeout_s=POLL_TIMEOUT_S)
        except BluetoothError:
            return None
        return parse(answer.body) if answer.status == 200 else None


def parse(body: bytes) -> dict[str, Any] | None:
    """The fields of a report, bounded; None when it is none."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or (step := _word(fields.get("step"))) is None:
        return None
    number = fields.get("number")
    if isinstance(number, bool) or not isinstance(number, int) or abs(number) > MAX_NUMBER:
        return None
    ssid, message = fields.get("ssid"), fields.get("message")
    return {
        "number": number,
        "ssid": ssid if isinstance(ssid, str) and len(ssid) <= MAX_SSID_CHARACTERS else None,
        "step": step,
        "reason": _word(fields.get("reason")),
        "message": message if isinstance(message, str) else "",
    }


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


def encode(report: dict[str, Any]) -> bytes:
    """The value: JSON in UTF-8, the message cut so that it fits MAX_VALUE_BYTES."""
    message = report["message"]
    while True:
        fields = {**report, "message": message}
        value = json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")
        excess = len(value) - MAX_VALUE_BYTES
        if excess <= 0 or not message:
            return value
        message = message[: -max(1, excess // LONGEST_ESCAPE_BYTES)]
