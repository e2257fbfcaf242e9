"""GET and POST logger: how much each part of the program says.

Also owns the two functions that read and set levels of the standard library's loggers, which is
the one registry that is global by nature.
"""

import logging
from collections.abc import Mapping

import msgspec

from server.api.call import Call, Nothing, Reply, answer
from server.errors import SettingsError

ROOT = "root"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MAX_LOGGERS = 500
"""Loggers listed; the program has some dozens."""


class LevelChange(msgspec.Struct, frozen=True):
    """A logger of GET /api/logger, and one of DEBUG, INFO, WARNING, ERROR, CRITICAL."""

    logger: str
    level: str


class LevelChanged(msgspec.Struct, frozen=True):
    """True: the level holds until the next start."""

    level: bool


def show(call: Call[Nothing, Nothing]) -> Reply:
    """Every logger and its level."""
    return answer(call.context.services.log_level_of())


def change(call: Call[Nothing, LevelChange]) -> Reply:
    """Set one level."""
    call.context.services.set_log_level(call.body.logger, call.body.level)
    return answer(LevelChanged(True))


def levels() -> Mapping[str, str]:
    """Every logger of this process: `LEVEL`, or `LEVEL (inherited)` from the one above it."""
    root = logging.getLogger()
    found = {ROOT: logging.getLevelName(root.level)}
    for name in sorted(root.manager.loggerDict)[:MAX_LOGGERS]:
        each = root.manager.loggerDict[name]
        if isinstance(each, logging.Logger):
            word = logging.getLevelName(each.getEffectiveLevel())
            found[name] = word if each.level else f"{word} (inherited)"
    return found


def set_level(name: str, level: str) -> None:
    """Set a level; raises SettingsError for a logger or a level that does not exist."""
    word = level.upper()
    if word not in LEVELS:
        raise SettingsError(f"level: use one of {', '.join(LEVELS)}, not {level[:60]!r}")
    registry = logging.getLogger().manager.loggerDict
    if name != ROOT and not isinstance(registry.get(name), logging.Logger):
        raise SettingsError(
            f"logger: there is none named {name[:100]!r}; GET /api/logger lists all"
        )
    logging.getLogger(None if name == ROOT else name).setLevel(word)
