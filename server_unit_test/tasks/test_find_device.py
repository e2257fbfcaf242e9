"""A device is found by its address alone."""

from dataclasses import replace

import pytest

from server.devices.doors import ways
from server.devices.profile import load_profiles
from server.engine.task import Done, Failed, Ok, Outcome, Submission
from server.errors import (
    Busy,
    DeviceTimeout,
    DeviceUnreachable,
    EgretError,
    ProtocolError,
    UnsupportedDevice,
    WrongDevice,
)
from server.ledger.notices import NOTICE_CHARACTERS_MAX
from server.model.device import Account, Endpoint, Space
from server.model.request import FoundDevices, Probe
from server.ports import Transport
from server.tasks import find_device as module
from server.tasks.find_device import (
    MAX_PROGRESS_LINES,
    MAX_SHOWN_CHARACTERS,
    PROGRESS_NOTICE,
    QUESTION_BUDGET_S,
    SEARCH_BUDGET_S,
    AskWay,
    Search,
)
from server_unit_test.contracts.fake_transport import FakeTransport
from server_unit_test.devices.recorded import recorded
from server_unit_test.tasks.houses import ENDPOINT, Home, config_of, work

NOW = 1000.0
HOST = "10.0.0.1"
HYBRID = dict(next(each for each in recorded() if "SH10RT" in each.name).input)
STRING = dict(next(each for each in recorded() if "SG5.0RT" in each.name).input)
BATTERY = {10710: 0x5331, **dict.fromkeys(range(10711, 10720), 0)}
BATTERY |= {10740: 2300, 10741: 12, 10742: 215, 10743: 784}
UNKNOWN: dict[int, int] = {}
MODBUS, ENCRYPTED = ways(HOST)[:2]


