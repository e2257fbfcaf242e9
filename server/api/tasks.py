"""GET tasks: the engine's figures."""

from server.api.call import Call, Nothing, Reply, answer


def show(call: Call[Nothing, Nothing]) -> Reply:
    """The engine's figures."""
    return answer(call.snapshot.engine)
