"""Slow computations leave the engine thread."""

from server.engine.task import Done, Ok, Outcome, Submission
from server.tasks.check_password import PASSWORD_BUDGET_S, CheckPassword
from server_unit_test.tasks.houses import run


def test_what_was_computed_is_told() -> None:
    """On a lane of its own, within PASSWORD_BUDGET_S; it cannot be broken off."""
    heard: list[Outcome] = []

    def finished(outcome: Outcome, now: float) -> tuple[Submission, ...]:
        heard.append(outcome)
        return ()

    task = CheckPassword(lambda: 42, finished)
    task.abort()

    assert Done() == run(task, 5.0)
    assert [Ok(42)] == heard
    assert ("entry", PASSWORD_BUDGET_S) == (task.lane, task.budget_s)
