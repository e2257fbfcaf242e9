"""Levels of loggers, over HTTP and in the process."""

import logging

import pytest

from server.api.logger import MAX_LOGGERS, levels, set_level
from server.errors import SettingsError
from server_unit_test.api.conftest import Api


def test_all_loggers_are_listed(api: Api) -> None:
    """GET logger answers each logger with its level."""
    assert {"root", "server"} == set(api.json("/api/logger"))


def test_a_level_is_set(api: Api) -> None:
    """POST logger sets the level and says so."""
    response = api.call("POST", "/api/logger", {"logger": "server", "level": "DEBUG"})

    assert {"level": True} == response.json()
    assert "DEBUG" == api.json("/api/logger")["server"]


def test_a_missing_key_is_answered_with_the_schema(api: Api) -> None:
    """400 says what is missing and shows what a good body looks like."""
    response = api.call("POST", "/api/logger", {"logger": "server"})

    assert 400 == response.status_code
    assert "level" in response.json()["error"]
    assert {"logger": "string", "level": "string"} == response.json()["schema"]["required"]


def test_an_unknown_logger_is_refused(api: Api) -> None:
    """A logger that does not exist is not made by asking for it."""
    response = api.call("POST", "/api/logger", {"logger": "nobody", "level": "DEBUG"})

    assert 400 == response.status_code


def test_levels_say_what_is_inherited() -> None:
    """A logger without a level of its own shows the one above it."""
    parent = logging.getLogger("server_unit_test.levels")
    logging.getLogger("server_unit_test.levels.child")
    parent.setLevel("ERROR")

    found = levels()

    assert "ERROR" == found["server_unit_test.levels"]
    assert "ERROR (inherited)" == found["server_unit_test.levels.child"]


def test_set_level_sets_an_existing_logger() -> None:
    """The level is taken whatever its case."""
    log = logging.getLogger("server_unit_test.set_level")

    set_level("server_unit_test.set_level", "debug")

    assert logging.DEBUG == log.level


@pytest.mark.parametrize(
    ("name", "level"), [("server_unit_test.set_level", "LOUD"), ("no.such.logger", "INFO")]
)
def test_set_level_refuses_what_does_not_exist(name: str, level: str) -> None:
    """Neither a level nor a logger is invented."""
    logging.getLogger("server_unit_test.set_level")

    with pytest.raises(SettingsError):
        set_level(name, level)

    assert "no.such.logger" not in logging.getLogger().manager.loggerDict


def test_the_list_is_bounded() -> None:
    """However many loggers a process has, the answer stays a page."""
    for number in range(MAX_LOGGERS + 1):
        logging.getLogger(f"server_unit_test.many.{number}")

    assert len(levels()) <= MAX_LOGGERS + 1
