"""What makes somebody the owner: the secret on the label, or, once only, a code of this start.

The code is for whoever sees the terminal of a box that has no label yet. It counts while the box
has no owner and until the program ends; the label counts always. Neither is ever logged.
"""

import hmac
import secrets

from server.identity.label import MAX_TYPED, Label

CODE_DIGITS = 12
"""60 bits, and five tries before the pauses grow."""

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUP = 4
_LOOKALIKES = str.maketrans("OIL", "011", "- \t\r\n")


class Claim:
    """The secrets of one box; its text form shows nothing of them."""

    def __init__(self, label: Label | None) -> None:
        self._label = label
        self._code = "".join(secrets.choice(_DIGITS) for _ in range(CODE_DIGITS))

    @property
    def code(self) -> str:
        """As the terminal shows it: groups of four."""
        return "-".join(
            self._code[start : start + _GROUP] for start in range(0, CODE_DIGITS, _GROUP)
        )

    def is_right(self, text: str, claimed: bool) -> bool:
        """Whether `text` claims a box that is claimed already, or not yet."""
        by_label = self._label is not None and self._label.is_typed(text)
        typed = text[:MAX_TYPED].upper().translate(_LOOKALIKES)
        by_code = hmac.compare_digest(
            typed.encode("utf-8", "surrogatepass"), self._code.encode("ascii")
        )
        return by_label or (by_code and not claimed)
