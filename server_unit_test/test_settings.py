"""The layers of the settings: what counts, what is kept, and what is said about the rest."""

import json
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import SettingsError
from server.model.configuration import Configuration
from server.model.device import KNOWN_SCHEMES, DeviceConfig, Endpoint
from server.model.setting import SETTINGS
from server.settings import (
    MAX_BROKEN_SETTINGS,
    MAX_PROBLEMS,
    MAX_SETTINGS_BYTES,
    Settings,
    data_folder,
    environment,
    notify_socket,
)

KEYS = sorted(
    {"version", "endpoint", "host", "port", "unit_id", "device_id"}
    | {key for path in SETTINGS for key in path.split(".")}
)
VARIABLES = [*(setting.variable for setting in SETTINGS.values()), "EGRET_X"]
DEVICE = DeviceConfig("A1", "Roof", Endpoint("modbus_tcp", "10.0.0.5", 502), 1, "auto", 10.0)


def put(data: Path, document: object) -> Path:
    """Write settings.json as it stands (text) or as JSON (anything else)."""
    path = data / "settings.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def load(
    data: Path,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Load with what a test does not speak of left out."""
    return Settings.load(data, environ or {}, overrides or {})


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(each.name for each in folder.iterdir())


def test_without_anything_the_defaults_count(tmp_path: Path) -> None:
    """A first start has no file, no problem, and writes nothing."""
    settings = load(tmp_path / "new")

    assert (Configuration(), ()) == (settings.configuration, settings.problems)
    assert not (tmp_path / "new").exists()


def test_the_higher_layer_counts(tmp_path: Path) -> None:
    """Command line before environment before file before default."""
    put(tmp_path, {"name": "file", "api": {"port": 1, "host": "file"}, "log": {"level": "ERROR"}})
    environ = {"EGRET_API_PORT": "2", "EGRET_API_HOST": "environment"}

    made = load(tmp_path, environ, {"api": {"port": 3}}).configuration

    assert ("file", 3, "environment", "ERROR", "system") == (
        made.name,
        made.api.port,
        made.api.host,
        made.log.level,
        made.clock.trust,
    )


@pytest.mark.parametrize("where", ["file", "environment"])
def test_an_unknown_scheme_is_a_problem_in_words_and_the_rest_is_kept(
    tmp_path: Path, where: str
) -> None:
    """A typing mistake must not stop the start; it names what may stand there instead."""
    devices = [{"endpoint": "modbus_udp://10.0.0.4"}, {"endpoint": "10.0.0.5"}]
    environ = {"EGRET_DEVICES": json.dumps(devices), "EGRET_NAME": "Haus"}
    if where == "file":
        put(tmp_path, {"name": "Haus", "devices": devices})
        environ = {}

    settings = load(tmp_path, environ)

    kept = [each.endpoint.host for each in settings.configuration.devices]
    assert ("Haus", ["10.0.0.5"]) == (settings.configuration.name, kept)
    known = ", ".join(KNOWN_SCHEMES)
    assert f"scheme should be one of {known}, not 'modbus_udp'" in settings.problems[0]


def test_what_was_not_given_on_the_command_line_is_none(tmp_path: Path) -> None:
    """An option that was left out does not hide the layers beneath."""
    put(tmp_path, {"api": {"port": 1}})

    settings = load(tmp_path, overrides={"api": {"port": None, "host": None}, "log": None})

    assert (1, ()) == (settings.configuration.api.port, settings.problems)


@pytest.mark.parametrize(
    ("name", "text", "path", "expected"),
    [
        ("EGRET_NAME", "Haus am See", "name", "Haus am See"),
        ("EGRET_API_PORT", " 81 ", "api.port", 81),
        ("EGRET_STORE_COMMIT_INTERVAL_S", "0.5", "store.commit_interval_s", 0.5),
        ("EGRET_LOG_LEVEL", "debug", "log.level", "DEBUG"),
        ("EGRET_HARVEST_HISTORY", "on", "harvest.history", True),
        ("EGRET_CONTROL_RAW_WRITES", "0", "control.raw_writes", False),
        (
            "EGRET_HARVEST_ENDPOINTS",
            "http://a/,http://b/",
            "harvest.endpoints",
            ("http://a/", "http://b/"),
        ),
        (
            "EGRET_HARVEST_ENDPOINTS",
            '["http://a/?x=1,2"]',
            "harvest.endpoints",
            ("http://a/?x=1,2",),
        ),
        ("EGRET_HARVEST_ENDPOINTS", "[]", "harvest.endpoints", ()),
    ],
)
def test_the_environment_sets(
    tmp_path: Path, name: str, text: str, path: str, expected: object
) -> None:
    """Each kind of setting is read from its variable."""
    settings = load(tmp_path, {name: text})

    value: Any = settings.configuration
    for key in path.split("."):
        value = getattr(value, key)
    assert (expected, ()) == (value, settings.problems)


def test_the_environment_sets_devices(tmp_path: Path) -> None:
    """A JSON list, in which an address is enough."""
    settings = load(tmp_path, {"EGRET_DEVICES": '[{"endpoint": "10.0.0.5", "device_id": "A1"}]'})

    (device,) = settings.configuration.devices
    assert ("A1", Endpoint("modbus_tcp", "10.0.0.5", 502)) == (device.device_id, device.endpoint)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("EGRET_API_PROT", "1", "EGRET_API_PROT is not a setting; did you mean EGRET_API_PORT?"),
        ("EGRET_DATE", "x", "EGRET_DATE is not a setting; did you mean EGRET_DATA?"),
        ("EGRET_XYZZY_PLUGH", "1", "EGRET_XYZZY_PLUGH is not a setting"),
        ("EGRET_API_PORT", "many", "EGRET_API_PORT: api.port should be a whole number from 0 to"),
        ("EGRET_API_PORT", "1.5", "EGRET_API_PORT: api.port should be a whole number from 0 to"),
        ("EGRET_API_PORT", "9" * 5000, "EGRET_API_PORT: api.port should be a whole number"),
        ("EGRET_HARVEST_INTERVAL_S", "nan", "EGRET_HARVEST_INTERVAL_S: harvest.interval_s should"),
        ("EGRET_HARVEST_HISTORY", "maybe", "EGRET_HARVEST_HISTORY: harvest.history should be true"),
        ("EGRET_DEVICES", '[{"endpoint"', "EGRET_DEVICES: column 13: Expecting ':' delimiter"),
        ("EGRET_DEVICES", "[" * 100_000, "EGRET_DEVICES: its brackets are nested too deeply"),
        ("EGRET_DEVICES", "10.0.0.5", "EGRET_DEVICES: devices[0] should be an object"),
        ("EGRET_HARVEST_ENDPOINTS", "a", "EGRET_HARVEST_ENDPOINTS: harvest.endpoints[0] should be"),
    ],
)
def test_a_wrong_variable_is_a_problem_and_the_file_counts(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    """Nothing is fatal: it is said what is wrong, and the layer beneath counts."""
    put(tmp_path, {"api": {"port": 99}})

    settings = load(tmp_path, {name: text})

    (problem,) = settings.problems
    assert (said, 99) == (problem[: len(said)], settings.configuration.api.port)


def test_an_empty_or_foreign_variable_sets_nothing(tmp_path: Path) -> None:
    """A blank in a compose file is not a value, and EGRET_DATA is no setting."""
    settings = load(
        tmp_path, {"EGRET_API_PORT": "", "EGRET_DATA": "/x", "EGRET_DOOR": "/y", "PATH": "/bin"}
    )

    assert (Configuration(), ()) == (settings.configuration, settings.problems)


def test_a_wrong_option_is_a_problem(tmp_path: Path) -> None:
    """A bad value on the command line is said, and the layer beneath counts."""
    settings = load(tmp_path, {"EGRET_API_PORT": "1"}, {"api": {"port": 70000}})

    assert (
        1,
        ("the command line: api.port should be a whole number from 0 to 65535, not 70000",),
    ) == (
        settings.configuration.api.port,
        settings.problems,
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "line 1, column 1: Expecting value"),
        ('{\n  "name": "x",\n  "api" 5\n}', "line 3, column 9: Expecting ':' delimiter"),
        ('{"name": "x"', "line 1, column 13: Expecting ',' delimiter"),
        ("[]", "it should be a JSON object"),
        ("7", "it should be a JSON object"),
        ("[" * 100_000, "its brackets are nested too deeply"),
        (" " * (MAX_SETTINGS_BYTES + 1), f"it is larger than {MAX_SETTINGS_BYTES} bytes"),
    ],
)
def test_a_broken_file_is_moved_aside(tmp_path: Path, content: str, said: str) -> None:
    """What is no JSON object is kept whole beside, and the defaults are used."""
    put(tmp_path, content)

    settings = load(tmp_path)

    assert (
        f"settings.json is broken: {said}; it was moved to settings.json.broken-1 and the"
        " defaults are used",
    ) == settings.problems
    assert Configuration() == settings.configuration
    assert content == (tmp_path / "settings.json.broken-1").read_text()
    assert ["settings.json.broken-1"] == names(tmp_path)


def test_bytes_that_are_no_text_are_moved_aside(tmp_path: Path) -> None:
    """A file that a bad disk has filled with rubbish does not stop the box."""
    (tmp_path / "settings.json").write_bytes(b'{"name": "\xff\xfe\xfd"}')

    settings = load(tmp_path)

    assert "byte 10 is no UTF-8" in settings.problems[0]


def test_a_partly_wrong_file_keeps_the_rest(tmp_path: Path) -> None:
    """One wrong key, value or device loses itself alone, and a copy keeps what it was."""
    path = put(
        tmp_path,
        {
            "version": 1,
            "name": 5,
            "api": {"port": 81, "prot": 82},
            "store": [],
            "devices": [{"endpoint": "10.0.0.5"}, {"endpoint": 7}, {"endpoint": "10.0.0.6"}],
            "nmae": "x",
        },
    )
    written = path.read_text()

    settings = load(tmp_path)

    assert (
        "settings.json: name should be printable text of 0 to 64 characters, not 5",
        "settings.json: api.prot is not a setting; did you mean api.port?",
        "settings.json: store should be an object of settings, not a list",
        "settings.json: devices[1].endpoint should be an object with host and port, or"
        " modbus_tcp://host:port, not 7",
        "settings.json: nmae is not a setting; did you mean name?",
        "settings.json was copied to settings.json.broken-1 as it was; the rest of it is used",
    ) == settings.problems
    assert (81, ["10.0.0.5", "10.0.0.6"]) == (
        settings.configuration.api.port,
        [device.endpoint.host for device in settings.configuration.devices],
    )
    assert written == path.read_text() == (tmp_path / "settings.json.broken-1").read_text()


def test_a_file_that_stays_wrong_is_copied_once(tmp_path: Path) -> None:
    """A box that restarts every minute does not fill its disk, nor push out other copies."""
    put(tmp_path, {"name": 5})

    for _ in range(3):
        load(tmp_path)

    assert ["settings.json", "settings.json.broken-1"] == names(tmp_path)


def test_broken_files_are_bounded(tmp_path: Path) -> None:
    """Of many broken files the newest MAX_BROKEN_SETTINGS are kept."""
    for number in range(MAX_BROKEN_SETTINGS + 2):
        put(tmp_path, f"broken {number}")
        load(tmp_path)

    kept = [f"settings.json.broken-{number}" for number in range(3, MAX_BROKEN_SETTINGS + 3)]
    assert kept == names(tmp_path)


def test_problems_are_bounded(tmp_path: Path) -> None:
    """A file of rubbish fills neither the log nor the page."""
    put(tmp_path, {f"x{number}": 1 for number in range(MAX_PROBLEMS * 2)})

    settings = load(tmp_path)

    assert (MAX_PROBLEMS, f"{MAX_PROBLEMS + 2} more problems of this kind") == (
        len(settings.problems),
        settings.problems[-1],
    )


def test_a_name_from_the_file_cannot_forge_a_line(tmp_path: Path) -> None:
    """An unknown key with line ends in it is shown escaped."""
    put(tmp_path, {"x\nlevel=ERROR": 1, "y" * 1000: 1})

    settings = load(tmp_path)

    assert all(each.isprintable() and len(each) < 200 for each in settings.problems)


def test_a_newer_file_is_used_as_far_as_it_is_known(tmp_path: Path) -> None:
    """After a step back to an older program the settings still count, and it is said."""
    put(tmp_path, {"version": 2, "name": "Haus"})

    settings = load(tmp_path)

    assert ("Haus", True) == (
        settings.configuration.name,
        settings.problems[0].startswith("settings.json: the settings of a newer Egret (version 2)"),
    )


def test_a_folder_that_is_a_file_is_a_problem(tmp_path: Path) -> None:
    """Where the data folder cannot be one, the box still starts, and says why nothing is kept."""
    (tmp_path / "data").touch()

    settings = load(tmp_path / "data")

    assert Configuration() == settings.configuration
    assert "cannot be read (Not a directory); the defaults are used" in settings.problems[0]
    with pytest.raises(SettingsError, match="cannot be saved"):
        settings.save()


def test_a_file_that_cannot_be_read_is_not_overwritten(tmp_path: Path) -> None:
    """It may be readable tomorrow: saving sets it aside first."""
    (tmp_path / "settings.json").mkdir()
    settings = load(tmp_path)
    before = names(tmp_path)

    settings.changed({"name": "Haus"}).save()

    assert ["settings.json"] == before
    assert ["settings.json", "settings.json.broken-1"] == names(tmp_path)
    assert "Haus" == load(tmp_path).configuration.name


def test_a_file_that_cannot_be_read_is_set_aside_once(tmp_path: Path) -> None:
    """Later saves write over what was saved; the owner's file stays, and there is one copy."""
    (tmp_path / "settings.json").mkdir()
    settings = load(tmp_path)

    for number in range(MAX_BROKEN_SETTINGS + 2):
        settings = settings.changed({"name": f"Haus {number}"})
        settings.save()

    assert ["settings.json", "settings.json.broken-1"] == names(tmp_path)
    assert (tmp_path / "settings.json.broken-1").is_dir()


