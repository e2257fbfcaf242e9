"""Joins one network without ever leaving the box worse off than before.

The order of things: look for the network; refuse what cannot work before touching anything;
remember what the box is connected to; try with a profile that vanishes by itself when it fails or
when this program dies; store it only once there is an address; and otherwise go back at once to
what was there before. No other network's profile is ever removed.

A script that blocks in between and hands back each step worth telling; whoever drives it calls
`advance` again. It owns one connection to the message bus from the first step to the last.
"""

import logging
from collections.abc import Iterator
from typing import TypeAlias

from server.errors import WifiRefused, WifiUnavailable
from server.host.access_points import Found, named, networks_of
from server.host.networkmanager import (
    CONNECTION,
    DEVICE,
    NAME,
    NOTHING,
    PROPERTIES,
    WPA_INTERFACE,
    WPA_NAME,
    Connectivity,
    NetworkManager,
    State,
)
from server.host.system_bus import BusRefused, BusTimeout, Signal, SystemBus
from server.host.wifi_profile import is_ours, kept, ssid_of, tried, uuid_of
from server.host.wifi_scan import scan_now
from server.host.wifi_words import (
    Course,
    DeviceChange,
    Failure,
    Hint,
    Target,
    absent,
    after,
    error_of,
    timed_out,
    told,
)
from server.model.request import JoinWifi
from server.model.wifi import (
    Security,
    WifiJoined,
    WifiReason,
    WifiStep,
    WifiTold,
    checked_psk,
    checked_ssid,
    shown_ssid,
)
from server.ports import Clock

JOIN_LIMIT_S = 75.0
"""From the activation to an address: NetworkManager looks 25 s for a network that is not there,
and a router has 30 s to hand out an address."""
SETTLE_LIMIT_S = 5.0
"""Until the adapter is free again after a failure; it takes a fraction of a second."""
RESTORE_LIMIT_S = 60.0
"""Until the old network is back; 0.7 s is usual, a crowded one with a slow router takes longer."""

log = logging.getLogger(__name__)

Script: TypeAlias = Iterator[WifiTold | WifiJoined]