class Site(FakeTransport):
    """Devices behind one endpoint by their unit; a unit that is not there keeps silent."""

    def __init__(self, units: dict[int, dict[int, int]] | None) -> None:
        super().__init__()
        self.reachable = units is not None
        self.behind = units or {}
        self.asked: list[int] = []

    def read(self, unit_id: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        """As the device of that unit."""
        if not self.asked or self.asked[-1] != unit_id:
            self.asked.append(unit_id)
        if unit_id not in self.behind:
            raise DeviceTimeout("no answer")
        self.input = self.behind[unit_id]
        return super().read(unit_id, space, address, count)


class Lookout:
    """Runs a search and keeps what was seen on the way."""

    def __init__(self, home: Home, sites: dict[tuple[str, int], Transport]) -> None:
        self.home = home
        self.sites = sites
        self.opened: list[Endpoint] = []
        self.accounts: set[Account] = set()
        self.notices: list[str] = []
        self.lanes: list[str | None] = []
        self.heard: list[Outcome] = []
        house = home.house
        house.adapters = replace(house.adapters, open_transport=self._open)
        house.publish = lambda now: self.notices.extend(
            each.text for each in house.notices.shown() if each.key == PROGRESS_NOTICE + HOST
        )

    def look(self, wanted: Probe, step_s: float = 0.0) -> FoundDevices:
        """What is found; raises why nothing is."""
        now = NOW
        then = Search(self.home.house, wanted, self._finished).begin(now)
        while then:
            (submission,) = then
            now += step_s
            self.lanes.append(submission.task.lane)
            verdict = submission.task.settle(work(submission.task), now)
            assert isinstance(verdict, Done)
            then = verdict.then
        (outcome,) = self.heard
        if isinstance(outcome, Failed):
            raise outcome.error
        assert isinstance(outcome.value, FoundDevices)
        return outcome.value

    def _open(self, endpoint: Endpoint, account: Account) -> Transport:
        self.opened.append(endpoint)
        self.accounts.add(account)
        return self.sites.get((endpoint.scheme, endpoint.port), Site(None))

    def _finished(self, outcome: Outcome, now: float) -> tuple[Submission, ...]:
        self.heard.append(outcome)
        return ()


@pytest.fixture
def bundled(home: Home) -> Home:
    """A house that knows the real families."""
    house = home.house
    house.adapters = replace(house.adapters, profiles=load_profiles().profiles)
    return home


def anywhere(**changes: object) -> Probe:
    """An address and nothing else."""
    wanted = Probe(MODBUS, 1, ways=ways(HOST), units=(1, 2, 3))
    return replace(wanted, **changes)  # type: ignore[arg-type]  # by keyword


def units_of(found: FoundDevices) -> list[tuple[int, str, int | None]]:
    """Unit, profile and parent of each."""
    return [(each.unit_id, each.identity.profile, each.behind) for each in found.devices]


def test_the_first_way_that_answers_is_taken(bundled: Home) -> None:
    """On its own lane, and the connection is given back."""
    site = Site({1: STRING})
    lookout = Lookout(bundled, {("modbus_tcp", 502): site})

    found = lookout.look(anywhere())

    assert [(1, "sungrow_string", None)] == units_of(found)
    assert (MODBUS, False) == (found.devices[0].endpoint, site.connected)
    assert {MODBUS.lane} == set(lookout.lanes)


def test_an_inverter_is_found_with_its_battery(bundled: Home) -> None:
    """On whichever of its units it answers."""
    for unit in (200, 2):
        units = {1: HYBRID, unit: BATTERY}
        lookout = Lookout(bundled, {("modbus_tcp", 502): Site(units)})

        found = lookout.look(anywhere())

        assert [(1, "sungrow_hybrid", None), (unit, "sungrow_battery", 0)] == units_of(found)
        assert ("battery", "S1") == (found.devices[1].name, found.devices[1].identity.serial)


@pytest.mark.parametrize("unit", [2, 200])
def test_a_battery_is_not_found_when_it_is_not_wanted(bundled: Home, unit: int) -> None:
    """Whether it would be met among the inverters or behind one."""
    site = Site({1: HYBRID, unit: BATTERY})

    found = Lookout(bundled, {("modbus_tcp", 502): site}).look(anywhere(children=False))

    assert [(1, "sungrow_hybrid", None)] == units_of(found)
    assert 200 not in site.asked


def test_a_second_inverter_is_found_once(bundled: Home) -> None:
    """Under its own serial number; a unit that repeats the first one is no other device."""
    units = {1: HYBRID, 2: HYBRID, 3: STRING}

    found = Lookout(bundled, {("modbus_tcp", 502): Site(units)}).look(anywhere())

    assert [(1, "sungrow_hybrid", None), (3, "sungrow_string", None)] == units_of(found)


def test_a_unit_that_is_given_is_the_only_one(bundled: Home) -> None:
    """Its battery is looked for all the same."""
    site = Site({1: STRING, 2: HYBRID, 200: BATTERY})

    found = Lookout(bundled, {("modbus_tcp", 502): site}).look(anywhere(unit_id=2, units=(2,)))

    assert [(2, "sungrow_hybrid", None), (200, "sungrow_battery", 0)] == units_of(found)
    assert [2, 200] == site.asked


def test_a_way_that_refuses_is_asked_for_its_other_units(bundled: Home) -> None:
    """It speaks: only the unit is another."""
    site = Site({1: UNKNOWN, 2: STRING})

    found = Lookout(bundled, {("modbus_tcp", 502): site}).look(anywhere())

    assert [(2, "sungrow_string", None)] == units_of(found)


def test_a_silent_way_is_left_for_the_next(bundled: Home) -> None:
    """An encrypted port ignores plain requests; waiting for more units would be in vain."""
    plain, encrypted = Site({}), Site({1: STRING})
    sites: dict[tuple[str, int], Transport] = {
        ("modbus_tcp", 502): plain,
        ("sungrow_tcp", 502): encrypted,
    }

    found = Lookout(bundled, sites).look(anywhere())

    assert (ENCRYPTED, [1]) == (found.devices[0].endpoint, plain.asked)
    assert not plain.connected


def test_a_silent_way_gets_a_second_chance(bundled: Home) -> None:
    """When nothing else answers, its other units are asked."""
    lookout = Lookout(bundled, {("modbus_tcp", 502): Site({3: STRING, 2: UNKNOWN})})

    found = lookout.look(anywhere())

    assert [(3, "sungrow_string", None)] == units_of(found)


def test_a_closed_port_is_tried_once(bundled: Home) -> None:
    """Another protocol would find it closed too; the words say what was tried and what to do."""
    lookout = Lookout(bundled, {})

    with pytest.raises(DeviceUnreachable) as caught:
        lookout.look(anywhere())

    words = str(caught.value)
    ports = {way.port for way in ways(HOST)}
    assert sorted(ports) == sorted(way.port for way in lookout.opened)
    assert words.startswith(f"No device was found at {HOST}. Tried: Modbus TCP on port 502: ")
    assert all(f"port {port}" in words for port in ports)
    assert "iSolarCloud" in words and "WiNet-S" in words


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (DeviceTimeout("silent"), DeviceTimeout),
        (WrongDevice("its certificate has changed"), WrongDevice),
    ],
)
def test_the_error_is_of_the_kind_that_helps_most(
    bundled: Home, fault: EgretError, kind: type[EgretError]
) -> None:
    """What a person has to change outranks silence."""
    site = Site({1: STRING})
    site.faults.append(fault)
    lookout = Lookout(bundled, {("modbus_tcp", 502): site})

    with pytest.raises(kind, match=str(fault)):
        lookout.look(anywhere(ways=(MODBUS,), units=(1,)))


