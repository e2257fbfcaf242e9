"""GET state: the box in one object, for clients of the later era of the contract."""

import msgspec

from server.api.call import Call, Nothing, Reply, answer
from server.api.crypto import Crypto, identity
from server.api.device import Connection, Device, connection_of, described
from server.api.notification import Notification, notification
from server.api.supported import device_types
from server.api.wifi import names_of


class Status(msgspec.Struct, frozen=True):
    """`uptime` is in milliseconds; `messages` are all notices."""

    version: str
    uptime: int
    messages: tuple[Notification, ...]


class Wifi(msgspec.Struct, frozen=True):
    """The networks in range, strongest first, and the one that the box is on."""

    ssids: tuple[str, ...]
    connected: str | None


class Network(msgspec.Struct, frozen=True):
    """Where the box is."""

    wifi: Wifi
    ip: str


class StateDevices(msgspec.Struct, frozen=True):
    """Devices that answer, devices that are stored, and the types that may be given."""

    configured: tuple[Device, ...]
    saved: tuple[Connection, ...]
    supported: tuple[str, ...]
    available: tuple[Connection, ...]


class State(msgspec.Struct, frozen=True):
    """The box; `timestamp` is in milliseconds. Lists of what was found by a scan are empty."""

    balena_uuid: str
    status: Status
    timestamp: int
    crypto: Crypto
    network: Network
    devices: StateDevices
    available_devices: tuple[Connection, ...]
    available_hosts: tuple[str, ...]


def show(call: Call[Nothing, Nothing]) -> Reply:
    """The whole state."""
    snapshot = call.snapshot
    gateway = snapshot.gateway
    radio = snapshot.wifi.state
    wifi = Wifi(names_of(radio), radio.connected)
    notices = tuple(notification(each) for each in snapshot.notices)
    return answer(
        State(
            balena_uuid="",
            status=Status(gateway.version, gateway.uptime_ms, notices),
            timestamp=snapshot.at_ms,
            crypto=identity(call),
            network=Network(wifi, call.context.services.network_address()),
            devices=StateDevices(
                configured=tuple(described(view) for view in snapshot.devices),
                saved=tuple(connection_of(view.config) for view in snapshot.devices),
                supported=device_types(call),
                available=(),
            ),
            available_devices=(),
            available_hosts=(),
        )
    )