class Attempt:
    """`ports.WifiAttempt`; see the module's docstring."""

    def __init__(self, bus: SystemBus, wanted: JoinWifi, clock: Clock) -> None:
        self._bus = bus
        self._nm = NetworkManager(bus)
        self._wanted = wanted
        self._clock = clock
        self._device = self._supplicant = ""
        self._settings = self._active = NOTHING
        self._script = self._run()

    def advance(self) -> WifiTold | WifiJoined:
        """As `ports.WifiAttempt`."""
        news = next(self._script)
        if isinstance(news, WifiJoined):
            self.close()
        return news

    def abort(self) -> None:
        """As `ports.WifiAttempt`."""
        self._bus.abort()

    def close(self) -> None:
        """As `ports.WifiAttempt`."""
        try:
            self._script.close()  # type: ignore[attr-defined]  # It is a generator.
        except ValueError:
            return  # A step is in flight after all; it closes the bus when it ends.
        self._bus.close()

    # -- the script ----------------------------------------------------------------------------

    def _run(self) -> Script:
        try:
            yield from self._join()
        except BusRefused as error:
            text = f"NetworkManager refuses: {self._without_secret(str(error))}"
            raise WifiRefused(WifiReason.REFUSED, text) from None
        finally:
            self._bus.close()

    def _join(self) -> Script:
        wanted, nm = self._wanted, self._nm
        name, psk = checked_ssid(wanted.ssid), checked_psk(wanted.psk)
        self._bus.open()
        self._device = nm.wifi_device()
        found = self._known()
        if found is None and not wanted.hidden:
            yield WifiTold(WifiStep.SCANNING, told(WifiStep.SCANNING, name))
            scan_now(nm, self._device, self._clock)
            found = self._known()
        if found is None and not wanted.hidden:
            raise error_of(absent(name))
        network = found or _unseen(name, psk)
        refuse_unfit(network, psk)
        self._listen()
        old = self._old()
        target = Target(name, found is not None, network.sae)
        yield WifiTold(WifiStep.CONNECTING, told(WifiStep.CONNECTING, name))
        failure: Failure | None = None
        try:
            yield from self._activate(network, target)
            self._keep(network, target)
        except _Failed as failed:
            failure = failed.failure
        if failure is None:
            yield self._joined(target)
            return
        yield WifiTold(WifiStep.FAILED, failure.text, failure.reason)
        raise error_of(failure, self._go_back(old))

    def _known(self) -> Found | None:
        """The network in what the radio knows at present."""
        return named(networks_of(self._nm.access_points(self._device)), self._wanted.ssid)

    def _listen(self) -> None:
        """Hear of the adapter, and from wpa_supplicant if we may."""
        rule = f"type='signal',sender='{NAME}',interface='{DEVICE}',path='{self._device}'"
        self._bus.listen(rule)
        interface = self._nm.get(self._device, DEVICE, "Interface")
        try:
            path = self._bus.call(
                WPA_NAME, "/fi/w1/wpa_supplicant1", WPA_NAME, "GetInterface", "s", interface
            )[0]
            self._bus.listen(f"type='signal',sender='{WPA_NAME}',path='{path}'")
            self._supplicant = path
        except (BusRefused, BusTimeout):
            pass  # Its hints only make answers quicker and more certain.

    def _old(self) -> str:
        """The settings of what the adapter is connected to; "/" for nothing."""
        if self._nm.get(self._device, DEVICE, "State") < State.PREPARE:
            return NOTHING
        return self._nm.active_settings(self._device)[1]

    def _activate(self, network: Found, target: Target) -> Script:
        """Until there is an address. Raises _Failed."""
        wanted = self._wanted
        profile = tried(network, wanted.psk, wanted.hidden)
        self._bus.forget_signals()
        deadline = self._clock.monotonic() + JOIN_LIMIT_S
        self._settings, self._active = self._nm.add_volatile(profile, self._device)
        course = Course(target)
        while not course.done:
            left_s = deadline - self._clock.monotonic()
            signal = self._bus.next_signal(left_s) if left_s > 0 else None
            if signal is None:
                raise _Failed(timed_out(course))
            event = self._event(signal)
            if event is None:
                continue
            before, course = course.step, after(course, event)
            if course.failure is not None:
                raise _Failed(course.failure)
            if course.step is not before:
                yield WifiTold(course.step, told(course.step, target.name))
        if self._nm.active_settings(self._device)[1] != self._settings:
            text = "Something else on this box connected its Wi-Fi meanwhile."
            raise _Failed(Failure(WifiReason.INTERRUPTED, text))

    def _event(self, signal: Signal) -> DeviceChange | Hint | None:
        if signal.path == self._device and signal.member == "StateChanged":
            new, _, reason = signal.body
            return DeviceChange(new, reason)
        if signal.path == self._supplicant and signal.interface == PROPERTIES:
            interface, changed, *_ = signal.body
            if interface == WPA_INTERFACE:
                return Hint(changed.get("AuthStatusCode"), changed.get("DisconnectReason"))
        return None

    def _keep(self, network: Found, target: Target) -> None:
        """Store what has proved itself. Raises _Failed: what is gone tomorrow is no success."""
        nm, wanted = self._nm, self._wanted
        try:
            settings = nm.call(self._settings, CONNECTION, "GetSettings")[0]
            nm.save(self._settings, kept(network, wanted.psk, wanted.hidden, uuid_of(settings)))
            self._replace_ours(network.ssid)
        except (BusRefused, WifiUnavailable) as error:
            text = f"{target.name} works, but NetworkManager cannot store it: "
            text += self._without_secret(str(error))
            raise _Failed(Failure(WifiReason.REFUSED, text)) from None

    def _joined(self, target: Target) -> WifiJoined:
        """What it is good for."""
        try:
            ip = self._nm.address(self._device)
        except BusRefused:
            ip = ""  # It changes at this moment; the next look finds it.
        reason, more = _beyond(self._connectivity())
        return WifiJoined(target.name, ip, f"Connected to {target.name}{more}.", reason)

    def _replace_ours(self, ssid: bytes) -> None:
        """Profiles of this very network that we stored earlier have had their day."""
        for path, settings in self._nm.stored().items():
            if path != self._settings and is_ours(settings) and ssid_of(settings) == ssid:
                self._nm.delete(path)

    def _connectivity(self) -> Connectivity | None:
        try:
            return self._nm.check_connectivity()
        except (BusRefused, WifiUnavailable):
            return None  # The network is joined; what is behind it shows in its own time.

    def _go_back(self, old: str) -> str:
        """Back to what was there before; what came of it, in words. Never raises."""
        try:
            return self._restored(old)
        except (BusRefused, WifiUnavailable) as error:
            log.warning("the old network did not come back", extra={"error": str(error)})
            return "The box goes back to a network it knows as soon as it can."

    def _restored(self, old: str) -> str:
        nm = self._nm
        self._clear_away()
        if old == NOTHING:
            return "The box is on no Wi-Fi, as before."
        name = self._name_of(old)
        if nm.active_settings(self._device)[1] != old:
            self._bus.forget_signals()
            nm.activate(old, self._device)
        reached = self._wait_for(RESTORE_LIMIT_S, State.ACTIVATED, State.FAILED)
        if reached == State.ACTIVATED:
            return f"The box is back on {name}."
        return f"The box goes back to {name} as soon as it can."

    def _clear_away(self) -> None:
        """The failed activation ends now, if it has not; with it its volatile profile goes."""
        state = self._nm.get(self._device, DEVICE, "State")
        if state not in (State.FAILED, State.DISCONNECTED):
            try:
                if self._nm.active_settings(self._device)[1] == self._settings:
                    self._nm.deactivate(self._active)
            except BusRefused:
                pass  # It has ended meanwhile.
        self._wait_for(SETTLE_LIMIT_S, State.DISCONNECTED, State.ACTIVATED)

    def _name_of(self, settings: str) -> str:
        raw = ssid_of(self._nm.call(settings, CONNECTION, "GetSettings")[0])
        return "its network" if raw is None else shown_ssid(raw)

    def _wait_for(self, limit_s: float, *states: State) -> int:
        """Until the adapter is in one of `states`; returns the state it is in then or at last."""
        deadline = self._clock.monotonic() + limit_s
        state: int = self._nm.get(self._device, DEVICE, "State")
        while state not in states:
            left_s = deadline - self._clock.monotonic()
            signal = self._bus.next_signal(left_s) if left_s > 0 else None
            if signal is None:
                break
            event = self._event(signal)
            if isinstance(event, DeviceChange):
                state = event.new
        return state

    def _without_secret(self, text: str) -> str:
        psk = self._wanted.psk
        return text.replace(psk, "…") if psk else text


