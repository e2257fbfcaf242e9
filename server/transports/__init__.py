"""Bytes in, words out: one module per way of reaching a device, listed here by scheme."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from server.errors import SettingsError
from server.model.device import Endpoint
from server.ports import Clock, Pins, Transport
from server.transports.modbus_tcp import ModbusTcp
from server.transports.sungrow_tcp import SungrowTcp
from server.transports.winet import Winet, doors_of


class Factory(Protocol):
    """Makes the transport of an endpoint; nothing is connected yet."""

    def __call__(
        self, endpoint: Endpoint, clock: Clock | None = None, pins: Pins | None = None
    ) -> Transport:
        """With a clock, time limits hold for a whole answer however it dribbles in.

        `pins` are the certificates shown before, for what speaks TLS; without them it forgets.
        """
        ...


def _modbus_tcp(
    endpoint: Endpoint, clock: Clock | None = None, pins: Pins | None = None
) -> Transport:
    return ModbusTcp(endpoint.host, endpoint.port, clock=clock)


def _sungrow_tcp(
    endpoint: Endpoint, clock: Clock | None = None, pins: Pins | None = None
) -> Transport:
    return SungrowTcp(endpoint.host, endpoint.port, clock=clock)


def _winet(endpoint: Endpoint, clock: Clock | None = None, pins: Pins | None = None) -> Transport:
    return Winet(endpoint.host, doors_of(endpoint.port), clock=clock, pins=pins)


SCHEMES: Mapping[str, Factory] = MappingProxyType(
    {
        "modbus_tcp": _modbus_tcp,
        "sungrow_tcp": _sungrow_tcp,
        "winet": _winet,
    }
)
"""The scheme of an endpoint -> its factory."""


def open_transport(
    endpoint: Endpoint, clock: Clock | None = None, pins: Pins | None = None
) -> Transport:
    """A transport for `endpoint`; nothing is connected yet.

    Raises SettingsError, naming the known schemes, for one that is not known.
    """
    factory = SCHEMES.get(endpoint.scheme)
    if factory is None:
        known = ", ".join(sorted(SCHEMES))
        raise SettingsError(f"scheme: {endpoint.scheme!r} is unknown; it should be one of {known}")
    return factory(endpoint, clock, pins)
