"""What the version that runs has shown so far, read off the house for its trial."""

from server.devices.link import BREAKER_FAILURES
from server.ledger.delivery import Outlet
from server.ledger.house import House
from server.ledger.trial import Evidence


def evidence_now(house: House, fault: str, now: float) -> Evidence:
    """`fault` is why the box is not healthy, "" when it is. Notes what has been read."""
    outlets = house.delivery.outlets.values()
    house.trial.read.update(
        device_id for device_id, device in house.plant.devices.items() if device.polls
    )
    return Evidence(
        seconds=now - house.started,
        fault=fault,
        unread=_unread(house),
        acknowledged=not outlets or any(each.delivered for each in outlets),
        excused=all(_is_excused(each, house.delivery.head) for each in outlets),
        condemned=house.trial.condemned,
    )


def _unread(house: House) -> tuple[str, ...]:
    """Devices that were read before and are not now.

    One that is asleep (the night, switched off) is excused, if another one behind the same kind
    of door is read: then it is not the version that cannot read them.
    """
    trial, devices = house.trial, house.plant.devices
    schemes = {each.config.endpoint.scheme for key, each in devices.items() if key in trial.read}
    unread = []
    for device_id in trial.devices:
        device = devices.get(device_id)
        if device is None or device_id in trial.read:
            continue
        # Its state says so only between two tries.
        is_asleep = device.link.failures >= BREAKER_FAILURES
        if not (is_asleep and device.config.endpoint.scheme in schemes):
            unread.append(device.config.name or device_id)
    return tuple(unread)


def _is_excused(outlet: Outlet, head: int) -> bool:
    return outlet.out_of_reach or not outlet.owes(head)
