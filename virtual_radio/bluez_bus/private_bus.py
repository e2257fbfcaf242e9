"""A message bus of one's own: a real dbus-daemon with its own configuration and socket.

It knows nothing of Bluetooth. It ends with its context, whatever happens inside.
"""

import os
import select
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

START_TIMEOUT_S = 10.0
"""Until dbus-daemon says that it listens. It takes 10 ms; a loaded machine takes longer."""

STOP_TIMEOUT_S = 5.0
"""Until it has ended after SIGTERM; then SIGKILL."""

MAX_SOCKET_PATH_BYTES = 107
"""Longest path of a Unix socket on Linux (unix(7))."""

_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true"/>
    <allow receive_requested_reply="true"/>
    <allow receive_type="method_call"/>
    <allow receive_type="signal"/>
  </policy>
</busconfig>
"""


class PrivateBus:
    """`with PrivateBus(folder) as bus: ... bus.address`. Everything of it lies in `folder`.

    Raises FileNotFoundError if there is no dbus-daemon (Debian package `dbus`), RuntimeError if
    it does not start.
    """

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "bus"
        self._log = folder / "bus.log"
        self._configuration = folder / "bus.conf"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """For `DBUS_SYSTEM_BUS_ADDRESS`."""
        return f"unix:path={self._socket}"

    @property
    def process_id(self) -> int | None:
        """Of dbus-daemon; None while there is none."""
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        if len(os.fsencode(self._socket)) > MAX_SOCKET_PATH_BYTES:
            raise RuntimeError(f"{self._socket} is too long a path for a socket")
        self._configuration.write_text(_CONFIGURATION.format(socket=self._socket))
        command = ["dbus-daemon", f"--config-file={self._configuration}", "--print-address"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--nofork", "--nopidfile", "--nosyslog"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        if not self._listens():
            self.__exit__(None, None, None)
            raise RuntimeError(f"dbus-daemon does not start: {self._log.read_text()}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _listens(self) -> bool:
        """It prints its address once it does; nothing, or the end, means that it does not."""
        process = self._process
        assert process is not None and process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], START_TIMEOUT_S)
        return bool(ready) and process.stdout.readline().startswith(b"unix:")
