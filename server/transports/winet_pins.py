"""Pinned certificates in memory: what a dongle showed first is what it has to show again."""


class MemoryPins:
    """`ports.Pins` that forgets with the process."""

    def __init__(self) -> None:
        self._pins: dict[str, str] = {}

    def pinned(self, host: str) -> str | None:
        """As `ports.Pins.pinned`."""
        return self._pins.get(host)

    def pin(self, host: str, fingerprint: str) -> None:
        """As `ports.Pins.pin`."""
        self._pins[host] = fingerprint
