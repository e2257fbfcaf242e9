"""The newest snapshot, rendered once, and the streams that carry each new one to clients.

Lives on the web server's loop; only `_published` is called from the engine thread. A stream has no
queue: it is woken, sends what is newest by then, and what came in between is skipped. So a slow
client costs one snapshot of memory and delays nobody.
"""

import asyncio
from collections.abc import Callable

from server.api.call import Feed, Receive, Send
from server.api.snapshot import render
from server.errors import Busy
from server.model.snapshot import Snapshot
from server.ports import Clock, Desk

MAX_STREAMS = 16
"""Streams open at once: each page holds one, and a house has fewer screens than this."""
STREAM_MAX_PER_S = 4
"""Snapshots pushed per second and stream; nobody reads faster, and a phone has to draw them."""
KEEP_ALIVE_INTERVAL_S = 15.0
"""A comment this often keeps proxies and phones from closing a quiet stream."""
RETRY_MS = 2000
"""How long a browser waits before it connects again."""


class Live:
    """See the module's docstring."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._rendered_of: Snapshot | None = None
        self._rendered = b""
        self._streams: set[Stream] = set()
        self._cooling = False
        self._dirty = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._published_at = clock.monotonic()
        self._unsubscribe: Callable[[], None] | None = None
        self._stopped = False

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to listen for snapshots; `loop` is the one that streams run on."""
        self._loop = loop
        self._unsubscribe = self._desk.subscribe(self._published)

    def stop(self) -> None:
        """End all streams, on the loop."""
        self._stopped = True
        if self._unsubscribe is not None:
            self._unsubscribe()
        for stream in self._streams:
            stream.end()

    def snapshot_age_s(self) -> float:
        """Seconds since a snapshot was last published; no wall clock is involved."""
        return self._clock.monotonic() - self._published_at

    def snapshot_json(self, snapshot: Snapshot) -> bytes:
        """The snapshot as JSON, rendered at most once."""
        if snapshot is not self._rendered_of:
            self._rendered, self._rendered_of = render(snapshot), snapshot
        return self._rendered

    def open_feed(self, still_may: Callable[[], bool] = lambda: True) -> Feed:
        """A stream of snapshots; raises Busy when MAX_STREAMS are open."""
        if self._stopped:
            raise Busy("the gateway is stopping")
        if len(self._streams) >= MAX_STREAMS:
            raise Busy(f"{MAX_STREAMS} streams are open already; close a page")
        stream = Stream(self._frame, self._streams.discard, still_may)
        self._streams.add(stream)
        return stream

    def _frame(self) -> bytes:
        snapshot = self._desk.snapshot()
        body = self.snapshot_json(snapshot)
        return b"event: snapshot\nid: %d\ndata: %s\n\n" % (snapshot.version, body)

    def _published(self) -> None:
        self._published_at = self._clock.monotonic()
        if not self._streams or self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._push)
        except RuntimeError:
            pass  # The loop has ended: so have the streams.

    def _push(self) -> None:
        if self._cooling:
            self._dirty = True
            return
        for stream in self._streams:
            stream.wake()
        self._cooling = True
        asyncio.get_running_loop().call_later(1 / STREAM_MAX_PER_S, self._cooled)

    def _cooled(self) -> None:
        self._cooling = False
        if self._dirty:
            self._dirty = False
            self._push()


class Stream:
    """One client of /api/stream."""

    def __init__(
        self,
        frame: Callable[[], bytes],
        forget: Callable[["Stream"], None],
        still_may: Callable[[], bool] = lambda: True,
    ) -> None:
        self._frame = frame
        self._forget = forget
        self._still_may = still_may
        self._woken = asyncio.Event()
        self._ended = False

    def wake(self) -> None:
        """There is a new snapshot."""
        self._woken.set()

    def end(self) -> None:
        """Finish after what is being sent."""
        self._ended = True
        self._woken.set()

    def close(self) -> None:
        """Give the place back."""
        self._forget(self)

    async def run(self, receive: Receive, send: Send) -> None:
        """Send the newest snapshot, now and at each change, until the client leaves or may not."""
        watcher = asyncio.create_task(self._watch(receive))
        try:
            await send(_part(b"retry: %d\n\n" % RETRY_MS + self._frame()))
            while await self._changed_or_quiet():
                fresh = self._woken.is_set()
                self._woken.clear()
                await send(_part(self._frame() if fresh else b": keep-alive\n\n"))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            watcher.cancel()

    async def _changed_or_quiet(self) -> bool:
        try:
            async with asyncio.timeout(KEEP_ALIVE_INTERVAL_S):
                await self._woken.wait()
        except TimeoutError:
            pass
        return not self._ended and self._still_may()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.end()


def _part(body: bytes) -> dict[str, object]:
    return {"type": "http.response.body", "body": body, "more_body": True}
