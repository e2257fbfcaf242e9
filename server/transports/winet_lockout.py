"""When a WiNet-S dongle must not be asked: its account locks, and asking again locks it anew.

Owns the moment before which nothing is sent, and the words for it. Refuses to know sessions.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import TypeVar

from server.errors import DeviceUnreachable
from server.model.device import Account
from server.ports import Clock, Embargoes
from server.transports.winet_answer import BUSY, LOCKED, NOTICE, TOKEN_INVALID, Answer
from server.transports.winet_session import FACTORY

_NOT_LOOKED_AT = frozenset({BUSY, NOTICE, TOKEN_INVALID})
"""Answers to a login that say nothing of its password."""

Key = TypeVar("Key")
Kept = TypeVar("Kept")

LOCK_S = 1800.0
"""Seconds for which a locked account is left alone: owners report about half an hour."""
REFUSED_LOGIN_PAUSE_S = 600.0
"""Seconds after a refused login, doubled by each further one: a handful of wrong passwords in a row
lock the account, for its owner as well."""
MAX_LOGIN_PAUSE_S = 86_400.0
"""The longest of these pauses: a password that was set right is found out within a day."""

MAX_LOCKOUTS = 256
"""Dongles and accounts remembered together: more than are tried in a day; the oldest goes first."""


class _Rest:
    """Remembers until when, and why; without a clock for ever."""

    def __init__(
        self, clock: Clock | None, name: str = "", embargoes: Embargoes | None = None
    ) -> None:
        """`embargoes` is where it is kept under `name`, and found again after a restart."""
        self._clock = clock
        self._name = name
        self._embargoes = embargoes
        self._until: float | None = None
        self._words = ""
        known = embargoes.known(name) if embargoes is not None else None
        if known is not None and clock is not None:
            until_ms, self._words = known
            left_s = (until_ms - clock.utc_ms()) / 1000
            # The wall clock may be wrong at a start: never for longer than a lock takes.
            self._until = clock.monotonic() + max(0.0, min(left_s, LOCK_S))

    def begin(self, seconds: float, words: str) -> None:
        """From now on."""
        if self._clock is None:
            self._until, self._words = 0.0, words
            return
        self._until = self._clock.monotonic() + seconds
        until_ms = self._clock.utc_ms() + round(seconds * 1000)
        at = datetime.fromtimestamp(until_ms / 1000, UTC)
        self._words = f"{words}; nothing is sent before {at:%H:%M} UTC"
        if self._embargoes is not None:
            self._embargoes.keep(self._name, until_ms, self._words)

    def check(self, host: str) -> None:
        """Raise DeviceUnreachable while it lasts."""
        if self._until is None:
            return
        if self._clock is not None and self._clock.monotonic() >= self._until:
            self._until = None
            return
        raise DeviceUnreachable(f"{host}: {self._words}")


class Lockout:
    """One account with one password; `lock` is the user's, whatever the password."""

    def __init__(
        self, clock: Clock | None, lock: _Rest | None = None, refused: _Rest | None = None
    ) -> None:
        self._lock = lock or _Rest(clock)
        self._refused = refused or _Rest(clock)
        self._pause_s = REFUSED_LOGIN_PAUSE_S

    def heed(self, step: str, answer: Answer) -> None:
        """The dongle refused a step: remember it, if asking again would do harm."""
        if answer.code == LOCKED:
            words = f"its account is locked ({answer}), and each login would lock it anew"
            self._lock.begin(LOCK_S, words)
        elif step == "login" and answer.code not in _NOT_LOOKED_AT:
            words = (
                f"it refuses the login ({answer}), and more of them would lock its account: "
                "give the user and the password that its own web page takes (of a configured "
                "device: Account, on its card)"
            )
            self._refused.begin(self._pause_s, words)
            self._pause_s = min(2 * self._pause_s, MAX_LOGIN_PAUSE_S)

    def forgive(self) -> None:
        """It took a login."""
        self._pause_s = REFUSED_LOGIN_PAUSE_S

    def check(self, host: str) -> None:
        """Raise DeviceUnreachable while it must be left alone."""
        self._lock.check(host)
        self._refused.check(host)


class Lockouts:
    """What is known of each dongle and account, whichever door or trial asks: a corrected password
    may be tried at once, the refused one not again by adding the device once more, nor by a
    restart. While a user is locked, no password is tried."""

    def __init__(self, clock: Clock | None, embargoes: Embargoes | None = None) -> None:
        self._clock = clock
        self._embargoes = embargoes
        self._known: dict[tuple[str, Account], Lockout] = {}
        self._locks: dict[tuple[str, str], _Rest] = {}

    def of(self, dongle: str, account: Account) -> Lockout:
        """The one that is known, or a new one."""
        user = account.user or FACTORY.user
        lock = _kept(self._locks, (dongle, user), lambda: self._rest(f"{dongle} {user}"))

        def made() -> Lockout:
            secret = f"{dongle}\n{user}\n{account.password}".encode()
            return Lockout(self._clock, lock, self._rest(sha256(secret).hexdigest()))

        return _kept(self._known, (dongle, account), made)

    def _rest(self, name: str) -> _Rest:
        return _Rest(self._clock, name, self._embargoes)


def _kept(known: dict[Key, Kept], key: Key, make: Callable[[], Kept]) -> Kept:
    """Moves what is asked for to the end, so that the oldest goes beyond MAX_LOCKOUTS."""
    kept = known[key] = known.pop(key) if key in known else make()
    if len(known) > MAX_LOCKOUTS:
        del known[next(iter(known))]
    return kept
