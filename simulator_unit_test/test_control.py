"""The control port over HTTP, against a plant that stands still."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from simulator.clock import ManualClock, RunningClock
from simulator.control import MAX_BODY_BYTES, MAX_CONNECTIONS, ControlPort
from simulator.doors import Ports
from simulator.operations import MAX_ADVANCE_S, OPERATIONS
from simulator.plant import VirtualPlant
from simulator.trouble import Quirk
from simulator_unit_test.waiting import until

NOON_S = 1_782_043_200


@dataclass
class Desk:
    """A plant, and somebody at its control port."""

    plant: VirtualPlant
    url: str
    web: requests.Session

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the JSON answered."""
        with self.web.request(method, self.url + path, json=body, timeout=10) as reply:
            return reply.status_code, reply.json()


@contextmanager
def seated(**options: Any) -> Iterator[Desk]:
    doors: dict[str, Ports] = {"modbus": 0, "winet": (0, 0)}
    plant = VirtualPlant(doors=doors, **{"clock": ManualClock(NOON_S), **options})
    with ControlPort(plant) as control, requests.Session() as web:
        yield Desk(plant, control.url.rstrip("/"), web)


@pytest.fixture(name="desk")
def _desk() -> Iterator[Desk]:
    with seated() as desk:
        yield desk


def test_state(desk: Desk) -> None:
    """One answer tells model, time, truth and how it misbehaves."""
    status, state = desk.ask("GET", "/state")

    assert (200, "SH10RT", "2026-06-21T12:00:00+00:00", desk.plant.truth()) == (
        status,
        state["model"],
        state["time"]["time"],
        state["truth"],
    )
    assert ({}, [], "awake") == (state["troubles"], state["quirks"], state["behaviour"]["night"])


def test_troubles_come_and_go(desk: Desk) -> None:
    """Ordered by its parts or in short, listed by id, cleared by id or all at once."""
    parts = {"trouble": "busy", "door": "winet", "rate": 0.5, "for_s": 60}
    first = desk.ask("POST", "/troubles", parts)
    second = desk.ask("POST", "/troubles", {"order": "latency:0.1:0.5"})
    listed = desk.ask("GET", "/troubles")[1]
    left = desk.ask("DELETE", "/troubles/1")[1]
    none = desk.ask("DELETE", "/troubles")[1]

    busy = {"trouble": "busy", "door": "winet", "rate": 0.5, "value": 0.0, "from_s": 0.0}
    assert (200, {"id": 1, **busy, "until_s": 60.0}) == first
    assert (200, None) == (second[0], second[1]["until_s"])
    assert (["1", "2"], ["2"], {}) == (list(listed), list(left), none)


def test_quirks(desk: Desk) -> None:
    """Turned on and off by name."""
    on = desk.ask("POST", "/quirks", {"padded-frame": True, "zero_in_block": True})
    off = desk.ask("POST", "/quirks", {"padded-frame": False})

    assert ((200, ["padded-frame", "zero-in-block"]), (200, ["zero-in-block"])) == (on, off)
    assert desk.plant.troubles.has(Quirk.ZERO_IN_BLOCK)


def test_time_leaps(desk: Desk) -> None:
    """A leap is walked through, second by second, before the answer comes."""
    status, time = desk.ask("POST", "/time", {"advance_s": 3600})

    assert (200, NOON_S + 3600, 3600) == (status, time["time_s"], time["since_start_s"])
    assert NOON_S + 3600 == desk.plant.moment().time_s


def test_time_runs_at_another_speed() -> None:
    """A running plant takes another speed; one that stands still says that it does not run."""
    with seated(clock=RunningClock(NOON_S, 1e-6)) as desk:
        status, time = desk.ask("POST", "/time", {"speed": 2e-6})

    assert (200, 2e-6) == (status, time["speed"])
    with seated() as desk:
        assert (400, {"error": "this plant's time stands still until it is advanced"}) == desk.ask(
            "POST", "/time", {"speed": 2}
        )


def test_a_trouble_lasts_from_its_beginning(desk: Desk) -> None:
    """`for_s` counts from `from_s`, and from now where there is none."""
    desk.plant.advance(100)
    now = desk.ask("POST", "/troubles", {"trouble": "drop", "for_s": 10})[1]
    later = desk.ask("POST", "/troubles", {"trouble": "drop", "from_s": 500, "for_s": 10})[1]

    assert (100, 110) == (now["from_s"], now["until_s"])
    assert (500, 510) == (later["from_s"], later["until_s"])


def test_doors_are_set_while_they_are_open(desk: Desk) -> None:
    """The next client meets the new rules, and they are told."""
    status, settings = desk.ask("POST", "/settings", {"second": "refused", "token_life_s": 5})

    assert (200, "refused", 5.0) == (status, settings["second"], settings["token_life_s"])
    assert ("refused", 5.0) == (
        desk.plant.door("winet").rules.second,
        desk.plant.door("winet").rules.token_life_s,
    )
    assert settings == desk.ask("GET", "/settings")[1] == desk.ask("GET", "/state")[1]["settings"]


