"""The gateway as one machine: engine, house and the tasks that begin with it.

Knows ports and tasks, no adapter: the same class runs in the process (`app.py` hands it real
adapters, lanes and inbox) and in the simulated world of the unit tests.
"""

import logging
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from functools import partial

from server.engine.engine import Engine
from server.engine.inbox import Inbox
from server.engine.modes import ALLOWED_WHILE_STOPPING, RANKS, Mode, mode_of
from server.engine.runner import Report, Runner, Starter, Waiter
from server.engine.task import Submission, Task
from server.errors import Busy, SettingsError
from server.ledger.board import Board
from server.ledger.delivery import Outlet
from server.ledger.house import DATABASE_LANE, FILES_LANE, House
from server.ledger.portrait import Nameplate, draw
from server.ledger.review import facts_now, unhealthy
from server.model.access import EntryView
from server.model.audit import AuditEntry
from server.model.cursor import Cursor
from server.model.device import DeviceConfig, accounts_of
from server.model.notice import Level
from server.model.request import Request
from server.model.snapshot import Snapshot
from server.model.statistics import Statistics
from server.ports import SinkSetup, Transport
from server.tasks.answer_request import AnswerRequest
from server.tasks.ask_device import CloseSession
from server.tasks.check_clock import CheckClock
from server.tasks.commit_readings import CommitTick, write_now
from server.tasks.connect_device import TryLink
from server.tasks.forget_sink import ForgetSink
from server.tasks.keep_audit import NoteAudit
from server.tasks.look_at_wifi import LookAtWifi
from server.tasks.prune_store import PruneStore
from server.tasks.publish_batch import Feed, PublishTick, close_feed
from server.tasks.publish_snapshot import PublishSnapshot
from server.tasks.watch_trial import WatchTrial
from server.devices.link_table import LinkEvent

log = logging.getLogger(__name__)

SPREAD_S = 1.0
"""Links are first tried within this time of start, so that they do not all open at once."""

SPREAD_FROM_DEVICES = 20
"""Fewer devices than this are tried at once."""

MAX_KEPT_PLACES = 32
"""Sinks that are not configured at present and keep their place all the same."""

CLOSE_AT_MOST_S = 1.0
"""What farewells may take together when the gateway stops: a silent dongle must not hold it up."""

FIRST_PRUNE_S = 5.0
"""After start: links and the first readings go first."""


