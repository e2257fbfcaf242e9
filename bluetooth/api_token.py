"""The token with which this process asks the gateway's API, where that asks for one.

The gateway writes it into a file of the folder that the two share, and may write another at any
time; so the file is read anew for each request. Never logged, never shown.
"""

import logging
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

TOKEN_FILE = "bluetooth_token"
"""In the data folder; made by the gateway, mode 0600."""

MAX_TOKEN_BYTES = 512
"""A token has about fifty."""


def reader(path: Path, given: str | None = None) -> Callable[[], str | None]:
    """What gives the token whenever it is asked, on any thread: `given`, or what stands in `path`.

    None where there is no such file (a gateway that lets this machine in without), and where what
    stands there is no token, which is logged once.
    """
    told: list[str] = []

    def read() -> str | None:
        if given is not None:
            return given
        try:
            with path.open("rb") as file:
                text = file.read(MAX_TOKEN_BYTES + 1).decode("ascii").strip()
            if not text or not text.isprintable() or " " in text or len(text) > MAX_TOKEN_BYTES:
                raise ValueError("not one word of ASCII")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            why = type(error).__name__
            if told != [why]:
                told[:] = [why]
                log.warning("the file of the API's key cannot be used", extra={"path": path})
            return None
        told.clear()
        return text

    return read
