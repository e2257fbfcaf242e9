"""Improv Wi-Fi: its states as one table, and what each command does at the gateway."""

from collections.abc import Callable
from dataclasses import dataclass

from bluetooth.improv import Capability, Error, State
from bluetooth.ports import Clock, Gateway, Spawn, Wait


@dataclass(frozen=True, slots=True)
class Box:
    """What the box says of itself and the gateway does not know."""

    name: str
    """What it advertises; told where the owner gave no name."""
    hardware: str
    """For people: "Raspberry Pi 4 Model B"."""
    hostname: str | None = None
    """None: unknown (a container's own is none)."""


class ImprovFlow:
    """The Improv service of the box, for one client at a time. On the event loop only.

    `notify(uuid, value)` sends a changed value; `changed()` says that the advertisement's service
    data changed; `joining()` that the gateway is about to join a network (Progress.follow);
    `identify()` makes the box seen or heard, None when it cannot.
    """

    def __init__(
        self,
        gateway: Gateway,
        clock: Clock,
        spawn: Spawn,
        wait: Wait,
        box: Box,
        notify: Callable[[str, bytes], None],
        changed: Callable[[], None],
        joining: Callable[[], None],
        identify: Callable[[], None] | None = None,
    ) -> None:
        raise NotImplementedError

    @property
    def state(self) -> State:
        """As on the wire."""
        raise NotImplementedError

    @property
    def error(self) -> Error:
        """Of the last command."""
        raise NotImplementedError

    @property
    def capabilities(self) -> Capability:
        """What works."""
        raise NotImplementedError

    def service_data(self) -> bytes:
        """Six bytes for the advertisement, under IMPROV_DATA_UUID."""
        raise NotImplementedError

    def read(self, client: str, uuid: str) -> bytes:
        """The value of one of the four readable characteristics. Raises Refused for others."""
        raise NotImplementedError

    def write(self, client: str, value: bytes) -> None:
        """A client wrote to the command characteristic. Never raises: errors are notified."""
        raise NotImplementedError

    def authorize(self) -> None:
        """A person at the box allows it (button, API): for AUTHORIZED_S."""
        raise NotImplementedError

    def revoke(self) -> None:
        """The window closed. A join under way goes on and its result is told."""
        raise NotImplementedError

    def left(self, client: str) -> None:
        """Forget the client: its unfinished command, its result, its error."""
        raise NotImplementedError
