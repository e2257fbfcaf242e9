"""What a configured device is, and the states its link can be in. Values only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

KNOWN_SCHEMES = ("modbus_tcp", "sungrow_tcp", "winet")
"""The schemes of `transports`, named here so that settings can refuse others in words."""


PASSWORD_MASK = "********"
"""Shown in place of a stored password; sent back, it means that nothing is to be changed."""


class Space(StrEnum):
    """The Modbus data tables that hold words."""

    INPUT = "input"
    HOLDING = "holding"


class LinkState(StrEnum):
    """Where a device link stands; `devices/link.py` holds the table of its moves."""

    NEW = "new"
    CONNECTING = "connecting"
    ONLINE = "online"
    RETRYING = "retrying"
    ASLEEP = "asleep"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a device is reached: one endpoint is one lane, shared by all units behind it."""

    scheme: str
    """Key into `transports`: one of KNOWN_SCHEMES."""
    host: str
    port: int

    @property
    def lane(self) -> str:
        """The name of the one lane that may talk to this endpoint."""
        return f"{self.scheme}:{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Account:
    """Who logs in, where a device wants a login; what is empty is the factory's."""

    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """One device as configured; validated by `settings`.

    `device_id` names it for ever (its serial number where it has one). `profile` is the name of
    a profile, or `auto` to probe. `interval_s` is the period of its poll grid.
    """

    device_id: str
    name: str
    endpoint: Endpoint
    unit_id: int
    profile: str
    interval_s: float
    serial: str = ""
    model: str = ""
    parent: str = ""
    """The id of the device that this one sits behind: a battery behind its inverter."""
    user: str = ""
    password: str = field(default="", repr=False)
    """Kept in settings.json and said to the device alone."""

    @property
    def account(self) -> Account:
        """Who logs in."""
        return Account(self.user, self.password)

    @property
    def masked(self) -> "DeviceConfig":
        """As others may see it."""
        return replace(self, password=PASSWORD_MASK if self.password else "")


def accounts_of(devices: Iterable[DeviceConfig]) -> Mapping[Endpoint, Account]:
    """Who logs in where: devices behind one endpoint share a session, and so the first account."""
    found: dict[Endpoint, Account] = {}
    for each in devices:
        if each.account != Account():
            found.setdefault(each.endpoint, each.account)
    return found


@dataclass(frozen=True, slots=True)
class Identity:
    """What a probe found out: which profile serves the device, and what it calls itself."""

    profile: str
    serial: str
    model: str
    type_code: int | None
    verified: bool
    """False: the model is unknown and is served with what could be read."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Further words for a person: nominal power, phases, firmware."""
