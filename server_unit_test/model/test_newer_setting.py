"""A box that goes back by one release keeps what the newer one was told."""

import json
from pathlib import Path
from typing import Any

import pytest

from server.model.configuration import CONFIGURATION_VERSION
from server.model.newer_setting import MAX_NAMED, set_apart
from server.settings import SETTINGS_FILE, Settings

NEWER = CONFIGURATION_VERSION + 1
ROOF = {"device_id": "roof", "endpoint": {"host": "192.0.2.10", "port": 502}, "interval_s": 5.0}


def loaded(folder: Path, document: dict[str, Any]) -> Settings:
    """The settings of a file with this document."""
    (folder / SETTINGS_FILE).write_text(json.dumps(document))
    return Settings.load(folder, {}, {})


def written(settings: Settings) -> Any:
    """The document that is written back."""
    return json.loads(settings.document())


NEWER_FILE: dict[str, Any] = {
    "version": NEWER,
    "name": "Haus",
    "tariff": {"kind": "hourly", "area": ["SE3"]},
    "api": {"port": 8081, "tls": {"domain": "egret.example.org"}, "access": "mutual"},
    "harvest": {"endpoints": ["https://example.org/", "amqp://example.org/"]},
    "devices": [
        {**ROOF, "phase": "L1", "endpoint": {**ROOF["endpoint"], "via": "eth1"}},  # type: ignore
        {"device_id": "car", "endpoint": {"scheme": "ocpp", "host": "192.0.2.11", "port": 9000}},
    ],
}
"""A key, a section, a value, an address, a device and keys of a device from the future."""


def test_what_is_known_of_a_newer_file_counts(tmp_path: Path) -> None:
    """The device with keys of its own as well; nothing else is used."""
    configuration = loaded(tmp_path, NEWER_FILE).configuration

    assert ("Haus", 8081, "auto") == (
        configuration.name,
        configuration.api.port,
        configuration.api.access,
    )
    assert ("https://example.org/",) == configuration.harvest.endpoints
    assert [("roof", 5.0)] == [(each.device_id, each.interval_s) for each in configuration.devices]


def test_a_newer_file_is_written_back_with_everything_in_it(tmp_path: Path) -> None:
    """Also its version: the newer program must read it as its own."""
    settings = loaded(tmp_path, NEWER_FILE).changed({"name": "Hus", "api": {"port": 8082}})
    expected = {**NEWER_FILE, "name": "Hus", "api": {**NEWER_FILE["api"], "port": 8082}}

    settings.save()

    assert expected == json.loads((tmp_path / SETTINGS_FILE).read_text())
    assert expected == written(Settings.load(tmp_path, {}, {}))


def test_what_the_owner_sets_here_counts(tmp_path: Path) -> None:
    """A value that was kept gives way to one of this version; a device that goes, goes whole."""
    settings = loaded(tmp_path, NEWER_FILE).changed({"api": {"access": "open"}}).with_devices([])

    document = written(settings)

    assert "open" == document["api"]["access"]
    assert [NEWER_FILE["devices"][1]] == document["devices"]


def test_devices_that_change_here_keep_their_own_keys(tmp_path: Path) -> None:
    """They are found again by their id, whatever else of them is written anew."""
    settings = loaded(tmp_path, NEWER_FILE)

    roof = written(settings.with_devices(settings.configuration.devices))["devices"][0]

    assert ("L1", "eth1", "auto") == (roof["phase"], roof["endpoint"]["via"], roof["profile"])


def test_it_is_told_in_one_sentence(tmp_path: Path) -> None:
    """What is kept, by name; a copy of the file is laid aside all the same."""
    problems = loaded(tmp_path, NEWER_FILE).problems

    assert (
        f"settings.json: the settings of a newer Egret (version {NEWER}); kept and not used:"
        " tariff, api.tls, api.access, 1 of harvest.endpoints, 1 of devices, phase of roof,"
        " endpoint of roof"
    ) == problems[0]
    assert "copied to settings.json.broken-1" in problems[1]


def test_many_names_are_counted() -> None:
    """At most MAX_NAMED are told."""
    document = {"version": NEWER, **{f"key{number}": 1 for number in range(MAX_NAMED + 5)}}

    problem = set_apart(document)[1].problem

    assert f"key{MAX_NAMED - 1}, 5 more" in problem and f"key{MAX_NAMED}" not in problem


@pytest.mark.parametrize("version", [CONFIGURATION_VERSION, 0, None, "2", True, 1.5])
def test_a_file_of_ours_is_left_alone(version: object) -> None:
    """A key that nobody knows is a mistake there, and is told as one."""
    document = {"version": version, "nmae": "x"}

    known, unknown = set_apart(document)

    assert (document, "", {}) == (known, unknown.problem, dict(unknown.values))


def test_nonsense_is_kept_as_it_is() -> None:
    """A section that is none, a list that is none, devices that are no objects."""
    document = {
        "version": NEWER,
        "api": 7,
        "devices": ["x", {"device_id": "a", "phase": 1}, 5],
        "log": {"level": []},
        "harvest": {"endpoints": "x"},
    }

    known, unknown = set_apart(document)

    assert document == unknown.put_back({"version": NEWER, **known})
