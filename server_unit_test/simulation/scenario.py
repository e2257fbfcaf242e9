"""One simulated life of a gateway: built, crashed, built again, calmed, and then examined.

Everything that is drawn comes from the seed. `Life.run` lets the time pass and then gives the
gateway calm weather to deliver what it still holds; `Life.examine` checks what must be true.
"""

import random
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from server.devices.plant import Plant
from server.devices.profile import load_profiles
from server.engine.runner import Runner
from server.engine.task import Task
from server.errors import EgretError
from server.gateway import Gateway
from server.ledger.buffer import MAX_BUFFERED, Buffer
from server.ledger.delivery import Delivery
from server.ledger.disk import Disk
from server.ledger.house import Adapters, House
from server.ledger.notices import MAX_NOTICES, NoticeBoard
from server.ledger.portrait import Nameplate
from server.model.configuration import Configuration
from server.model.device import Account, DeviceConfig, Endpoint, Space
from server.model.reading import ClockQuality
from server.model.request import ChangeSettings, ReadRegisters
from server.ports import SinkSetup, Transport
from server.settings import Settings, device_document
from server.store.database import open_store
from server.store.readings import open_reader
from server.tasks.answer_request import AnswerRequest
from server.tasks.remember_device import remembered
from server_unit_test.simulation.cloud import Cloud
from server_unit_test.simulation.devices import (
    LATENCY_S,
    REFUSED_BY_SOME,
    SimulatedDevice,
    SimulatedTransport,
    Temper,
)
from server_unit_test.simulation.witness import WitnessedStore, kill
from server_unit_test.simulation.world import (
    Crash,
    VirtualClock,
    VirtualInbox,
    VirtualLanes,
    World,
)

PROFILES = Path(__file__).parent / "profiles"
GRID_TOLERANCE_S = 0.7
"""What a poll of a healthy device may be late by: its slack, and a read asked for on its lane."""

CALM_S = 86_400.0
OUT_FOR_S = 300.0
SNAPSHOT_EVERY_S = 120.0
"""Nobody looks at the page of a simulated gateway; drawing it would be half of the time."""

QUEUE_FACTOR = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What a life is like."""

    seed: int
    tempers: tuple[Temper, ...]
    interval_s: float
    commit_s: float
    duration_s: float
    publish_s: float = 60.0
    crashes: int = 0
    away: tuple[tuple[float, float], ...] = ()
    """When the first endpoint is away."""
    trouble: float = 0.01
    max_pages: int | None = None
    clock_steps: int = 0
    unsynced_starts: float = 0.0
    requests: int = 0
    poison: tuple[int, ...] = ()
    """Sequences of the first boot that the second endpoint refuses for ever."""
    max_records: int = 10_000
    slow_disk: tuple[float, ...] = ()
    slow_endpoint_s: float = 0.05
    """What the second endpoint takes for each device's batch."""
    changes: int = 0
    """How often the owner changes settings: takes a device out for a while, or a sink's pace."""


@dataclass(frozen=True, slots=True)
class Setup:
    """`ports.SinkSetup` of a simulated endpoint."""

    sink_id: str
    sink: Cloud
    interval_s: float
    kind: str = "simulated"
    target: str = "simulated"
    batch_records: int = 200
    history: bool = False
    timeout_s: float = 10.0
    timeout_s: float = 10.0


@dataclass(slots=True)
class Tally:
    """What came out, for the log and for the reader of a test."""

    accepted: int = 0
    delivered: dict[str, int] = field(default_factory=dict)
    duplicates: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    quarantined: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    crashes: int = 0
    corrected: int = 0
    stuck: int = 0


class NoKey:
    """`ports.Signer` for a world in which nothing is signed."""

    serial = "0" * 18
    public_key = bytes(64)

    def sign(self, message: bytes) -> bytes:
        """Never called here."""
        raise AssertionError("simulated endpoints take no signatures")


