"""Bytes in, words out: one module per way of reaching a device, listed here by scheme."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from server.clock import SystemClock
from server.errors import SettingsError
from server.model.device import Endpoint
from server.ports import Transport
from server.transports.modbus_tcp import ModbusTcp


def _modbus_tcp(endpoint: Endpoint) -> Transport:
    return ModbusTcp(endpoint.host, endpoint.port, clock=SystemClock())


SCHEMES: Mapping[str, Callable[[Endpoint], Transport]] = MappingProxyType(
    {
        "modbus_tcp": _modbus_tcp,
    }
)
"""The scheme of an endpoint -> what makes its transport, closed as yet."""


def open_transport(endpoint: Endpoint) -> Transport:
    """A transport for `endpoint`; nothing is connected yet.

    Raises SettingsError, naming the known schemes, for one that is not known.
    """
    factory = SCHEMES.get(endpoint.scheme)
    if factory is None:
        known = ", ".join(sorted(SCHEMES))
        raise SettingsError(f"scheme: {endpoint.scheme!r} is unknown; it should be one of {known}")
    return factory(endpoint)
