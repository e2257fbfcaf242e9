"""The page's heartbeat."""

from server.engine.task import Again
from server.ledger.house import SNAPSHOT_EVERY_S
from server.tasks.publish_snapshot import PublishSnapshot
from server_unit_test.tasks.houses import Home, run

NOW = 1000.0


def test_a_snapshot_is_published_and_the_next_one_is_due(home: Home) -> None:
    """At the pace of the house, a little late at most."""
    published: list[float] = []
    home.house.publish = published.append
    task = PublishSnapshot(home.house)

    assert Again(NOW + SNAPSHOT_EVERY_S) == run(task, NOW)

    assert [NOW] == published
    assert task.slack_s < SNAPSHOT_EVERY_S