def test_something_unknown_is_unsupported(bundled: Home) -> None:
    """It answers, but as nothing that a profile knows."""
    lookout = Lookout(bundled, {("modbus_tcp", 502): Site({1: UNKNOWN})})

    with pytest.raises(UnsupportedDevice, match="refuses every register"):
        lookout.look(anywhere(ways=(MODBUS,), units=(1,)))


def test_what_speaks_another_language_is_asked_once(bundled: Home) -> None:
    """Under no unit would it answer otherwise; its bytes are not for a person."""
    site = Site({1: STRING})
    site.faults.append(ProtocolError("not a Modbus TCP frame", b"HTTP"))
    lookout = Lookout(bundled, {("modbus_tcp", 502): site})

    with pytest.raises(UnsupportedDevice, match="port 502, unit 1: not a Modbus TCP frame[.]"):
        lookout.look(anywhere(ways=(MODBUS,)))

    assert [MODBUS] == lookout.opened


def test_each_step_is_seen_while_it_happens(bundled: Home) -> None:
    """As a notice that is gone at the end; the answer repeats all of them."""
    lookout = Lookout(bundled, {("modbus_tcp", 502): Site({1: HYBRID, 200: BATTERY})})

    found = lookout.look(anywhere(units=(1,)))

    assert (
        "Trying Modbus TCP on port 502",
        "Type code 0x0E03: Sungrow SH10RT",
        "Found SH10RT, serial number A2290912345, unit 1, through Modbus TCP on port 502",
        "Looking for its battery on unit 200",
        "Found Sungrow, serial number S1, unit 200, through Modbus TCP on port 502",
    ) == found.progress
    assert "Trying Modbus TCP on port 502" == lookout.notices[0]
    assert lookout.notices[-1].endswith(
        "Found Sungrow, serial number S1, unit 200, through " "Modbus TCP on port 502"
    )
    assert () == bundled.house.notices.shown()


