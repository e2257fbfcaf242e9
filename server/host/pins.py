"""The certificates that dongles showed first, kept in DATA/pins.json: one host, one fingerprint.

A dongle signs its own certificate, so nothing proves who it is but that it shows the same one
again. Asked from the lanes of several devices, hence the one lock here. A file that cannot be read
is set aside and said so, never silently replaced: whoever answers then would be believed anew.
"""

import json
import logging
import threading
from pathlib import Path

from server import durable_file

log = logging.getLogger(__name__)

PINS_FILE = "pins.json"
MAX_PINS = 1000
"""Hosts remembered: as many as there may be devices. Beyond it the oldest goes."""
MAX_PINS_BYTES = 512 * 1024
"""Largest file read: MAX_PINS of the longest names, several times over."""
BROKEN_PINS_KEPT = 3
"""Broken files kept beside it, for a person to look at."""


class FilePins:
    """`ports.Pins` on disk."""

    def __init__(self, data: Path) -> None:
        """Read what there is; `problem` says in words what could not be read."""
        self._path = data / PINS_FILE
        self._lock = threading.Lock()
        self.problem = ""
        self._pins = self._read()

    def pinned(self, host: str) -> str | None:
        """As `ports.Pins.pinned`."""
        with self._lock:
            return self._pins.get(host)

    def pin(self, host: str, fingerprint: str) -> None:
        """As `ports.Pins.pin`; what cannot be written counts until the next start."""
        with self._lock:
            self._pins.pop(host, None)
            self._pins[host] = fingerprint
            while len(self._pins) > MAX_PINS:
                del self._pins[next(iter(self._pins))]
            self._write()

    def forget(self, host: str) -> None:
        """The owner removed the device: the next one there is believed anew. Never raises."""
        with self._lock:
            gone = [name for name in self._pins if name == host or name.startswith(f"{host}:")]
            for name in gone:
                del self._pins[name]
            if gone:
                self._write()

    def _write(self) -> None:
        try:
            durable_file.write(self._path, json.dumps(self._pins, indent=1).encode() + b"\n")
        except OSError as error:
            log.warning("certificate pins were not saved", extra={"error": str(error)})

    def _read(self) -> dict[str, str]:
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_PINS_BYTES + 1)
            if len(content) > MAX_PINS_BYTES:
                raise ValueError(f"larger than {MAX_PINS_BYTES} bytes")
            found = json.loads(content)
            if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
                raise ValueError("not an object of host and fingerprint")
            return found
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            self._set_aside(error)
            return {}

    def _set_aside(self, error: Exception) -> None:
        try:
            kept = f" and was kept as {durable_file.set_aside(self._path, BROKEN_PINS_KEPT).name}"
        except OSError:
            kept = ""
        self.problem = (
            f"{self._path.name} cannot be read ({error}){kept}: each dongle's certificate is "
            "trusted anew at its next connection; check that no device is an impostor"
        )
