"""GET /healthz: does the gateway get on with its work. Alive is not enough."""

import msgspec

from server.api.call import Call, Nothing, Reply, answer
from server.model.access import Scope

SNAPSHOT_AGE_MAX_S = 30.0
"""The engine publishes about once a second; silent for this long, it is stuck."""


UNTOLD = "something is wrong; the box's page says what, to whoever may see it"
"""A reason may name a device, which is no stranger's business."""


class Health(msgspec.Struct, frozen=True):
    """`reason` says in words what is wrong; empty when nothing is."""

    healthy: bool
    reason: str
    mode: str


def show(call: Call[Nothing, Nothing]) -> Reply:
    """200 when the gateway makes progress, otherwise 503 and why not."""
    gateway = call.snapshot.gateway
    reason = "" if gateway.healthy else gateway.health or "the gateway reports a fault"
    age_s = call.context.live.snapshot_age_s()
    if age_s > SNAPSHOT_AGE_MAX_S:
        reason = f"the engine has published nothing for {age_s:.0f} s"
    if reason and not call.asker.caller.may(Scope.READ):
        reason = UNTOLD
    return answer(Health(not reason, reason, gateway.mode), 503 if reason else 200)
