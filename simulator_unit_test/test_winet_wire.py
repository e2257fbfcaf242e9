"""An act as messages of an ASGI server, and what a broken connection leaves behind."""

import asyncio
from typing import Any

import pytest

from simulator import winet_wire
from simulator.winet_acts import Act
from simulator.winet_wire import HOLD_TIMEOUT_S, HttpAnswer, say


class Transport:
    """Counts how often it is cut off."""

    def __init__(self) -> None:
        self.aborted = 0

    def abort(self) -> None:
        self.aborted += 1


class Server:
    """The server's half: keeps what is sent, and says that the client has gone when told to."""

    def __init__(self, stays: bool = False) -> None:
        self.sent: list[Any] = []
        self.transport = Transport()
        self.scope: dict[str, Any] = {
            "extensions": {"winet.wire": {"transport": self.transport}},
        }
        self._stays = stays

    async def receive(self) -> Any:
        if self._stays and not self.transport.aborted:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def serve(self, act: Act, status: int = 200) -> None:
        asyncio.run(HttpAnswer(act, status)(self.scope, self.receive, self.send))


def test_a_plain_answer_is_head_and_body() -> None:
    """With type and length, and the status that was given."""
    server = Server()
    server.serve(Act(b"{}"), 413)

    assert [
        {
            "type": "http.response.start",
            "status": 413,
            "headers": [(b"content-type", b"application/json"), (b"content-length", b"2")],
        },
        {"type": "http.response.body", "body": b"{}", "more_body": False},
    ] == server.sent


def test_a_short_answer_promises_more_than_it_sends() -> None:
    """The length is of the whole; nothing ends the body."""
    server = Server()
    server.serve(Act(b"whole", sent_bytes=2))

    assert (b"content-length", b"5") in server.sent[0]["headers"]
    assert {"type": "http.response.body", "body": b"wh", "more_body": True} == server.sent[-1]
    assert 2 == len(server.sent)


def test_a_dripped_answer_is_byte_by_byte() -> None:
    """Each byte is a message of its own, and the last message ends it."""
    server = Server(stays=True)
    server.serve(Act(b"abc", drip_s=0.003))
    bodies = [message["body"] for message in server.sent[1:]]

    assert [b"a", b"b", b"c", b""] == bodies
    assert not server.sent[-1]["more_body"]


@pytest.mark.parametrize("act", [Act(b"abc", delay_s=600.0), Act(b"abc", drip_s=600.0)])
def test_nobody_is_waited_for(act: Act) -> None:
    """Once the client has gone, neither a late answer nor a slow one goes on."""
    server = Server()
    server.serve(act)

    assert len(server.sent) <= 2
    assert all(message.get("more_body", True) for message in server.sent)


def test_close_cuts_and_silence_does_not() -> None:
    """Neither sends a byte; only the first ends the connection itself."""
    closed, silent = Server(), Server()
    closed.serve(Act(close=True))
    silent.serve(Act(silent=True))

    assert [] == closed.sent == silent.sent
    assert [1, 0] == [closed.transport.aborted, silent.transport.aborted]


def test_a_client_that_never_goes_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """After HOLD_TIMEOUT_S the connection is cut."""
    assert HOLD_TIMEOUT_S > 60
    monkeypatch.setattr(winet_wire, "HOLD_TIMEOUT_S", 0.01)
    server = Server(stays=True)
    server.serve(Act(silent=True))

    assert 1 == server.transport.aborted


def test_a_message_is_text_and_the_talk_goes_on() -> None:
    """Silence lets it go on too; a close does not."""
    server = Server()
    goes_on = [
        asyncio.run(say(act, server.scope, server.send))
        for act in (Act("℃".encode()), Act(silent=True), Act(close=True))
    ]

    assert [{"type": "websocket.send", "text": "℃"}] == server.sent
    assert [True, True, False] == goes_on
