"""Once a second: publish what the gateway looks like now, and review its mode."""

from server.engine.task import Again, Kind, Outcome, Verdict
from server.ledger.house import House


class PublishSnapshot:
    """The page's heartbeat; requests and commits publish in between."""

    kind = Kind.HOUSEKEEPING
    lane = None
    slack_s = 0.25

    def __init__(self, house: House) -> None:
        self._house = house

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Never late by much: its slack lets it ride along with other wake-ups."""
        every_s = self._house.snapshot_every_s
        if now - self._house.published_at >= every_s / 2:
            self._house.publish(now)
        return Again(now + every_s)
