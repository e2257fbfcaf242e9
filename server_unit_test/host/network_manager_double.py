"""NetworkManager and wpa_supplicant as a box meets them on the bus, with a street of networks.

A double of the foreign services, not of our code. What the adapter's state does, and for which
reasons, is what NetworkManager 1.42 with wpa_supplicant 2.10 was observed to do:

    right password        prepare, config, need-auth 0, prepare, config, ip-config, ... activated
    wrong WPA2 password   ... config -> need-auth 8 -> failed 7
    too short a password  is taken; config -> need-auth 0 -> failed 7
    absent network        config -> failed 53
    wrong WPA3 password   config -> failed 53; wpa_supplicant: AuthStatusCode 1, repeatedly
    no DHCP server        ip-config -> failed 5
    access point gone     activated -> failed 53

A volatile profile vanishes when its connection ends. Everything that takes seconds there takes
some milliseconds here. Runs on an event loop in a thread of its own; needs a bus to stand on.
"""

# flake8: noqa: F821, F722  # The annotations of bus methods are signatures, not names.
# mypy: disable-error-code="name-defined, valid-type, no-untyped-def, no-untyped-call, misc"

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Annotated, Any

from dbus_fast import DBusError, PropertyAccess, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

NM = "org.freedesktop.NetworkManager"
ROOT = "/org/freedesktop/NetworkManager"
SETTINGS = f"{ROOT}/Settings"
DEVICE = f"{ROOT}/Devices/3"
WIRED = f"{ROOT}/Devices/1"
WPA = "fi.w1.wpa_supplicant1"
WPA_ROOT = "/fi/w1/wpa_supplicant1"
WPA_INTERFACE = f"{WPA_ROOT}/Interfaces/0"

UNMANAGED, UNAVAILABLE, DISCONNECTED, PREPARE, CONFIG, NEED_AUTH = 10, 20, 30, 40, 50, 60
IP_CONFIG, IP_CHECK, SECONDARIES, ACTIVATED, DEACTIVATING, FAILED = 70, 80, 90, 100, 110, 120

STEP_S = 0.002
"""Between two states."""
HOMING_S = 0.5
"""Until the adapter connects to a stored network by itself."""

PSK, SAE = 0x100, 0x400
"""Bits of an access point's RsnFlags."""


@dataclass
class Network:
    """One network of the street."""

    ssid: bytes
    psk: str = ""
    rsn: int = PSK
    wpa: int = 0
    privacy: bool = True
    strength: int = 80
    address: str = "10.42.1.10"
    """"" when there is no DHCP server."""
    hidden: bool = False
    in_range: bool = True
    gone_while_joining: bool = False


@dataclass
class Profile:
    """One stored or volatile connection, with its secret."""

    path: str
    settings: dict[str, dict[str, Variant]]
    volatile: bool = False
    saved: int = 0
    """How often it was written to disk."""

    @property
    def ssid(self) -> bytes:
        """The network it is for."""
        return bytes(self.settings["802-11-wireless"]["ssid"].value)

    @property
    def psk(self) -> str:
        """Its password."""
        section = self.settings.get("802-11-wireless-security", {})
        return str(section["psk"].value) if "psk" in section else ""

    @property
    def without_secrets(self) -> dict[str, dict[str, Variant]]:
        """As GetSettings tells it."""
        shown = {name: dict(section) for name, section in self.settings.items()}
        shown.get("802-11-wireless-security", {}).pop("psk", None)
        return shown


@dataclass
class Street:
    """What a test arranges and looks at."""

    networks: list[Network] = field(default_factory=list)
    profiles: dict[str, Profile] = field(default_factory=dict)
    state: int = DISCONNECTED
    reason: int = 0
    device_types: tuple[int, ...] = (1, 2)
    last_scan: int = 1000
    scans: int = 0
    scan_hangs: bool = False
    hints: int = 0
    """How many refused authentications wpa_supplicant reports before NetworkManager gives up."""
    supplicant: bool = True
    connectivity_enabled: bool = False
    connectivity: int = 4
    save_error: str = ""
    stuck_at: int = 0
    """The state in which an activation stops for ever."""
    history: list[tuple[int, int]] = field(default_factory=list)
    """States and reasons, in order."""
    calls: list[str] = field(default_factory=list)

    def network(self, ssid: bytes) -> Network | None:
        """The one that can be heard under this name."""
        found = [each for each in self.networks if each.ssid == ssid and each.in_range]
        return found[0] if found else None

    def names(self) -> list[bytes]:
        """The networks that something is stored for, sorted."""
        return sorted(each.ssid for each in self.profiles.values())


