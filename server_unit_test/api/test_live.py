"""Streams of snapshots."""

import asyncio
import json
import threading
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import requests
from anyio.lowlevel import checkpoint

from server.api import live as live_module
from server.api.live import KEEP_ALIVE_INTERVAL_S, MAX_STREAMS, RETRY_MS, STREAM_MAX_PER_S, Live
from server.errors import Busy
from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import FakeDesk
from server_unit_test.contracts.fake_clock import FakeClock


class Client:
    """An ASGI client of one feed: `let` allows it to take one more message."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.left = asyncio.Event()
        self._room = asyncio.Semaphore(0)

    def let(self, count: int = 1) -> None:
        for _ in range(count):
            self._room.release()

    async def receive(self) -> MutableMapping[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        await self._room.acquire()
        self.taken.append(message["body"])

    async def has(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.taken) < count:
                await checkpoint()

    def versions(self) -> list[int]:
        """The snapshots that came."""
        lines = b"".join(self.taken).decode().splitlines()
        return [json.loads(line[6:])["version"] for line in lines if line.startswith("data: ")]


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def live(desk: FakeDesk) -> Live:
    return Live(desk, FakeClock())


@pytest.mark.anyio
async def test_the_newest_snapshot_comes_at_once(live: Live) -> None:
    """A page shows something before anything changes."""
    client = Client()
    running = asyncio.create_task(live.open_feed().run(client.receive, client.send))

    client.let(2)
    await client.has(1)

    assert [1] == client.versions()
    assert client.taken[0].startswith(b"retry: %d\n\nevent: snapshot\nid: 1\n" % RETRY_MS)
    client.left.set()
    await running


@pytest.mark.anyio
async def test_a_slow_client_gets_the_newest_only(
    live: Live, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came while it was slow is skipped: there is no queue."""
    monkeypatch.setattr(live_module, "STREAM_MAX_PER_S", 10_000)
    live.start(asyncio.get_running_loop())
    client = Client()
    running = asyncio.create_task(live.open_feed().run(client.receive, client.send))
    client.let()
    await client.has(1)
    desk.publish()
    await _settled()
    for _ in range(50):
        desk.publish()
        await _settled()

    client.let(2)
    await client.has(3)

    # The one on its way when the client stalled, then the newest.
    assert [1, 2, 52] == client.versions()
    client.let(2)
    client.left.set()
    await running
    live.stop()


@pytest.mark.anyio
async def test_snapshots_are_pushed_at_a_bounded_rate(live: Live, desk: FakeDesk) -> None:
    """A burst becomes one push now and one after 1 / STREAM_MAX_PER_S."""
    live.start(asyncio.get_running_loop())
    client = Client()
    running = asyncio.create_task(live.open_feed().run(client.receive, client.send))
    client.let(100)
    await client.has(1)
    began = asyncio.get_running_loop().time()
    for _ in range(10):
        desk.publish()
        await _settled()
    await client.has(3)
    took_s = asyncio.get_running_loop().time() - began

    assert [1, 2, 11] == client.versions()
    assert took_s >= 0.9 / STREAM_MAX_PER_S
    client.left.set()
    await running
    live.stop()


@pytest.mark.anyio
async def test_a_quiet_stream_is_kept_alive(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment line comes when nothing else does."""
    assert KEEP_ALIVE_INTERVAL_S < 30
    monkeypatch.setattr(live_module, "KEEP_ALIVE_INTERVAL_S", 0.01)
    client = Client()
    running = asyncio.create_task(live.open_feed().run(client.receive, client.send))

    client.let(100)
    await client.has(2)

    assert b": keep-alive\n\n" == client.taken[1]
    client.left.set()
    await running


@pytest.mark.anyio
async def test_stopping_ends_all_streams(live: Live, desk: FakeDesk) -> None:
    """A stream would otherwise hold the server open, and new ones are refused."""
    live.start(asyncio.get_running_loop())
    client = Client()
    client.let(100)
    running = asyncio.create_task(live.open_feed().run(client.receive, client.send))
    await client.has(1)

    live.stop()
    await asyncio.wait_for(running, 5)

    assert b"" == client.taken[-1]
    assert 0 == desk.subscriptions
    with pytest.raises(Busy, match="stopping"):
        live.open_feed()


def test_streams_are_bounded(live: Live) -> None:
    """One more than MAX_STREAMS is refused, and a closed one makes room."""
    feeds = [live.open_feed() for _ in range(MAX_STREAMS)]

    with pytest.raises(Busy, match="streams"):
        live.open_feed()
    feeds[0].close()
    feeds[0].close()
    assert live.open_feed()


def test_a_snapshot_is_rendered_once(live: Live, desk: FakeDesk) -> None:
    """All readers of one snapshot share the very same bytes."""
    first = live.snapshot_json(desk.snapshot())

    assert first is live.snapshot_json(desk.snapshot())
    assert first != live.snapshot_json(desk.publish())


def test_a_stream_over_http_follows_what_is_published(own_api: Api) -> None:
    """The whole way: publish on one thread, read on another."""
    with requests.get(own_api.url + "/api/stream", stream=True, timeout=5) as response:
        versions = _versions(response)
        first = next(versions)
        own_api.desk.publish()

        assert (1, 2) == (first, next(versions))
        assert "text/event-stream" == response.headers["content-type"]


def test_too_many_streams_are_refused_over_http(own_api: Api) -> None:
    """503 in words, and a HEAD holds no place."""
    for _ in range(MAX_STREAMS + 1):
        assert 200 == own_api.call("HEAD", "/api/stream").status_code
    streams = [
        requests.get(own_api.url + "/api/stream", stream=True, timeout=5)
        for _ in range(MAX_STREAMS)
    ]

    refused = own_api.get("/api/stream")

    assert [200] * MAX_STREAMS == [each.status_code for each in streams]
    assert 503 == refused.status_code
    assert "streams" in refused.json()["error"]
    for each in streams:
        each.close()


def test_the_engine_is_not_delayed_by_streams(own_api: Api) -> None:
    """Publishing from another thread returns at once, streams or not."""
    with requests.get(own_api.url + "/api/stream", stream=True, timeout=5) as response:
        versions = _versions(response)
        next(versions)
        publisher = threading.Thread(
            target=lambda: [own_api.desk.publish() for _ in range(200)], name="engine"
        )
        publisher.start()
        publisher.join(5)

        assert not publisher.is_alive()
        assert 201 == next(each for each in versions if each == 201)


def _versions(response: requests.Response) -> Iterator[int]:
    for line in response.iter_lines(chunk_size=1):
        if line.startswith(b"data: "):
            yield json.loads(line[6:])["version"]


async def _settled() -> None:
    for _ in range(5):
        await checkpoint()
