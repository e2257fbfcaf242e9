"""Pins in memory."""

from server.ports import Pins
from server.transports.winet_pins import MemoryPins


def test_what_is_pinned_is_remembered() -> None:
    """By host, and nothing before."""
    pins: Pins = MemoryPins()
    before = pins.pinned("a")
    pins.pin("a", "ff")

    assert (None, "ff", None) == (before, pins.pinned("a"), pins.pinned("b"))
