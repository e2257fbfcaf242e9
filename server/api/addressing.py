"""Where a device is, as requests say it: the words of all eras of the contract, made ours."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import msgspec

from server.api.refusals import BadRequest, NotFound
from server.api.services import Supported
from server.devices import doors
from server.model.device import KNOWN_SCHEMES, Account, Endpoint
from server.model.request import AddDevice, Probe
from server.model.setting import (
    DEFAULT_MODBUS_PORT,
    DEFAULT_SCHEME,
    DEVICE,
    ENDPOINT,
    MAX_HOST_LENGTH,
)
from server.model.setting_rule import Rule, shown
from server.model.snapshot import DeviceView, Snapshot

AUTO = "auto"
DEFAULT_UNIT_ID = 1

PROBED_TYPES = frozenset(("", AUTO, "unknown", "sungrow"))
"""Types that say no more than the maker, or less: earlier clients call string inverters and
hybrids alike `sungrow`, and the type code in the device tells them apart."""

_CONTRACT_TYPES = {"sungrow_string": "sungrow"}
"""The contract has sungrow and sungrow_hybrid; other profiles go by their own names."""

_HOST = re.compile(r"[A-Za-z0-9_.:%-]+")


class DeviceAddress(msgspec.Struct, frozen=True):
    """A device on the network. Each line of keys means one thing; the first that is given counts.

    `ip` or `host`; `port`; `slave_id`, `unit_id` or `address`; `device_type` or `type` (`auto` asks
    the device), where `profile` is more exact; `scheme` is the way to it. With `auto`, what is not
    given is found out; otherwise it is 502, 1 and `modbus_tcp`. `battery` false leaves out what
    sits behind the device. `user` and `password` are for a device that wants a login; empty, or the
    mask that is shown for a password, stands for the factory's. Given with the address of a device
    that is configured and logs in, they become its account, and nothing is added; what is empty
    then stays as it is. `connection` is `TCP`, or an object with these keys: what it does not say
    is taken from the keys beside it.
    """

    ip: str = ""
    host: str = ""
    port: int | None = None
    scheme: str = ""
    battery: bool = True
    slave_id: int | None = None
    unit_id: int | None = None
    address: int | None = None
    profile: str = ""
    device_type: str = ""
    type: str = ""
    name: str = ""
    interval_s: float | None = None
    user: str = ""
    password: str = ""
    connection: str | dict[str, str | int | float | bool | None] = "TCP"


_LINES = (
    ("ip", "host"),
    ("port",),
    ("slave_id", "unit_id", "address"),
    ("profile", "device_type", "type"),
    ("name",),
    ("interval_s",),
    ("scheme",),
    ("battery",),
    ("user",),
    ("password",),
)
"""Keys that mean one thing: a connection that has one of a line has the whole line."""


def unfolded(body: DeviceAddress) -> DeviceAddress:
    """The same with the keys of a `connection` object moved up to where they belong."""
    if isinstance(body.connection, str):
        if body.connection.upper() not in ("TCP", ""):
            raise BadRequest(f"connection: only TCP is served, not {body.connection[:40]!r}")
        return body
    given: dict[str, Any] = {
        key: value for key, value in body.connection.items() if value not in (None, "")
    }
    for line in _LINES:
        if not any(key in given for key in line):
            given.update((key, getattr(body, key)) for key in line)
    return unfolded(msgspec.convert({"connection": "TCP", **given}, DeviceAddress, strict=False))


def endpoint_of(body: DeviceAddress) -> Endpoint:
    """Scheme, host and port; raises BadRequest in words."""
    host = (body.ip or body.host).strip()
    if not host:
        raise BadRequest("ip: give the device's IP address or host name")
    if len(host) > MAX_HOST_LENGTH or not _HOST.fullmatch(host):
        raise BadRequest(f"ip: {host[:60]!r} is no IP address and no host name")
    port = DEFAULT_MODBUS_PORT if body.port is None else body.port
    scheme = body.scheme or DEFAULT_SCHEME
    if scheme not in KNOWN_SCHEMES:
        known = ", ".join(KNOWN_SCHEMES)
        raise BadRequest(f"scheme: {scheme[:60]!r} is not known; use one of {known}")
    return Endpoint(scheme, host, _ruled(ENDPOINT, "port", port))


def unit_of(body: DeviceAddress) -> int:
    """The Modbus unit id; raises BadRequest in words."""
    given = (body.slave_id, body.unit_id, body.address)
    unit_id = next((each for each in given if each is not None), DEFAULT_UNIT_ID)
    return cast(int, _ruled(DEVICE, "unit_id", unit_id, "slave_id"))


def account_of(body: DeviceAddress) -> Account:
    """Who logs in; raises BadRequest in words that do not hold the password."""
    try:
        password = DEVICE["password"][0].take(body.password, "password")
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return Account(_ruled(DEVICE, "user", body.user), password)


def search_of(body: DeviceAddress) -> Probe:
    """What to look for, where, and under which units; raises BadRequest in words."""
    endpoint, unit_id = endpoint_of(body), unit_of(body)
    given = any(each is not None for each in (body.slave_id, body.unit_id, body.address))
    ways = doors.ways(endpoint.host, body.port, body.scheme)
    return Probe(
        endpoint=ways[0],
        unit_id=unit_id,
        ways=ways,
        units=(unit_id,) if given else doors.UNITS,
        children=body.battery,
        account=account_of(body),
    )


def profile_of(body: DeviceAddress, supported: Sequence[Supported]) -> str:
    """The profile that a device type stands for; raises BadRequest naming those there are."""
    wanted = (body.profile or body.device_type or body.type).strip().lower()
    if wanted in PROBED_TYPES:
        return AUTO
    for each in supported:
        if each.name.lower() == wanted:
            return each.name
    known = ", ".join([AUTO, "sungrow", *(each.name for each in supported)])
    raise BadRequest(f"device_type: {wanted[:60]!r} is not known; use one of {known}")


def addition(body: DeviceAddress, supported: Sequence[Supported]) -> AddDevice:
    """What to ask the gateway for; raises BadRequest in words."""
    body = unfolded(body)
    interval_s = body.interval_s
    if interval_s is not None:
        interval_s = _ruled(DEVICE, "interval_s", interval_s)
    added = AddDevice(
        endpoint=endpoint_of(body),
        unit_id=unit_of(body),
        profile=profile_of(body, supported),
        name=_ruled(DEVICE, "name", body.name),
        interval_s=interval_s,
        account=account_of(body),
    )
    if added.profile != AUTO:
        return added
    search = search_of(body)
    return replace(
        added,
        endpoint=search.endpoint,
        ways=search.ways,
        units=search.units,
        children=search.children,
    )


def contract_type(profile: str) -> str:
    """What earlier clients call the devices of a profile."""
    return _CONTRACT_TYPES.get(profile, profile)


def _ruled(
    table: Mapping[str, tuple[Rule, object]], key: str, value: object, called: str = ""
) -> Any:
    """`value` by the rule of the settings, so that what is taken can be stored and read again."""
    rule = table[key][0]
    try:
        return rule.take(value, key)
    except ValueError:
        raise BadRequest(f"{called or key}: use {rule.words}, not {shown(value)}") from None


def device_named(snapshot: Snapshot, device_id: str) -> DeviceView:
    """The device of this id; the first one when no id is given. Raises NotFound."""
    for view in snapshot.devices:
        if device_id in ("", view.config.device_id):
            return view
    if device_id:
        raise NotFound(f"there is no device {device_id[:100]!r}; GET /api/device lists all")
    raise NotFound("no device is configured")
