"""EGWTTP conversations: one per client. See bluetooth.egwttp for what stands in the bytes."""

from collections.abc import Callable

from bluetooth.egwttp import PAGE_BYTES, Request
from bluetooth.paths import Rule
from bluetooth.ports import Clock, Gateway, Spawn, Wait

Judge = Callable[[str, Request, Rule | None], str]
"""Asked on the event loop with client, request and its row (None: not on the list), once for each
request and each page: why it is refused, in words, or "" to let it pass. A request that is not on
the list is refused whatever it says."""

Send = Callable[[str, bytes], None]
"""Sends a page to a client (notification or session record). Must not block or raise."""


class Exchange:
    """All conversations of one channel (plain, or inside sessions). On the event loop only."""

    def __init__(
        self,
        gateway: Gateway,
        clock: Clock,
        spawn: Spawn,
        wait: Wait,
        judge: Judge,
        send: Send,
        page_bytes: int = PAGE_BYTES,
    ) -> None:
        raise NotImplementedError

    def write(self, client: str, value: bytes) -> None:
        """A client wrote to the request characteristic. Never raises: errors are answers."""
        raise NotImplementedError

    def read(self, client: str) -> bytes:
        """The newest page for this client, `102 Processing` while its request is under way, and
        the greeting before its first."""
        raise NotImplementedError

    def left(self, client: str) -> None:
        """Forget the client; what the gateway does for it at this moment ends unheard."""
        raise NotImplementedError

    def close(self) -> None:
        """Forget all."""
        raise NotImplementedError
