"""The push button, on gpiozero's own pins without a chip."""

import logging
import queue
from collections.abc import Iterator

import pytest
from gpiozero.pins.mock import MockFactory  # type: ignore[import-untyped]  # It has no types.

from bluetooth.button import BOUNCE_S, HOLD_S, GpioButton, NoButton, find
from bluetooth.settings import NO_BUTTON

PIN = 17
TIMEOUT_S = 10.0
SHORT_HOLD_S = 0.05
"""Instead of HOLD_S: nobody here waits ten seconds."""


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    """A chip without hardware."""
    factory = MockFactory()
    yield factory
    factory.reset()


def listening(pins: MockFactory, hold_s: float = HOLD_S) -> tuple[GpioButton, "queue.Queue[str]"]:
    """A button, and what it told."""
    button = GpioButton(PIN, pins, hold_s)
    told: queue.Queue[str] = queue.Queue(maxsize=10)
    button.listen(lambda: told.put("pressed"), lambda: told.put("held"))
    return button, told


def test_a_short_press_is_told_when_it_is_released(pins: MockFactory) -> None:
    """The pin is pulled up; the button draws it down."""
    button, told = listening(pins)
    assert "up" == pins.pin(PIN).pull
    pins.pin(PIN).drive_low()
    before = told.empty()
    pins.pin(PIN).drive_high()

    assert (True, "pressed") == (before, told.get(timeout=TIMEOUT_S))
    assert told.empty()
    button.close()


def test_holding_it_is_told_once_and_is_no_press(pins: MockFactory) -> None:
    """The other thing happens while it is down; letting go adds nothing."""
    button, told = listening(pins, SHORT_HOLD_S)
    pins.pin(PIN).drive_low()
    first = told.get(timeout=TIMEOUT_S)
    pins.pin(PIN).drive_high()

    assert "held" == first
    assert told.empty()
    pins.pin(PIN).drive_low()
    pins.pin(PIN).drive_high()
    assert "pressed" == told.get(timeout=TIMEOUT_S)
    button.close()


def test_it_is_debounced_and_patient() -> None:
    """Rattling is shorter than any press, and ten seconds are no accident."""
    assert (0.05, 10.0) == (BOUNCE_S, HOLD_S)


def test_a_pin_can_be_used_again_after_it_was_given_back(pins: MockFactory) -> None:
    """close() gives it back."""
    listening(pins)[0].close()
    button, _ = listening(pins)

    button.close()


def test_a_box_without_a_button_has_none() -> None:
    """Nothing is looked for, nothing happens, nothing has to be given back."""
    button = find(NO_BUTTON)
    button.listen(lambda: None, lambda: None)
    button.close()

    assert isinstance(button, NoButton)


def test_a_machine_without_gpio_goes_on_without(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says why, once, and the door is opened through the gateway."""
    caplog.set_level(logging.INFO)
    # As on a machine without a chip, also where there is one.
    monkeypatch.setattr("lgpio.gpiochip_open", _no_chip)

    assert isinstance(find(PIN), NoButton)
    assert ["there is no button: the door is opened through the gateway only"] == [
        each.getMessage() for each in caplog.records
    ]


def _no_chip(number: int) -> int:
    from lgpio import error  # type: ignore[import-untyped]  # It has no types.

    raise error("can not open gpiochip")


def test_a_machine_without_the_library_goes_on_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every system has lgpio."""

    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("bluetooth.button.import_module", missing)

    assert isinstance(find(PIN), NoButton)
