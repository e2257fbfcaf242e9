"""Whether the version that runs has proved itself, and what follows while it has not.

A version that did not run before is provisional. It proves itself by reading every device that the
version before read and by one acknowledgement; without a network, by TRIAL_S in which everything
else was well. The verdict is the first row of TRIAL whose condition holds, so it is derived from
the evidence and can never disagree with it. One that does not prove itself makes the box unhealthy
and ends the process once, so that its supervisor can start the version before; started again, it
stays, because nothing is won by ending for ever.

Pure: time and evidence are passed in. Mutable, owned by the engine thread.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from server.model.release import Attempt, Fallback, Release

TRIAL_S = 900.0
"""How long a version has to prove itself: a sleeping device is tried every 40 s, a sink every
minute, and a router that is updated at the same time takes some minutes."""

TRIAL_LEAST_S = 60.0
"""A version that proves itself must have run well for this long: as long as health looks back."""

MAX_TRIES = 3
"""Starts that a version gets to prove itself: one that crashes early never reaches TRIAL_S."""

LAST_WORDS_S = 10.0
"""Between the verdict and the end, so that whoever asks for the health hears the reason."""

POLLED_BEFORE_MS = 30 * 60_000
"""A device counts as read by the version before if its last reading is no older than this at the
update: longer than an update takes, shorter than a night."""

MAX_REASON_NAMES = 5
"""Devices named in a reason; the rest are counted."""


class Standing(StrEnum):
    """How a version stands."""

    ON_TRIAL = "on_trial"
    PROVEN = "proven"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a version has shown so far."""

    seconds: float
    """Since its process started."""
    fault: str
    """Why the box is not healthy, in words; empty when it is."""
    unread: tuple[str, ...]
    """Devices that the version before read and this one has not, those excused left out."""
    acknowledged: bool
    """A sink has acknowledged something, or there is no sink."""
    excused: bool
    """No sink could acknowledge anything: none answers, or there is nothing to deliver."""
    condemned: str = ""
    """Why an earlier start of this version was its last chance; empty when it was not."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `holds` gives the standing, `when` says it in words."""

    standing: Standing
    holds: Callable[[Evidence], bool]
    when: str


def _reads(evidence: Evidence) -> bool:
    return not evidence.fault and not evidence.unread


TRIAL: tuple[Row, ...] = (
    Row(
        Standing.PROVEN,
        lambda has: has.seconds >= TRIAL_LEAST_S and _reads(has) and has.acknowledged,
        "healthy for a minute, every device was read and something was acknowledged",
    ),
    Row(
        Standing.PROVEN,
        lambda has: has.seconds >= TRIAL_S and _reads(has) and has.excused,
        "healthy for 15 minutes, every device was read and there is no network",
    ),
    Row(Standing.FAILED, lambda has: bool(has.condemned), "an earlier start was its last chance"),
    Row(Standing.FAILED, lambda has: has.seconds >= TRIAL_S, "15 minutes have passed"),
    Row(Standing.ON_TRIAL, lambda has: True, "otherwise"),
)


def verdict(evidence: Evidence) -> Standing:
    """The standing that this evidence gives."""
    return next(row.standing for row in TRIAL if row.holds(evidence))


