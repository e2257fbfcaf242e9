"""GET and POST logger: how much each part of the program says.

Reads and sets levels through `server/log.py`, which alone knows the standard library's registry,
and turns what cannot be into an error in words.
"""

import logging
from collections.abc import Mapping

import msgspec

from server import log
from server.api.call import Call, Nothing, Reply, answer
from server.errors import SettingsError

ROOT = "root"
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
    made = logging.getLogger().manager.loggerDict
    names = [name for name in sorted(made) if isinstance(made[name], logging.Logger)]
    return {name: log.level_of(name) for name in (ROOT, *names[:MAX_LOGGERS])}


def set_level(name: str, level: str) -> None:
    """Set a level; raises SettingsError for a logger or a level that does not exist."""
    if level.upper() not in log.LEVELS:
        raise SettingsError(f"level: use one of {', '.join(log.LEVELS)}, not {level[:60]!r}")
    if not log.set_level(name, level):
        raise SettingsError(
            f"logger: there is none named {name[:100]!r}; GET /api/logger lists all"
        )