class _Point(ServiceInterface):
    def __init__(self, network: Network) -> None:
        super().__init__(f"{NM}.AccessPoint")
        self._network = network

    @dbus_property(access=PropertyAccess.READ)
    def Ssid(self) -> "ay":
        return b"" if self._network.hidden else self._network.ssid

    @dbus_property(access=PropertyAccess.READ)
    def Strength(self) -> "y":
        return self._network.strength

    @dbus_property(access=PropertyAccess.READ)
    def Flags(self) -> "u":
        return int(self._network.privacy)

    @dbus_property(access=PropertyAccess.READ)
    def WpaFlags(self) -> "u":
        return self._network.wpa

    @dbus_property(access=PropertyAccess.READ)
    def RsnFlags(self) -> "u":
        return self._network.rsn


class _Stored(ServiceInterface):
    def __init__(self, machine: "Machine", profile: Profile) -> None:
        super().__init__(f"{NM}.Settings.Connection")
        self._machine, self._profile = machine, profile

    @dbus_method()
    def GetSettings(self) -> "a{sa{sv}}":
        return self._profile.without_secrets

    @dbus_method()
    def Update2(self, settings: "a{sa{sv}}", flags: "u", arguments: "a{sv}") -> "a{sv}":
        street = self._machine.street
        if street.save_error:
            raise DBusError(f"{NM}.Settings.Connection.Failed", street.save_error)
        before = self._profile.settings["connection"]["uuid"].value
        if settings["connection"]["uuid"].value != before:
            raise DBusError(f"{NM}.Settings.Connection.InvalidProperty", "uuid")
        assert 0x1 | 0x40 == flags, flags
        self._profile.settings = settings
        self._profile.volatile = False
        self._profile.saved += 1
        return {}

    @dbus_method()
    def Delete(self):
        self._machine.remove(self._profile.path)


class _Settings(ServiceInterface):
    def __init__(self, machine: "Machine") -> None:
        super().__init__(f"{NM}.Settings")
        self._machine = machine

    @dbus_method()
    def ListConnections(self) -> "ao":
        return list(self._machine.street.profiles)


class _Active(ServiceInterface):
    def __init__(self, settings: str) -> None:
        super().__init__(f"{NM}.Connection.Active")
        self._settings = settings

    @dbus_property(access=PropertyAccess.READ)
    def Connection(self) -> "o":
        return self._settings


class _Address(ServiceInterface):
    def __init__(self, address: str) -> None:
        super().__init__(f"{NM}.IP4Config")
        self._address = address

    @dbus_property(access=PropertyAccess.READ)
    def AddressData(self) -> "aa{sv}":
        return [{"address": Variant("s", self._address), "prefix": Variant("u", 24)}]


class _Wired(ServiceInterface):
    def __init__(self, kind: int) -> None:
        super().__init__(f"{NM}.Device")
        self._kind = kind

    @dbus_property(access=PropertyAccess.READ)
    def DeviceType(self) -> "u":
        return self._kind

    @dbus_property(access=PropertyAccess.READ)
    def State(self) -> "u":
        return ACTIVATED


