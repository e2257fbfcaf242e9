"""Curves come from a read-only connection that is held no longer than the query."""

from server.engine.task import Done, Failed, Ok, Outcome, Submission
from server.errors import StoreUnavailable
from server.model.reading import Record
from server.model.request import History, QueryHistory
from server.tasks.query_history import HISTORY_BUDGET_S, ReadHistory
from server_unit_test.ledger.readings import START_MS, reading
from server_unit_test.tasks.houses import BOOT, Home, run

NOW = 1000.0
QUERY = QueryHistory("a", "pv_power", START_MS, START_MS + 600_000, 10)


def ask(home: Home, query: QueryHistory = QUERY) -> tuple[ReadHistory, list[Outcome]]:
    """A query and the answers that its asker gets."""
    answers: list[Outcome] = []

    def finished(outcome: Outcome, now: float) -> tuple[Submission, ...]:
        answers.append(outcome)
        return ()

    return ReadHistory(home.house, query, finished), answers


def test_a_curve_is_read_and_handed_to_whoever_asked(home: Home) -> None:
    """One point a minute that has readings."""
    records = [Record(BOOT, number, reading(number)) for number in range(1, 4)]
    home.house.adapters.store.commit(records, {})
    task, answers = ask(home)

    assert Done() == run(task, NOW)

    (outcome,) = answers
    assert isinstance(outcome, Ok) and isinstance(outcome.value, History)
    assert [(2.0, 1.0, 3.0)] == [(p.mean, p.least, p.most) for p in outcome.value.points]
    assert ("history", HISTORY_BUDGET_S) == (task.lane, task.budget_s)


def test_a_failure_reaches_whoever_asked(home: Home) -> None:
    """It is not tried again: the asker decides."""
    task, answers = ask(home)
    failed = Failed(StoreUnavailable("locked"))

    assert Done() == task.settle(failed, NOW)

    assert [failed] == answers


def test_a_query_can_be_broken_off_before_and_after_it_runs(home: Home) -> None:
    """Nothing is open before, and nothing is left open afterwards."""
    task, answers = ask(home)
    task.abort()
    run(task, NOW)

    task.abort()

    assert 1 == len(answers)