class Life:
    """See the module's docstring."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.world = World()
        self.random = random.Random(plan.seed)
        self.devices = {
            device.device_id: device
            for device in (
                SimulatedDevice(number, temper, plan.seed)
                for number, temper in enumerate(plan.tempers)
            )
        }
        self.clouds = (
            Cloud("cloud", self.world, self.devices, plan.seed, plan.away, plan.trouble),
            Cloud("local", self.world, self.devices, plan.seed, (), plan.trouble),
        )
        self.clouds[1].max_records = plan.max_records
        self.clouds[1].latency_s = plan.slow_endpoint_s
        self._publish_s = plan.publish_s
        self.accepted: dict[int, int] = {}
        self.crashes = 0
        self.bugs: list[str] = []
        self._folder = folder
        self._profiles = load_profiles(PROFILES).profiles
        self._replies: list[tuple[float, Future[object]]] = []
        self._polled: dict[str, float] = {}
        self._store: WitnessedStore | None = None
        self._gateway: Gateway | None = None
        self._lanes: VirtualLanes | None = None
        self._inbox: VirtualInbox | None = None
        self._runner: Runner | None = None
        self._clock: VirtualClock | None = None
        self._dropped: dict[str, int] = {}
        self._quarantined: dict[str, int] = {}
        self._schedule()

    # -- time ----------------------------------------------------------------------------------

    def run(self) -> Tally:
        """Live through the plan, calm down, deliver, and be examined."""
        self._boot()
        self._until(self.plan.duration_s)
        self._calm_down()
        end = self.plan.duration_s + CALM_S
        while self.world.now < end and not self._delivered():
            self._until(min(end, self.world.now + 60.0))
        tally = self.examine()
        self.world.note("end", tally)
        self._leave()
        return tally

    def _until(self, moment: float) -> None:
        world = self.world
        marked = False

        def mark() -> None:
            nonlocal marked
            marked = True

        world.at(moment, mark)
        while not marked:
            assert self._runner is not None
            try:
                self._runner.turn()
            except Crash:
                self._crash()
            self._check_turn()

    def _check_turn(self) -> None:
        gateway = self._gateway
        assert gateway is not None
        for device in self.devices.values():
            polled_at = device.polled_at
            if polled_at is not None and device.temper is Temper.HEALTHY:
                device.polled_at = None
                self._check_grid(device, polled_at)

    def _check_grid(self, device: SimulatedDevice, polled_at: float) -> None:
        before = self._polled.get(device.device_id)
        self._polled[device.device_id] = polled_at
        if before is None:
            return
        late_s = polled_at - before - self.plan.interval_s
        assert late_s < GRID_TOLERANCE_S, (
            f"{device.device_id} was polled at {before:.3f} and then at {polled_at:.3f}: "
            f"{late_s:.3f} s late, though nothing is wrong with it"
        )

    # -- events --------------------------------------------------------------------------------

    def _schedule(self) -> None:
        plan, draw = self.plan, self.random
        for _ in range(plan.crashes):
            self.world.at(draw.uniform(0.01, 0.97) * plan.duration_s, self._pull_the_plug)
        for _ in range(plan.clock_steps):
            step_ms = draw.choice((-7_200_000, -90_000, -1_500, 1_500, 90_000, 7_200_000))
            moment = draw.uniform(0.01, 0.95) * plan.duration_s
            self.world.at(moment, partial(self._step_clock, step_ms))
        for _ in range(plan.requests):
            self.world.at(draw.uniform(0.01, 0.95) * plan.duration_s, self._ask)
        for _ in range(plan.changes):
            moment = draw.uniform(0.02, 0.9) * plan.duration_s
            if draw.random() < 0.5:
                self.world.at(moment, self._change_pace)
            else:
                device_id = draw.choice(sorted(self.devices))
                self.world.at(moment, partial(self._take_out, device_id))
        for moment in plan.slow_disk:
            self.world.at(moment, self._slow_disk)
        self.world.at(600.0, self._check_bounds)

    def _pull_the_plug(self) -> None:
        raise Crash

    def _step_clock(self, step_ms: int) -> None:
        assert self._clock is not None
        self._clock.offset_ms += step_ms
        self.world.note("clock stepped", step_ms)

    def _synchronise(self, clock: VirtualClock) -> None:
        clock.offset_ms, clock.trusted = 0, ClockQuality.SYNCED
        self.world.note("clock synchronised")

    def _slow_disk(self) -> None:
        assert self._store is not None
        self._store.slow_until = self.world.now + 600.0
        self.world.note("the disk is slow")

    def _change(self, changes: dict[str, object]) -> None:
        """The owner changes settings through the API."""
        assert self._gateway is not None and self._inbox is not None
        reply: Future[object] = Future()
        self._inbox.put(AnswerRequest(self._gateway.house, ChangeSettings(changes), reply))
        self._replies.append((self.world.now, reply))

    def _change_pace(self) -> None:
        usual_s = self.plan.publish_s
        self._publish_s = 3 * usual_s if self._publish_s == usual_s else usual_s
        self.world.note("pace", self._publish_s)
        self._change({"name": f"paced {self._publish_s:g}"})

    def _take_out(self, device_id: str) -> None:
        self.world.note("taken out", device_id)
        self._polled.pop(device_id, None)
        devices = [each for each in self.devices.values() if each.device_id != device_id]
        self._change({"devices": self._documents(devices)})
        self.world.at(self.world.now + OUT_FOR_S, self._put_back)

    def _put_back(self) -> None:
        """All of them again, whoever was out."""
        self.world.note("all back")
        for device in self.devices.values():
            self._polled.pop(device.device_id, None)
        self._change({"devices": self._documents(self.devices.values())})

    def _documents(self, devices: Iterable[SimulatedDevice]) -> list[dict[str, object]]:
        return [device_document(self._config_of(device)) for device in devices]

    def _ask(self) -> None:
        """Somebody reads a register through the API."""
        assert self._gateway is not None and self._inbox is not None
        device_id = self.random.choice(sorted(self.devices))
        reply: Future[object] = Future()
        request = ReadRegisters(device_id, Space.INPUT, 0, 2)
        self._inbox.put(AnswerRequest(self._gateway.house, request, reply))
        self._replies.append((self.world.now, reply))

    def _check_bounds(self) -> None:
        gateway, now = self._gateway, self.world.now
        assert gateway is not None
        house = gateway.house
        assert len(house.buffer) <= MAX_BUFFERED * 2
        assert len(house.notices.shown()) <= MAX_NOTICES
        figures = gateway.statistics(now)
        assert figures.queued + figures.ready <= QUEUE_FACTOR * (len(self.devices) + 4), figures
        assert figures.bugs == 0 and not self.bugs, self.bugs
        waiting = [asked for asked, reply in self._replies if not reply.done()]
        assert not waiting or now - waiting[0] < 300.0, f"asked at {waiting[0]}, never answered"
        self._replies = [each for each in self._replies if not each[1].done()]
        self.world.at(now + 600.0, self._check_bounds)

    def _calm_down(self) -> None:
        for device in self.devices.values():
            device.calm = True
        for cloud in self.clouds:
            cloud.away, cloud.trouble = (), 0.0
        self.world.note("calm")

    def _delivered(self) -> bool:
        assert self._gateway is not None
        delivery = self._gateway.house.delivery
        slack = 2 * len(self.devices) * max(1.0, self.plan.publish_s / self.plan.interval_s)
        return all(
            each.cursor.backlog(delivery.head) <= slack and not each.cursor.gaps
            for each in delivery.outlets.values()
        )

    # -- building ------------------------------------------------------------------------------

    def _boot(self) -> None:
        world, plan = self.world, self.plan
        clock = self._clock = VirtualClock(world, world.now)
        if self.random.random() < plan.unsynced_starts:
            clock.offset_ms, clock.trusted = -40 * 86_400_000, ClockQuality.UNSYNCED
            world.at(world.now + self.random.uniform(20, 900), partial(self._synchronise, clock))
        opened = open_store(self._folder, synchronous="OFF", max_pages=plan.max_pages)
        self._connection = opened.writer._connection.sql
        store = self._store = WitnessedStore(opened.writer, world, self.accepted)
        store.dropped, store.quarantined = self._dropped, self._quarantined
        transports = {
            device.device_id: SimulatedTransport(world, device, _endpoint(device).lane)
            for device in self.devices.values()
        }
        house = House(
            clock=clock,
            draw=self.random.random,
            adapters=Adapters(
                store=store,
                open_reader=partial(open_reader, self._folder),
                open_transport=partial(_transport, transports),
                sinks_of=self._sinks,
                profiles=self._profiles,
            ),
            settings=self._settings(),
            plant=Plant(
                self._profiles,
                partial(_transport, transports),
                opened.last_taken_at_ms,
                remembered(opened.last_taken_at_ms, opened.writer.recall),
            ),
            buffer=Buffer(self.random.getrandbits(63)),
            delivery=Delivery(opened.head),
            notices=NoticeBoard(),
            disk=Disk(committed_at=world.now),
            started=world.now,
            snapshot_every_s=SNAPSHOT_EVERY_S,
        )
        plate = Nameplate.of(NoKey(), "simulated", clock.utc_ms(), "Simulated")
        gateway = self._gateway = Gateway(
            house, plate, self._bug, opened.cursors, opened.quarantined
        )
        inbox = self._inbox = VirtualInbox(world)
        lanes = self._lanes = VirtualLanes(world, inbox, gateway.engine.preempted)
        for transport in transports.values():
            transport.lanes = lanes
        self._runner = gateway.run_on(inbox, lanes)
        self._polled.clear()
        for cloud in self.clouds:
            cloud.started[house.buffer.boot] = world.now
        if not self.accepted:
            self.clouds[1].poison = {(house.buffer.boot, each) for each in plan.poison}
        gateway.begin(world.now)
        world.note("boot", format(house.buffer.boot, "x"))

    def _crash(self) -> None:
        self.crashes += 1
        self.world.note("crash")
        self._leave()
        self._boot()

    def _leave(self) -> None:
        assert self._lanes is not None and self._gateway is not None
        self._lanes.alive = False
        for feed in self._gateway.feeds.values():
            feed.close()
        kill(self._connection)
        self._replies.clear()

    def _sinks(self, configuration: Configuration) -> dict[str, SinkSetup]:
        return {cloud.name: Setup(cloud.name, cloud, self.plan.publish_s) for cloud in self.clouds}

    def _settings(self) -> Settings:
        settings = Settings.load(self._folder, {}, {})
        configured = settings.changed(
            {"store": {"commit_interval_s": self.plan.commit_s, "min_free_bytes": 0}}
        )
        return configured.with_devices(map(self._config_of, self.devices.values()))

    def _config_of(self, device: SimulatedDevice) -> DeviceConfig:
        return DeviceConfig(
            device_id=device.device_id,
            name=device.device_id,
            endpoint=_endpoint(device),
            unit_id=1,
            profile="simulated",
            interval_s=self.plan.interval_s,
        )

    def _bug(self, half: str, task: Task, error: Exception) -> None:
        self.bugs.append(f"{type(task).__name__}.{half}: {error!r}")
        self.world.note("bug", self.bugs[-1])
        raise AssertionError(self.bugs[-1]) from error

    # -- examination ---------------------------------------------------------------------------

    def examine(self) -> Tally:
        """No accepted reading lost, identities and stamps unique, drops and quarantine counted."""
        assert self._gateway is not None
        house = self._gateway.house
        tally = Tally(accepted=sum(self.accepted.values()), crashes=self.crashes)
        tally.dropped, tally.quarantined = dict(self._dropped), dict(self._quarantined)
        for cloud in self.clouds:
            cursor = house.delivery.outlets[cloud.name].cursor
            missing = sum(
                not cloud.has(boot, sequence)
                for boot, highest in self.accepted.items()
                for sequence in range(1, highest + 1)
            )
            waiting = cursor.backlog(house.delivery.head)
            excused = tally.dropped.get(cloud.name, 0) + tally.quarantined.get(cloud.name, 0)
            assert missing <= waiting + excused, (
                f"{missing} accepted records never reached {cloud.name}; "
                f"{waiting} wait, {excused} were dropped or quarantined and counted"
            )
            for device_id, stamps in cloud.stamps.items():
                assert len(set(stamps)) == len(stamps), f"{device_id} has a millisecond twice"
            tally.missing[cloud.name] = missing
            tally.delivered[cloud.name] = sum(map(len, cloud.stamps.values()))
            tally.duplicates[cloud.name] = cloud.duplicates
            tally.corrected += cloud.corrected
        self._examine_devices(house)
        return tally

    def _examine_devices(self, house: House) -> None:
        for device in self.devices.values():
            known = house.plant.devices[device.device_id]
            refused = {each.address for each in known.refused}
            if device.temper in (Temper.REFUSING, Temper.CLOSING):
                # One that was taken out and put back in calm weather has nothing to refuse.
                found = refused if self.plan.changes == 0 else refused | {REFUSED_BY_SOME}
                assert found == {REFUSED_BY_SOME}, f"{device.device_id} refuses {refused}"
            else:
                assert not refused, f"{device.device_id} refuses nothing, but {refused} is noted"


def _endpoint(device: SimulatedDevice) -> Endpoint:
    return Endpoint("modbus_tcp", f"10.0.0.{device.number + 1}", 502)


def _transport(
    transports: dict[str, SimulatedTransport], endpoint: Endpoint, account: Account
) -> Transport:
    number = int(endpoint.host.rsplit(".", 1)[1]) - 1
    return transports[f"device{number}"]


__all__ = ["LATENCY_S", "EgretError", "Life", "Plan", "Tally"]
