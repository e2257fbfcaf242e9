"""Tells the phone how joining a Wi-Fi goes on, as it happens: the values of PROGRESS_UUID."""

from collections.abc import Callable

from bluetooth.ports import Clock, Gateway, Spawn, Wait


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
        raise NotImplementedError

    @property
    def value(self) -> bytes:
        """What reading PROGRESS_UUID gives: the newest value, idle at first."""
        raise NotImplementedError

    def look(self) -> None:
        """Learn how things stand, so that an old result is not told as news: call when a phone
        connects or the window opens. Publishes nothing."""
        raise NotImplementedError

    def follow(self) -> None:
        """Something that `joins` begins: poll until it has ended, or FOLLOW_LIMIT_S. Again while
        following: starts the limit anew."""
        raise NotImplementedError

    def stop(self) -> None:
        """Follow no longer."""
        raise NotImplementedError