def test_a_failed_save_loses_no_unread_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk leaves the file in its place; the next save sets it aside."""
    path = put(tmp_path, {"name": "the owner's"})

    def locked(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", locked)
        settings = load(tmp_path).changed({"name": "Haus"})
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(SettingsError, match="No space left"):
            settings.save()
    kept = path.read_text()

    settings.save()

    assert "the owner's" in kept
    assert kept == (tmp_path / "settings.json.broken-1").read_text()
    assert "Haus" == load(tmp_path).configuration.name


def test_a_copy_that_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk keeps no copy; the settings are used all the same."""
    put(tmp_path, {"name": 5, "api": {"port": 81}})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    settings = load(tmp_path)

    assert "settings.json cannot be copied aside (No space left on device)" == settings.problems[-1]
    assert 81 == settings.configuration.api.port


def test_a_move_that_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken file on a read-only disk stays where it is."""
    put(tmp_path, "{")

    def read_only(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "replace", read_only)

    settings = load(tmp_path)

    assert settings.problems[0].endswith(
        "it cannot be moved aside (Read-only file system); the defaults are used"
    )


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    """A change survives a restart, in a file of the owner's alone."""
    changed = load(tmp_path / "new").changed({"name": "Häuschen", "store": {"max_age_days": 30}})
    changed = changed.with_devices([DEVICE])
    changed.save()

    loaded = load(tmp_path / "new")

    assert (changed.configuration, ()) == (loaded.configuration, loaded.problems)
    assert 0o600 == stat.S_IMODE(loaded.path.stat().st_mode)
    assert ["settings.json"] == names(tmp_path / "new")


