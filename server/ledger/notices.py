"""The notice board: what the owner should know, one entry per fact, bounded.

Mutable, owned by the engine thread. Raising the same key again counts up and moves the notice
to the front; when the board is full the oldest one goes.
"""

import logging
from dataclasses import replace

from server.model.notice import Level, Notice

log = logging.getLogger(__name__)

MAX_NOTICES = 50
NOTICE_CHARACTERS_MAX = 500
"""Longest text of a notice; texts from devices and endpoints end up here."""

_LOG_LEVEL = {
    Level.INFO: logging.INFO,
    Level.WARNING: logging.WARNING,
    Level.ERROR: logging.ERROR,
}


class NoticeBoard:
    """See the module's docstring."""

    def __init__(self) -> None:
        self._notices: dict[str, Notice] = {}
        self._next_id = 1

    def post(self, key: str, level: Level, text: str, at_ms: int, device: str = "") -> None:
        """Put up a notice, or count up the one with this key."""
        text = text[:NOTICE_CHARACTERS_MAX]
        known = self._notices.pop(key, None)
        if known is None:
            notice = Notice(self._next_id, key, level, text, device, at_ms, at_ms, 1)
            self._next_id += 1
            log.log(_LOG_LEVEL[level], "notice", extra={"key": key, "device": device, "text": text})
        else:
            notice = replace(known, level=level, text=text, last_at_ms=at_ms, count=known.count + 1)
        self._notices[key] = notice
        while len(self._notices) > MAX_NOTICES:
            del self._notices[next(iter(self._notices))]

    def clear(self, key: str) -> None:
        """The fact no longer holds."""
        self._notices.pop(key, None)

    def dismiss(self, notice_id: int) -> Notice:
        """The owner has read it. Raises KeyError when there is no such notice."""
        for key, notice in self._notices.items():
            if notice.notice_id == notice_id:
                return self._notices.pop(key)
        raise KeyError(notice_id)

    def shown(self) -> tuple[Notice, ...]:
        """All notices, newest first."""
        return tuple(reversed(self._notices.values()))
