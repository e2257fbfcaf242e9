"""The transition table of a device link, and nothing else. `docs/` draws its diagram from it."""

from enum import StrEnum

from server.engine.machine import Machine
from server.model.device import LinkState


class LinkEvent(StrEnum):
    """What can happen to a link."""

    TRY = "try"
    """It is time to connect."""
    CONNECTED = "connected"
    """Connected, and the device is the one that is configured."""
    FAILED = "failed"
    """No connection, no answer, or an answer against the rules."""
    GAVE_UP = "gave_up"
    """The breaker opened after many failures in a row."""
    REMOVE = "remove"
    """The owner removed the device."""


LINK: Machine[LinkState, LinkEvent] = Machine(
    name="device link",
    initial=LinkState.NEW,
    table={
        LinkState.NEW: {
            LinkEvent.TRY: LinkState.CONNECTING,
            LinkEvent.REMOVE: LinkState.REMOVED,
        },
        LinkState.CONNECTING: {
            LinkEvent.CONNECTED: LinkState.ONLINE,
            LinkEvent.FAILED: LinkState.RETRYING,
            LinkEvent.GAVE_UP: LinkState.ASLEEP,
            LinkEvent.REMOVE: LinkState.REMOVED,
        },
        LinkState.ONLINE: {
            LinkEvent.FAILED: LinkState.RETRYING,
            LinkEvent.GAVE_UP: LinkState.ASLEEP,
            LinkEvent.REMOVE: LinkState.REMOVED,
        },
        LinkState.RETRYING: {
            LinkEvent.TRY: LinkState.CONNECTING,
            LinkEvent.REMOVE: LinkState.REMOVED,
        },
        LinkState.ASLEEP: {
            LinkEvent.TRY: LinkState.CONNECTING,
            LinkEvent.REMOVE: LinkState.REMOVED,
        },
        LinkState.REMOVED: {},
    },
)
