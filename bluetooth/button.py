"""The push button at the box, on a GPIO through gpiozero; and what stands there without one.

A short press opens the door; holding it for HOLD_S does the other thing. The pin is pulled up and
the button connects it to ground. It knows no door: it is told whom to call.
"""

import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any

from bluetooth.ports import Button
from bluetooth.settings import NO_BUTTON

log = logging.getLogger(__name__)

BOUNCE_S = 0.05
"""A contact rattles for some milliseconds; no person presses twice in a twentieth of a second."""

HOLD_S = 10.0
"""Nobody leans on a button for this long by accident."""


class NoButton:
    """`ports.Button` of a box that has none."""

    def listen(self, pressed: Callable[[], None], held: Callable[[], None]) -> None:
        """Nobody will ever press it."""

    def close(self) -> None:
        """There is nothing to give back."""


class GpioButton:
    """`ports.Button` on a GPIO. Calls come from a thread of gpiozero's.

    `factory` is gpiozero's way to the pins (None: lgpio, which every Raspberry Pi has).
    Raises what gpiozero, lgpio or the system raises when there is no such pin.
    """

    def __init__(self, pin: int, factory: Any = None, hold_s: float = HOLD_S) -> None:
        if factory is None:
            factory = import_module("gpiozero.pins.lgpio").LGPIOFactory()
        self._factory = factory
        self._button = import_module("gpiozero").Button(
            pin,
            pull_up=True,
            bounce_time=BOUNCE_S,
            hold_time=hold_s,
            pin_factory=factory,
        )
        self._was_held = False

    def listen(self, pressed: Callable[[], None], held: Callable[[], None]) -> None:
        """See the port."""

        def down() -> None:
            self._was_held = False

        def hold() -> None:
            self._was_held = True
            held()

        def up() -> None:
            if not self._was_held:
                pressed()

        self._button.when_pressed = down
        self._button.when_held = hold
        self._button.when_released = up

    def close(self) -> None:
        """See the port."""
        self._button.close()
        self._factory.close()


def find(pin: int) -> Button:
    """The button on `pin`, or none: then it says why, and the service goes on without."""
    if pin == NO_BUTTON:
        return NoButton()
    try:
        return GpioButton(pin)
    except gpio_errors() as error:
        log.warning(
            "there is no button: the door is opened through the gateway only",
            extra={"pin": pin, "why": f"{type(error).__name__}: {error}"},
        )
        return NoButton()


def gpio_errors() -> tuple[type[BaseException], ...]:
    """What is raised where there is no GPIO: no library, no chip, no right, or no such pin."""
    missing: list[type[BaseException]] = [ImportError, OSError, RuntimeError, ValueError]
    try:
        missing.append(import_module("gpiozero").GPIOZeroError)
        missing.append(import_module("lgpio").error)
    except (ImportError, OSError):
        pass  # Then it is the import itself that GpioButton fails with.
    return tuple(missing)
