"""The Bluetooth service's own token, in a file that both programs see and nobody else may read.

The gateway makes it; the service reads it and sends it with every request. The file is the token:
it stands in no book, so whoever takes the file away gets a new one made at the next start.
"""

import secrets
from pathlib import Path
from stat import S_IMODE

from server import durable_file
from server.errors import IdentityError
from server.model.access import TOKEN_PREFIX, TOKEN_SECRET_BYTES, Scope, Token, digest_of

DOOR_TOKEN_FILE = "bluetooth_token"
DOOR_TOKEN_ID = "bluetooth"
DOOR_TOKEN_NAME = "Bluetooth service"
DOOR_SCOPES = frozenset((Scope.READ, Scope.CONFIGURE))
"""Never control: what a phone may do through the door is bounded by the door as well."""

MAX_DOOR_TOKEN_BYTES = 256
"""The file has 60 bytes; more is not read."""

_OPENING = f"{TOKEN_PREFIX}_{DOOR_TOKEN_ID}_"
_FOR_OTHERS = 0o077
_LEAST_SECRET = 43
"""Characters of TOKEN_SECRET_BYTES in base64url."""


def load_or_make(folder: Path) -> Token:
    """The token kept in `folder`, made where there is none that may be used.

    Raises IdentityError; then the Bluetooth service cannot reach a protected gateway.
    """
    path = folder / DOOR_TOKEN_FILE
    try:
        credential = _read(path)
        if not credential:
            credential = _OPENING + secrets.token_urlsafe(TOKEN_SECRET_BYTES)
            durable_file.write(path, f"{credential}\n".encode("ascii"))
    except OSError as error:
        raise IdentityError(
            f"the Bluetooth service's token in {path} cannot be read or made"
            f" ({error.strerror or error}): check the disk, and that the folder belongs to this"
            " program"
        ) from error
    return Token(DOOR_TOKEN_ID, DOOR_TOKEN_NAME, DOOR_SCOPES, digest_of(credential), 0, True)


def _read(path: Path) -> str:
    """What the file says; "" if there is none, it is damaged, or others could read it."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_DOOR_TOKEN_BYTES + 1)
    except FileNotFoundError:
        return ""
    text = content.decode("ascii", errors="replace").strip()
    whole = text.startswith(_OPENING) and len(text) >= len(_OPENING) + _LEAST_SECRET
    if not whole or len(content) > MAX_DOOR_TOKEN_BYTES:
        return ""
    return "" if S_IMODE(path.stat().st_mode) & _FOR_OTHERS else text
