"""The seam between the air and who hears it."""

from typing import Protocol

from bumble.controller import Controller

from virtual_radio.adverts import Advert


class Listener(Protocol):
    """Whoever may hear advertisements."""

    @property
    def listening(self) -> bool:
        """Whether it scans or waits for a peer to connect to."""
        ...

    @property
    def controller(self) -> Controller:
        """Whose antenna this is."""
        ...

    def hear(self, advert: Advert) -> None:
        """An advertisement has arrived."""
        ...
