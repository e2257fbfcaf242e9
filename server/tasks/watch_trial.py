"""Look every few seconds whether the version that runs has proved itself."""

import logging
from collections.abc import Callable

from server.engine.task import Again, Done, Failed, Kind, LaneView, Outcome, Submission, Verdict
from server.ledger.evidence import evidence_now
from server.ledger.house import FILES_LANE, House
from server.model.notice import Level
from server.model.release import Release
from server.ports import ReleaseKeeper

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
"""Short beside the minute that a trial takes at least."""

SAVE_BUDGET_S = 8.0
"""One small file, on a worn card."""

SAVE_AGAIN_S = 60.0
"""After a failure: a full disk is pruned by then."""

NOTICE = "trial"


class WatchTrial:
    """Runs until the version is proven, or its process ends for it."""

    kind = Kind.HOUSEKEEPING
    lane = None
    slack_s = 1.0

    def __init__(
        self, house: House, keeper: ReleaseKeeper | None, fault: Callable[[float], str]
    ) -> None:
        """`fault` says why the box is not healthy at a moment, "" when it is."""
        self._house = house
        self._keeper = keeper
        self._fault = fault

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """One look."""
        house, trial = self._house, self._house.trial
        if trial.is_proven():
            return Done()
        then: tuple[Submission, ...] = ()
        if trial.look(evidence_now(house, self._fault(now), now), now):
            self._tell()
            then = self._save(trial.release, now)
        if trial.is_over(now) and self._is_kept():
            log.error("version given up", extra={"reason": trial.reason})
            house.give_up()
            return Done(then)
        if trial.is_proven():
            return Done(then)
        return Again(now + LOOK_EVERY_S, then=then)

    def _is_kept(self) -> bool:
        """Or the next start would know nothing of the verdict, and end for it again, for ever."""
        trial = self._house.trial
        return self._keeper is None or trial.kept is trial.release

    def _save(self, release: Release, now: float) -> tuple[Submission, ...]:
        if self._keeper is None:
            return ()
        return (Submission(SaveRelease(self._house, self._keeper, release), now),)

    def _tell(self) -> None:
        house, trial = self._house, self._house.trial
        version = trial.release.running
        log.info("version judged", extra={"version": version, "standing": str(trial.standing)})
        if trial.is_proven():
            house.notices.clear(NOTICE)
        elif trial.reason:
            house.notices.post(
                NOTICE,
                Level.ERROR,
                f"{trial.reason[0].upper()}{trial.reason[1:]}. Readings are kept all the same.",
                house.clock.utc_ms(),
            )


class SaveRelease:
    """One atomic write; tried again while it fails and nothing newer is to be written."""

    kind = Kind.HOUSEKEEPING
    lane = FILES_LANE
    slack_s = 0.0
    budget_s = SAVE_BUDGET_S

    def __init__(self, house: House, keeper: ReleaseKeeper, release: Release) -> None:
        self._house = house
        self._keeper = keeper
        self._release = release

    def work(self, lane: LaneView) -> None:
        """Raises SettingsError."""
        self._keeper.write(self._release)

    def abort(self) -> None:
        """A write to disk cannot be broken off; it is whole or not at all in any case."""

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Written, or again later."""
        if not isinstance(outcome, Failed):
            self._house.trial.kept = self._release
        elif self._release is self._house.trial.release:
            log.warning("release not saved", extra={"error": str(outcome.error)})
            return Again(now + SAVE_AGAIN_S)
        return Done()
