"""What NetworkManager's reasons mean, and in which words a person is told. Pure.

The rules, each as it was observed with NetworkManager 1.42 and wpa_supplicant 2.10:
- Only the device's state tells why; the active connection says "disconnected" for everything.
- Until the device reaches `prepare`, its changes are the old connection being taken down.
- Every activation passes need-auth with reason 0. With reason 8 it is a refused WPA2 key.
- A password of a length that cannot be ends as failed 7 without a need-auth 8.
- A wrong WPA3 password ends as "network not found" (53), after half a minute. What tells it apart:
  the network was seen a moment ago, and wpa_supplicant reports authentications refused with
  status 1 (unspecified), again and again; three of them are enough to stop waiting.
- A router that hands out no address is failed 5.
"""

from dataclasses import dataclass, replace

from server.errors import EgretError, WifiRefused, WifiUnanswered, WifiUnavailable
from server.host.networkmanager import State
from server.model.wifi import WifiReason, WifiStep

MAX_SAE_REFUSALS = 3
"""Refused WPA3 handshakes after which the password is taken to be wrong; one may be chance."""

_HANDSHAKE_TIMEOUT = 15
"""IEEE 802.11 reason code 15, 4-way handshake timeout: what a wrong WPA2 key looks like."""
_UNSPECIFIED_FAILURE = 1
"""IEEE 802.11 status code 1: what hostapd answers a wrong WPA3 password with."""
_SUPPLICANT_DISCONNECT = 8
"""NM_DEVICE_STATE_REASON_SUPPLICANT_DISCONNECT."""
NOT_FOUND = 53
"""NM_DEVICE_STATE_REASON_SSID_NOT_FOUND."""

_NO_SECRETS = frozenset({7})
_SUPPLICANT = frozenset({8, 9, 10, 11})
_NO_ADDRESS = frozenset({5, 6, 15, 16, 17})
_OTHERS = frozenset({38, 39, 60})
"""The profile was removed, somebody disconnected, somebody connected to something else."""
_ADAPTER = frozenset({3, 35, 36, 37})
"""Not managed any more, firmware missing, unplugged, asleep."""

_STEPS = {
    State.PREPARE: WifiStep.CONNECTING,
    State.CONFIG: WifiStep.CONNECTING,
    State.NEED_AUTH: WifiStep.AUTHENTICATING,
    State.IP_CONFIG: WifiStep.GETTING_ADDRESS,
    State.IP_CHECK: WifiStep.CHECKING_INTERNET,
    State.SECONDARIES: WifiStep.CHECKING_INTERNET,
}
_ORDER = [*WifiStep]


@dataclass(frozen=True, slots=True)
class Target:
    """What is being joined: its name for people, and what the scan knew of it."""

    name: str
    seen: bool
    sae: bool = False
    protected: bool = True


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """The adapter went to state `new`, for `reason` (NMDeviceStateReason)."""

    new: int
    reason: int


