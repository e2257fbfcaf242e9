"""Puts an `Act` on the wire: as an HTTP answer, or as a message of a websocket.

It owns the waiting and the single bytes. A connection that a trouble has left hanging is let go
after HOLD_TIMEOUT_S, whatever the client does.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from simulator.winet_acts import Act
from simulator.winet_listener import FRAMES, WIRE

HOLD_TIMEOUT_S = 600.0
"""How long a connection hangs on which nothing more will come; longer than any client waits."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class HttpAnswer:
    """An ASGI application that answers one HTTP request as the act says."""

    def __init__(self, act: Act, status: int = 200) -> None:
        self._act = act
        self._status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Act it out."""
        act = self._act
        if act.close:
            await _hang_up(scope, receive)
            return
        if act.silent:
            await _hold(scope, receive)
            return
        if act.delay_s and not await _stays(receive, act.delay_s):
            return
        await send(self._head())
        if act.sent_bytes is not None:
            await send(_part(act.body[: act.sent_bytes], more=True))
            await _hold(scope, receive)
            return
        if act.drip_s:
            pause_s = act.drip_s / max(1, len(act.body))
            for at in range(len(act.body)):
                await send(_part(act.body[at : at + 1], more=True))
                if not await _stays(receive, pause_s):
                    return
        await send(_part(b"" if act.drip_s else act.body, more=False))

    def _head(self) -> Message:
        kind = b"application/json" if self._act.is_json else b"text/plain; charset=utf-8"
        length = str(len(self._act.body)).encode()
        headers = [(b"content-type", kind), (b"content-length", length)]
        return {"type": "http.response.start", "status": self._status, "headers": headers}


async def say(act: Act, scope: Scope, send: Send) -> bool:
    """Put one act on a websocket; False when nothing can follow it there."""
    if act.close:
        scope["extensions"][WIRE]["transport"].abort()
        return False
    if act.silent:
        return True
    if act.delay_s:
        await asyncio.sleep(act.delay_s)
    if act.sent_bytes is None and not act.drip_s:
        await send({"type": "websocket.send", "text": act.body.decode()})
        return True
    frames = scope["extensions"][FRAMES]["protocol"]
    frames.conn.send_text(act.body)
    raw = b"".join(frames.conn.data_to_send())
    if act.sent_bytes is not None:
        kept = len(raw) - len(act.body) + act.sent_bytes
        frames.transport.write(raw[:kept])
        return False
    pause_s = act.drip_s / len(raw)
    for at in range(len(raw)):
        if frames.transport.is_closing():
            return False  # The client has gone; TLS has nobody left to write to.
        frames.transport.write(raw[at : at + 1])
        await asyncio.sleep(pause_s)
    return True


def _part(body: bytes, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _hang_up(scope: Scope, receive: Receive) -> None:
    scope["extensions"][WIRE]["transport"].abort()
    await _gone(receive)


async def _hold(scope: Scope, receive: Receive) -> None:
    try:
        async with asyncio.timeout(HOLD_TIMEOUT_S):
            await _gone(receive)
    except TimeoutError:
        await _hang_up(scope, receive)


async def _stays(receive: Receive, seconds: float) -> bool:
    """Wait; False as soon as the client has gone."""
    try:
        async with asyncio.timeout(seconds):
            await _gone(receive)
    except TimeoutError:
        return True
    return False


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
