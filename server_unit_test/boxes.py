"""A whole gateway over the house of the task tests, living in virtual time."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.engine.task import Task
from server.gateway import Gateway
from server.ledger.portrait import Nameplate
from server.model.cursor import Cursor
from server.model.device import DeviceConfig
from server.model.reading import Record
from server.model.request import Request
from server.tasks.answer_request import AnswerRequest
from server_unit_test.contracts.fake_sink import FakeSink
from server_unit_test.ledger.readings import reading
from server_unit_test.simulation.world import VirtualClock, VirtualInbox, VirtualLanes, World
from server_unit_test.tasks.houses import Home, Setup, home_in

START = 1000.0
PLATE = Nameplate("1.0", "0123456789abcdef01", "00", 0)
EARLIER_BOOT = 7


@dataclass
class Box:
    """One gateway: let time pass with `until`, ask it with `ask`."""

    home: Home
    stored: dict[str, Cursor] = field(default_factory=dict)
    quarantined: dict[str, int] = field(default_factory=dict)
    bugs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = World()
        self.world.now = START
        house = self.home.house
        house.clock = VirtualClock(self.world, START)
        self.gateway = Gateway(house, PLATE, self._bug, self.stored, self.quarantined)
        self.inbox = VirtualInbox(self.world)
        self.lanes = VirtualLanes(self.world, self.inbox, self.gateway.engine.preempted)
        self.runner = self.gateway.run_on(self.inbox, self.lanes)

    @property
    def now(self) -> float:
        """Virtual seconds."""
        return self.world.now

    def begin(self) -> None:
        """Start, and let everything happen that is due at once."""
        self.gateway.begin(self.now)
        self.until(0.1)

    def until(self, seconds: float) -> None:
        """Let this much time pass."""
        reached: list[bool] = []
        self.world.at(self.world.now + seconds, lambda: reached.append(True))
        while not reached:
            self.runner.turn()

    def ask(self, request: Request) -> Any:
        """The answer to a request, which takes a tenth of a second at most."""
        reply: Future[object] = Future()
        self.inbox.put(AnswerRequest(self.gateway.house, request, reply))
        self.until(0.1)
        return reply.result(timeout=0)

    def devices(self, *configs: DeviceConfig) -> None:
        """Put devices into the settings before the start."""
        self.home.house.settings = self.home.house.settings.with_devices(configs)

    def sink(self, sink_id: str = "sink", **changes: Any) -> FakeSink:
        """Configure a sink, or change how it is fed; it counts from the next reconfiguration."""
        sink = FakeSink()
        self.home.sinks[sink_id] = Setup(sink_id, sink, **{"interval_s": 1.0, **changes})
        return sink

    def fill(self, count: int) -> None:
        """Put readings on disk that an earlier start took."""
        records = [Record(EARLIER_BOOT, each, reading(each)) for each in range(1, count + 1)]
        self.home.house.delivery.head = self.home.opened.writer.commit(records, {}).head

    def _bug(self, half: str, task: Task, error: Exception) -> None:
        self.bugs.append(f"{type(task).__name__} {half}: {error}")


@contextmanager
def box_in(folder: Path, **known: Any) -> Iterator[Box]:
    """Build a gateway over a store in `folder`; `known` is what an earlier start left behind."""
    with home_in(folder) as home:
        box = Box(home, **known)
        try:
            yield box
        finally:
            box.gateway.close()
