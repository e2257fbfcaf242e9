"""Two judgements, made from facts alone: which mode the gateway is in, and whether it is healthy.

Health follows progress, not being alive: readings reach the disk, polls that are due happen,
lanes come back.
"""

from dataclasses import replace

from server.engine.modes import Facts
from server.ledger.house import DATABASE_LANE, House
from server.model.device import LinkState
from server.model.statistics import Statistics

STARTING_AT_MOST_S = 10.0
"""Starting is over when every link has been tried, or after this long."""

COMMIT_STALL_S = 60.0
"""Readings that wait longer than this beyond their commit make the box unhealthy."""

POLL_STALL_INTERVALS = 5
POLL_STALL_S = 60.0
"""A device that counts as online must have been read within this many intervals and seconds."""

_TRYING = (LinkState.NEW, LinkState.CONNECTING)


def facts_now(house: House, now: float) -> Facts:
    """What the mode is derived from."""
    devices = house.plant.devices.values()
    untried = any(each.link.state in _TRYING and each.link.failures == 0 for each in devices)
    starting = house.facts.starting and untried and now - house.started < STARTING_AT_MOST_S
    return replace(
        house.facts,
        starting=starting,
        device_configured=bool(devices),
        sink_configured=bool(house.delivery.outlets),
        sink_reachable=house.delivery.reachable,
    )


def unhealthy(house: House, engine: Statistics, now: float) -> str:
    """Why the box is not healthy, in words; empty when it is."""
    disk, oldest = house.disk, house.buffer.oldest
    if oldest is not None:
        # After a night without readings the last commit is long ago, and nothing is wrong.
        waiting_since = house.started + oldest.uptime_ms / 1000
        waited_s = now - max(disk.committed_at, waiting_since)
        if waited_s > house.configuration.store.commit_interval_s + COMMIT_STALL_S:
            said = disk.error or "no answer"
            return f"no reading has reached the disk for {waited_s:.0f} s: {said}"
    for lane in engine.lanes:
        if lane.stuck and lane.name == DATABASE_LANE:
            return f"the database has not answered for {lane.busy_s:.0f} s"
    for device in house.plant.devices.values():
        reason = _stalled(house, device.config.device_id, now)
        if reason:
            return reason
    if engine.stuck_lanes and engine.stuck_lanes == len(engine.lanes):
        return "every lane is stuck"
    return ""


def _stalled(house: House, device_id: str, now: float) -> str:
    device = house.plant.devices[device_id]
    if device.link.state is not LinkState.ONLINE:
        return ""
    last_ms = device.latest.uptime_ms if device.latest else 0
    silent_s = now - max(house.started + last_ms / 1000, device.link.since)
    bound_s = max(POLL_STALL_S, POLL_STALL_INTERVALS * device.config.interval_s)
    return (
        f"{device_id} is online but was not read for {silent_s:.0f} s" if silent_s > bound_s else ""
    )
