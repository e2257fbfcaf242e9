"""The three programs together: started in order, watched, started again, ended in order.

Rules: the gateway is started last and ended first, so that it can read and deliver until its
own end. A program that ends by itself is reported with its last words and comes back at the
same port after a pause, at most MAX_RESTARTS times; meanwhile the others go on, which is what
a gateway is for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo import settings, status
from demo.child import Child, ChildError
from demo.ports import free_or_any

HOST = "127.0.0.1"

MAX_RESTARTS = 20
"""Times one program comes back; one that never stays up should be looked at, not hidden."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person asked for."""

    data: Path
    page_port: int
    plant_port: int
    receiver_port: int
    model: str
    speed: float
    start: str
    """The plant's time of day; `now` or nothing for that of this machine."""
    away_beats: int
    """Beats that an ended program stays away."""
    quiet: bool
    """True: nothing is said before all have started."""


@dataclass(slots=True)
class _Resident:
    """One program of the house: how it is started, and how it has fared."""

    child: Child
    arguments: tuple[str, ...]
    env: Mapping[str, str]
    restarts: int = 0
    away: int = 0


class House:
    """Owns the three children; used from one thread."""

    def __init__(self, wishes: Wishes, say: Say) -> None:
        self._wishes = wishes
        self._say = say
        self._residents: dict[str, _Resident] = {}
        self._registered = False
        self.page = ""
        self.receiver = ""

    def start(self) -> None:
        """Start all three; raises ChildError with what the one that failed has said."""
        wishes = self._wishes
        settings.place_plant(wishes.data, self._start_plant(wishes))
        receiver = ("simulator", "receiver", "--host", HOST)
        store = str(wishes.data / "received.db")
        self.receiver = self._start(
            "receiver", (*receiver, "--store", store), wishes.receiver_port, {}
        )
        told = settings.endpoint(f"{self.receiver}/gw/data/")
        gateway = ("server", "--host", HOST, "--data", str(wishes.data))
        self.page = self._start("gateway", gateway, wishes.page_port, told)

    def watch(self) -> None:
        """One beat: notice who has ended, bring back who has been away, introduce the key."""
        for name, resident in self._residents.items():
            if resident.child.running:
                continue
            if resident.away == 0:
                self._mourn(name, resident)
            elif resident.away == 1:
                self._bring_back(name, resident)
            resident.away = max(0, resident.away - 1)
        if not self._registered:
            self._registered = status.register(self.receiver, self.page)

    def status(self) -> str:
        """How delivery goes, in one line."""
        return status.line(status.fetch(f"{self.receiver}/stats"))

    def pid(self, name: str) -> int:
        """The process id of a program."""
        return self._residents[name].child.pid

    def stop(self) -> None:
        """End everything, the gateway first."""
        for name in ("gateway", "receiver", "plant"):
            if name in self._residents:
                self._residents[name].child.stop()

    def _start_plant(self, wishes: Wishes) -> settings.PlantDoor:
        hello = self._hello("plant", plant_arguments(wishes), wishes.plant_port, {})
        host, _, port = str(hello["doors"]["modbus"]).rpartition(":")
        self._keep_port("plant", int(port))
        return settings.PlantDoor(host, int(port), int(hello.get("unit_id", 1)), wishes.model)

    def _start(
        self, name: str, arguments: tuple[str, ...], wanted: int, told: Mapping[str, str]
    ) -> str:
        """Start a program that serves HTTP; its address without a slash at the end."""
        hello = self._hello(name, arguments, wanted, told)
        url = str(hello["url"]).rstrip("/")
        self._keep_port(name, int(url.rpartition(":")[2]))
        return url

    def _hello(
        self, name: str, arguments: tuple[str, ...], wanted: int, told: Mapping[str, str]
    ) -> Mapping[str, Any]:
        port = free_or_any(HOST, wanted)
        if port != wanted and not self._wishes.quiet:
            self._say(f"port {wanted} is in use; the {name} takes a free one")
        env = {**settings.inherited(), **told}
        child = Child(name, (*arguments, "--port", str(port)), env)
        self._residents[name] = _Resident(child, arguments, env)
        return child.wait_hello()

    def _keep_port(self, name: str, port: int) -> None:
        """A program that comes back is looked for where it was."""
        resident = self._residents[name]
        resident.arguments = (*resident.arguments, "--port", str(port))

    def _mourn(self, name: str, resident: _Resident) -> None:
        words = resident.child.last_words()
        resident.child.stop()
        resident.away = self._wishes.away_beats + 1
        resident.restarts += 1
        if resident.restarts > MAX_RESTARTS:
            raise ChildError(f"the {name} has ended {resident.restarts} times; it said:\n{words}")
        self._say(
            f"the {name} has ended; it comes back in {self._wishes.away_beats} s. It said:\n{words}"
        )

    def _bring_back(self, name: str, resident: _Resident) -> None:
        resident.child = Child(name, resident.arguments, resident.env)
        resident.child.wait_hello()
        self._registered = False
        self._say(f"the {name} is back")


def plant_arguments(wishes: Wishes) -> tuple[str, ...]:
    """The virtual plant's command line, but for its port."""
    what = ("--model", wishes.model, "--speed", f"{wishes.speed:g}")
    hour = ("--start", wishes.start) if wishes.start not in ("", "now") else ()
    return ("simulator", "plant", "--host", HOST, *what, *hour)
