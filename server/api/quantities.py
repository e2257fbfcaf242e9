"""GET quantities: every quantity there is, with its unit, title and sign."""

from server.api.call import Call, Nothing, Reply, answer
from server.model.quantity import QUANTITIES


def show(_: Call[Nothing, Nothing]) -> Reply:
    """All quantities by name."""
    return answer(dict(QUANTITIES))
