"""The phone's door, as the engine thread keeps it: what the owner asked for, what was reported."""

from dataclasses import dataclass, replace

from server.model.bluetooth import DoorReport, DoorView

REPORT_AGE_MAX_S = 30.0
"""A report older than this says nothing any more: the service sends one every few seconds."""


@dataclass(slots=True)
class DoorLedger:
    """`number` rises each time the owner asks; it begins anew with each start of the gateway."""

    number: int = 0
    open_until: float = float("-inf")
    """Monotonic second until which the owner wants the door open."""
    report: DoorReport | None = None
    reported_at: float = float("-inf")

    def ask(self, wanted: bool, window_s: float, now: float) -> None:
        """The owner wants it open for `window_s`, or closed."""
        self.number += 1
        self.open_until = now + window_s if wanted else now

    def reported(self, report: DoorReport, now: float) -> None:
        """The service says how it is."""
        self.report, self.reported_at = report, now

    def view(self, now: float) -> DoorView:
        """At this moment: a report's seconds run down, and an old one is none."""
        return DoorView(self.number, now < self.open_until, self._current(now))

    def _current(self, now: float) -> DoorReport | None:
        report, age_s = self.report, now - self.reported_at
        if report is None or age_s > REPORT_AGE_MAX_S:
            return None
        if report.until_s is None:
            return report
        return replace(report, until_s=max(0.0, report.until_s - age_s))
