"""What Improv's commands do at the gateway, in Improv's words.

Owns the requests and the reading of their answers, nothing of which may be trusted to have its
form; knows no state of the service and no client. Raises GatewayAway, GatewaySlow and Declined.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from bluetooth.errors import BluetoothError
from bluetooth.improv import MAX_SSID_BYTES, Credentials, Error, Network
from bluetooth.paths import JOIN_TIMEOUT_S, SCAN_TIMEOUT_S
from bluetooth.ports import Answer, Gateway

FIRMWARE = "Egret"
MAX_STRING_BYTES = 62
"""Of each of the four strings of device info, which share 255 bytes with their lengths."""
MAX_NAME_BYTES = 254
"""Of a name that is a result's only string."""
MAX_NETWORKS = 64
"""Of one scan that are looked at; some ten fit the result."""
HTTP_PORT = 80

# fmt: off
SECURITY: Mapping[str, str] = {
    "open":     "NO",
    "wep":      "WEP",
    "wpa":      "WPA",
    "wpa2":     "WPA2",
    "wpa2-eap": "WPA2 EAP",
    "wpa3":     "WPA3",
}
"""The gateway's word for how a network is secured, and the specification's."""
# fmt: on


class Declined(BluetoothError):
    """The command was understood and came to nothing; `error` is what the client is told."""

    def __init__(self, error: Error) -> None:
        super().__init__(error)
        self.error = error

    def __str__(self) -> str:
        return f"Improv error {self.error.name}"


@dataclass(frozen=True, slots=True)
class Box:
    """What the box says of itself and the gateway does not know."""

    name: str
    """What it advertises; told where the owner gave no name."""
    hardware: str
    """For people: "Raspberry Pi 4 Model B"."""
    hostname: str | None = None
    """None: unknown (a container's own is none)."""


class Desk:
    """Asks the gateway."""

    def __init__(self, gateway: Gateway, box: Box) -> None:
        self._gateway = gateway
        self._box = box
        self.has_wifi = True
        """Until the gateway says that there is none."""
        self.is_looking = False

    async def look(self) -> None:
        """Learn whether the box has a Wi-Fi. Never raises: what is not told stays as it was."""
        try:
            available = (await self._value("/api/wifi")).get("available")
            self.has_wifi = available if isinstance(available, bool) else self.has_wifi
        except BluetoothError:
            pass
        finally:
            self.is_looking = False

    async def join(self, credentials: Credentials) -> list[str]:
        """Join a network; where the box's page is now, or nothing when that is not known."""
        body = {"ssid": credentials.ssid, "psk": credentials.password}
        answer = await self._ask("POST", "/api/wifi", body, JOIN_TIMEOUT_S)
        if answer.status != 200:
            raise Declined(Error.UNABLE_TO_CONNECT)
        try:
            address = await self._value("/api/network/address")
        except BluetoothError:
            return []  # It is connected, and a page that is not known now is found later.
        url = _url(_fields(answer).get("ip") or address.get("ip"), address.get("port"))
        return [url] if url else []

    async def scan(self) -> list[Network]:
        """The networks in sight, each name once."""
        answer = await self._ask("GET", "/api/wifi/scan", timeout_s=SCAN_TIMEOUT_S)
        if answer.status != 200:
            raise Declined(Error.UNKNOWN)
        networks = _fields(answer).get("networks")
        return networks_of(networks if isinstance(networks, list) else ())

    async def info(self) -> list[str]:
        """Firmware, its version, the hardware, the name of the box."""
        version = (await self._value("/api/version")).get("version")
        strings = (FIRMWARE, str(version), self._box.hardware, await self.name())
        return [cut(each, MAX_STRING_BYTES) for each in strings]

    async def name(self) -> str:
        """The name that the owner gave, else the one that is advertised."""
        name = (await self._value("/api/name")).get("name")
        return cut(name if isinstance(name, str) and name else self._box.name, MAX_NAME_BYTES)

    async def rename(self, name: str) -> str:
        """Give the box a name; the name that it has now."""
        answer = await self._ask("POST", "/api/settings", {"name": name})
        if answer.status != 200:
            raise Declined(Error.UNKNOWN)
        return await self.name()

    def hostname(self) -> str:
        """The host name, where it is known."""
        if self._box.hostname is None:
            raise Declined(Error.UNKNOWN_RPC)
        return self._box.hostname

    def rename_host(self, hostname: str) -> str:
        """The gateway cannot change it: only the one it has is acceptable."""
        if hostname != self.hostname():
            raise Declined(Error.BAD_HOSTNAME)
        return hostname

    async def _value(self, path: str) -> dict[str, Any]:
        answer = await self._ask("GET", path)
        if answer.status != 200:
            raise Declined(Error.UNKNOWN)
        return _fields(answer)

    async def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        data = b"" if body is None else json.dumps(body).encode()
        return await self._gateway.ask(method, path, data, timeout_s)


def networks_of(entries: Iterable[object]) -> list[Network]:
    """The gateway's list in Improv's words; several with one name become the strongest."""
    found: dict[str, Network] = {}
    for entry, _ in zip(entries, range(MAX_NETWORKS), strict=False):
        network = _network(entry)
        if network is None:
            continue
        other = found.get(network.ssid)
        if other is not None:
            words = {*network.security.split("/"), *other.security.split("/")}
            rssi_dbm = max(network.rssi_dbm, other.rssi_dbm)
            network = Network(network.ssid, rssi_dbm, "/".join(sorted(words)))
        found[network.ssid] = network
    return list(found.values())


def _network(entry: object) -> Network | None:
    if not isinstance(entry, dict):
        return None
    ssid, percent = entry.get("ssid"), entry.get("signal_percent")
    security = SECURITY.get(str(entry.get("security")))
    if not isinstance(ssid, str) or not isinstance(percent, int | float) or security is None:
        return None
    if not 1 <= len(ssid.encode("utf-8", "replace")) <= MAX_SSID_BYTES or "\ufffd" in ssid:
        return None  # Hidden, or a name that is no text: neither could be sent back to us.
    return Network(ssid, rssi_dbm(percent), security)


def rssi_dbm(percent: float) -> int:
    """NetworkManager's signal strength as dBm: its percents are -40 dBm (100) to -100 dBm (0).

    nm_wifi_utils_level_to_quality, src/core/devices/wifi/nm-wifi-utils.c.
    """
    return round(-40 - (100 - min(100.0, max(0.0, percent))) * 0.6)


def cut(text: str, most_bytes: int) -> str:
    """The beginning of `text` that has at most so many bytes, no character split."""
    return text.encode("utf-8", "replace")[:most_bytes].decode("utf-8", "ignore")


def _url(ip: object, port: object) -> str | None:
    """The page's address; None when it is not known well enough to be opened."""
    try:
        address = ip_address(str(ip))
    except ValueError:
        return None
    if address.is_unspecified or address.is_loopback or not isinstance(port, int):
        return None
    host = f"[{address}]" if address.version == 6 else str(address)
    return f"http://{host}/" if port == HTTP_PORT else f"http://{host}:{port}/"


def _fields(answer: Answer) -> dict[str, Any]:
    try:
        fields = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}
