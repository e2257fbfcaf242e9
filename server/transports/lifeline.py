"""Sockets that another thread may cut, and waits that it may end.

Owns duplicates of the live sockets of one session and the moment at which the session was cut.
Refuses to know what travels over them. A duplicate, because Python detaches a socket when TLS is
laid over it: during the handshake nobody else holds one.

A cut is for good: whoever goes on makes a new session with a lifeline of its own, so that a call
that was given up can never touch the session of the next.
"""

import contextlib
import socket
from collections.abc import Iterator
from threading import Event, Lock, Timer

from server.errors import DeviceTimeout


class Lifeline:
    """The sockets of one session. Any thread may cut it; nothing here blocks but `wait`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: dict[str, socket.socket] = {}
        self._cut = Event()
        self.late = False
        """Cut because a call took too long, not by anybody's wish."""

    @property
    def is_cut(self) -> bool:
        """True once nothing can be said over this session any more."""
        return self._cut.is_set()

    def hold(self, name: str, original: socket.socket) -> None:
        """Keep a duplicate within reach, in place of the one held under that name before."""
        duplicate = original.dup()
        with self._lock:
            before, self._held[name] = self._held.get(name), duplicate
            if before is not None:
                before.close()
            if self.is_cut:
                _shut_down(duplicate)  # It was cut while the name was being resolved.

    def cut(self) -> None:
        """Wake whatever waits on the sockets; never blocks, never raises."""
        with self._lock:
            self._cut.set()
            for each in self._held.values():
                _shut_down(each)

    def release(self) -> None:
        """Close the duplicates; whoever owns the sockets closes those."""
        with self._lock:
            held, self._held = self._held, {}
            for each in held.values():
                each.close()

    def wait(self, seconds: float) -> None:
        """Let time pass; raises DeviceTimeout as soon as it is cut."""
        if self._cut.wait(max(0.0, seconds)):
            raise DeviceTimeout("the call was broken off")

    @contextlib.contextmanager
    def within(self, limit_s: float) -> Iterator[None]:
        """Cut it when the body takes longer than `limit_s`, however its bytes dribble in."""
        timer = Timer(limit_s, self._expire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _expire(self) -> None:
        self.late = True
        self.cut()


def _shut_down(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