class Trial:
    """One version's trial, from its start to the verdict and what follows from it."""

    def __init__(self, release: Release) -> None:
        """`release` is the record of this start, see `begun`."""
        self.release = release
        attempt = _attempt_of(release)
        self.standing = Standing.PROVEN if attempt is None else Standing.ON_TRIAL
        self.devices = attempt.devices if attempt else ()
        self.read: set[str] = set()
        """Devices that this process has read; the look at them is somebody else's."""
        self.reason = ""
        """Why it failed, in words for health; empty while it has not."""
        self.kept: Release | None = None
        """The verdict that is on disk, where there is one."""
        self._condemned = _condemned(attempt)
        self._may_end = attempt is not None and not attempt.failed
        self._failed_at: float | None = None

    @property
    def condemned(self) -> str:
        """As in Evidence."""
        return self._condemned

    def is_proven(self) -> bool:
        """Whether there is nothing left to judge."""
        return self.standing is Standing.PROVEN

    def look(self, evidence: Evidence, now: float) -> bool:
        """Judge; whether there is something new to be written down."""
        if self.is_proven():
            return False
        before, self.standing = self.standing, verdict(evidence)
        if self.is_proven():
            self.reason = ""
            self.release = Release(self.release.running, self.release.running)
        elif self.standing is Standing.FAILED:
            why = _why(evidence)
            self.reason = f"version {self.release.running} has not proved itself: {why}"
            if before is not Standing.FAILED:
                self._failed_at = now
                attempt = self.release.trial
                assert attempt is not None
                failed = replace(attempt, failed=attempt.failed or why)
                self.release = replace(self.release, trial=failed)
        return self.standing is not before

    def stopped(self) -> Release:
        """The record if the process was asked to stop: such a start is no failed try."""
        attempt = self.release.trial
        if self.standing is not Standing.ON_TRIAL or attempt is None:
            return self.release
        return replace(self.release, trial=replace(attempt, tries=max(0, attempt.tries - 1)))

    def is_over(self, now: float) -> bool:
        """Whether the process is to end now: the version failed, for the first time."""
        return (
            self._may_end
            and self.standing is Standing.FAILED
            and self._failed_at is not None
            and now - self._failed_at >= LAST_WORDS_S
        )


def _why(evidence: Evidence) -> str:
    if evidence.condemned and evidence.seconds < TRIAL_S:
        return evidence.condemned
    if evidence.unread:
        names = ", ".join(evidence.unread[:MAX_REASON_NAMES])
        more = len(evidence.unread) - MAX_REASON_NAMES
        names += f" and {more} more" if more > 0 else ""
        return f"it has not read {names}, which the version before did"
    return evidence.fault or "no endpoint has acknowledged anything to it"


def proven(version: str) -> Trial:
    """No trial at all: where nobody keeps releases, and in tests."""
    return Trial(Release(version, version))


def begun(
    known: Release | None,
    version: str,
    at_ms: int,
    devices: tuple[str, ...],
    fallback: Fallback | None = None,
) -> Release:
    """The record of a start of `version`, from what was known before it.

    `devices` were read by the version before; `fallback` is what a supervisor noted. The first
    version of all has nothing to go back to and counts as proven.
    """
    if known is None:
        return Release(version, version)
    if known.proven == version:
        return Release(version, version, _fallen(known.trial, fallback, version))
    trial = known.trial
    if trial is not None and trial.version == version and known.running == version:
        return Release(known.proven, version, replace(trial, tries=trial.tries + 1))
    # Also one that failed before and was left for another: whoever installs it again means it.
    return Release(known.proven, version, Attempt(version, at_ms, 1, devices))


def _fallen(trial: Attempt | None, fallback: Fallback | None, version: str) -> Attempt | None:
    """What became of the version that this one was started again for."""
    if fallback is None or fallback.version == version:
        return trial
    if trial is None or trial.version != fallback.version:
        return Attempt(fallback.version, 0, 0, failed=fallback.reason)
    return replace(trial, failed=trial.failed or fallback.reason)


def polled_before(last_taken_at_ms: Mapping[str, int], at_ms: int) -> tuple[str, ...]:
    """The devices whose last reading, at the update, is young enough to expect the next one."""
    if not last_taken_at_ms:
        return ()
    # A clock that is not set yet is years behind; then the readings themselves say when it was.
    since_ms = max(at_ms, max(last_taken_at_ms.values())) - POLLED_BEFORE_MS
    return tuple(sorted(each for each, ms in last_taken_at_ms.items() if ms >= since_ms))


def returned(release: Release) -> str:
    """What to tell the owner of a version that was tried and left again, "" when there is none."""
    trial = release.trial
    if trial is None or release.proven != release.running:
        return ""
    if not (trial.failed or trial.tries):
        return ""  # It was stopped each time, so somebody chose another one.
    why = trial.failed or "it ended before it could say why"
    return (
        f"Version {trial.version} was tried and did not prove itself, so version"
        f" {release.running} runs again: {why}"
    )


def _attempt_of(release: Release) -> Attempt | None:
    return release.trial if release.proven != release.running else None


def _condemned(attempt: Attempt | None) -> str:
    if attempt is None:
        return ""
    if attempt.failed:
        return f"it failed before: {attempt.failed}"
    if attempt.tries > MAX_TRIES:
        return f"it was started {MAX_TRIES} times and ended each time"
    return ""
