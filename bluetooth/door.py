"""The door itself: when it is open, who sits at it, and what it shows of itself.

Joins the window (when), the rules (what) and the seat (who: one phone at a time), and hands
everything else to the ways in. It is the `Values` of the peripheral, lives on the event loop, and
never blocks. It knows no radio: it says what to send, whom to send away and that something
changed, and the service does it.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bluetooth.gatt import (
    DOOR_STATE_UUID,
    EGRET,
    IMPROV,
    IMPROV_DATA_UUID,
    NATIVE,
    Advertisement,
)
from bluetooth.improv_flow import Box
from bluetooth.ports import Clock, Gateway, Spawn, Wait
from bluetooth.record import VERSION, EventKind, Reason
from bluetooth.rules import RULES, Allowance
from bluetooth.seat import Seat
from bluetooth.ways import Guard, Means, Ways
from bluetooth.window import DEFAULT_WINDOW_S, Standing, State, Window

log = logging.getLogger(__name__)

TICK_S = 1.0
"""How often time has its effect while somebody is there or the door is open."""


class Outside(Protocol):
    """What the door asks of the service."""

    def notify(self, uuid: str, value: bytes) -> None:
        """Send a value to whoever subscribed."""
        ...

    def send_away(self, client: str) -> None:
        """End a central's connection."""
        ...

    def changed(self) -> None:
        """What is advertised or reported may be another now."""
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """What the gateway says of the door."""

    configured: bool = True
    """Whether the box was ever set up; True is the careful answer while nobody knows."""
    legacy_apps: bool = True
    """Whether apps without encryption are let in while the door is open."""
    window_s: float = DEFAULT_WINDOW_S


