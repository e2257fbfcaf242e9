"""GET, POST and DELETE wifi: the networks in range, and the one that the box is on.

A password goes in and never comes out: not in an answer, not in an error, not in a log.
"""

from typing import cast

import msgspec

from server.api.asking import ask
from server.api.call import Call, Nothing, Reply, answer
from server.model.request import ForgetWifi, JoinWifi, ScanWifi
from server.model.wifi import (
    WifiJoined,
    WifiNetwork,
    WifiReason,
    WifiState,
)

SCAN_ANSWER_TIMEOUT_S = 50.0
"""How long GET wifi/scan waits: a scan takes 3 to 16 s, and may wait for a look before it."""
JOIN_ANSWER_TIMEOUT_S = 150.0
"""How long POST wifi waits unless told otherwise: a network that is not there takes half a minute,
one without addresses as long again, and then the way back to the old one."""
MIN_JOIN_TIMEOUT_S = 1.0
"""The least that `timeout` may be."""
MAX_JOIN_TIMEOUT_S = 300.0
"""The most that `timeout` may be."""
FORGET_ANSWER_TIMEOUT_S = 40.0
"""How long DELETE wifi waits."""


class Wifi(msgspec.Struct, frozen=True):
    """Strongest first; `message` says how it is, or why there is no Wi-Fi."""

    ssids: tuple[str, ...]
    connected: str | None
    available: bool
    message: str
    networks: tuple[WifiNetwork, ...]


class Scanned(msgspec.Struct, frozen=True):
    """What is in range now."""

    status: str
    ssids: tuple[str, ...]
    networks: tuple[WifiNetwork, ...]


class WifiChoice(msgspec.Struct, frozen=True):
    """The network to join; an open one has no `psk`.

    `hidden`: it does not say its name. `timeout`: seconds to wait for the answer; joining goes on
    beyond it. `wait` false: answer at once, and let GET wifi/progress tell the rest.
    """

    ssid: str
    psk: str = ""
    hidden: bool = False
    wait: bool = True
    timeout: float = JOIN_ANSWER_TIMEOUT_S

    def __repr__(self) -> str:
        """Without the password."""
        return f"WifiChoice(ssid={self.ssid!r}, hidden={self.hidden}, wait={self.wait})"


class Joined(msgspec.Struct, frozen=True, omit_defaults=True):
    """`status` is ok, or started. `reason` is no_internet when that is so."""

    status: str
    message: str = ""
    ip: str = ""
    reason: WifiReason | None = None


class WifiName(msgspec.Struct, frozen=True):
    """A network by its name, as GET wifi lists it."""

    ssid: str = ""


class Forgotten(msgspec.Struct, frozen=True):
    """How many stored connections there were for it."""

    status: str
    ssid: str
    forgotten: int
    message: str


def show(call: Call[Nothing, Nothing]) -> Reply:
    """What the box knows, without asking the radio."""
    state = call.snapshot.wifi.state
    return answer(
        Wifi(
            ssids=names_of(state),
            connected=state.connected,
            available=state.available,
            message=state.message,
            networks=state.networks,
        )
    )


def names_of(state: WifiState) -> tuple[str, ...]:
    """The names of all networks in range."""
    return tuple(each.ssid for each in state.networks)


async def scan(call: Call[Nothing, Nothing]) -> Reply:
    """Have the radio look; an earlier scan that has just ended answers too."""
    found = await ask(call.context.desk, ScanWifi(), SCAN_ANSWER_TIMEOUT_S)
    state = cast(WifiState, found)
    return answer(Scanned("scan initiated", names_of(state), state.networks))


def progress(call: Call[Nothing, Nothing]) -> Reply:
    """What is being done."""
    return answer(call.snapshot.wifi.progress)


async def join(call: Call[Nothing, WifiChoice]) -> Reply:
    """Join a network, and wait for what comes of it."""
    body = call.body
    wanted = JoinWifi(body.ssid, body.psk, body.hidden, body.wait)
    timeout_s = min(MAX_JOIN_TIMEOUT_S, max(MIN_JOIN_TIMEOUT_S, body.timeout))
    joined = cast(WifiJoined | None, await ask(call.context.desk, wanted, timeout_s))
    if joined is None:
        return answer(Joined("started", f"Connecting to {body.ssid}."), 202)
    return answer(Joined("ok", joined.message, joined.ip, joined.reason))


async def forget(call: Call[WifiName, WifiName]) -> Reply:
    """Forget the network that the body or the query names."""
    ssid = call.body.ssid or call.query.ssid
    found = await ask(call.context.desk, ForgetWifi(ssid), FORGET_ANSWER_TIMEOUT_S)
    count = cast(int, found)
    return answer(Forgotten("ok", ssid, count, f"The box has forgotten {ssid}."))
