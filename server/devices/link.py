"""The life of a device link: its table, its pauses, and what is remembered of its failures.

Rules: every move is a row of LINK; `online` is entered only through a successful connect and
identity check; after BREAKER_FAILURES failures in a row the link counts as asleep (the night, a
device switched off) and is tried at a slow, steady pace that costs nobody anything.
"""

import logging

from server.devices.link_table import LINK, LinkEvent
from server.engine.backoff import Backoff
from server.model.device import LinkState

log = logging.getLogger(__name__)

BREAKER_FAILURES = 8
"""Failures in a row after which a device counts as asleep: about a minute of trying."""

ASLEEP_RETRY_S = 40.0
"""How often a sleeping device is tried: with a tenth of jitter, and time to connect, it is back
within a minute of waking up."""

LINK_BACKOFF = Backoff(
    first_s=1.0,
    factor=2.0,
    ceiling_s=30.0,
    breaker_after=BREAKER_FAILURES,
    open_s=ASLEEP_RETRY_S,
)

ERROR_CHARACTERS_MAX = 450
"""Longest error text kept for the page: two fingerprints, and what to do about them."""


class Link:
    """Where one link stands. Mutable; owned by the plant, used on the engine thread alone."""

    def __init__(self, device: str, now: float, at_ms: int) -> None:
        self._device = device
        self.state = LINK.initial
        self.since = now
        self.since_ms = at_ms
        self.failures = 0
        self.error = ""
        self.retry_at: float | None = None

    def happened(self, event: LinkEvent, now: float, at_ms: int, error: str = "") -> None:
        """Move by the table; raises UnknownTransition for a pair that is not in it."""
        before, self.state = self.state, LINK.after(self.state, event)
        self.retry_at = None
        if error:
            self.error = error[:ERROR_CHARACTERS_MAX]
        if self.state is before:
            return
        self.since, self.since_ms = now, at_ms
        fell_asleep = event is LinkEvent.GAVE_UP and self.failures == BREAKER_FAILURES
        if LinkState.CONNECTING in (before, self.state) and self.failures > 1 and not fell_asleep:
            return  # The tries within a streak stay silent; its start, sleep and end are told.
        log.info(
            "link changed",
            extra={
                "device": self._device,
                "state": str(self.state),
                "before": str(before),
                "error": error,
            },
        )

    def proved(self) -> None:
        """The device was read: only that ends a streak of failures.

        One that answers who it is and then fails every poll must not be tried twice a second.
        """
        if self.failures > 1:
            log.info("link is back", extra={"device": self._device, "failures": self.failures})
        self.failures, self.error = 0, ""

    def failed(self, now: float, at_ms: int, error: str, draw: float) -> float:
        """Count a failure; returns the monotonic second of the next try. `draw` in [0, 1)."""
        self.failures += 1
        asleep = LINK_BACKOFF.opened(self.failures)
        self.happened(LinkEvent.GAVE_UP if asleep else LinkEvent.FAILED, now, at_ms, error)
        self.retry_at = now + LINK_BACKOFF.delay_s(self.failures, draw)
        return self.retry_at
