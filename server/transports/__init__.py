"""Bytes in, words out: one module per way of reaching a device, listed here by scheme."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from server.errors import SettingsError
from server.model.device import Account, Endpoint
from server.ports import Clock, Pins, Transport
from server.transports.modbus_tcp import ModbusTcp
from server.transports.sungrow_tcp import SungrowTcp
from server.transports.winet import NEW, Winet, doors_of
from server.transports.winet_lockout import Lockouts


class Factory(Protocol):
    """Makes the transport of an endpoint; nothing is connected yet."""

    def __call__(
        self,
        endpoint: Endpoint,
        clock: Clock | None = None,
        pins: Pins | None = None,
        account: Account | None = None,
        lockouts: Lockouts | None = None,
    ) -> Transport:
        """With a clock, time limits hold for a whole answer however it dribbles in.

        `pins` are the certificates shown before, for what speaks TLS; without them it forgets.
        `account` is for what wants a login; `lockouts` hold beyond this transport.
        """
        ...


def _modbus_tcp(
    endpoint: Endpoint,
    clock: Clock | None = None,
    pins: Pins | None = None,
    account: Account | None = None,
    lockouts: Lockouts | None = None,
) -> Transport:
    return ModbusTcp(endpoint.host, endpoint.port, clock=clock)


def _sungrow_tcp(
    endpoint: Endpoint,
    clock: Clock | None = None,
    pins: Pins | None = None,
    account: Account | None = None,
    lockouts: Lockouts | None = None,
) -> Transport:
    return SungrowTcp(endpoint.host, endpoint.port, clock=clock)


def _winet(
    endpoint: Endpoint,
    clock: Clock | None = None,
    pins: Pins | None = None,
    account: Account | None = None,
    lockouts: Lockouts | None = None,
) -> Transport:
    host, doors = endpoint.host, doors_of(endpoint.port)
    # One dongle has several ports; any other port is another dongle's, forwarded.
    dongle = host if NEW in doors else f"{host}:{endpoint.port}"
    lockout = lockouts.of(dongle, account or Account()) if lockouts is not None else None
    return Winet(host, doors, account=account, pins=pins, clock=clock, lockout=lockout)


SCHEMES: Mapping[str, Factory] = MappingProxyType(
    {
        "modbus_tcp": _modbus_tcp,
        "sungrow_tcp": _sungrow_tcp,
        "winet": _winet,
    }
)
"""The scheme of an endpoint -> its factory."""


def open_transport(
    endpoint: Endpoint,
    clock: Clock | None = None,
    pins: Pins | None = None,
    account: Account | None = None,
    lockouts: Lockouts | None = None,
) -> Transport:
    """A transport for `endpoint`; nothing is connected yet.

    Raises SettingsError, naming the known schemes, for one that is not known.
    """
    factory = SCHEMES.get(endpoint.scheme)
    if factory is None:
        known = ", ".join(sorted(SCHEMES))
        raise SettingsError(f"scheme: {endpoint.scheme!r} is unknown; it should be one of {known}")
    return factory(endpoint, clock, pins, account, lockouts)
