"""The secret on the box's label, which claims it. Shared with the phone's door through one file.

Whichever program starts first makes the file; the other reads it. This repeats what the door knows
of it on purpose, because the two programs share nothing but the file: its first line names the
format, its second is the label as printed, 26 digits of Crockford's base 32 and two to check them.
Never logged; no error text holds a part of it.
"""

import contextlib
import hmac
import os
import secrets
from pathlib import Path

from server import durable_file
from server.errors import IdentityError

LABEL_FILE = "bluetooth_label"
FILE_OPENING = "egret label 1"

SECRET_BYTES = 16
"""128 bits."""

MAX_LABEL_BYTES = 4_096
"""The file has 50 bytes; more is not read."""

MAX_TYPED = 256
"""Characters of what somebody types or scans."""

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECK_MODULUS = 1021
_LOOKALIKES = str.maketrans("OIL", "011", "- \t\r\n")


class Label:
    """The box's secret; its text form shows nothing of it."""

    def __init__(self, digits: str) -> None:
        self._digits = digits

    def is_typed(self, text: str) -> bool:
        """Whether this is what the label says, however it is grouped and whoever scanned it."""
        typed = _plain(text).encode("utf-8", "surrogatepass")
        return hmac.compare_digest(typed, self._digits.encode())

    def printed(self) -> str:
        """As on the label: seven groups of four."""
        return "-".join(self._digits[at : at + 4] for at in range(0, len(self._digits), 4))


def load_or_make(folder: Path) -> Label:
    """The label kept in `folder`; made there at the very first start. Raises IdentityError."""
    path = folder / LABEL_FILE
    try:
        if not path.exists():
            _make(path)
        with path.open("rb") as file:
            content = file.read(MAX_LABEL_BYTES + 1)
    except OSError as error:
        raise IdentityError(
            f"the label's secret in {path} cannot be read or made ({error.strerror or error}):"
            " check the disk, and that the folder belongs to this program"
        ) from error
    return _parsed(path, content)


def _parsed(path: Path, content: bytes) -> Label:
    lines = content.decode("ascii", errors="replace").splitlines()
    if len(content) <= MAX_LABEL_BYTES and len(lines) == 2 and lines[0] == FILE_OPENING:
        digits = _plain(lines[1])
        if is_whole(digits):
            return Label(digits)
    raise IdentityError(
        f"{path} is broken, and with it the label of this box: put back the file from a backup, or"
        " remove it and print a new label"
    )


def is_whole(digits: str) -> bool:
    """Whether these are 28 digits whose check holds: a typing error is told from a wrong label."""
    if len(digits) != 28 or any(each not in _DIGITS for each in digits):
        return False
    number, check = _number(digits[:26]), _number(digits[26:])
    return not number >> (8 * SECRET_BYTES) and number % _CHECK_MODULUS == check


def _make(path: Path) -> None:
    number = int.from_bytes(secrets.token_bytes(SECRET_BYTES), "big")
    digits = _written(number, 26) + _written(number % _CHECK_MODULUS, 2)
    # A name of our own first: the link succeeds for one program only, and never half written.
    mine = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    durable_file.write(mine, f"{FILE_OPENING}\n{Label(digits).printed()}\n".encode("ascii"))
    try:
        with contextlib.suppress(FileExistsError):
            os.link(mine, path)
    finally:
        mine.unlink()
    durable_file.sync_folder(path.parent)


def _plain(text: str) -> str:
    shown = text[:MAX_TYPED]
    if shown.lower().startswith("egret:pair?"):
        fields = dict(each.split("=", 1) for each in shown[11:].split("&") if "=" in each)
        shown = fields.get("s", "")
    return shown.upper().translate(_LOOKALIKES)


def _number(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * 32 + _DIGITS.index(digit)
    return value


def _written(number: int, places: int) -> str:
    return "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(places)))
