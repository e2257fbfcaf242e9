"""The gateway's REST API from here: the Gateway port on `requests`, on few helper threads."""

from collections.abc import Callable

from bluetooth.errors import GatewayAway
from bluetooth.ports import Answer, Clock


class AnswerTooLarge(GatewayAway):
    """The gateway answered more than a phone may have; it is told 502."""


class RequestsGateway:
    """The Gateway port. Threads start with the first request; all are daemons.

    `token` gives the bearer token to send, or None; it is asked on a helper thread each time.
    Raises ValueError for a `url` that is not http(s)://host[:port].
    """

    def __init__(
        self, url: str, clock: Clock, token: Callable[[], str | None] | None = None
    ) -> None:
        raise NotImplementedError

    async def ask(
        self, method: str, path: str, body: bytes = b"", timeout_s: float | None = None
    ) -> Answer:
        """See the port. ValueError for a path that is not one (a caller's mistake)."""
        raise NotImplementedError

    async def close(self) -> None:
        """Break off what is under way (GatewayAway) and end the threads. Idempotent."""
        raise NotImplementedError