class Gateway:
    """See the module's docstring. All methods but `ask` and the board run on the engine thread."""

    def __init__(
        self,
        house: House,
        plate: Nameplate,
        report: Report,
        stored: "dict[str, Cursor]",
        quarantined: "dict[str, int]",
    ) -> None:
        self.house = house
        self.engine = Engine(RANKS[Mode.STARTING], patient=(DATABASE_LANE, FILES_LANE))
        self.feeds: dict[str, Feed] = {}
        self._plate = plate
        self._report = report
        self._stored = stored
        self._quarantined = quarantined
        self._number = 0
        self._runner: Runner | None = None
        self._inbox: Waiter | None = None
        house.publish = self.publish
        house.committed = self.committed
        house.reconfigured = self.reconfigured
        self.board = Board(self._portrait(house.clock.monotonic()))

    def run_on(self, inbox: Waiter, lanes: Starter) -> Runner:
        """The loop over this inbox and these lanes."""
        self._inbox = inbox
        self._runner = Runner(self.engine, inbox, lanes, self.house.clock.monotonic, self.reported)
        return self._runner

    # -- beginning and end ---------------------------------------------------------------------

    def begin(self, now: float) -> None:
        """Queue what the gateway lives by."""
        house = self.house
        standing: tuple[tuple[Task, float], ...] = (
            (CommitTick(house, now), now),
            (CheckClock(house), now),
            (PublishSnapshot(house), now),
            (PruneStore(house), now + FIRST_PRUNE_S),
            (WatchTrial(house, house.adapters.releases, self._fault), now),
        )
        for task, at in standing:
            self.engine.submit(task, at)
        if house.adapters.wifi is not None:
            self.engine.submit(LookAtWifi(house, house.adapters.wifi), now)
        self._keep_places(now)
        for task in self.engine.submit_all(self.reconfigured(now)):
            self.reported("begin", task, Busy("there is no lane left; remove a device or a sink"))
        self.publish(now)

    def _keep_places(self, now: float) -> None:
        """A sink that is not configured at this start keeps its place.

        Its settings may be unreadable today, or its variable missing, and be back tomorrow; only
        the owner's removal at run time forgets it. What is kept is bounded.
        """
        house = self.house
        configured = house.adapters.sinks_of(house.configuration)
        unknown = sorted(set(self._stored) - set(configured), key=self._place)
        for sink_id in unknown[: max(0, len(unknown) - MAX_KEPT_PLACES)]:
            del self._stored[sink_id]
            self.engine.submit(ForgetSink(house, sink_id), now)
        for sink_id in unknown[-MAX_KEPT_PLACES:]:
            house.notices.post(
                f"place {sink_id}",
                Level.INFO,
                f"{sink_id} is not configured any more; its place is kept, and what it has not "
                "taken is delivered when it is configured again",
                house.clock.utc_ms(),
            )

    def _place(self, sink_id: str) -> tuple[int, str]:
        return self._stored[sink_id].live, sink_id

    def stop(self, now: float) -> None:
        """No new work from here on but reverts and the last commit."""
        self.house.facts = replace(self.house.facts, stopping=True)
        self._review(now)

    def last_commit(self, now: float) -> None:
        """Freeze what is left, cursors included, once no call can add to it."""
        self.engine.submit_all(write_now(self.house, now))

    def break_off(self) -> None:
        """Abort every call that is still in flight; what writes to disk is let be."""
        for lane, task in self.engine.running().items():
            if lane not in (DATABASE_LANE, FILES_LANE):
                task.abort()

    def close(self, busy: Collection[str] = ()) -> None:
        """Give sessions back, those of searches as well; `busy` lanes are still in a call.

        Each may wait for a farewell; after CLOSE_AT_MOST_S nobody is waited for any more.
        """
        monotonic = self.house.clock.monotonic
        begun = monotonic()
        sessions: list[tuple[str, Transport]] = [*self.house.guests.items()]
        for device in self.house.plant.devices.values():
            sessions.append((device.config.endpoint.lane, device.transport))
        for lane, session in sessions:
            if lane in busy:
                continue
            if monotonic() - begun >= CLOSE_AT_MOST_S:
                session.abort()
            session.close()
        for feed in self.feeds.values():
            if feed.lane not in busy:
                feed.close()

    # -- settings ------------------------------------------------------------------------------

    def reconfigured(self, now: float) -> tuple[Submission, ...]:
        """Bring devices and sinks in line with the settings; what is unchanged is left alone."""
        return (*self._match_devices(now), *self._match_sinks(now))

    def _match_devices(self, now: float) -> list[Submission]:
        house = self.house
        wanted = {each.device_id: each for each in house.configuration.devices}
        accounts = accounts_of(wanted.values())
        before = accounts_of(each.config for each in house.plant.devices.values())
        then: list[Submission] = []
        for device_id, device in [*house.plant.devices.items()]:
            endpoint = device.config.endpoint
            same_account = accounts.get(endpoint) == before.get(endpoint)
            if not (same_account and _same_device(wanted.get(device_id), device.config)):
                then += self._remove_device(device_id, now)
        new = [each for each in wanted.values() if each.device_id not in house.plant.devices]
        spread_s = SPREAD_S if len(new) >= SPREAD_FROM_DEVICES else 0.0
        for config in new:
            at_ms = house.clock.utc_ms()
            try:
                device = house.plant.add(config, now, at_ms, accounts.get(config.endpoint))
            except SettingsError as error:  # One device that cannot be used stops no other.
                text = f"{config.name or config.device_id} cannot be used: {error}"
                key = f"device {config.device_id}"
                house.notices.post(key, Level.ERROR, text, at_ms, config.device_id)
                continue
            then.append(Submission(TryLink(house, device), now + house.draw() * spread_s))
        return then

    def _remove_device(self, device_id: str, now: float) -> list[Submission]:
        house = self.house
        device, session = house.plant.remove(device_id)
        device.link.happened(LinkEvent.REMOVE, now, house.clock.utc_ms())
        house.notices.clear(f"device {device_id}")
        if session is None:
            return []
        endpoint = device.config.endpoint
        wanted = [each.endpoint.host for each in house.configuration.devices]
        forget = partial(house.adapters.forget_host, endpoint.host)
        then = (lambda: None) if endpoint.host in wanted else forget
        return [Submission(CloseSession(endpoint.lane, session, then), now)]

    def _match_sinks(self, now: float) -> list[Submission]:
        house = self.house
        wanted = house.adapters.sinks_of(house.configuration)
        then: list[Submission] = []
        for sink_id in [each for each in self.feeds if each not in wanted]:
            feed = self.feeds.pop(sink_id)
            feed.removed = True
            house.delivery.remove(sink_id)
            then += [close_feed(feed, now), Submission(ForgetSink(house, sink_id), now)]
        for sink_id, setup in wanted.items():
            known = self.feeds.get(sink_id)
            if known is not None and _same_sink(setup, known.setup):
                continue
            if known is None:
                outlet = self._outlet(setup)
            else:
                known.removed = True
                then.append(close_feed(known, now))
                outlet = known.outlet.renewed(setup.target, setup.batch_records)
                house.delivery.add(outlet)
            feed = self.feeds[sink_id] = Feed(house, setup, outlet)
            then.append(Submission(PublishTick(house, feed, now), now))
        return then

    def _outlet(self, setup: SinkSetup) -> Outlet:
        """A known sink goes on where it stopped; a new one starts now, or with all history."""
        delivery = self.house.delivery
        cursor = self._stored.pop(setup.sink_id, None)
        self.house.notices.clear(f"place {setup.sink_id}")
        fresh = cursor is None
        if cursor is None:
            cursor = Cursor(0 if setup.history else delivery.head)
        outlet = Outlet(setup.sink_id, setup.kind, setup.target, cursor, setup.batch_records)
        outlet.dirty = fresh
        outlet.quarantined = self._quarantined.pop(setup.sink_id, 0)
        delivery.add(outlet)
        return outlet

    # -- looking -------------------------------------------------------------------------------

    def publish(self, now: float) -> None:
        """Review the mode and show a new snapshot."""
        self._review(now)
        self.house.published_at = now
        self.board.show(self._portrait(now))

    def committed(self, now: float) -> None:
        """Readings were accepted: whoever watches sees it at once."""
        if self.board.watched:
            self.publish(now)

    def statistics(self, now: float) -> Statistics:
        """The engine's figures at this moment."""
        inbox, runner = self._inbox, self._runner
        return self.engine.statistics(
            now,
            wakeups=runner.wakeups if runner else 0,
            inbox=len(inbox) if inbox else 0,
            inbox_refused=inbox.refused if inbox else 0,
        )

    def reported(self, half: str, task: Task, error: Exception) -> None:
        """A task raised what it must not: told to the owner as well as to the log."""
        self._report(half, task, error)
        name = type(task).__name__
        self.house.notices.post(
            f"bug {name} {half}",
            Level.ERROR,
            f"An error inside the gateway ({name}, {half}: {type(error).__name__}: {error}). "
            "It goes on; please report it.",
            self.house.clock.utc_ms(),
        )

    def _fault(self, now: float) -> str:
        return unhealthy(self.house, self.statistics(now), now)

    def _portrait(self, now: float) -> Snapshot:
        self._number += 1
        return draw(self.house, self._plate, self.statistics(now), self._number, now)

    def _review(self, now: float) -> None:
        house = self.house
        house.facts = facts_now(house, now)
        mode = mode_of(house.facts)
        if mode is house.mode:
            return
        log.info("mode changed", extra={"mode": str(mode), "before": str(house.mode)})
        house.mode, house.mode_since_ms = mode, house.clock.utc_ms()
        house.mode_changes += 1
        allowed = ALLOWED_WHILE_STOPPING if mode is Mode.STOPPING else None
        self.engine.rerank(RANKS[mode], allowed)


