"""A sink that is no longer configured holds nothing back."""

from server.engine.task import Again, Done, Failed
from server.errors import StoreUnavailable
from server.model.cursor import Cursor
from server.tasks.forget_sink import FORGET_BUDGET_S, FORGET_RETRY_S, ForgetSink
from server_unit_test.tasks.houses import Home, run

NOW = 1000.0


def test_its_cursor_goes(home: Home) -> None:
    """Others keep theirs."""
    home.house.adapters.store.commit([], {"gone": Cursor(1), "kept": Cursor(2)})
    task = ForgetSink(home.house, "gone")

    assert Done() == run(task, NOW)

    assert {"kept": Cursor(2)} == home.opened.writer.cursors
    assert FORGET_BUDGET_S == task.budget_s


def test_a_sink_that_came_back_meanwhile_keeps_its_cursor(home: Home) -> None:
    """Removed and added again while the database was busy."""
    home.house.adapters.store.commit([], {"sink": Cursor(1)})
    home.feed("sink")

    run(ForgetSink(home.house, "sink"), NOW)

    assert {"sink": Cursor(1)} == home.opened.writer.cursors


def test_a_failure_is_tried_again(home: Home) -> None:
    """An interrupted statement is rolled back, and comes again."""
    task = ForgetSink(home.house, "gone")
    task.abort()

    assert Again(NOW + FORGET_RETRY_S) == task.settle(Failed(StoreUnavailable("locked")), NOW)