class _Device(ServiceInterface):
    def __init__(self, machine: "Machine") -> None:
        super().__init__(f"{NM}.Device")
        self._machine = machine

    @dbus_property(access=PropertyAccess.READ)
    def DeviceType(self) -> "u":
        return 2

    @dbus_property(access=PropertyAccess.READ)
    def Interface(self) -> "s":
        return "wlan0"

    @dbus_property(access=PropertyAccess.READ)
    def State(self) -> "u":
        return self._machine.street.state

    @dbus_property(access=PropertyAccess.READ)
    def StateReason(self) -> "(uu)":
        return [self._machine.street.state, self._machine.street.reason]

    @dbus_property(access=PropertyAccess.READ)
    def ActiveConnection(self) -> "o":
        return self._machine.active or "/"

    @dbus_property(access=PropertyAccess.READ)
    def Ip4Config(self) -> "o":
        return self._machine.ip_path or "/"

    @dbus_signal()
    def StateChanged(self, new, old, reason) -> "uuu":
        return [new, old, reason]


class _Wireless(ServiceInterface):
    def __init__(self, machine: "Machine") -> None:
        super().__init__(f"{NM}.Device.Wireless")
        self._machine = machine

    @dbus_method()
    def GetAllAccessPoints(self) -> "ao":
        return self._machine.points()

    @dbus_method()
    def RequestScan(self, options: "a{sv}"):
        self._machine.scan()

    @dbus_property(access=PropertyAccess.READ)
    def LastScan(self) -> "x":
        return self._machine.street.last_scan


class _Manager(ServiceInterface):
    def __init__(self, machine: "Machine") -> None:
        super().__init__(NM)
        self._machine = machine

    @dbus_method()
    def GetDevices(self) -> "ao":
        kinds = {1: WIRED, 2: DEVICE}
        return [kinds[each] for each in self._machine.street.device_types]

    @dbus_method()
    def AddAndActivateConnection2(
        self, settings: "a{sa{sv}}", device: "o", point: "o", options: "a{sv}"
    ) -> "ooa{sv}":
        assert "volatile" == options["persist"].value
        return [*self._machine.add_and_activate(settings), {}]

    @dbus_method()
    def ActivateConnection(self, settings: "o", device: "o", point: "o") -> "o":
        self._machine.street.calls.append("activate")
        return self._machine.activate(settings)

    @dbus_method()
    def DeactivateConnection(self, active: "o"):
        self._machine.street.calls.append("deactivate")
        self._machine.end(39)

    @dbus_method()
    def CheckConnectivity(self) -> "u":
        return self._machine.street.connectivity

    @dbus_property(access=PropertyAccess.READ)
    def Connectivity(self) -> "u":
        return self._machine.street.connectivity

    @dbus_property(access=PropertyAccess.READ)
    def ConnectivityCheckEnabled(self) -> "b":
        return self._machine.street.connectivity_enabled


class _Supplicant(ServiceInterface):
    def __init__(self) -> None:
        super().__init__(WPA)

    @dbus_method()
    def GetInterface(self, name: "s") -> "o":
        if name != "wlan0":
            raise DBusError(f"{WPA}.InterfaceUnknown", name)
        return WPA_INTERFACE


class _SupplicantInterface(ServiceInterface):
    def __init__(self) -> None:
        super().__init__(f"{WPA}.Interface")

    @dbus_property(access=PropertyAccess.READ)
    def AuthStatusCode(self) -> "i":
        return 1

    def refuse(self) -> None:
        """Say that an authentication was refused."""
        self.emit_properties_changed({"AuthStatusCode": 1})