def test_only_the_files_own_layer_is_saved(tmp_path: Path) -> None:
    """What came from environment, command line or defaults is not frozen into the file."""
    put(tmp_path, {"api": {"port": 1}})
    settings = load(
        tmp_path, {"EGRET_NAME": "Box"}, {"api": {"port": 3}, "log": {"level": "DEBUG"}}
    )

    settings.changed({"harvest": {"interval_s": 5}}).save()

    assert {"version": 1, "api": {"port": 1}, "harvest": {"interval_s": 5}} == json.loads(
        (tmp_path / "settings.json").read_text()
    )


def test_a_cut_between_writing_and_renaming_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at the worst moment, the box starts with the settings it had."""

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    load(tmp_path).changed({"name": "old"}).save()
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", killed)
        with pytest.raises(Killed):
            load(tmp_path).changed({"name": "new"}).save()

    settings = load(tmp_path)

    assert ("old", ()) == (settings.configuration.name, settings.problems)


def test_changes_are_merged_and_lists_replaced(tmp_path: Path) -> None:
    """A section keeps what is not named; a list is given as a whole."""
    put(tmp_path, {"harvest": {"endpoints": ["http://a/", "http://b/"], "interval_s": 5}})

    made = load(tmp_path).changed({"harvest": {"endpoints": ["http://c/"]}}).configuration

    assert (("http://c/",), 5.0) == (made.harvest.endpoints, made.harvest.interval_s)


def test_a_null_goes_back_to_the_default(tmp_path: Path) -> None:
    """It leaves the file, so that a later default counts."""
    put(tmp_path, {"api": {"port": 81}})

    settings = load(tmp_path).changed({"api": {"port": None}})

    assert (8080, {}) == (settings.configuration.api.port, dict(settings.file_layer))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"api": {"prot": 1}}, "api.prot is not a setting; did you mean api.port?"),
        ({"api": 5}, "api should be an object of settings, not 5"),
        ({"api": {"port": -1}}, "api.port should be a whole number from 0 to 65535, not -1"),
        ({"nmae": "x"}, "nmae is not a setting; did you mean name?"),
        ({"version": 2}, "version should be 1, not 2"),
        ({"log": {"level": "LOUD"}}, "log.level should be one of DEBUG, INFO"),
        ({"clock": {"trust": "me"}}, "clock.trust should be one of system, always, not 'me'"),
        ({"devices": [{"endpoint": "a"}, {"endpoint": "a"}]}, "devices[1] is there twice: a-502-1"),
        ({"harvest": {"endpoints": ["http://a/"] * 2}}, "harvest.endpoints[1] is there twice"),
    ],
)
def test_a_wrong_change_is_refused_whole(
    tmp_path: Path, changes: Mapping[str, Any], said: str
) -> None:
    """The error names the key, and what was right beside it is not taken either."""
    settings = load(tmp_path)

    with pytest.raises(SettingsError) as caught:
        settings.changed({"name": "Haus", **changes})

    assert (said, "") == (str(caught.value)[: len(said)], settings.configuration.name)


@pytest.mark.parametrize("value", [3, None])
def test_what_is_fixed_above_cannot_be_changed(tmp_path: Path, value: int | None) -> None:
    """A change that would be gone at the next start is refused, saying where to make it."""
    settings = load(tmp_path, {"EGRET_API_PORT": "2"}, {"log": {"level": "INFO"}})

    with pytest.raises(SettingsError, match="api.port is fixed by EGRET_API_PORT; change it there"):
        settings.changed({"api": {"port": value}})
    with pytest.raises(SettingsError, match="log.level is fixed by the command line"):
        settings.changed({"log": {"level": "DEBUG"}})


def test_sending_back_what_is_fixed_is_no_change(tmp_path: Path) -> None:
    """A page may send the whole document with one thing changed."""
    settings = load(tmp_path, {"EGRET_API_PORT": "2"})

    changed = settings.changed({"version": 1, "name": "Haus", "api": {"port": 2}})

    assert ("Haus", {"name": "Haus"}) == (changed.configuration.name, dict(changed.file_layer))


def test_a_change_leaves_the_value_it_came_from(tmp_path: Path) -> None:
    """Settings are a value: whoever holds the old one sees no change."""
    settings = load(tmp_path)

    changed = settings.changed({"name": "Haus"})

    assert ("", {}, "Haus") == (
        settings.configuration.name,
        dict(settings.file_layer),
        changed.configuration.name,
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=6),
    max_leaves=25,
)
"""Documents that have something of settings about them."""


@given(JSON)
def test_no_document_stops_the_box_and_what_is_kept_is_kept(document: object) -> None:
    """Whatever lies in the file, it loads; and saved and loaded again it says the same."""
    with tempfile.TemporaryDirectory() as folder:
        put(Path(folder), document)
        settings = load(Path(folder))
        settings.save()

        again = load(Path(folder))

    assert (settings.configuration, ()) == (again.configuration, again.problems)


@given(st.binary(max_size=60))
def test_no_bytes_stop_the_box(content: bytes) -> None:
    """A disk that returns rubbish costs the settings, not the box; and the rubbish is kept."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "settings.json").write_bytes(content)
        settings = load(Path(folder))

        kept = [path.read_bytes() for path in Path(folder).iterdir()]

    assert ([content], True) == (kept, bool(settings.problems) or content.strip() == b"{}")


