"""What the API needs beside the desk, as plain values and callables that `app` fills in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from server.host.interfaces import Interface
from server.host.system import SystemFigures
from server.model.audit import AuditEntry
from server.model.exposure import Exposure
from server.ports import Clock, Signer


@dataclass(frozen=True, slots=True)
class Supported:
    """One device family: the name of its profile, its title, and the models it covers."""

    name: str
    title: str
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that handlers use and that is not the gateway's state.

    All callables return at once; they are called on the web server's thread.
    """

    signer: Signer
    clock: Clock
    version: str
    supported: tuple[Supported, ...]
    network_address: Callable[[], str]
    """The box's own address on the network."""
    system: Callable[[], SystemFigures]
    log_level_of: Callable[[], Mapping[str, str]]
    """Every logger and its level in words; see `server.api.logger.levels`."""
    set_log_level: Callable[[str, str], None]
    """Logger, level; raises SettingsError; see `server.api.logger.set_level`."""
    interfaces: Callable[[], tuple[Interface, ...]] = lambda: ()
    """The box's network interfaces; see `server.host.interfaces`."""
    names: tuple[str, ...] = ()
    """Host names that are ours, beside IP addresses and localhost."""
    key_name: str = "software"
    """What holds the key, in words."""
    audit: Callable[[AuditEntry], None] = lambda entry: None
    """Takes what the audit log is to keep; drops it when too much waits."""
    exposure: Exposure = Exposure()
    """Whom the API lets in; without a word about it, whoever the owner has let in."""
