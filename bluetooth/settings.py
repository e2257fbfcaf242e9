"""What this process is told at its start: command line, then environment, then defaults.

The only reader of the environment here. What the door may do is not set here but at the gateway
(`bluetooth.legacy_apps`, `bluetooth.window_s`), so that the owner finds it where all settings are.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bluetooth.errors import SettingWrong
from bluetooth.window import MAX_WINDOW_S, MIN_WINDOW_S

DEFAULT_API_URL = "http://127.0.0.1:8080"
DEFAULT_DATA = "data"

NO_BUTTON = -1
"""Pin of a box without a button; then only the owner opens the door."""

NO_LAMP = -1
"""Pin of a box without a lamp; then it does not offer to show which one it is."""

MAX_PIN = 255
"""Beyond every chip's numbers."""

MAX_NAME_BYTES = 26
"""Of the advertised name: beside flags it must fit into the 31 bytes of a scan response."""

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
RADIOS = ("auto", "bluez", "bless")

TOKEN_VARIABLE = "EGRET_API_TOKEN"
"""Variable with the bearer token for the gateway's API; never on the command line, where every
process of the machine can read it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be chosen at the start."""

    api_url: str = DEFAULT_API_URL
    name: str = ""
    """What is advertised; "": Egret and the end of the box's serial number."""
    adapter: str = ""
    """As in hci0; "": the first one."""
    button_pin: int = NO_BUTTON
    """GPIO number (BCM on a Raspberry Pi)."""
    led_pin: int = NO_LAMP
    """GPIO number, as above."""
    window_s: float | None = None
    """None: as the gateway says."""
    log_level: str = "INFO"
    data: Path = Path(DEFAULT_DATA)
    radio: str = "auto"
    """Which peripheral; for tests and for finding faults."""
    token_file: Path | None = None
    """None: in the data folder."""
    token: str | None = field(default=None, repr=False)
    """From the environment; stands above the file."""


def _pin(text: str) -> int:
    if text.strip().lower() in ("", "none", "-1"):
        return NO_BUTTON
    if not text.isdecimal() or int(text) > MAX_PIN:
        raise ValueError(f"use a GPIO number from 0 to {MAX_PIN}, or -1 for none")
    return int(text)


def _window(text: str) -> float:
    try:
        window_s = float(text)
    except ValueError:
        window_s = -1.0
    if not MIN_WINDOW_S <= window_s <= MAX_WINDOW_S:
        raise ValueError(f"use {MIN_WINDOW_S:g} to {MAX_WINDOW_S:g} seconds")
    return window_s


def _name(text: str) -> str:
    if not text.isprintable() or len(text.encode()) > MAX_NAME_BYTES:
        raise ValueError(f"use at most {MAX_NAME_BYTES} bytes of printable text")
    return text


def _one_of(words: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        for word in words:
            if text.lower() == word.lower():
                return word
        raise ValueError(f"use one of {', '.join(words)}")

    return read


@dataclass(frozen=True, slots=True)
class Choice:
    """One setting: its option, its variable, how it is read, and what it is for."""

    field: str
    variable: str
    metavar: str
    read: Callable[[str], object]
    help: str

    @property
    def option(self) -> str:
        """As on the command line."""
        return "--" + self.field.replace("_", "-").removesuffix("-s")


CHOICES = (
    Choice("api_url", "EGRET_API_URL", "URL", str, f"the gateway (default: {DEFAULT_API_URL})"),
    Choice(
        "name", "EGRET_BLUETOOTH_NAME", "NAME", _name, "what phones see (default: Egret XXXXXX)"
    ),
    Choice("adapter", "EGRET_BLUETOOTH_ADAPTER", "hci0", str, "the adapter (default: the first)"),
    Choice(
        "button_pin",
        "EGRET_BUTTON_PIN",
        "N",
        _pin,
        "GPIO of the button between pin and ground; -1: none (default)",
    ),
    Choice(
        "led_pin",
        "EGRET_LED_PIN",
        "N",
        _pin,
        "GPIO of a lamp that blinks when an app asks which box it is; -1: none (default)",
    ),
    Choice(
        "window_s",
        "EGRET_BLUETOOTH_WINDOW_S",
        "SECONDS",
        _window,
        "how long the door stays open (default: as set at the gateway, else 180)",
    ),
    Choice(
        "log_level",
        "EGRET_LOG_LEVEL",
        "LEVEL",
        _one_of(LOG_LEVELS),
        f"{', '.join(LOG_LEVELS[:-1])} or {LOG_LEVELS[-1]} (default: INFO)",
    ),
    Choice(
        "data",
        "EGRET_DATA",
        "DIR",
        Path,
        f"shared with the gateway: label, token (default: {DEFAULT_DATA})",
    ),
    Choice(
        "token_file",
        "EGRET_TOKEN_FILE",
        "FILE",
        Path,
        "the token for the gateway's API (default: bluetooth_token in DIR, made by the gateway)",
    ),
    Choice("radio", "EGRET_BLUETOOTH_RADIO", "KIND", _one_of(RADIOS), "auto, bluez or bless"),
)
"""All of them; the help and docs/bluetooth.md are made from it."""


def environment() -> Mapping[str, str]:
    """The process's environment."""
    return os.environ


def load(given: Mapping[str, str | None], environ: Mapping[str, str]) -> Settings:
    """Settings from what the command line gave (None: not given) over the environment.

    Raises SettingWrong naming the option or the variable.
    """
    values: dict[str, object] = {}
    for choice in CHOICES:
        told = given.get(choice.field)
        by = choice.option
        if told is None:
            told, by = environ.get(choice.variable), choice.variable
        if told is None:
            continue
        try:
            values[choice.field] = choice.read(told)
        except ValueError as error:
            raise SettingWrong(f"{by}: {error}") from None
    token = environ.get(TOKEN_VARIABLE) or None
    return Settings(**values, token=token)  # type: ignore[arg-type]  # Read by their own rules.