def test_what_is_shown_is_bounded(bundled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest lines, as many as a notice holds; of a search that never ends, the first ones."""
    monkeypatch.setattr(module, "MAX_PROGRESS_LINES", 2)
    monkeypatch.setattr(module, "MAX_SHOWN_CHARACTERS", 10)
    lookout = Lookout(bundled, {("modbus_tcp", 502): Site({1: STRING})})

    found = lookout.look(anywhere(units=(1,)))

    assert 2 == len(found.progress) < MAX_PROGRESS_LINES
    assert {10} == {len(text) for text in lookout.notices}
    assert all(text.startswith(("Trying", "Type")) for text in lookout.notices)
    assert MAX_SHOWN_CHARACTERS < NOTICE_CHARACTERS_MAX


def test_only_whole_lines_are_shown(bundled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line of a notice is a step of the search: none begins in the middle of a word."""
    monkeypatch.setattr(module, "MAX_SHOWN_CHARACTERS", 100)
    lookout = Lookout(bundled, {("modbus_tcp", 502): Site({1: HYBRID, 200: BATTERY})})

    found = lookout.look(anywhere())

    assert {line[:100] for line in found.progress} >= {
        line for text in lookout.notices for line in text.split("\n")
    }
    assert any("\n" in text for text in lookout.notices)
    assert all(len(text) <= 100 for text in lookout.notices)


def test_a_search_ends_in_time(bundled: Home) -> None:
    """SEARCH_BUDGET_S after its start nothing new is begun; what was found is the answer."""
    site = Site({1: HYBRID, 200: BATTERY})
    lookout = Lookout(bundled, {("modbus_tcp", 502): site})

    found = lookout.look(anywhere(), step_s=SEARCH_BUDGET_S / 2)

    assert [(1, "sungrow_hybrid", None)] == units_of(found)
    assert not site.connected


def test_a_late_search_says_what_it_tried(bundled: Home) -> None:
    """Also when time was up before every way was tried."""
    lookout = Lookout(bundled, {("modbus_tcp", 502): Site({})})

    with pytest.raises(DeviceTimeout, match="no time was left for more"):
        lookout.look(anywhere(), step_s=SEARCH_BUDGET_S)

    assert [MODBUS] == lookout.opened


def test_a_configured_address_is_asked_over_its_session(home: Home) -> None:
    """Before all other ways; the session is neither opened twice nor given back."""
    device = home.device()
    device.transport.open()
    lookout = Lookout(home, {})
    other = Endpoint("modbus_tcp", HOST, 1502)

    with pytest.raises(UnsupportedDevice):
        lookout.look(Probe(other, 2, ways=(other, ENDPOINT), units=(2,)))

    assert config_of().endpoint == ENDPOINT
    assert ENDPOINT.lane == lookout.lanes[0]
    assert [other] == lookout.opened
    assert (1, True) == (home.transport.connections, home.transport.connected)


@pytest.mark.parametrize("port", [502, 443, 8082])
def test_a_configured_dongle_is_asked_over_its_session(bundled: Home, port: int) -> None:
    """Whichever of its ports is configured: a second session would end the first one."""
    endpoint = Endpoint("winet", HOST, port)
    bundled.transport.input = dict(HYBRID)
    bundled.device("a", endpoint=endpoint)
    lookout = Lookout(bundled, {})

    found = lookout.look(anywhere())

    assert [endpoint] == [each.endpoint for each in found.devices]
    assert [] == lookout.opened


def test_a_search_ends_when_there_is_no_room(bundled: Home) -> None:
    """A stopping gateway takes no more questions."""
    lookout = Lookout(bundled, {("modbus_tcp", 502): Site({1: STRING})})
    heard: list[Outcome] = []

    def finished(outcome: Outcome, now: float) -> tuple[Submission, ...]:
        heard.append(outcome)
        return ()

    (first,) = Search(lookout.home.house, anywhere(), finished).begin(NOW)
    full = Failed(Busy("stopping"))

    assert Done() == first.task.settle(full, NOW)
    assert [full] == heard
    assert [MODBUS.lane] == [*bundled.house.guests]  # To be given back by whoever stops.
    assert () == bundled.house.notices.shown()


def test_a_search_leaves_no_session_behind(bundled: Home) -> None:
    """Whatever it finds, what it opened is given back."""
    Lookout(bundled, {("modbus_tcp", 502): Site({1: STRING})}).look(anywhere())

    assert {} == bundled.house.guests


def test_a_newer_search_follows_an_older_one(bundled: Home) -> None:
    """Whoever looks again need not wait long: the older one ends and gives its session back."""
    site = Site({2: STRING})
    lookout = Lookout(bundled, {("modbus_tcp", 502): site})
    heard: list[tuple[str, Outcome]] = []

    def search(name: str) -> tuple[Submission, ...]:
        def finished(outcome: Outcome, now: float) -> tuple[Submission, ...]:
            heard.append((name, outcome))
            assert "old" != name or not site.connected
            return ()

        return Search(lookout.home.house, anywhere(), finished).begin(NOW)

    waiting = [*search("old")]
    assert () == search("new") == search("newer")
    while waiting:
        task = waiting.pop(0).task
        verdict = task.settle(work(task), NOW)
        assert isinstance(verdict, Done)
        waiting += verdict.then

    old, new, newer = heard
    assert ["old", "new", "newer"] == [name for name, _ in heard]
    assert isinstance(old[1], Failed) and "looked for it again" in str(old[1].error)
    assert isinstance(newer[1], Ok)
    assert {} == bundled.house.searches


def test_a_question_can_be_broken_off(bundled: Home) -> None:
    """It has its own budget, and the transport is told."""
    site = Site({1: STRING})
    lookout = Lookout(bundled, {("modbus_tcp", 502): site})
    (first,) = Search(lookout.home.house, anywhere(), lambda outcome, now: ()).begin(NOW)
    task = first.task
    assert isinstance(task, AskWay)

    task.abort()

    assert (1, QUESTION_BUDGET_S) == (site.aborts, task.budget_s)
    assert isinstance(work(task), Ok)
    site.close()


def test_a_search_logs_in_with_the_account_given(bundled: Home) -> None:
    """On every way that it opens."""
    lookout = Lookout(bundled, {("modbus_tcp", 502): Site({1: STRING})})

    lookout.look(anywhere(account=Account("owner", "s3cret")))

    assert {Account("owner", "s3cret")} == lookout.accounts
