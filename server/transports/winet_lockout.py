"""When a WiNet-S dongle must not be asked: its account locks, and asking again locks it anew.

Owns the moment before which nothing is sent, and the words for it. Refuses to know sessions.
"""

from datetime import UTC, datetime

from server.errors import DeviceUnreachable
from server.model.device import Account
from server.ports import Clock
from server.transports.winet_answer import LOCKED, Answer

LOCK_S = 1800.0
"""Seconds for which a locked account is left alone: owners report about half an hour."""
REFUSED_LOGIN_PAUSE_S = 600.0
"""Seconds after a refused login, doubled by each further one: a handful of wrong passwords in a row
lock the account, for its owner as well."""
MAX_LOGIN_PAUSE_S = 86_400.0
"""The longest of these pauses: a password that was set right is found out within a day."""

MAX_LOCKOUTS = 256
"""Dongles and accounts remembered together: more than are tried in a day; the oldest goes first."""


class Lockout:
    """Remembers until when; without a clock for ever."""

    def __init__(self, clock: Clock | None) -> None:
        self._clock = clock
        self._until: float | None = None
        self._words = ""
        self._pause_s = REFUSED_LOGIN_PAUSE_S

    def heed(self, step: str, answer: Answer) -> None:
        """The dongle refused a step: remember it, if asking again would do harm."""
        if answer.code == LOCKED:
            words = f"its account is locked ({answer}), and each login would lock it anew"
            self._begin(LOCK_S, words)
        elif step == "login":
            words = (
                f"it refuses the login ({answer}), and more of them would lock its account: "
                "give the user and the password that its own web page takes; a device that is "
                "configured already is removed and added again with them"
            )
            self._begin(self._pause_s, words)
            self._pause_s = min(2 * self._pause_s, MAX_LOGIN_PAUSE_S)

    def forgive(self) -> None:
        """It took a login."""
        self._pause_s = REFUSED_LOGIN_PAUSE_S

    def check(self, host: str) -> None:
        """Raise DeviceUnreachable while it must be left alone."""
        if self._until is None:
            return
        if self._clock is not None and self._clock.monotonic() >= self._until:
            self._until = None
            return
        raise DeviceUnreachable(f"{host}: {self._words}")

    def _begin(self, seconds: float, words: str) -> None:
        if self._clock is None:
            self._until, self._words = 0.0, words
            return
        self._until = self._clock.monotonic() + seconds
        at = datetime.fromtimestamp(self._clock.utc_ms() / 1000 + seconds, UTC)
        self._words = f"{words}; nothing is sent before {at:%H:%M} UTC"


class Lockouts:
    """One Lockout per dongle and account, whichever door or trial asks: a corrected account may be
    tried at once, the refused one not again by adding the device once more."""

    def __init__(self, clock: Clock | None) -> None:
        self._clock = clock
        self._known: dict[tuple[str, Account], Lockout] = {}

    def of(self, dongle: str, account: Account) -> Lockout:
        """The one that is known, or a new one."""
        key = (dongle, account)
        lockout = self._known[key] = self._known.pop(key, Lockout(self._clock))
        if len(self._known) > MAX_LOCKOUTS:
            del self._known[next(iter(self._known))]
        return lockout