@given(st.dictionaries(st.sampled_from(VARIABLES), st.text(max_size=12), max_size=6))
def test_no_variable_stops_the_box(environ: Mapping[str, str]) -> None:
    """Whatever a compose file says, the box starts with a valid configuration."""
    settings = load(Path("/nowhere"), environ)

    assert all(problem.isprintable() for problem in settings.problems)
    assert isinstance(settings.configuration, Configuration)


def test_environment_holds_only_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other programs' variables, and their secrets, are not even looked at."""
    monkeypatch.setenv("EGRET_NAME", "x")
    monkeypatch.setenv("OTHER_SECRET", "y")

    ours = environment()

    assert ("x", []) == (ours["EGRET_NAME"], [name for name in ours if name[:6] != "EGRET_"])


@pytest.mark.parametrize(
    ("option", "environ", "expected"),
    [
        ("/a", {"EGRET_DATA": "/b"}, "/a"),
        (None, {"EGRET_DATA": "/b"}, "/b"),
        (None, {"EGRET_DATA": ""}, "data"),
        (None, {}, "data"),
    ],
)
def test_the_data_folder(option: str | None, environ: Mapping[str, str], expected: str) -> None:
    """The command line's word, else the environment's, else `data` here."""
    assert Path(expected) == data_folder(option, environ)