@dataclass(frozen=True, slots=True)
class Hint:
    """What wpa_supplicant reported: an 802.11 status of authentication, or reason of leaving."""

    auth_status: int | None = None
    disconnect_reason: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why it did not work."""

    reason: WifiReason
    text: str


@dataclass(frozen=True, slots=True)
class Course:
    """An activation so far. It is over when `failure` is set or `done` is True."""

    target: Target
    step: WifiStep = WifiStep.CONNECTING
    begun: bool = False
    """The adapter has begun with what we asked for."""
    key_refused: bool = False
    sae_refusals: int = 0
    done: bool = False
    failure: Failure | None = None


def after(course: Course, event: DeviceChange | Hint) -> Course:
    """The course after one more event."""
    if isinstance(event, Hint):
        return _hinted(course, event)
    state = event.new
    if not course.begun:
        return replace(course, begun=True) if state == State.PREPARE else course
    if state == State.ACTIVATED:
        return replace(course, step=WifiStep.CHECKING_INTERNET, done=True)
    if state == State.NEED_AUTH and event.reason == _SUPPLICANT_DISCONNECT:
        refused = Failure(WifiReason.WRONG_PASSWORD, _wrong_password(course.target))
        return replace(course, step=WifiStep.AUTHENTICATING, key_refused=True, failure=refused)
    if state in _STEPS:
        return replace(course, step=_later(course.step, _STEPS[State(state)]))
    return replace(course, failure=_ended(course, event.reason))


def timed_out(course: Course) -> Failure:
    """What to say when nothing happens any more."""
    if course.step is WifiStep.GETTING_ADDRESS:
        return _no_address(course.target)
    text = f"{course.target.name} did not let the box in within the time it had. Try again nearer."
    return Failure(WifiReason.TIMEOUT, text)


def lost(reason: int, name: str | None) -> str:
    """Why the adapter is on no network, by the reason of its present state; "" if unremarkable."""
    if reason == NOT_FOUND:
        return f"{name or 'The network'} is out of range."
    return ""


def error_of(failure: Failure, more: str = "") -> EgretError:
    """The error that answers whoever asked; its class says what to do."""
    text = f"{failure.text} {more}".strip()
    reason = failure.reason
    if reason in (WifiReason.NO_ADDRESS, WifiReason.TIMEOUT, WifiReason.VANISHED):
        return WifiUnanswered(reason, text)
    if reason in (WifiReason.UNAVAILABLE,):
        return WifiUnavailable(text)
    if reason is WifiReason.INTERRUPTED:
        return WifiUnanswered(reason, text)
    return WifiRefused(reason, text)


def told(step: WifiStep, name: str) -> str:
    """What is being done, in words."""
    words = {
        WifiStep.SCANNING: f"Looking for {name}.",
        WifiStep.CONNECTING: f"Connecting to {name}.",
        WifiStep.AUTHENTICATING: f"{name} checks the password.",
        WifiStep.GETTING_ADDRESS: f"{name} let the box in; asking it for an address.",
        WifiStep.CHECKING_INTERNET: f"Connected to {name}; checking what is behind it.",
    }
    return words.get(step, "")


def _hinted(course: Course, hint: Hint) -> Course:
    if hint.disconnect_reason is not None and abs(hint.disconnect_reason) == _HANDSHAKE_TIMEOUT:
        return replace(course, key_refused=True)
    if hint.auth_status != _UNSPECIFIED_FAILURE:
        return course
    refusals = course.sae_refusals + 1
    course = replace(course, sae_refusals=refusals)
    if course.begun and course.target.sae and refusals >= MAX_SAE_REFUSALS:
        failure = Failure(WifiReason.WRONG_PASSWORD, _probably_wrong(course.target))
        return replace(course, failure=failure)
    return course


def _later(now: WifiStep, reached: WifiStep) -> WifiStep:
    """A second round through the early states, after the password, is no step back."""
    return max(now, reached, key=_ORDER.index)


def _ended(course: Course, reason: int) -> Failure:
    """The activation ended; `reason` is the device's."""
    target = course.target
    if reason in _NO_SECRETS:
        return Failure(WifiReason.WRONG_PASSWORD, _wrong_password(target))
    if reason in _NO_ADDRESS:
        return _no_address(target)
    if reason == NOT_FOUND:
        return _not_found(course)
    if reason in _SUPPLICANT and course.key_refused:
        return Failure(WifiReason.WRONG_PASSWORD, _wrong_password(target))
    if reason in _SUPPLICANT:
        text = f"{target.name} turned the box away. Check the password, and whether it lets in "
        return Failure(WifiReason.REFUSED, f"{text}new devices.")
    if reason in _OTHERS:
        text = f"Something else on this box changed the connection while it joined {target.name}."
        return Failure(WifiReason.INTERRUPTED, text)
    if reason in _ADAPTER:
        text = "The Wi-Fi adapter stopped working, or was taken away."
        return Failure(WifiReason.UNAVAILABLE, text)
    text = f"{target.name} could not be joined (NetworkManager's reason {reason})."
    return Failure(WifiReason.REFUSED, text)


def _not_found(course: Course) -> Failure:
    """Reason 53 is said of three quite different things."""
    target = course.target
    if course.key_refused:
        return Failure(WifiReason.WRONG_PASSWORD, _wrong_password(target))
    if course.sae_refusals or (target.seen and target.sae):
        return Failure(WifiReason.WRONG_PASSWORD, _probably_wrong(target))
    if target.seen:
        text = f"{target.name} was in range a moment ago and is not any more. Try again nearer."
        return Failure(WifiReason.VANISHED, text)
    return absent(target.name)


def absent(name: str) -> Failure:
    """There is no such network."""
    text = (
        f"There is no network named {name} in range. Check the spelling, capital letters count; "
        "a network that hides its name has to be joined as hidden."
    )
    return Failure(WifiReason.NOT_FOUND, text)


def _wrong_password(target: Target) -> str:
    return f"The password for {target.name} is wrong."


def _probably_wrong(target: Target) -> str:
    return (
        f"{target.name} refuses the box: most likely the password is wrong "
        "(WPA3 networks do not say so)."
    )


def _no_address(target: Target) -> Failure:
    text = (
        f"{target.name} let the box in but gave it no address. "
        "Restart the router, or look whether its DHCP server is on."
    )
    return Failure(WifiReason.NO_ADDRESS, text)
