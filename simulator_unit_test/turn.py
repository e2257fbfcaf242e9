"""One turn of the event loop: everything else that is ready runs once, and no time passes."""

from collections.abc import Generator


class Turn:
    """`await Turn()`."""

    def __await__(self) -> Generator[None, None, None]:
        yield