def test_behaviour(desk: Desk) -> None:
    """A fault that is set is in the plant and in the answer."""
    status, behaviour = desk.ask("POST", "/behaviour", {"fault": 39, "night": "gone"})

    expected = {"code": 39, "stops": True, "since_s": NOON_S}
    assert (200, expected, "gone") == (status, behaviour["fault"], behaviour["night"])


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("POST", "/troubles", {"trouble": "rain"}, "no trouble 'rain'; there are: latency"),
        ("POST", "/troubles", {"trouble": "drop", "rate": "often"}, "rate is a number"),
        ("POST", "/troubles", {"trouble": "drop", "rate": 2}, "give 0 to 1"),
        ("POST", "/troubles", {"trouble": "drop", "chance": 1}, "'chance' is not known here"),
        ("POST", "/troubles", {"order": "drop:2"}, "give 0 to 1"),
        ("POST", "/troubles", [1], "should be a JSON object"),
        ("POST", "/troubles", {"trouble": "drop", "door": "cellar"}, "no door 'cellar'"),
        ("POST", "/troubles", {"trouble": "drop", "rate": 10**400}, "too large"),
        ("POST", "/troubles", {"trouble": "drop", "from_s": -1}, "a beginning of 0 or more"),
        ("POST", "/troubles", {"trouble": "drop", "for_s": 0}, "an end after it"),
        ("POST", "/troubles", {"trouble": "drop", "for_s": 1, "until_s": 1}, "not both"),
        ("POST", "/troubles", {"trouble": "latency"}, "does nothing without a value"),
        ("POST", "/troubles", {"trouble": "busy", "door": "encrypted"}, "has no encrypted door"),
        ("DELETE", "/troubles/7", None, "no trouble has the id 7"),
        ("DELETE", "/troubles/x", None, "no trouble has the id x"),
        ("POST", "/quirks", {"odd": True}, "no quirk 'odd'"),
        ("POST", "/quirks", {"padded-frame": 1}, "each quirk is true or false"),
        ("POST", "/time", {"advance_s": -1}, "give 0 to"),
        ("POST", "/time", {"advance_s": MAX_ADVANCE_S + 1}, "give 0 to"),
        ("POST", "/time", {"hour": 12}, "'hour' is not known here"),
        ("POST", "/behaviour", {"mood": 1}, "no behaviour mood"),
        ("POST", "/behaviour", {"self": 1}, "no behaviour self"),
        ("POST", "/settings", {"self": 1}, "no setting 'self'"),
        ("POST", "/settings", {"second": "waits"}, "give takes or refused"),
        ("POST", "/settings", {"certificate_folder": "/keys"}, "at the start alone"),
    ],
)
def test_refused_in_words(desk: Desk, method: str, path: str, body: Any, words: str) -> None:
    """What cannot be done is 400 with what would be right, and changes nothing."""
    before = desk.ask("GET", "/state")[1]

    status, answer = desk.ask(method, path, body)

    assert (400, True) == (status, words in answer["error"])
    assert before == desk.ask("GET", "/state")[1]


@pytest.mark.parametrize("body", [b"{", b"[" * 60_000, b'"x' + b" " * MAX_BODY_BYTES])
def test_bodies_that_are_none(desk: Desk, body: bytes) -> None:
    """No JSON, JSON without an end, and more than a request may have are refused."""
    with desk.web.post(desk.url + "/troubles", data=body, timeout=10) as reply:
        assert (400, True) == (reply.status_code, "the body" in reply.json()["error"])


def test_interface_is_described(desk: Desk) -> None:
    """Every operation is on the page and in the OpenAPI description."""
    described = desk.ask("GET", "/openapi.json")[1]
    with desk.web.get(desk.url + "/docs", timeout=10) as reply:
        page = reply.text

    listed = [(method, path) for path, each in described["paths"].items() for method in each]
    assert sorted((each.method.lower(), each.path) for each in OPERATIONS) == sorted(listed)
    assert all(each.path in page for each in OPERATIONS)


def test_bodies_are_described(desk: Desk) -> None:
    """Each body names what it takes, its example takes nothing else, and nothing else is taken."""
    paths = set()
    for path, each in desk.ask("GET", "/openapi.json")[1]["paths"].items():
        if "requestBody" not in each.get("post", {}):
            continue
        content = each["post"]["requestBody"]["content"]["application/json"]
        described = content["schema"]["properties"]

        assert content["example"].keys() <= described.keys()
        assert all({"type", "description"} <= value.keys() for value in described.values())
        assert 400 == desk.ask("POST", path, {"surely not": 1})[0]
        paths.add(path)

    assert {"/troubles", "/quirks", "/time", "/behaviour", "/settings"} == paths


def test_what_is_not_there_is_told_in_words(desk: Desk) -> None:
    """Another path or another method gets JSON, too, and where to look."""
    nowhere, otherwise = desk.ask("GET", "/nowhere"), desk.ask("PUT", "/time", {})

    assert (404, 405) == (nowhere[0], otherwise[0])
    assert all("/docs" in answer["error"] for _, answer in (nowhere, otherwise))


def test_too_many_clients_are_turned_away(desk: Desk) -> None:
    """The connection after MAX_CONNECTIONS is answered 503; when some have gone it is served."""
    host, port = desk.url.removeprefix("http://").split(":")
    with ExitStack() as held:
        for _ in range(MAX_CONNECTIONS):
            held.enter_context(socket.create_connection((host, int(port)), timeout=10))
        full = requests.get(desk.url + "/time", timeout=10).status_code
    until(lambda: requests.get(desk.url + "/time", timeout=10).status_code == 200)

    assert 503 == full


def test_examples_work(desk: Desk) -> None:
    """Each example of the interface is taken as it stands, by a plant that runs."""
    with seated(clock=RunningClock(NOON_S, 1e-6)) as running:
        statuses = [
            running.ask(each.method, each.path, each.example)[0]
            for each in OPERATIONS
            if each.example
        ]

    assert [200] * 5 == statuses


def test_stopping_twice() -> None:
    """Stopping a port that is closed, or never was open, is no error."""
    control = ControlPort(VirtualPlant(doors={}, clock=ManualClock(NOON_S)))
    control.stop()
    url = control.start().url

    control.stop()
    control.stop()

    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=10)