class Door:
    """`ports.Values`, and what opens and closes it. On the event loop only."""

    def __init__(
        self,
        session_key: bytes,
        gateway: Gateway,
        clock: Clock,
        spawn: Spawn,
        wait: Wait,
        box: Box,
        outside: Outside,
        policy: Policy,
        identify: Callable[[], None] | None = None,
    ) -> None:
        """`identify` makes the box seen; None when it cannot."""
        self._clock = clock
        self._outside = outside
        self._policy = policy
        self._seat = Seat(clock, spawn, wait, outside.send_away, self.left)
        self._window = Window(policy.window_s)
        self._window.configure(policy.configured, policy.window_s, clock.monotonic())
        self._standing = self.standing()
        self._lingers = False
        means = Means(gateway, clock, spawn, wait, outside.notify)
        guard = Guard(self._allowance, self._failed, self._window.succeed, outside.changed)
        self._ways = Ways(session_key, means, guard, box, identify)

    def read(self, client: str, uuid: str) -> bytes:
        """See ports.Values."""
        self._admit(client)
        return self.state_value() if uuid == DOOR_STATE_UUID else self._ways.read(client, uuid)

    def write(self, client: str, uuid: str, value: bytes) -> None:
        """See ports.Values."""
        self._admit(client)
        self._ways.write(client, uuid, value)

    def left(self, client: str) -> None:
        """See ports.Values."""
        self._ways.left(client)
        if self._seat.is_of(client):
            self._seat.free()
            self._outside.changed()

    def open(self, who: str) -> bool:
        """The button was pressed, or the owner asked; False while a pause is too young."""
        opened = self._window.open(self._clock.monotonic())
        log.info("the door was opened" if opened else "the door stays paused", extra={"by": who})
        self.tick()
        if opened:
            self._ways.authorize_improv(self._allowance().improv)
        return opened

    def close(self, who: str) -> None:
        """The owner, or a long press, closes it."""
        self._window.close(self._clock.monotonic())
        log.info("the door was closed", extra={"by": who})
        self.tick()
        if self._lingers:
            self._see_off()

    def obey(self, policy: Policy) -> None:
        """What the gateway says now."""
        if policy == self._policy:
            return
        self._policy = policy
        self._window.configure(policy.configured, policy.window_s, self._clock.monotonic())
        self.tick()
        self._keep_to_the_rules()
        self._outside.changed()

    def tick(self) -> None:
        """Let time have its effect; call it every TICK_S unless the door is still."""
        self._ways.tick()
        before, self._standing = self._standing, self.standing()
        if before.state is not self._standing.state:
            self._turned(before.state)
        if self._ways.is_busy:
            self._seat.stay()
        elif self._lingers:
            self._see_off()
        is_open = self._standing.state is State.OPEN
        self._seat.check(yields=not (is_open or self._ways.is_inside or self._ways.is_busy))

    def standing(self) -> Standing:
        """How the door stands."""
        return self._window.standing(self._clock.monotonic())

    @property
    def is_still(self) -> bool:
        """Whether nothing will happen by itself: no need to call `tick`."""
        waits = self._standing.left_s is not None or self._seat.taken
        return not waits and self._ways.is_quiet

    @property
    def is_visited(self) -> bool:
        """Whether a phone is there."""
        return self._seat.taken

    def lost(self) -> None:
        """The radio is gone, and with it whoever was connected."""
        if self._seat.taken:
            self.left(self._seat.client)

    def stop(self) -> None:
        """Say goodbye and forget everybody."""
        self._ways.stop()

    def advertisements(self, name: str) -> tuple[Advertisement, ...]:
        """What is sent into the air now; nothing while the door is closed."""
        if not self.standing().advertises:
            return ()
        session = Advertisement((EGRET.uuid,), name)
        if not self._policy.legacy_apps:
            return (session,)
        data = {IMPROV_DATA_UUID: self._ways.improv_data()}
        return (
            session,
            Advertisement((NATIVE.uuid,), name),
            Advertisement((IMPROV.uuid,), name, data),
        )

    def state_value(self) -> bytes:
        """The value of the door's characteristic: compact JSON, see docs/bluetooth.md."""
        standing = self.standing()
        value: dict[str, object] = {
            "state": standing.state,
            "left_s": None if standing.left_s is None else round(standing.left_s),
            "legacy": self._allowance().improv,
            "attempts_left": standing.attempts_left,
            "session": [VERSION],
        }
        return json.dumps(value, separators=(",", ":")).encode("ascii")

    def _admit(self, client: str) -> None:
        """One phone at a time; another one is sent away. Raises Refused."""
        if not self._seat.admit(client):
            return
        self._ways.arrived()
        self._keep_to_the_rules()
        self._outside.changed()
        if not self.standing().advertises:
            self._seat.dismiss("the door is closed")

    def _turned(self, before: State) -> None:
        """The door stands another way than before."""
        log.info("the door turned", extra={"from": before, "to": self._standing.state})
        self._keep_to_the_rules()
        value = self.state_value()
        self._outside.notify(DOOR_STATE_UUID, value)
        self._ways.tell_session(EventKind.DOOR, value)
        # Who waits for an answer when the time is over (a join takes a while) hears it yet.
        self._lingers = self._standing.state is State.CLOSED and self._ways.is_busy
        if not self._standing.advertises and not self._lingers:
            self._see_off()
        self._outside.changed()

    def _see_off(self) -> None:
        """Whoever is inside is told that the door is closed, and sent away."""
        self._lingers = False
        self._ways.end_session(Reason.DOOR_CLOSED, self._allowance().why_not)
        self._seat.dismiss("the door is closed")

    def _keep_to_the_rules(self) -> None:
        """What waits is begun, and Improv may do something, only while the rules say so."""
        self._ways.withdraw()
        allowed = self._allowance().improv
        if self._seat.taken or not allowed:
            self._ways.authorize_improv(allowed)

    def _allowance(self) -> Allowance:
        return RULES[self.standing().state, self._policy.legacy_apps]

    def _failed(self, client: str) -> None:
        """A bad attempt: count it, and pause the door at the last one."""
        self._window.fail(self._clock.monotonic())
        left = self.standing().attempts_left
        log.warning("an attempt failed", extra={"client": client, "attempts_left": left})
        self.tick()
