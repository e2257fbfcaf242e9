"""Until when accounts of dongles are left alone, kept in DATA/embargoes.json over a restart.

A box that restarts again and again would otherwise try a refused password at each start, and lock
the dongle's owner out. Asked from the lanes of several devices, hence the one lock here. A file
that cannot be read is as good as none: what it cost is one login.
"""

import json
import logging
import threading
from pathlib import Path

from server import durable_file

log = logging.getLogger(__name__)

EMBARGOES_FILE = "embargoes.json"
MAX_EMBARGOES = 256
"""Accounts remembered, more than are tried in a day; beyond it the oldest goes."""
MAX_EMBARGOES_BYTES = 512 * 1024
"""Largest file read: MAX_EMBARGOES with their words, several times over."""
_LATEST_MS = 10**15
"""The year 33658: a longer number is no moment, and one too long for arithmetic."""


class FileEmbargoes:
    """`ports.Embargoes` on disk."""

    def __init__(self, data: Path) -> None:
        """Read what there is."""
        self._path = data / EMBARGOES_FILE
        self._lock = threading.Lock()
        self._known = self._read()

    def known(self, name: str) -> tuple[int, str] | None:
        """As `ports.Embargoes.known`."""
        with self._lock:
            return self._known.get(name)

    def keep(self, name: str, until_ms: int, words: str) -> None:
        """As `ports.Embargoes.keep`; what cannot be written counts until the next start."""
        with self._lock:
            self._known.pop(name, None)
            self._known[name] = (until_ms, words)
            while len(self._known) > MAX_EMBARGOES:
                del self._known[next(iter(self._known))]
            content = json.dumps(self._known, indent=1).encode() + b"\n"
            try:
                durable_file.write(self._path, content)
            except OSError as error:
                log.warning("embargoes were not saved", extra={"error": str(error)})

    def _read(self) -> dict[str, tuple[int, str]]:
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_EMBARGOES_BYTES + 1)
            if len(content) > MAX_EMBARGOES_BYTES:
                raise ValueError(f"larger than {MAX_EMBARGOES_BYTES} bytes")
            found = {name: _entry(each) for name, each in json.loads(content).items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError, AttributeError) as error:
            log.warning("embargoes cannot be read", extra={"error": str(error)})
            return {}
        return found


def _entry(value: object) -> tuple[int, str]:
    match value:
        case [int(until_ms), str(words)] if 0 <= until_ms < _LATEST_MS:
            return until_ms, words
    raise ValueError("an embargo is a moment and words")
