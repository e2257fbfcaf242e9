"""Who may ask the dongle: tokens, the one session, the account and its lock.

Rules. There is one session. A second `connect` takes it (and the first is told), or is refused
while the first one's websocket is open: as configured. A token dies of age, of a logout, of a
login (which gives a new one) and of a session taken over. After MAX_BAD_LOGINS wrong passwords in
a row the account is locked for LOCK_S. All times are plant time, passed in; it reads no clock.
"""

import hmac
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

MAX_BAD_LOGINS = 5
"""Wrong passwords in a row until the account is locked."""

LOCK_S = 1800.0
"""How long a locked account stays so: half an hour, as owners report."""

TOKEN_LIFE_S = 3600.0
"""The age at which a token is no longer taken; the vendor does not publish the dongles' own."""

USERNAME = "admin"
FACTORY_PASSWORD = "pw8888"

Second = Literal["takes", "refused"]
Farewell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Rules:
    """How a dongle treats those who ask."""

    token_life_s: float = TOKEN_LIFE_S
    second: Second = "takes"
    """What a second `connect` does while a session lives."""
    password: str = FACTORY_PASSWORD
    login_required: bool = False
    """Whether values need a login; the newer firmware's do."""

    def __post_init__(self) -> None:
        if not self.token_life_s > 0:
            raise ValueError(f"token_life_s is {self.token_life_s:g}; give more than 0")
        if self.second not in ("takes", "refused"):
            raise ValueError(f"second is {self.second!r}; give takes or refused")


@dataclass(slots=True)
class Session:
    """The one session: its token, and how to reach the websocket that it came by."""

    token: str
    since_s: float
    farewell: Farewell | None = None
    """Tells the client on its websocket why the session ends; None without a websocket."""
    trusted: bool = False
    """Whether it has logged in, or has been raised otherwise."""


class Locked(Exception):
    """The account is locked; no password is looked at."""


class Sessions:
    """The one session of one dongle."""

    def __init__(self, rules: Rules, seed: str) -> None:
        self.rules = rules
        self._dice = random.Random(seed)
        self._live: Session | None = None
        self._bad_logins = 0
        self._locked_until_s = 0.0

    def connect(self, now_s: float, farewell: Farewell | None = None) -> Session | None:
        """Begin a session; None when another one is held and may not be taken."""
        held = self._living(now_s)
        if held is not None and held.farewell is not farewell:
            if self.rules.second == "refused" and held.farewell is not None:
                return None
            if held.farewell is not None:
                held.farewell("normal user limit")
        self._live = Session(self._token(), now_s, farewell)
        return self._live

    def login(self, token: str, username: str, password: str, now_s: float) -> Session | None:
        """Log the session in: it gets a new token. None for a wrong password or token."""
        if now_s < self._locked_until_s:
            raise Locked
        right = username == USERNAME and _same(password, self.rules.password)
        if not right:
            self._bad_logins += 1
            if self._bad_logins >= MAX_BAD_LOGINS:
                self._bad_logins = 0
                self._locked_until_s = now_s + LOCK_S
                raise Locked
            return None
        session = self.of(token, now_s)
        if session is None:
            return None
        self._bad_logins = 0
        session.token = self._token()
        session.since_s = now_s
        session.trusted = True
        return session

    def of(self, token: str, now_s: float) -> Session | None:
        """The session of a token that is still taken."""
        session = self._living(now_s)
        return session if session is not None and _same(token, session.token) else None

    def may_read(self, session: Session) -> bool:
        """Whether its rights suffice for values."""
        return session.trusted or not self.rules.login_required

    def logout(self, token: str, now_s: float) -> None:
        """End the session of this token."""
        if self.of(token, now_s) is not None:
            self._live = None

    def part(self, farewell: Farewell) -> None:
        """The websocket has gone: the token lives on, but the session may now be taken."""
        if self._live is not None and self._live.farewell is farewell:
            self._live.farewell = None

    def forget(self) -> None:
        """The dongle starts anew: no token of before is taken."""
        self._live = None

    def _living(self, now_s: float) -> Session | None:
        """The session, unless its token has died of age (or the clock has gone back)."""
        session = self._live
        if session is None or not 0 <= now_s - session.since_s < self.rules.token_life_s:
            return None
        return session

    def _token(self) -> str:
        return str(uuid.UUID(int=self._dice.getrandbits(128), version=4))


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
