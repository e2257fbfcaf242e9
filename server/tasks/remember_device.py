"""Write down what a device said it is, so that its backlog is described alike after a restart."""

from collections.abc import Callable, Iterable

import msgspec

from server.engine.task import Again, Done, Failed, Kind, LaneView, Outcome, Verdict
from server.ledger.house import DATABASE_LANE, House
from server.model.delivery import DeviceFacts

REMEMBER_BUDGET_S = 10.0
"""One small transaction."""

REMEMBER_RETRY_S = 5.0
"""Pause after the database could not take it."""

MEMORY_KEY = "device "
"""What the keys of the store's memory begin with; the device's id follows."""


class RememberDevice:
    """One small transaction on the database's lane."""

    kind = Kind.COMMIT
    lane = DATABASE_LANE
    slack_s = 0.0
    budget_s = REMEMBER_BUDGET_S

    def __init__(self, house: House, facts: DeviceFacts) -> None:
        self._house = house
        self._facts = facts

    def work(self, lane: LaneView) -> None:
        """Raises StoreUnavailable, StoreFull."""
        key = MEMORY_KEY + self._facts.device_id
        self._house.adapters.store.remember(key, msgspec.json.encode(self._facts))

    def abort(self) -> None:
        """Interrupt the statement; the transaction is rolled back."""
        self._house.adapters.store.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Written, or tried again."""
        return Again(now + REMEMBER_RETRY_S) if isinstance(outcome, Failed) else Done()


def remembered(
    device_ids: Iterable[str], recall: Callable[[str], str | None]
) -> dict[str, DeviceFacts]:
    """What was remembered of these devices; what cannot be read counts as never learned."""
    found: dict[str, DeviceFacts] = {}
    for device_id in device_ids:
        text = recall(MEMORY_KEY + device_id)
        if text is None:
            continue
        try:
            found[device_id] = msgspec.json.decode(text, type=DeviceFacts)
        except msgspec.MsgspecError:
            continue
    return found