class Machine:
    """The services' life on the loop: what one state leads to."""

    def __init__(self, bus: MessageBus, street: Street) -> None:
        self.street = street
        self.active = ""
        self.ip_path = ""
        self._bus = bus
        self._loop = asyncio.get_running_loop()
        self._numbers = 0
        self._round = 0
        self._timers: list[asyncio.TimerHandle] = []
        self._current: Profile | None = None
        self._device = _Device(self)
        self._supplicant = _SupplicantInterface()
        bus.export(ROOT, _Manager(self))
        bus.export(SETTINGS, _Settings(self))
        bus.export(WIRED, _Wired(1))
        bus.export(DEVICE, self._device)
        bus.export(DEVICE, _Wireless(self))
        bus.export(WPA_ROOT, _Supplicant())
        bus.export(WPA_INTERFACE, self._supplicant)

    def number(self) -> int:
        """The next one, for a path."""
        self._numbers += 1
        return self._numbers

    def later(self, delay_s: float, what: Callable[[], None]) -> None:
        """Do it unless something else is begun before."""
        begun = self._round

        def due() -> None:
            if self._round == begun:
                what()

        self._timers.append(self._loop.call_later(delay_s, due))

    def close(self) -> None:
        """Nothing happens any more."""
        for timer in self._timers:
            timer.cancel()

    # -- what a test and the bus ask for ---------------------------------------------------------

    def points(self) -> list[str]:
        """Fresh access points of what is in range."""
        paths = []
        for network in self.street.networks:
            if network.in_range:
                path = f"{ROOT}/AccessPoint/{self.number()}"
                self._bus.export(path, _Point(network))
                paths.append(path)
        return paths

    def scan(self) -> None:
        """Over in a moment; two at once are refused."""
        street = self.street
        street.scans += 1
        if not street.scan_hangs:
            self._timers.append(self._loop.call_later(STEP_S, self._scanned))

    def _scanned(self) -> None:
        self.street.last_scan += 1
        for network in self.street.networks:
            network.in_range = True

    def store(self, settings: dict[str, dict[str, Variant]], volatile: bool) -> Profile:
        """Take a profile in."""
        path = f"{SETTINGS}/{self.number()}"
        settings["connection"].setdefault("uuid", Variant("s", f"uuid-{self._numbers}"))
        profile = self.street.profiles[path] = Profile(path, settings, volatile)
        self._bus.export(path, _Stored(self, profile))
        return profile

    def remove(self, path: str) -> None:
        """Forget a profile."""
        self.street.profiles.pop(path, None)
        self._bus.unexport(path)

    def add_and_activate(self, settings: dict[str, dict[str, Variant]]) -> tuple[str, str]:
        """A volatile profile, connected to at once."""
        self.street.calls.append("add")
        profile = self.store(settings, volatile=True)
        return profile.path, self.activate(profile.path)

    def activate(self, path: str) -> str:
        """Leave what is connected, then begin."""
        self._round += 1
        profile = self.street.profiles[path]
        if self.street.state > DISCONNECTED:
            if self.street.state not in (FAILED, DEACTIVATING):
                self._go(DEACTIVATING, 60)
            self._leave()
            self._go(DISCONNECTED, 60)
        self._current = profile
        self.active = f"{ROOT}/ActiveConnection/{self.number()}"
        self._bus.export(self.active, _Active(path))
        self.later(STEP_S, lambda: self._follow(self._course(profile)))
        return self.active

    def end(self, reason: int) -> None:
        """The connection ends without failing."""
        self._round += 1
        self._go(DEACTIVATING, reason)
        self._leave()
        self._go(DISCONNECTED, reason)

    def give_up(self) -> None:
        """What is stuck fails at last."""
        self._follow([(FAILED, 53)])

    def vanish(self, ssid: bytes) -> None:
        """An access point is switched off."""
        for network in self.street.networks:
            if network.ssid == ssid:
                network.in_range = False
        if self._current is not None and self._current.ssid == ssid:
            self._follow([(FAILED, 53)])

    # -- states ----------------------------------------------------------------------------------

    def _course(self, profile: Profile) -> list[tuple[int, int]]:
        network = self.street.network(profile.ssid)
        begin = [(PREPARE, 0), (CONFIG, 0)]
        if network is None or (network.hidden and not self._hidden(profile)):
            return [*begin, (FAILED, 53)]
        asked = [*begin, (NEED_AUTH, 0)] if network.psk else begin
        if network.psk and 0 < len(profile.psk) < 8:
            return [*asked, (FAILED, 7)]
        again = [*asked, (PREPARE, 0), (CONFIG, 0)] if network.psk else asked
        if network.psk != profile.psk and network.rsn & SAE:
            return [*again, *[(-1, 0)] * self.street.hints, (FAILED, 53)]
        if network.psk != profile.psk:
            return [*again, (NEED_AUTH, 8), (FAILED, 7)]
        if network.gone_while_joining:
            return [*again, (FAILED, 53)]
        if not network.address:
            return [*again, (IP_CONFIG, 0), (FAILED, 5)]
        ends = [(IP_CONFIG, 0), (IP_CHECK, 0), (SECONDARIES, 0), (ACTIVATED, 0)]
        return [*again, *ends]

    def _hidden(self, profile: Profile) -> bool:
        return bool(profile.settings["802-11-wireless"]["hidden"].value)

    def _follow(self, course: list[tuple[int, int]]) -> None:
        (state, reason), rest = course[0], course[1:]
        if state == self.street.stuck_at:
            self._go(state, reason)
            return
        if state < 0:
            self._supplicant.refuse()
        elif state == FAILED:
            self._go(FAILED, reason)
            self.later(STEP_S, lambda: self._fail(reason))
            return
        else:
            if state == ACTIVATED:
                self._address()
            self._go(state, reason)
        if rest:
            self.later(STEP_S, lambda: self._follow(rest))

    def _address(self) -> None:
        assert self._current is not None
        network = self.street.network(self._current.ssid)
        assert network is not None
        self.ip_path = f"{ROOT}/IP4Config/{self.number()}"
        self._bus.export(self.ip_path, _Address(network.address))

    def _fail(self, reason: int) -> None:
        self._leave()
        self._go(DISCONNECTED, reason)
        self.later(HOMING_S, self._go_home)

    def _go_home(self) -> None:
        for path, profile in self.street.profiles.items():
            network = self.street.network(profile.ssid)
            if network is not None and network.psk == profile.psk and not profile.volatile:
                self.activate(path)
                return

    def _leave(self) -> None:
        profile, self._current = self._current, None
        self.active = self.ip_path = ""
        if profile is not None and profile.volatile:
            self.remove(profile.path)

    def _go(self, state: int, reason: int) -> None:
        old, self.street.state, self.street.reason = self.street.state, state, reason
        self.street.history.append((state, reason))
        self._device.StateChanged(state, old, reason)


