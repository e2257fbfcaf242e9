"""A gateway without a network, that passes the contract of the real one."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from bluetooth.errors import GatewayAway
from bluetooth.gateway import check_path
from bluetooth.ports import Answer

Asked = tuple[str, str, bytes]
"""Method, path and body of a request."""


class FakeGateway:
    """Answers what `says` was told; `hold` keeps answers back until `release`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        """Every request, in order: each is an execution."""
        self.timeouts_s: list[float | None] = []
        self._answers: dict[tuple[str, str], Answer | Exception | Callable[[], Answer]] = {}
        self._gate = asyncio.Event()
        self._gate.set()
        self.is_closed = False

    def says(self, method: str, path: str, value: Any, status: int = 200, reason: str = "") -> None:
        """From now on this is the answer: JSON, or bytes as they are, or an error to raise."""
        if isinstance(value, Exception) or callable(value):
            self._answers[method, path] = value
            return
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self._answers[method, path] = Answer(status, reason, "application/json", body)

    def hold(self) -> None:
        """Answer nothing for now."""
        self._gate.clear()

    def release(self) -> None:
        """Answer what is waiting, and all that comes."""
        self._gate.set()

    async def ask(
        self, method: str, path: str, body: bytes = b"", timeout_s: float | None = None
    ) -> Answer:
        """The port."""
        check_path(path)
        if self.is_closed:
            raise GatewayAway("the Bluetooth service is stopping")
        self.asked.append((method, path, body))
        self.timeouts_s.append(timeout_s)
        answer = self._answers.get((method, path), _NOT_FOUND)
        if callable(answer):
            answer = answer()
        await self._gate.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        """Answer no more."""
        self.is_closed = True


_NOT_FOUND = Answer(404, "Not Found", "application/json", b'{"error": "there is no such page"}')
