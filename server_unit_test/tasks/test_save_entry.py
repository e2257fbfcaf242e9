"""Who may enter reaches the disk before it counts."""

from server.engine.task import Done, Failed, Ok, Outcome, Submission
from server.host.entry_file import ENTRY_FILE, EntryFile
from server.model.access import Book
from server.tasks.save_entry import SAVE_ENTRY_BUDGET_S, SaveEntry
from server_unit_test.tasks.houses import Home, run


def save(home: Home) -> tuple[SaveEntry, list[Outcome]]:
    """A save, and what whoever asked for it hears."""
    heard: list[Outcome] = []

    def finished(outcome: Outcome, now: float) -> tuple[Submission, ...]:
        heard.append(outcome)
        return ()

    return SaveEntry(EntryFile(home.folder), Book(), finished), heard


def test_the_book_is_written_and_told(home: Home) -> None:
    """On the lane of files, within SAVE_ENTRY_BUDGET_S."""
    task, heard = save(home)

    assert Done() == run(task, 5.0)
    assert [Ok(None)] == heard
    assert (home.folder / ENTRY_FILE).exists()
    assert ("files", SAVE_ENTRY_BUDGET_S) == (task.lane, task.budget_s)


def test_a_write_that_fails_is_told_in_words(home: Home) -> None:
    """It cannot be broken off: it is whole or not at all."""
    (home.folder / f"{ENTRY_FILE}.tmp").mkdir()
    task, heard = save(home)
    task.abort()

    assert Done() == run(task, 5.0)
    (outcome,) = heard
    assert isinstance(outcome, Failed) and "check the disk" in str(outcome.error)
