"""A house for the tests of tasks: real store, real settings, fakes that pass their contracts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from server.devices.plant import Device, Plant
from server.devices.profile import load_profiles
from server.engine.task import Failed, LaneTask, LaneView, Ok, Outcome, Submission, Task, Verdict
from server.errors import EgretError
from server.host.entry_file import EntryFile
from server.identity import label
from server.identity.claim import Claim
from server.identity.password import digested, is_right
from server.ledger.buffer import Buffer
from server.ledger.delivery import Delivery, Outlet
from server.ledger.disk import Disk
from server.ledger.house import Adapters, Entrance, House
from server.ledger.notices import NoticeBoard
from server.model.configuration import Configuration
from server.model.cursor import Cursor
from server.model.device import Account, DeviceConfig, Endpoint
from server.ports import SinkSetup, Transport
from server.settings import Settings
from server.store.database import Opened, open_store
from server.store.readings import open_reader
from server.tasks.publish_batch import Feed
from server_unit_test.contracts.fake_clock import FakeClock
from server_unit_test.contracts.fake_sink import FakeSink
from server_unit_test.contracts.fake_transport import FakeTransport
from server_unit_test.simulation.scenario import PROFILES

BOOT = 0x0123456789ABCDEF
ENDPOINT = Endpoint("modbus_tcp", "10.0.0.1", 502)
WORDS = {**{address: address for address in range(10)}, **dict.fromkeys(range(100, 106), 7)}
"""What the fake device holds: no serial, which the simulated profile looks for at 200."""


@dataclass(frozen=True, slots=True)
class Setup:
    """`ports.SinkSetup` of a fake sink."""

    sink_id: str
    sink: FakeSink
    kind: str = "fake"
    target: str = "http://fake"
    interval_s: float = 10.0
    batch_records: int = 10
    history: bool = False
    timeout_s: float = 10.0
    timeout_s: float = 10.0


class Still:
    """A lane that nothing preempts until told so."""

    def __init__(self) -> None:
        self.preempting = False

    def preempted(self) -> bool:
        """As told."""
        return self.preempting


@dataclass(slots=True)
class Home:
    """The house and everything around it."""

    house: House
    clock: FakeClock
    transport: FakeTransport
    sinks: dict[str, SinkSetup]
    opened: Opened
    folder: Path

    def device(self, device_id: str = "a", **changes: object) -> Device:
        """Configure a device and take it in."""
        config = config_of(device_id, **changes)
        return self.house.plant.add(config, self.clock.monotonic(), self.clock.utc_ms())

    def feed(self, sink_id: str = "sink") -> tuple[Feed, FakeSink]:
        """Configure a sink that starts at the head."""
        sink = FakeSink()
        setup = Setup(sink_id, sink)
        self.sinks[sink_id] = setup
        outlet = Outlet(
            sink_id, "fake", setup.target, Cursor(self.house.delivery.head), setup.batch_records
        )
        self.house.delivery.add(outlet)
        return Feed(self.house, setup, outlet), sink


def config_of(device_id: str = "a", **changes: object) -> DeviceConfig:
    """A device on the fake endpoint, served by the simulated profile."""
    settled: dict[str, object] = {
        "device_id": device_id,
        "name": f"Device {device_id}",
        "endpoint": ENDPOINT,
        "unit_id": 1,
        "profile": "simulated",
        "interval_s": 10.0,
    }
    return DeviceConfig(**{**settled, **changes})  # type: ignore[arg-type]  # by keyword


@contextmanager
def home_in(folder: Path, *, max_pages: int | None = None) -> Iterator[Home]:
    """Build a house over a store in `folder`, and close it afterwards."""
    clock = FakeClock()
    transport = FakeTransport(input=WORDS)
    sinks: dict[str, SinkSetup] = {}
    store_folder = folder / "store"
    opened = open_store(store_folder, synchronous="OFF", max_pages=max_pages)
    profiles = load_profiles(PROFILES).profiles

    def open_transport(endpoint: Endpoint, account: Account) -> Transport:
        return transport

    def sinks_of(configuration: Configuration) -> Mapping[str, SinkSetup]:
        return sinks

    house = House(
        clock=clock,
        draw=lambda: 0.5,
        adapters=Adapters(
            store=opened.writer,
            open_reader=partial(open_reader, store_folder),
            open_transport=open_transport,
            sinks_of=sinks_of,
            profiles=profiles,
            entrance=Entrance(
                EntryFile(folder), digested, is_right, Claim(label.load_or_make(folder)).is_right
            ),
        ),
        settings=Settings.load(folder, {}, {}),
        plant=Plant(profiles, open_transport, {}),
        buffer=Buffer(BOOT),
        delivery=Delivery(opened.head),
        notices=NoticeBoard(),
        disk=Disk(committed_at=clock.monotonic()),
        started=clock.monotonic(),
    )
    try:
        yield Home(house, clock, transport, sinks, opened, folder)
    finally:
        opened.writer.close()


def work(task: Task, lane: LaneView | None = None) -> Outcome:
    """Run a lane task's work as its helper thread would."""
    lane_task: LaneTask = task  # type: ignore[assignment]  # callers pass tasks with a lane
    try:
        return Ok(lane_task.work(lane or Still()))
    except EgretError as error:
        return Failed(error)


def run(task: Task, now: float, lane: LaneView | None = None) -> Verdict:
    """Work, if there is a lane, and settle."""
    return task.settle(Ok(None) if task.lane is None else work(task, lane), now)


def only(then: tuple[Submission, ...]) -> Submission:
    """The single task that a verdict asks for."""
    assert 1 == len(then), then
    return then[0]
