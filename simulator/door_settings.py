"""What may be set of the doors themselves: the dongle's rules and certificate, the port's keys.

It owns the names, the defaults of each door, and what is wrong with a value in words; it opens
nothing. What a setting does is the door's own affair.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

from simulator.door import ENCRYPTED, WINET, WINET_TLS
from simulator.encrypted_door import Keys
from simulator.winet_sessions import FACTORY_PASSWORD, TOKEN_LIFE_S, Rules, Second

MAX_PASSWORD_CHARACTERS = 128
"""The longest password: a dongle reads no more of what a client sends."""

_SECONDS = ("takes", "refused")
_ON_OFF = {"true": True, "false": False}
_ENCRYPTED = ("answers_garbage", "answers_plain")
_SWITCHES = ("login_required", *_ENCRYPTED)


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """How the doors treat those who come."""

    token_life_s: float = TOKEN_LIFE_S
    """Dongles: plant seconds after which a token is refused (106)."""
    second: Second = "takes"
    """Dongles: whether a second client takes the session, or is refused."""
    password: str = FACTORY_PASSWORD
    """Dongles: of the account `admin`."""
    login_required: bool | None = None
    """Dongles: whether values need a login; None for the newer firmware alone."""
    certificate_folder: str = ""
    """Newer firmware: where its certificate is kept; "" for a new one with each start."""
    keys: Keys = Keys.DAILY
    """Encrypted port: what it hands out; all but `daily` mean that it speaks plainly."""
    answers_garbage: bool = False
    """Encrypted port: whether an old key is answered with garbage, or by hanging up."""
    answers_plain: bool = True
    """Encrypted port: whether whoever asked for no key is answered, or hung up on."""

    def __post_init__(self) -> None:
        self.rules(WINET)
        if not 0 < len(self.password) <= MAX_PASSWORD_CHARACTERS:
            raise ValueError(f"password has 1 to {MAX_PASSWORD_CHARACTERS} characters")

    def rules(self, door: str) -> Rules:
        """The rules of one dongle; raises ValueError."""
        wanted = door == WINET_TLS if self.login_required is None else self.login_required
        return Rules(self.token_life_s, self.second, self.password, wanted)

    def at_birth(self, door: str) -> dict[str, Any]:
        """What the class of a door takes besides face and troubles."""
        if door == ENCRYPTED:
            return {"keys": self.keys} | {name: getattr(self, name) for name in _ENCRYPTED}
        if door == WINET:
            return {"rules": self.rules(door)}
        if door == WINET_TLS:
            folder = Path(self.certificate_folder) if self.certificate_folder else None
            return {"rules": self.rules(door), "certificate_folder": folder}
        return {}

    def impose(self, door: Any) -> None:
        """Let a door that exists follow; a certificate stays where it is."""
        if door.name == ENCRYPTED:
            door.hand_out(self.keys)
            for name in _ENCRYPTED:
                setattr(door, name, getattr(self, name))
        elif door.name in (WINET, WINET_TLS):
            door.rules = self.rules(door.name)


NAMES = tuple(field.name for field in fields(DoorSettings))


def changed(settings: DoorSettings, changes: Mapping[str, Any]) -> DoorSettings:
    """The settings with some of them changed, from plain values; raises ValueError."""
    return replace(settings, **{name: _checked(name, value) for name, value in changes.items()})


def parse_setting(text: str) -> tuple[str, Any]:
    """`second=refused` as name and value; raises ValueError."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} sets nothing; write it like second=refused")
    if name in _SWITCHES:
        return name, _checked(name, _ON_OFF.get(value.lower(), value))
    if name == "token_life_s":
        return name, _checked(name, _number(value))
    return name, _checked(name, value)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _checked(name: str, value: Any) -> Any:
    if name not in NAMES:
        raise ValueError(f"no setting {name[:40]!r}; there are: {', '.join(NAMES)}")
    if name == "token_life_s":
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("token_life_s is a number of seconds")
        return float(value)
    if name in _SWITCHES:
        if not isinstance(value, bool):
            raise ValueError(f"{name} is true or false")
        return value
    if not isinstance(value, str):
        raise ValueError(f"{name} is a text")
    if name == "second" and value not in _SECONDS:
        raise ValueError(f"second is {value[:40]!r}; give {' or '.join(_SECONDS)}")
    if name == "keys":
        return _keys_named(value)
    return cast(Second, value) if name == "second" else value


def _keys_named(text: str) -> Keys:
    try:
        return Keys(text)
    except ValueError:
        raise ValueError(f"no keys {text[:40]!r}; there are: {', '.join(Keys)}") from None
