"""Settings reach the disk before they count."""

import json

from server.engine.task import Done, Failed, Ok, Outcome, Submission
from server.tasks.save_settings import SAVE_BUDGET_S, SaveSettings
from server_unit_test.tasks.houses import Home, run

NOW = 1000.0


def save(home: Home, name: str) -> tuple[SaveSettings, list[Outcome]]:
    """A save, and what whoever asked for it hears."""
    heard: list[Outcome] = []

    def finished(outcome: Outcome, now: float) -> tuple[Submission, ...]:
        heard.append(outcome)
        return ()

    return SaveSettings(home.house.settings.changed({"name": name}), finished), heard


def test_the_file_is_written_and_told(home: Home) -> None:
    """Off the engine thread, on the lane of files."""
    task, heard = save(home, "Cellar")

    assert Done() == run(task, NOW)

    assert "Cellar" == json.loads((home.folder / "settings.json").read_bytes())["name"]
    assert [Ok(None)] == heard
    assert ("files", SAVE_BUDGET_S) == (task.lane, task.budget_s)


def test_a_write_that_fails_is_told_in_words(home: Home) -> None:
    """The error names the file and says what to check; a write cannot be broken off."""
    (home.folder / "settings.json").mkdir()
    task, heard = save(home, "Cellar")
    task.abort()

    assert Done() == run(task, NOW)

    (outcome,) = heard
    assert isinstance(outcome, Failed)
    assert "settings.json" in str(outcome.error) and "check the disk" in str(outcome.error)
