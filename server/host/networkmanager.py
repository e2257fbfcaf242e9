"""NetworkManager over the message bus: its names, its numbers, and the calls that we use.

Owns the spelling; decides nothing. Names and numbers are those of the D-Bus API reference of
NetworkManager 1.42 (networkmanager.dev/docs/api/latest), pages NMDeviceState,
NMDeviceStateReason, NM80211ApSecurityFlags, Settings.Connection and Device.Wireless.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from dbus_fast import Variant

from server.errors import WifiUnavailable
from server.host.system_bus import BusRefused, SystemBus

NAME = "org.freedesktop.NetworkManager"
PATH = "/org/freedesktop/NetworkManager"
SETTINGS_PATH = f"{PATH}/Settings"
SETTINGS = f"{NAME}.Settings"
CONNECTION = f"{NAME}.Settings.Connection"
ACTIVE = f"{NAME}.Connection.Active"
DEVICE = f"{NAME}.Device"
WIRELESS = f"{NAME}.Device.Wireless"
ACCESS_POINT = f"{NAME}.AccessPoint"
PROPERTIES = "org.freedesktop.DBus.Properties"
NOTHING = "/"
"""The object path that stands for none."""

WPA_NAME = "fi.w1.wpa_supplicant1"
WPA_INTERFACE = f"{WPA_NAME}.Interface"
"""Of wpa_supplicant; its PropertiesChanged say at once what NetworkManager never does."""

WIFI_DEVICE = 2
"""NM_DEVICE_TYPE_WIFI."""
TO_DISK = 0x1
"""NM_SETTINGS_UPDATE2_FLAG_TO_DISK."""
NO_REAPPLY = 0x40
"""NM_SETTINGS_UPDATE2_FLAG_NO_REAPPLY: what is connected stays connected."""
MAX_DEVICES = 64
"""Interfaces that are looked at for a Wi-Fi adapter."""
MAX_ACCESS_POINTS = 128
"""Access points that are asked for their name: a dense block of flats shows some eighty."""
MAX_STORED = 64
"""Stored connections that are read; a box has a handful."""


class State(IntEnum):
    """NMDeviceState."""

    UNKNOWN = 0
    UNMANAGED = 10
    UNAVAILABLE = 20
    DISCONNECTED = 30
    PREPARE = 40
    CONFIG = 50
    NEED_AUTH = 60
    IP_CONFIG = 70
    IP_CHECK = 80
    SECONDARIES = 90
    ACTIVATED = 100
    DEACTIVATING = 110
    FAILED = 120


class Connectivity(IntEnum):
    """NMConnectivityState."""

    UNKNOWN = 0
    NONE = 1
    PORTAL = 2
    LIMITED = 3
    FULL = 4


_NOT_THERE = ("ServiceUnknown", "NameHasNoOwner", "NoReply", "Disconnected")
_NOT_ALLOWED = ("AccessDenied", "PermissionDenied", "AuthFailed")


class NetworkManager:
    """Calls over one connection; all raise WifiUnavailable, and BusRefused for what NetworkManager
    itself says no to."""

    def __init__(self, bus: SystemBus) -> None:
        self.bus = bus

    def call(
        self, path: str, interface: str, member: str, signature: str = "", *body: Any
    ) -> list[Any]:
        """Any call."""
        try:
            return self.bus.call(NAME, path, interface, member, signature, *body)
        except BusRefused as error:
            last = error.name.rpartition(".")[2]
            if last in _NOT_THERE:
                text = "NetworkManager does not run on this box, so Wi-Fi is set up elsewhere"
                raise WifiUnavailable(text) from error
            if last in _NOT_ALLOWED:
                text = "NetworkManager does not let this program change connections"
                raise WifiUnavailable(text) from error
            raise

    def get(self, path: str, interface: str, name: str) -> Any:
        """One property, plain."""
        return self.call(path, PROPERTIES, "Get", "ss", interface, name)[0]

    def get_all(self, path: str, interface: str) -> Mapping[str, Any]:
        """All properties of an interface, plain."""
        found: Mapping[str, Any] = self.call(path, PROPERTIES, "GetAll", "s", interface)[0]
        return found

    def wifi_device(self) -> str:
        """The Wi-Fi adapter that NetworkManager looks after; WifiUnavailable says what is wrong."""
        states: dict[str, int] = {}
        for path in self.call(PATH, NAME, "GetDevices")[0][:MAX_DEVICES]:
            if self.get(path, DEVICE, "DeviceType") == WIFI_DEVICE:
                states[path] = self.get(path, DEVICE, "State")
        usable = [path for path, state in states.items() if state >= State.DISCONNECTED]
        if usable:
            return usable[0]
        if not states:
            raise WifiUnavailable("this box has no Wi-Fi adapter")
        if State.UNAVAILABLE in states.values():
            raise WifiUnavailable("the Wi-Fi adapter is switched off, or its driver is not ready")
        raise WifiUnavailable("NetworkManager is told to leave the Wi-Fi adapter alone")

    def access_points(self, device: str) -> list[Mapping[str, Any]]:
        """The properties of every access point that is known at present."""
        paths = self.call(device, WIRELESS, "GetAllAccessPoints")[0][:MAX_ACCESS_POINTS]
        found: list[Mapping[str, Any]] = []
        for path in paths:
            try:
                found.append(self.get_all(path, ACCESS_POINT))
            except BusRefused:
                pass  # It has gone since it was listed.
        return found

    def active_settings(self, device: str) -> tuple[str, str]:
        """The active connection of a device and its settings' path; both "/" when there is none."""
        active = self.get(device, DEVICE, "ActiveConnection")
        if active == NOTHING:
            return NOTHING, NOTHING
        try:
            return active, self.get(active, ACTIVE, "Connection")
        except BusRefused:
            return NOTHING, NOTHING  # It ended meanwhile.

    def stored(self) -> dict[str, Mapping[str, Mapping[str, Any]]]:
        """Stored connections by path, in plain values; NetworkManager leaves the secrets out."""
        paths = self.call(SETTINGS_PATH, SETTINGS, "ListConnections")[0][:MAX_STORED]
        found: dict[str, Mapping[str, Mapping[str, Any]]] = {}
        for path in paths:
            try:
                found[path] = self.call(path, CONNECTION, "GetSettings")[0]
            except BusRefused:
                pass
        return found

    def add_volatile(
        self, profile: Mapping[str, Mapping[str, Variant]], device: str
    ) -> tuple[str, str]:
        """Begin to connect with a profile that vanishes when it fails; settings and active path."""
        options = {"persist": Variant("s", "volatile")}
        answer = self.call(
            PATH,
            NAME,
            "AddAndActivateConnection2",
            "a{sa{sv}}ooa{sv}",
            profile,
            device,
            NOTHING,
            options,
        )
        return str(answer[0]), str(answer[1])

    def activate(self, settings: str, device: str) -> None:
        """Begin to connect with a stored profile."""
        self.call(PATH, NAME, "ActivateConnection", "ooo", settings, device, NOTHING)

    def deactivate(self, active: str) -> None:
        """Give an active connection up."""
        self.call(PATH, NAME, "DeactivateConnection", "o", active)

    def save(self, settings: str, profile: Mapping[str, Mapping[str, Variant]]) -> None:
        """Keep a profile on disk, as given and with its secrets; what is connected stays so."""
        flags = TO_DISK | NO_REAPPLY
        self.call(settings, CONNECTION, "Update2", "a{sa{sv}}ua{sv}", profile, flags, {})

    def delete(self, settings: str) -> None:
        """Remove a stored profile."""
        self.call(settings, CONNECTION, "Delete")

    def address(self, device: str) -> str:
        """The device's first IPv4 address, "" when it has none."""
        path = self.get(device, DEVICE, "Ip4Config")
        if path == NOTHING:
            return ""
        entries = self.get(path, f"{NAME}.IP4Config", "AddressData")
        return str(entries[0]["address"]) if entries else ""

    def connectivity(self) -> Connectivity | None:
        """What NetworkManager knows of the internet; None when it is not told to find out."""
        if not self.get(PATH, NAME, "ConnectivityCheckEnabled"):
            return None
        return Connectivity(self.get(PATH, NAME, "Connectivity"))

    def check_connectivity(self) -> Connectivity | None:
        """Have it look now; None when it is not told to find out."""
        if not self.get(PATH, NAME, "ConnectivityCheckEnabled"):
            return None
        return Connectivity(self.call(PATH, NAME, "CheckConnectivity")[0])
