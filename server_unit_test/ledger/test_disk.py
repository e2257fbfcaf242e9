"""What is known of the database, as the API shows it."""

from server.ledger.buffer import Buffer
from server.ledger.disk import Disk
from server_unit_test.ledger.readings import reading


def test_a_new_disk_is_believed_to_be_well() -> None:
    """Nothing was written yet, and nothing failed."""
    view = Disk().view(Buffer(1))

    assert ("ok", "", 0, None) == (view.state, view.error, view.accepted_total, view.last_commit_ms)


def test_the_view_joins_disk_and_buffer() -> None:
    """What waits, what was dropped and what is on disk stand side by side."""
    buffer = Buffer(1, limit=2)
    for number in range(4):
        buffer.add(reading(number))
    buffer.committed(buffer.freeze())
    buffer.add(reading(4))
    disk = Disk("full", "no space", 900, 100, 5, 6, 7.0, 12, 3)

    view = disk.view(buffer)

    assert (2, 12, 1, 2) == (view.accepted, view.accepted_total, view.buffered, view.buffer_dropped)
    assert ("full", "no space") == (view.state, view.error)
    assert (900, 100, 3) == (view.size_bytes, view.free_bytes, view.pruned)
    assert (5, 6) == (view.oldest_ms, view.last_commit_ms)
