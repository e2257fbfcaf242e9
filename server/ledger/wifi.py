"""What the engine thread knows of the box's Wi-Fi: what was seen, what is under way, who waits."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from server.engine.task import Outcome, Submission
from server.errors import Busy
from server.model.wifi import WifiProgress, WifiReason, WifiState, WifiStep, WifiView

MAX_SCAN_WAITERS = 16
"""Askers that one scan answers; more than the phones of a house."""

Waiter = Callable[[Outcome, float], tuple[Submission, ...]]


@dataclass(slots=True)
class WifiLedger:
    """See the module's docstring."""

    state: WifiState = field(default_factory=lambda: WifiView().state)
    progress: WifiProgress = WifiProgress()
    joining: bool = False
    scanned_at: float = float("-inf")
    """Monotonic second at which the last scan ended."""
    waiters: list[Waiter] = field(default_factory=list)
    """Whom the scan under way answers."""

    @property
    def scanning(self) -> bool:
        """Whether a scan is under way."""
        return bool(self.waiters)

    @property
    def view(self) -> WifiView:
        """For a snapshot."""
        return WifiView(self.state, self.progress)

    def wait(self, waiter: Waiter) -> None:
        """Be answered by the scan under way; raises Busy when MAX_SCAN_WAITERS wait."""
        if len(self.waiters) >= MAX_SCAN_WAITERS:
            raise Busy(f"{MAX_SCAN_WAITERS} wait for the same scan already; try again shortly")
        self.waiters.append(waiter)

    def tell(
        self,
        step: WifiStep,
        message: str,
        ssid: str | None = None,
        reason: WifiReason | None = None,
    ) -> None:
        """What is being done now; the same again is no change."""
        words = sentence(message)
        news = replace(self.progress, step=step, message=words, ssid=ssid, reason=reason)
        if news != self.progress:
            self.progress = replace(news, number=news.number + 1)


def sentence(text: str) -> str:
    """What an error says, to stand alone: a capital letter first, a full stop last."""
    return f"{text[:1].upper()}{text[1:]}{'' if not text or text.endswith('.') else '.'}"
