"""The look at a version on trial: what it tells, what it writes down, and when it ends."""

import pytest

from server.engine.task import Again, Done, Failed, Ok
from server.errors import SettingsError
from server.ledger.trial import LAST_WORDS_S, TRIAL_LEAST_S, TRIAL_S, Trial
from server.model.release import Attempt, Release
from server.tasks.watch_trial import LOOK_EVERY_S, NOTICE, SAVE_AGAIN_S, SaveRelease, WatchTrial
from server_unit_test.tasks.houses import Home, run, work


class Keeper:
    """`ports.ReleaseKeeper` in memory; `full` is a disk without space."""

    def __init__(self) -> None:
        self.written: list[Release] = []
        self.full = False

    def write(self, release: Release) -> None:
        """As told."""
        if self.full:
            raise SettingsError("the disk is full")
        self.written.append(release)


class Ended:
    """Counts how often the process was to end."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
def on_trial(home: Home) -> Home:
    """A house whose version owes device a."""
    home.house.trial = Trial(Release("1", "2", Attempt("2", 0, 1, ("a",))))
    home.device("a")
    return home


def look(home: Home, keeper: Keeper, seconds: float, fault: str = "") -> Done | Again:
    """One look, so many seconds after the start."""
    now = home.house.started + seconds
    verdict = WatchTrial(home.house, keeper, lambda now: fault).settle(Ok(None), now)
    for each in verdict.then:
        run(each.task, now)
    return verdict


def notices(home: Home) -> dict[str, str]:
    """What the owner is told, by key."""
    return {each.key: each.text for each in home.house.notices.shown()}


def test_a_proven_version_is_looked_at_once(home: Home) -> None:
    """There is nothing to find out."""
    assert Done() == look(home, Keeper(), 0.0)


def test_looks_go_on_until_there_is_a_verdict(on_trial: Home) -> None:
    """Each LOOK_EVERY_S; nothing is written meanwhile."""
    keeper = Keeper()
    now = on_trial.house.started + 5

    assert Again(now + LOOK_EVERY_S) == look(on_trial, keeper, 5.0)
    assert [] == keeper.written


def test_a_version_that_reads_what_was_read_is_written_down_as_proven(on_trial: Home) -> None:
    """Then the looks end."""
    keeper = Keeper()
    on_trial.house.plant.devices["a"].polls = 7

    assert isinstance(look(on_trial, keeper, TRIAL_LEAST_S), Done)
    assert [Release("2", "2")] == keeper.written


def test_a_version_that_fails_tells_why_and_ends_the_process_once(on_trial: Home) -> None:
    """On the page and in the record first, then after LAST_WORDS_S."""
    keeper, ended = Keeper(), Ended()
    on_trial.house.give_up = ended

    assert isinstance(look(on_trial, keeper, TRIAL_S), Again)
    assert "Version 2 has not proved itself: it has not read Device a" in notices(on_trial)[NOTICE]
    assert "it has not read Device a" in str(keeper.written)
    assert 0 == ended.times
    assert isinstance(look(on_trial, keeper, TRIAL_S + LAST_WORDS_S), Done)
    assert (1, 1) == (ended.times, len(keeper.written))


def test_a_failure_that_cannot_be_written_down_ends_nothing(on_trial: Home) -> None:
    """The next start would know nothing of it, and end for it again, and so on for ever."""
    keeper, ended = Keeper(), Ended()
    on_trial.house.give_up = ended
    keeper.full = True
    look(on_trial, keeper, TRIAL_S)

    assert isinstance(look(on_trial, keeper, TRIAL_S + LAST_WORDS_S), Again)
    assert 0 == ended.times
    keeper.full = False
    run(SaveRelease(on_trial.house, keeper, on_trial.house.trial.release), 0.0)
    assert isinstance(look(on_trial, keeper, TRIAL_S + SAVE_AGAIN_S), Done)
    assert 1 == ended.times


def test_a_version_may_prove_itself_late(on_trial: Home) -> None:
    """Where it was not replaced, it is believed once it has earned it."""
    release = Release("1", "2", Attempt("2", 0, 2, ("a",), "it has not read Device a"))
    on_trial.house.trial = Trial(release)
    keeper, ended = Keeper(), Ended()
    on_trial.house.give_up = ended

    look(on_trial, keeper, 0.0)
    told = NOTICE in notices(on_trial)
    look(on_trial, keeper, TRIAL_S * 2)
    on_trial.house.plant.devices["a"].polls = 1
    look(on_trial, keeper, TRIAL_S * 3)

    assert (True, False, 0) == (told, NOTICE in notices(on_trial), ended.times)
    assert Release("2", "2") == keeper.written[-1]


def test_a_fault_of_the_box_is_a_fault_of_the_version(on_trial: Home) -> None:
    """Health is part of the proof."""
    on_trial.house.plant.devices["a"].polls = 1

    look(on_trial, Keeper(), TRIAL_S, "every lane is stuck")

    assert "has not proved itself: every lane is stuck" in on_trial.house.trial.reason


def test_a_record_that_cannot_be_written_is_tried_again(on_trial: Home) -> None:
    """Until there is a newer one."""
    keeper = Keeper()
    keeper.full = True
    save = SaveRelease(on_trial.house, keeper, on_trial.house.trial.release)
    outcome = work(save)

    assert isinstance(outcome, Failed)
    assert Again(5.0 + SAVE_AGAIN_S) == save.settle(outcome, 5.0)
    on_trial.house.trial = Trial(Release("2", "2"))
    assert Done() == save.settle(outcome, 5.0)


def test_nobody_has_to_keep_releases(on_trial: Home) -> None:
    """Then nothing is written."""
    on_trial.house.plant.devices["a"].polls = 1

    verdict = WatchTrial(on_trial.house, None, lambda now: "").settle(
        Ok(None), on_trial.house.started + TRIAL_LEAST_S
    )

    assert Done() == verdict
