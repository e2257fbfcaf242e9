"""Puts together who may enter: the book, the label, the Bluetooth service's token, and the tries.

Reads files once, at start; decides nothing. What cannot be read lets nobody in, and is told.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from server.errors import IdentityError
from server.host.entry_file import EntryFile
from server.identity import door_token, label, password
from server.identity.claim import Claim
from server.ledger.entry import Entry
from server.ledger.house import Entrance

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class WayIn:
    """Who may enter, what claims the box, and what was found wrong with either."""

    entry: Entry
    entrance: Entrance
    claim: Claim
    problems: tuple[str, ...]

    def code_to_show(self, is_open: bool) -> str:
        """What a box that nobody owns yet prints on its terminal; "" where there is no need."""
        return "" if is_open or self.entry.view.claimed else self.claim.code


def way_in(data: Path, door: Path) -> WayIn:
    """Read who may enter from `data`, label and door's token from `door`. Never raises.

    A label that cannot be used claims nothing, a token that cannot be made lets nobody in.
    """
    own_label, no_label = _attempted(label.load_or_make, door)
    token, no_token = _attempted(door_token.load_or_make, door)
    keeper = EntryFile(data)
    entry = Entry(keeper.read(), () if token is None else (token,))
    claim = Claim(own_label)
    entrance = Entrance(keeper, password.digested, password.is_right, claim.is_right)
    problems = tuple(each for each in (no_label, no_token, keeper.problem) if each)
    return WayIn(entry, entrance, claim, problems)


def _attempted(load: Callable[[Path], Found], folder: Path) -> tuple[Found | None, str]:
    """What was loaded, or None and why not."""
    try:
        return load(folder), ""
    except IdentityError as error:
        return None, str(error)
