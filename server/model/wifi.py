"""What the box knows of Wi-Fi and of the phone's door, and the rules of a name and a password.

Values alone. A password is in no `repr` and in no text that is made here.
"""

from dataclasses import dataclass
from enum import StrEnum

from server.errors import WifiRefused

MAX_SSID_BYTES = 32
"""Longest name of a network: IEEE Std 802.11-2020, 9.4.2.2."""
MIN_PSK_BYTES = 8
"""Shortest WPA passphrase: IEEE Std 802.11-2020, J.4.1. NetworkManager takes shorter ones and
fails with them as if they were wrong, so they are refused before anything is touched."""
MAX_PSK_BYTES = 63
"""Longest WPA passphrase, from the same place; 64 hexadecimal digits are the key itself."""
KEY_DIGITS = 64
_HEX = frozenset("0123456789abcdefABCDEF")


class Security(StrEnum):
    """How a network is protected. One that takes WPA2 and WPA3 counts as WPA2."""

    OPEN = "open"
    WEP = "wep"
    WPA = "wpa"
    WPA2 = "wpa2"
    ENTERPRISE = "wpa2-eap"
    """Asks for a user's own name and certificate: nothing that a box in a house could have."""
    WPA3 = "wpa3"


class WifiStep(StrEnum):
    """What the radio is doing."""

    IDLE = "idle"
    SCANNING = "scanning"
    CONNECTING = "connecting"
    AUTHENTICATING = "authenticating"
    GETTING_ADDRESS = "getting_address"
    CHECKING_INTERNET = "checking_internet"
    CONNECTED = "connected"
    FAILED = "failed"


class WifiReason(StrEnum):
    """Why a network was not joined, or joined to little use."""

    WRONG_PASSWORD = "wrong_password"
    NOT_FOUND = "not_found"
    NO_ADDRESS = "no_address"
    NO_INTERNET = "no_internet"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    VANISHED = "vanished"
    """It was there when the box began to join it, and went out of reach."""
    REFUSED = "refused"
    INTERRUPTED = "interrupted"
    """Somebody else changed the connection meanwhile."""
    BAD_NAME = "bad_name"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    BAD_PASSWORD = "bad_password"
    PASSWORD_MISSING = "password_missing"
    PASSWORD_UNUSED = "password_unused"
    """A password was given for a network that takes none: perhaps it is not the one meant."""
    UNSUPPORTED = "unsupported"
    """Enterprise and WEP networks."""


@dataclass(frozen=True, slots=True)
class WifiNetwork:
    """One network in range, however many access points it has; `signal_percent` is the best."""

    ssid: str
    signal_percent: int
    security: Security
    saved: bool = False


@dataclass(frozen=True, slots=True)
class WifiConnection:
    """A stored connection, of whatever kind, without its secrets."""

    name: str
    uuid: str
    kind: str
    """NetworkManager's word: `802-11-wireless`, `802-3-ethernet`, ..."""
    ssid: str | None = None
    autoconnect: bool = True
    hidden: bool = False
    ipv4_method: str = ""
    ipv6_method: str = ""


@dataclass(frozen=True, slots=True)
class WifiState:
    """What the radio sees and is connected to; `message` says it, or why there is none."""

    available: bool
    message: str
    connected: str | None = None
    networks: tuple[WifiNetwork, ...] = ()
    """Strongest first."""
    connections: tuple[WifiConnection, ...] = ()
    internet: bool | None = None
    """What NetworkManager found out; None when it does not look."""


@dataclass(frozen=True, slots=True)
class WifiProgress:
    """What is being done at present; `number` rises with each change."""

    number: int = 0
    ssid: str | None = None
    step: WifiStep = WifiStep.IDLE
    reason: WifiReason | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class WifiView:
    """Wi-Fi as a snapshot shows it."""

    state: WifiState = WifiState(False, "The box has not looked at its Wi-Fi yet.")
    progress: WifiProgress = WifiProgress()


@dataclass(frozen=True, slots=True)
class WifiTold:
    """One step of joining, as whoever joins tells it."""

    step: WifiStep
    message: str
    reason: WifiReason | None = None


@dataclass(frozen=True, slots=True)
class WifiJoined:
    """The box is on the network; `reason` is None or NO_INTERNET."""

    ssid: str
    ip: str
    message: str
    reason: WifiReason | None = None


def checked_ssid(ssid: str) -> str:
    """A name that a network may have; raises WifiRefused."""
    if not ssid:
        raise WifiRefused(WifiReason.BAD_NAME, "ssid: give the name of the network")
    if len(ssid.encode("utf-8", "replace")) > _longest(ssid):
        text = f"ssid: the name of a network has at most {MAX_SSID_BYTES} bytes"
        raise WifiRefused(WifiReason.BAD_NAME, text)
    return ssid


def _longest(ssid: str) -> int:
    """Bytes that are no text are listed as four characters each, and may come back like that."""
    return MAX_SSID_BYTES * 4 if "\\x" in ssid else MAX_SSID_BYTES


def checked_psk(psk: str) -> str:
    """A password that a network may have, "" for none; raises WifiRefused, never repeating it."""
    if not psk or (len(psk) == KEY_DIGITS and set(psk) <= _HEX):
        return psk
    if not psk.isprintable():
        text = "psk: the password holds characters that cannot be typed, perhaps a line end"
        raise WifiRefused(WifiReason.BAD_PASSWORD, text)
    size = len(psk.encode("utf-8", "replace"))
    if size < MIN_PSK_BYTES:
        text = f"psk: a Wi-Fi password has at least {MIN_PSK_BYTES} characters"
        raise WifiRefused(WifiReason.TOO_SHORT, text)
    if size > MAX_PSK_BYTES:
        text = (
            f"psk: a Wi-Fi password has at most {MAX_PSK_BYTES} characters, "
            f"or is {KEY_DIGITS} hexadecimal digits"
        )
        raise WifiRefused(WifiReason.TOO_LONG, text)
    return psk


def shown_ssid(raw: bytes) -> str:
    """The name for people; bytes that are no UTF-8 are spelt as `\\xNN`."""
    return raw.decode("utf-8", "backslashreplace")
