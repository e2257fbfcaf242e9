"""A new version is believed once it has read what the one before read and delivered something."""

import re
from dataclasses import replace

import pytest

from server.ledger.trial import (
    LAST_WORDS_S,
    MAX_REASON_NAMES,
    MAX_TRIES,
    POLLED_BEFORE_MS,
    TRIAL,
    TRIAL_LEAST_S,
    TRIAL_S,
    Evidence,
    Standing,
    Trial,
    begun,
    polled_before,
    proven,
    returned,
    verdict,
)
from server.model.release import Attempt, Fallback, Release

OLD, NEW = "0.1.0", "0.2.0"
AT_MS = 1_750_000_000_000
FIRST = Release(OLD, OLD)
STARTED = Release(OLD, NEW, Attempt(NEW, AT_MS, 1, ("roof", "garage")))
PROVED = Evidence(TRIAL_LEAST_S, "", (), acknowledged=True, excused=False)
LATE = Evidence(TRIAL_S, "", (), acknowledged=False, excused=False)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (PROVED, Standing.PROVEN),
        (replace(PROVED, seconds=TRIAL_LEAST_S - 0.1), Standing.ON_TRIAL),
        (replace(PROVED, unread=("roof",)), Standing.ON_TRIAL),
        (replace(PROVED, acknowledged=False), Standing.ON_TRIAL),
        (replace(PROVED, fault="no reading has reached the disk"), Standing.ON_TRIAL),
        (replace(PROVED, acknowledged=False, excused=True), Standing.ON_TRIAL),
        (replace(LATE, seconds=TRIAL_S - 0.1, excused=True), Standing.ON_TRIAL),
        (replace(LATE, excused=True), Standing.PROVEN),
        (replace(LATE, excused=True, unread=("roof",)), Standing.FAILED),
        (replace(LATE, excused=True, fault="every lane is stuck"), Standing.FAILED),
        (LATE, Standing.FAILED),
        (replace(LATE, acknowledged=True), Standing.PROVEN),
        (replace(LATE, acknowledged=True, unread=("roof",)), Standing.FAILED),
        (replace(PROVED, seconds=0.0, condemned="it failed before"), Standing.FAILED),
        (replace(PROVED, condemned="it failed before"), Standing.PROVEN),
    ],
)
def test_the_table_gives_the_standing(evidence: Evidence, expected: Standing) -> None:
    """The first row that holds; even a condemned version may prove itself late."""
    assert expected is verdict(evidence)


def test_the_table_ends_with_a_row_that_always_holds() -> None:
    """Nothing falls through, and every row says when it holds."""
    assert TRIAL[-1].holds(LATE) and Standing.ON_TRIAL is TRIAL[-1].standing
    assert all(row.when for row in TRIAL)


def test_the_first_version_of_all_has_nothing_to_go_back_to() -> None:
    """It counts as proven."""
    assert FIRST == begun(None, OLD, AT_MS, ("roof",))
    assert Trial(FIRST).is_proven() and proven(OLD).is_proven()


def test_another_version_is_on_trial() -> None:
    """It owes what the version before read; a step back is a change like any other."""
    release = begun(FIRST, NEW, AT_MS, ("roof", "garage"))

    assert STARTED == release
    assert (Standing.ON_TRIAL, ("roof", "garage")) == (
        Trial(release).standing,
        Trial(release).devices,
    )
    assert Attempt(OLD, AT_MS, 1) == begun(Release(NEW, NEW), OLD, AT_MS, ()).trial


def test_every_start_on_trial_counts_and_owes_the_same() -> None:
    """What a restart would read off the store is what the new version has done itself."""
    again = begun(STARTED, NEW, AT_MS + 5, ("roof",))

    assert Release(OLD, NEW, Attempt(NEW, AT_MS, 2, ("roof", "garage"))) == again


def test_a_proven_version_is_remembered() -> None:
    """From then on it is the one to go back to."""
    trial = Trial(STARTED)

    assert not trial.look(replace(PROVED, unread=("roof",)), 5.0)
    assert trial.look(PROVED, 60.0)
    assert (Release(NEW, NEW), "") == (trial.release, trial.reason)
    assert not trial.look(LATE, 900.0) and not trial.is_over(10_000.0)