class _Failed(Exception):
    """The activation came to nothing."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


def refuse_unfit(network: Found, psk: str) -> None:
    """Raise WifiRefused for what could only fail, or would not be what the owner means."""
    name = shown_ssid(network.ssid)
    if network.security is Security.ENTERPRISE:
        text = f"{name} is an enterprise network: it asks each user for a name of his own, "
        text += "which this box cannot have. Use a network with one password for all."
        raise WifiRefused(WifiReason.UNSUPPORTED, text)
    if network.security is Security.WEP:
        text = f"{name} is protected by WEP, which protects nothing. Set the router to WPA2."
        raise WifiRefused(WifiReason.UNSUPPORTED, text)
    if network.security is Security.OPEN and psk:
        text = f"{name} takes no password. Perhaps it is not the network you mean; "
        raise WifiRefused(WifiReason.PASSWORD_UNUSED, f"{text}if it is, leave the password out.")
    if network.security is not Security.OPEN and not psk:
        raise WifiRefused(WifiReason.PASSWORD_MISSING, f"{name} asks for a password.")


def _unseen(name: str, psk: str) -> Found:
    """A hidden network: what it takes is judged by what was given for it."""
    security = Security.WPA2 if psk else Security.OPEN
    return Found(name.encode("utf-8", "replace"), 0, security)


def _beyond(connectivity: Connectivity | None) -> tuple[WifiReason | None, str]:
    """What is behind the network, as far as anybody knows."""
    if connectivity is Connectivity.PORTAL:
        return WifiReason.NO_INTERNET, ", which wants you to sign in on a web page first"
    if connectivity in (Connectivity.NONE, Connectivity.LIMITED):
        return WifiReason.NO_INTERNET, ", but there is no internet behind it"
    return None, ""
