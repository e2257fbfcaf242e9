"""The table of a link's moves."""

import itertools

import pytest

from server.devices.link_table import LINK, LinkEvent
from server.engine.machine import UnknownTransition
from server.model.device import LinkState

MOVES: dict[tuple[LinkState, LinkEvent], LinkState] = {
    (LinkState.NEW, LinkEvent.TRY): LinkState.CONNECTING,
    (LinkState.CONNECTING, LinkEvent.CONNECTED): LinkState.ONLINE,
    (LinkState.CONNECTING, LinkEvent.FAILED): LinkState.RETRYING,
    (LinkState.CONNECTING, LinkEvent.GAVE_UP): LinkState.ASLEEP,
    (LinkState.ONLINE, LinkEvent.FAILED): LinkState.RETRYING,
    (LinkState.ONLINE, LinkEvent.GAVE_UP): LinkState.ASLEEP,
    (LinkState.RETRYING, LinkEvent.TRY): LinkState.CONNECTING,
    (LinkState.ASLEEP, LinkEvent.TRY): LinkState.CONNECTING,
    **{
        (state, LinkEvent.REMOVE): LinkState.REMOVED
        for state in LinkState
        if state is not LinkState.REMOVED
    },
}


@pytest.mark.parametrize(("state", "event"), [*itertools.product(LinkState, LinkEvent)])
def test_each_pair_moves_as_written_or_is_refused(state: LinkState, event: LinkEvent) -> None:
    """Online is entered through a connect alone; nothing leaves the removed state."""
    expected = MOVES.get((state, event))
    if expected is None:
        with pytest.raises(UnknownTransition):
            LINK.after(state, event)
        return

    assert expected is LINK.after(state, event)


def test_a_link_begins_untried() -> None:
    """And every state can be reached from there."""
    reached = {LINK.initial}
    for _ in LinkState:
        reached |= {to for (state, _), to in MOVES.items() if state in reached}

    assert (LinkState.NEW, set(LinkState)) == (LINK.initial, reached)
