"""The lamp, on gpiozero's own pins without a chip."""

import logging
import threading
from collections.abc import Iterator

import pytest
from gpiozero.pins.mock import MockFactory, MockPin  # type: ignore[import-untyped]  # No types.

from bluetooth.lamp import BLINK_S, BLINKS, GpioLamp, find
from bluetooth.settings import NO_LAMP

PIN = 27
TIMEOUT_S = 10.0


class WatchedPin(MockPin):  # type: ignore[misc]  # As above.
    """A pin that tells when it is switched on."""

    lit = threading.Event()

    def _set_state(self, value: int) -> None:
        super()._set_state(value)
        if value:
            self.lit.set()


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    """A chip without hardware."""
    WatchedPin.lit.clear()
    factory = MockFactory(pin_class=WatchedPin)
    yield factory
    factory.reset()


def test_it_is_dark_until_it_blinks(pins: MockFactory) -> None:
    """An output, off; blinking goes on by itself, and begins anew when it is asked again."""
    lamp = GpioLamp(PIN, pins)
    function, before = pins.pin(PIN).function, pins.pin(PIN).state
    for _ in range(2):
        WatchedPin.lit.clear()
        lamp.blink()
        assert WatchedPin.lit.wait(TIMEOUT_S)
    lamp.close()

    assert ("output", 0) == (function, before)
    assert 5.0 <= 2 * BLINK_S * BLINKS <= 15.0


def test_a_box_without_one_has_none(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is tried, nothing is said."""
    assert find(NO_LAMP) is None
    assert [] == caplog.records


def test_a_pin_that_is_not_there_is_said_and_gone_without(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service starts all the same."""

    def no_chip(name: str) -> None:
        raise OSError("no chip")

    monkeypatch.setattr("bluetooth.lamp.import_module", no_chip)
    with caplog.at_level(logging.WARNING):
        lamp = find(PIN)

    assert lamp is None
    assert ["there is no lamp: the box cannot show which one it is"] == [
        each.getMessage() for each in caplog.records
    ]