@pytest.mark.parametrize("given", ["file", "variable"])
def test_a_devices_account_is_read_from_file_and_variable(tmp_path: Path, given: str) -> None:
    """And written back to the file, whose mode is 0600."""
    device = {"endpoint": "winet://10.0.0.5:443", "user": "owner", "password": "s3cret"}
    environ = {"EGRET_DEVICES": json.dumps([device])} if given == "variable" else {}
    if given == "file":
        (tmp_path / "settings.json").write_text(json.dumps({"devices": [device]}))
    settings = Settings.load(tmp_path, environ, {})
    settings.save()

    (found,) = settings.configuration.devices
    assert ("owner", "s3cret") == (found.user, found.password)
    assert (given == "file") is (b"s3cret" in (tmp_path / "settings.json").read_bytes())
    assert 0o600 == (tmp_path / "settings.json").stat().st_mode & 0o777
    assert "s3cret" not in repr(settings.configuration)


def test_a_wrong_password_setting_is_told_without_it(tmp_path: Path) -> None:
    """Problems are logged and shown."""
    device = {"endpoint": "winet://10.0.0.5:443", "password": "s3cret\n"}

    settings = Settings.load(tmp_path, {"EGRET_DEVICES": json.dumps([device])}, {})

    assert 1 == len(settings.problems)
    assert "s3cret" not in settings.problems[0]


def test_a_service_managers_ear_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """NOTIFY_SOCKET of sd_notify(3); a gateway that nobody watches has none."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    nobody = notify_socket()
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")

    assert ("", "/run/systemd/notify") == (nobody, notify_socket())
