"""Every release's data opens in this version, and this version's in the release before.

`fixtures/releases/` holds the data folder of each release as it wrote it. Where this version is
the only one there is, the release before is a synthetic one; see `store/test_migrations.py` for a
schema of the future in this program, and `model/test_newer_setting.py` for settings of the future.
"""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from server import __version__
from server.model.configuration import CONFIGURATION_VERSION
from server.model.request import QueryHistory
from server.settings import SETTINGS_FILE, Settings
from server.store.connection import DATABASE_NAME
from server.store.migrations import SCHEMA_FOLDER, migrations
from server.store.readings import open_reader
from server_unit_test.fixtures.databases.make_schema_v1 import START_MS
from server_unit_test.fixtures.releases import make_release
from server_unit_test.fixtures.releases.make_release import STORE
from server_unit_test.store.samples import opened, records, stored_records

FOLDER = Path(make_release.__file__).parent
Numbers = tuple[int, ...]


def numbers(version: str) -> Numbers:
    """1.10.0 comes after 1.9.0."""
    return tuple(int(part) for part in version.split("."))


RELEASES = sorted((path for path in FOLDER.glob("[0-9]*")), key=lambda path: numbers(path.name))


def before(version: str) -> Path:
    """The newest release before `version`, or the first one of all."""
    older = [path for path in RELEASES if numbers(path.name) < numbers(version)]
    return older[-1] if older else RELEASES[0]


def schema_of(release: Path) -> int:
    """The version of its database, as the file's header has it."""
    header = (release / STORE / DATABASE_NAME).read_bytes()[:100]
    return int.from_bytes(header[60:64], "big")


@pytest.fixture(params=RELEASES, ids=lambda path: path.name)
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of what a release left behind."""
    copy = tmp_path / "data"
    shutil.copytree(request.param, copy)
    return copy


def test_the_first_release_is_there() -> None:
    """So is every later one, in its place."""
    assert "0.1.0" == RELEASES[0].name
    assert "0.9.0" == sorted(["0.10.0", "0.9.0"], key=numbers)[0]


def test_an_update_keeps_every_reading_cursor_and_refusal(data: Path) -> None:
    """Nothing is moved aside, and nothing is told."""
    with opened(data / STORE) as store:
        reader = open_reader(data / STORE)
        query = QueryHistory("device 0", "pv_power", START_MS, START_MS + 180_000, 10)
        points = reader.history(query).points
        reader.close()
        remembered = {key: store.writer.recall(key) for key in make_release.MEMORY}

        assert ("", None, 18) == (store.problem, store.moved_aside, store.head)
        assert (make_release.CURSORS, {"harvest": 1, "other": 1}) == (
            store.cursors,
            store.quarantined,
        )
        assert {"device 0": START_MS + 180_000, "device 1": START_MS + 170_000} == (
            store.last_taken_at_ms
        )
    assert make_release.MEMORY == remembered
    assert [300.0, 800.0, 1400.0] == [point.mean for point in points]
    assert make_release.content() == stored_records(data / STORE)


def test_an_update_keeps_the_reasons_of_refusals(data: Path) -> None:
    """Which record, by whom, and why."""
    with opened(data / STORE):
        pass
    with closing(sqlite3.connect(data / STORE / DATABASE_NAME)) as sql:
        rows = sql.execute("SELECT sink_id, position, reason FROM quarantine").fetchall()

    assert {sink: (position, reason) for sink, position, reason in rows} == make_release.REFUSED


def test_the_gateway_goes_on_where_the_release_stopped(data: Path) -> None:
    """The next reading has the next position, and the next start finds both."""
    with opened(data / STORE) as store:
        assert 20 == store.writer.commit(records(100, 101), {}).head

    assert [*make_release.content(), *records(100, 101)] == stored_records(data / STORE)


def test_an_update_keeps_every_setting(data: Path) -> None:
    """As the release's own program understood it, passwords included."""
    settings = Settings.load(data, {}, {})
    expected = Settings.load(data.parent, {}, {}).changed(make_release.SETTINGS)

    assert () == settings.problems
    assert expected.configuration == settings.configuration
    assert "a password" == settings.configuration.devices[1].password


def test_settings_written_back_say_the_same(data: Path) -> None:
    """Nothing is lost by a change of something else."""
    told = json.loads((data / SETTINGS_FILE).read_text())

    Settings.load(data, {}, {}).changed({"name": "new"}).save()

    written = json.loads((data / SETTINGS_FILE).read_text())
    assert {**told, "name": "new", "version": CONFIGURATION_VERSION} == written


def test_the_release_before_can_use_our_database() -> None:
    """A schema that it cannot use makes going back impossible: change it in two releases.

    The first one adds what is new and still keeps what is old; the second one lets go of it.
    """
    newest = migrations(SCHEMA_FOLDER)[-1]

    assert newest.readable_from <= schema_of(before(__version__))


def test_new_settings_come_with_a_new_version_of_the_file() -> None:
    """By it the release before knows that keys which it does not know are no mistakes.

    `keys.json` of a release is written with its fixture.
    """
    release = before(__version__)
    old = json.loads((release / "keys.json").read_text())
    keys = make_release.keys()
    is_same_release = release.name == __version__

    assert CONFIGURATION_VERSION >= old["version"]
    assert is_same_release or keys == old["keys"] or CONFIGURATION_VERSION > old["version"]