class Counter:
    """`ports.Desk` over a gateway: what other threads may do with it."""

    def __init__(self, gateway: Gateway, inbox: Inbox) -> None:
        self._gateway = gateway
        self._inbox = inbox

    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        return self._gateway.board.snapshot()

    def entry(self) -> EntryView:
        """Who may enter now: one reference to a value that never changes."""
        return self._gateway.house.entry.view

    def ask(self, request: Request) -> "Future[object]":
        """Raises Busy when the inbox is full."""
        reply: Future[object] = Future()
        self._inbox.put(AnswerRequest(self._gateway.house, request, reply))
        return reply

    def keep(self, entry: AuditEntry) -> None:
        """For the audit log; what comes when the inbox is full is dropped, and the inbox counts."""
        with suppress(Busy):
            self._inbox.put(NoteAudit(self._gateway.house, entry))

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Raises BufferError when there are too many."""
        return self._gateway.board.subscribe(wake)


def _same_device(wanted: DeviceConfig | None, known: DeviceConfig) -> bool:
    """Whether a device may go on as it is; serial and model are learned and do not count."""
    if wanted is None:
        return False
    if wanted.serial and known.serial and wanted.serial != known.serial:
        return False
    return replace(wanted, serial="", model="") == replace(known, serial="", model="")


def _same_sink(wanted: SinkSetup, known: SinkSetup) -> bool:
    """Whether a feed may go on as it is; asking for history counts for new sinks alone."""
    return (wanted.target, wanted.interval_s, wanted.batch_records, wanted.timeout_s) == (
        known.target,
        known.interval_s,
        known.batch_records,
        known.timeout_s,
    )