def test_a_failed_version_says_why_and_ends_once() -> None:
    """The reason is heard for LAST_WORDS_S, and kept for the version before to tell."""
    trial = Trial(STARTED)
    late = replace(LATE, unread=("roof",))

    assert trial.look(late, TRIAL_S)
    assert not trial.look(late, TRIAL_S + 5)
    assert "version 0.2.0 has not proved itself: it has not read roof, which" in trial.reason
    assert (False, True) == (
        trial.is_over(TRIAL_S + LAST_WORDS_S - 0.1),
        trial.is_over(TRIAL_S + LAST_WORDS_S),
    )

    back = begun(trial.release, OLD, AT_MS, ())
    assert Trial(back).is_proven()
    assert (
        "Version 0.2.0 was tried and did not prove itself, so version 0.1.0 runs again: it has"
        " not read roof, which the version before did"
    ) == returned(back)


def test_a_failed_version_that_is_started_again_stays() -> None:
    """Where nobody starts the version before, ending again would only cost readings."""
    trial = Trial(STARTED)
    trial.look(LATE, TRIAL_S)
    again = Trial(begun(trial.release, NEW, AT_MS, ()))

    assert again.look(replace(LATE, seconds=0.0, condemned=again.condemned), 0.0)
    assert "it failed before: no endpoint has acknowledged anything to it" in again.reason
    assert not again.is_over(100_000.0)
    assert again.look(replace(PROVED, condemned=again.condemned), 60.0) and again.is_proven()


def test_a_version_that_ends_early_again_and_again_fails() -> None:
    """After MAX_TRIES starts there is no waiting for TRIAL_S; then it ends once for good."""
    release = STARTED
    for _ in range(MAX_TRIES):
        assert "" == Trial(release).condemned
        release = begun(release, NEW, AT_MS, ())
    trial = Trial(release)

    assert f"it was started {MAX_TRIES} times" in trial.condemned
    trial.look(replace(LATE, seconds=0.0, condemned=trial.condemned), 0.0)
    assert trial.is_over(LAST_WORDS_S)


def test_a_start_that_was_asked_to_stop_does_not_count() -> None:
    """Only a version that ends by itself has failed a try; a verdict stays what it is."""
    attempt = STARTED.trial
    assert attempt is not None
    failed = Trial(STARTED)
    failed.look(LATE, TRIAL_S)

    assert Release(OLD, NEW, replace(attempt, tries=0)) == Trial(STARTED).stopped()
    assert failed.release == failed.stopped()
    assert FIRST == Trial(FIRST).stopped()


def test_a_version_that_is_installed_again_gets_a_new_trial() -> None:
    """Somebody went back and then wanted it all the same."""
    failed = Release(OLD, OLD, Attempt(NEW, 0, 1, ("roof",), "it has not read roof"))

    assert Attempt(NEW, AT_MS, 1, ("garage",)) == begun(failed, NEW, AT_MS, ("garage",)).trial


@pytest.mark.parametrize(
    ("trial", "fallback", "told"),
    [
        (None, None, ""),
        (None, Fallback(NEW, "it ended 3 times"), "0.2.0 was tried .*: it ended 3 times"),
        (Attempt(NEW, 0, 2), Fallback(NEW, "it ended 3 times"), ": it ended 3 times"),
        (Attempt(NEW, 0, 2, (), "no"), Fallback(NEW, "exit 79"), "runs again: no$"),
        (Attempt(NEW, 0, 2), None, "it ended before it could say why"),
        (Attempt(NEW, 0, 0), None, ""),
        (Attempt(NEW, 0, 2), Fallback(OLD, "what"), "it ended before it could say why"),
    ],
)
def test_the_version_before_tells_what_became_of_the_newer_one(
    trial: Attempt | None, fallback: Fallback | None, told: str
) -> None:
    """From its own record, or from the supervisor's note when it died too early for one."""
    release = begun(Release(OLD, NEW, trial), OLD, AT_MS, (), fallback)

    words = returned(release)

    assert re.search(told, words)
    assert bool(told) == bool(words) and "" == returned(STARTED)


def test_only_what_was_read_lately_is_owed() -> None:
    """POLLED_BEFORE_MS back from the update, or from the last reading if no clock is set."""
    young, old = AT_MS - POLLED_BEFORE_MS, AT_MS - POLLED_BEFORE_MS - 1
    last = {"roof": young, "asleep": old, "battery": AT_MS - 1}

    assert ("battery", "roof") == polled_before(last, AT_MS)
    assert ("asleep", "battery", "roof") == polled_before(last, 0)
    assert () == polled_before(last, AT_MS + 86_400_000) == polled_before({}, AT_MS)


def test_long_lists_are_cut() -> None:
    """MAX_REASON_NAMES are named; the rest are counted."""
    trial = Trial(STARTED)
    names = tuple(f"device {number}" for number in range(MAX_REASON_NAMES + 3))

    trial.look(replace(LATE, unread=names), TRIAL_S)

    assert f"device {MAX_REASON_NAMES - 1} and 3 more" in trial.reason
