"""GET history: one quantity of one device over a range, as a curve of a bounded length."""

from typing import cast

import msgspec

from server.api.addressing import device_named
from server.api.asking import ask
from server.api.call import Call, Nothing, Reply, answer
from server.api.refusals import BadRequest
from server.model.quantity import QUANTITIES
from server.model.request import History, QueryHistory

MAX_POINTS = 2_000
"""Points of one curve: more than any screen has columns."""
DEFAULT_POINTS = 288
"""Five-minute steps over a day."""
DEFAULT_RANGE_MS = 24 * 60 * 60 * 1000
MAX_TIME_MS = 2**53
"""The largest time that every JSON reader keeps exactly."""


class HistoryQuery(msgspec.Struct, frozen=True, rename={"from_ms": "from", "to_ms": "to"}):
    """`from` and `to` are UTC milliseconds: the last 24 hours unless given. Without `device` the
    first one is meant."""

    quantity: str
    device: str = ""
    from_ms: int | None = None
    to_ms: int | None = None
    points: int = DEFAULT_POINTS


async def show(call: Call[HistoryQuery, Nothing]) -> Reply:
    """One curve."""
    query = call.query
    if query.quantity not in QUANTITIES:
        raise BadRequest(f"quantity: there is none named {query.quantity[:60]!r}")
    if not 1 <= query.points <= MAX_POINTS:
        raise BadRequest(f"points: use 1 to {MAX_POINTS}, not {query.points}")
    to_ms = query.to_ms if query.to_ms is not None else call.snapshot.at_ms
    from_ms = query.from_ms if query.from_ms is not None else max(0, to_ms - DEFAULT_RANGE_MS)
    if not 0 <= from_ms < to_ms <= MAX_TIME_MS:
        raise BadRequest("from, to: give UTC milliseconds, from before to")
    # A device that was removed keeps its readings, so any id may be asked for.
    device = query.device or device_named(call.snapshot, "").config.device_id
    request = QueryHistory(device, query.quantity, from_ms, to_ms, query.points)
    return answer(cast(History, await ask(call.context.desk, request)))
