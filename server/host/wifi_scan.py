"""Has the radio look around, and waits until it has: LastScan moves when a scan is complete."""

from dbus_fast import Variant

from server.errors import WifiUnanswered
from server.host.networkmanager import NAME, PROPERTIES, WIRELESS, NetworkManager
from server.host.system_bus import BusRefused
from server.model.wifi import WifiReason
from server.ports import Clock

SCAN_LIMIT_S = 25.0
"""One scan: 3 s are usual, 16 s were seen while connected, with a country's rules in force."""
REFUSED_SCAN_LIMIT_S = 12.0
"""After a refused scan: one that is under way already ends within this; else nothing comes."""
LOOK_EVERY_S = 1.0
"""Between looks at LastScan, in case its signal was missed."""


def scan_now(nm: NetworkManager, device: str, clock: Clock) -> None:
    """Return when a scan that ended after this call is in; raises WifiUnanswered, WifiUnavailable.

    NetworkManager refuses a scan while one is under way, or was a moment ago: then one that ends
    soon is waited for, and if none does, what is known is new enough.
    """
    rule = f"type='signal',sender='{NAME}',path='{device}',interface='{PROPERTIES}'"
    nm.bus.listen(rule)
    last = nm.get(device, WIRELESS, "LastScan")
    limit_s, refused = SCAN_LIMIT_S, False
    try:
        options: dict[str, Variant] = {}
        nm.call(device, WIRELESS, "RequestScan", "a{sv}", options)
    except BusRefused:
        limit_s, refused = REFUSED_SCAN_LIMIT_S, True
    deadline = clock.monotonic() + limit_s
    while nm.get(device, WIRELESS, "LastScan") == last:
        left_s = deadline - clock.monotonic()
        if left_s <= 0 and refused:
            return
        if left_s <= 0:
            text = "The radio did not finish looking for networks in time; try again."
            raise WifiUnanswered(WifiReason.TIMEOUT, text)
        nm.bus.next_signal(min(left_s, LOOK_EVERY_S))
