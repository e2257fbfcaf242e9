"""Whose account changes when an address that is configured already is given one: pure functions.

Refuses to know where accounts are kept and what they open. Whoever gives the address of a device
that logs in, and an account, wants this account used from now on; the device keeps its id, and so
its readings.
"""

from collections.abc import Sequence
from dataclasses import replace

from server.devices import doors
from server.model.device import Account, DeviceConfig, accounts_of
from server.model.request import AddDevice


def renewed(known: Sequence[DeviceConfig], request: AddDevice) -> tuple[DeviceConfig, ...]:
    """The configured devices with their new account, the one asked for first; none if none.

    All devices behind one endpoint share its session, and so the account. What the request leaves
    empty (or masks) stays as it is.
    """
    places = request.ways or (request.endpoint,)
    units = request.units or (request.unit_id,)
    given = request.account
    for asked in known if given != Account() else ():
        at_place = any(doors.same_dongle(asked.endpoint, place) for place in places)
        if at_place and asked.unit_id in units:
            now = accounts_of(known).get(asked.endpoint, Account())
            user, password = given.user or now.user, given.password or now.password
            behind = [each for each in known if each.endpoint == asked.endpoint]
            behind.sort(key=lambda each: each is not asked)
            return tuple(replace(each, user=user, password=password) for each in behind)
    return ()
