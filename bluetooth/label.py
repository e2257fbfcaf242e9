"""The secret on this box's label: made once, kept in one file, told to nobody by radio.

Each box has its own, drawn at random at its first start; whoever holds the label (or the box, and
with it `python -m bluetooth label`) can open a session, and nobody else. This file owns how the
secret is kept, printed, typed in and turned into a session's key. It draws no picture of it and
never logs it; no error text holds a part of it.

Printed it is seven groups of four, `P6ZS-…`: 26 digits of Crockford's base 32 for 128 bits, and
two more that tell a typing error. Capitals or not is all the same, and so are O and 0, and I, L
and 1; dashes and spaces do not count.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bluetooth import durable_file
from bluetooth.errors import LabelMistyped, LabelUnusable

SECRET_BYTES = 16
"""128 bits: no one guesses them, neither at the box nor at home with a recorded handshake."""

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32 (crockford.com/base32.html): no I, L, O and U."""

SECRET_DIGITS = 26
CHECK_DIGITS = 2
GROUP_DIGITS = 4

CHECK_MODULUS = 1021
"""The largest prime below 32 * 32: every wrong digit, and every two neighbours exchanged, change
the remainder."""

MAX_TYPED_CHARS = 256
"""Of what is typed or scanned; a pairing text has about 80."""

LABEL_FILE = "bluetooth_label"
FILE_OPENING = "egret label 1"
"""First line of the file; the second is the label as printed."""

MAX_FILE_BYTES = 4096
"""More is not read: the file has 50 bytes."""

KEY_INFO = b"egret bluetooth session 1"
"""Ties the key to this use: the same secret gives another key to any other."""

_LOOKALIKES = str.maketrans("OIL", "011", "- \t\r\n")


@dataclass(frozen=True, slots=True)
class Label:
    """A box's secret. Its text form shows nothing of it."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != SECRET_BYTES:
            raise ValueError(f"a label's secret has {SECRET_BYTES} bytes")

    def printed(self) -> str:
        """As it stands on the label, in groups."""
        number = int.from_bytes(self.secret, "big")
        digits = _digits(number, SECRET_DIGITS) + _digits(number % CHECK_MODULUS, CHECK_DIGITS)
        starts = range(0, len(digits), GROUP_DIGITS)
        return "-".join(digits[start : start + GROUP_DIGITS] for start in starts)

    def session_key(self) -> bytes:
        """The 32 bytes that key a session: HKDF-SHA256, no salt, info KEY_INFO (RFC 5869)."""
        return HKDF(SHA256(), 32, salt=None, info=KEY_INFO).derive(self.secret)

    def pairing_text(self, name: str) -> str:
        """What the QR code holds: the secret, and the name under which the box advertises."""
        fields = {"v": "1", "s": self.printed().replace("-", ""), "n": name}
        return "egret:pair?" + urlencode(fields, quote_via=quote)


def typed(text: str) -> Label:
    """The label that somebody typed. Raises LabelMistyped, which says what is wrong with it."""
    if len(text) > MAX_TYPED_CHARS:
        raise LabelMistyped("this is far too long for a label")
    digits = text.upper().translate(_LOOKALIKES)
    wanted = SECRET_DIGITS + CHECK_DIGITS
    if any(each not in DIGITS for each in digits):
        raise LabelMistyped("a label has only digits and letters, and among them no U")
    if len(digits) != wanted:
        raise LabelMistyped(f"a label has {wanted} characters, this has {len(digits)}")
    number, check = _number(digits[:SECRET_DIGITS]), _number(digits[SECRET_DIGITS:])
    if number >> (8 * SECRET_BYTES) or number % CHECK_MODULUS != check:
        raise LabelMistyped("a character is wrong; compare it with the label once more")
    return Label(number.to_bytes(SECRET_BYTES, "big"))


def scanned(text: str) -> tuple[Label, str]:
    """The label in a QR code's text, or in what was typed, and the box's name ("" if untold).

    Raises LabelMistyped.
    """
    scheme, _, fields = text.strip().partition("?")
    if scheme.lower() != "egret:pair":
        return typed(text), ""
    if len(text) > MAX_TYPED_CHARS:
        raise LabelMistyped("this is far too long for a label")
    values = parse_qs(fields, max_num_fields=16)
    if values.get("v") != ["1"] or "s" not in values:
        raise LabelMistyped("this code is for another version of Egret")
    return typed(values["s"][0]), values.get("n", [""])[0]


def load_or_make(folder: Path, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> Label:
    """The label kept in `folder`; at the first start it is made there. Blocks.

    Raises LabelUnusable, and then changes nothing: a printed label must not lose its meaning
    because a file could not be read.
    """
    path = folder / LABEL_FILE
    try:
        if not path.exists():
            _make(path, Label(random_bytes(SECRET_BYTES)))
        return _read(path)
    except OSError as error:
        raise LabelUnusable(
            f"the label's secret in {path} cannot be read or made ({error.strerror or error}):"
            " check the disk, and that the folder belongs to this program"
        ) from error


def _make(path: Path, label: Label) -> None:
    try:
        durable_file.create(path, f"{FILE_OPENING}\n{label.printed()}\n".encode("ascii"))
    except FileExistsError:
        pass  # Another process (the label command, say) was first; its label counts.


def _read(path: Path) -> Label:
    with path.open("rb") as file:
        lines = file.read(MAX_FILE_BYTES).decode("ascii", "replace").splitlines()
    try:
        if len(lines) != 2 or lines[0] != FILE_OPENING:
            raise LabelMistyped("not its two lines")
        return typed(lines[1])
    except LabelMistyped:
        raise LabelUnusable(
            f"the label's secret in {path} is damaged. Put the file back from a copy; or write"
            f" there the line '{FILE_OPENING}' and below it what stands on the label; or delete"
            " it, and the next start makes a new secret, for which a new label must be printed"
        ) from None


def _digits(number: int, count: int) -> str:
    return "".join(DIGITS[number >> (5 * place) & 31] for place in reversed(range(count)))


def _number(digits: str) -> int:
    number = 0
    for each in digits:
        number = number << 5 | DIGITS.index(each)
    return number