class Services:
    """Both services on the bus at `address`, alive until `close`."""

    def __init__(self, address: str, street: Street, timeout_s: float = 20.0) -> None:
        self.street = street
        self._timeout_s = timeout_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="services")
        self._thread.start()
        self.machine: Machine = self.run(self._open(address))

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run it on the services' loop, and wait."""
        future: Future[Any] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return future.result(self._timeout_s)

    def do(self, what: Callable[[], Any]) -> Any:
        """Call something on the services' loop, and wait."""

        async def called() -> Any:
            return what()

        return self.run(called())

    def at_home(self, ssid: bytes, psk: str) -> str:
        """The adapter is connected to a stored network; returns the profile's path."""

        def connected() -> str:
            settings = {
                "connection": {
                    "id": Variant("s", ssid.decode("utf-8", "replace")),
                    "type": Variant("s", "802-11-wireless"),
                },
                "802-11-wireless": {"ssid": Variant("ay", ssid), "hidden": Variant("b", False)},
                "802-11-wireless-security": {"psk": Variant("s", psk)},
                "ipv4": {"method": Variant("s", "auto")},
            }
            profile = self.machine.store(settings, volatile=False)
            self.machine.activate(profile.path)
            return profile.path

        return str(self.do(connected))

    def vanish_from_bus(self) -> None:
        """The services end: nobody answers any more."""
        self.do(self.machine.close)
        self._disconnect()

    def close(self) -> None:
        """End the thread and give everything back."""
        self.do(self.machine.close)
        self._disconnect()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(self._timeout_s)
        self._loop.close()

    def _disconnect(self) -> None:
        async def gone() -> None:
            if self._bus.connected:
                self._bus.disconnect()
                async with asyncio.timeout(5):
                    await self._bus.wait_for_disconnect()

        self.run(gone())

    async def _open(self, address: str) -> Machine:
        self._bus = await MessageBus(bus_address=address).connect()
        machine = Machine(self._bus, self.street)
        await self._bus.request_name(NM)
        if self.street.supplicant:
            await self._bus.request_name(WPA)
        return machine
