"""The lamp at the box, on a GPIO through gpiozero: blinks when a phone asks which box it is.

It knows no phone: it is told to blink. A box without one makes no promise of it (Improv's bit).
"""

import logging
from importlib import import_module
from typing import Any

from bluetooth.button import gpio_errors
from bluetooth.ports import Lamp
from bluetooth.settings import NO_LAMP

log = logging.getLogger(__name__)

BLINK_S = 0.25
"""On, and off again: seen across a cellar, and as no fault of the mains."""

BLINKS = 20
"""Ten seconds: time to look up from the phone."""


class GpioLamp:
    """`ports.Lamp` on a GPIO; a thread of gpiozero's blinks.

    `factory` is gpiozero's way to the pins (None: lgpio). Raises what gpiozero, lgpio or the
    system raises when there is no such pin.
    """

    def __init__(self, pin: int, factory: Any = None) -> None:
        if factory is None:
            factory = import_module("gpiozero.pins.lgpio").LGPIOFactory()
        self._factory = factory
        self._led = import_module("gpiozero").LED(pin, pin_factory=factory)

    def blink(self) -> None:
        """See the port."""
        self._led.blink(BLINK_S, BLINK_S, BLINKS, background=True)

    def close(self) -> None:
        """See the port."""
        self._led.close()
        self._factory.close()


def find(pin: int) -> Lamp | None:
    """The lamp on `pin`, or None: then the log says why, and the service goes on without."""
    if pin == NO_LAMP:
        return None
    try:
        return GpioLamp(pin)
    except gpio_errors() as error:
        log.warning(
            "there is no lamp: the box cannot show which one it is",
            extra={"pin": pin, "why": f"{type(error).__name__}: {error}"},
        )
        return None
