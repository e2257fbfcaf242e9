"""Look for a device of which little more than the address is known, and for what sits behind it.

A search is a script that runs on the engine thread: it asks one question at a time, each of which
is a task on the lane of the endpoint that it asks, and says in between what it is doing. So a
search delays no other device, and whoever waits sees each step as a notice while it happens.

Rules. Each way is tried with the first unit; one that says something in its own protocol is asked
for its other units at once, one that keeps silent only after all other ways. A port that accepts no
connection is not tried a second time. What is configured already is asked over its own session:
many devices take one client only; for the same reason one search a host is under way, and a newer
one makes it end soon and follows it. After SEARCH_BUDGET_S nothing further is begun.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace

from server.devices import doors
from server.devices.probe import probe
from server.devices.profile import Profile
from server.devices.profile_doors import Child
from server.engine.task import Done, Failed, Kind, LaneView, Ok, Outcome, Submission, Verdict
from server.errors import (
    Busy,
    DeviceTimeout,
    DeviceUnreachable,
    EgretError,
    LinkClosed,
    Overrun,
    PeerFault,
    Permanent,
    ProtocolError,
    UnsupportedDevice,
)
from server.ledger.house import House
from server.model.device import Endpoint, Identity
from server.model.notice import Level
from server.model.request import AddDevice, Found, FoundDevices, Probe
from server.ports import Transport

QUESTION_BUDGET_S = 20.0
"""One connect, or one unit asked what it is: as for a configured device."""
SEARCH_BUDGET_S = 40.0
"""After this nothing new is tried: whoever asked waits a minute at most."""
PROGRESS_NOTICE = "probe "
"""What the keys of progress notices begin with; the host follows."""
MAX_PROGRESS_LINES = 100
"""Lines of one search: far more than there are ways and units."""
MAX_SHOWN_CHARACTERS = 480
"""Characters of the newest lines that a notice shows, within what a notice may hold."""

Then = tuple[Submission, ...]
Finished = Callable[[Outcome, float], Then]
Wanted = Probe | AddDevice


@dataclass(frozen=True, slots=True)
class _Question:
    """Something to ask on an endpoint's lane."""

    endpoint: Endpoint
    transport: Transport
    ask: Callable[[], object]


@dataclass(frozen=True, slots=True)
class _Told:
    """What a unit said, and what was noticed on the way."""

    identity: Identity
    heard: tuple[str, ...]


Script = Generator[_Question, Outcome, FoundDevices]
Finding = Generator[_Question, Outcome, list[Found]]


class AskWay:
    """One question of a search, on the lane of its endpoint."""

    kind = Kind.PROBE
    slack_s = 0.0
    budget_s = QUESTION_BUDGET_S

    def __init__(self, search: "Search", question: _Question) -> None:
        self._search = search
        self._question = question
        self.lane = question.endpoint.lane

    def work(self, lane: LaneView) -> object:
        """Raises what the transport raises, and UnsupportedDevice."""
        return self._question.ask()

    def abort(self) -> None:
        """Break the call in flight."""
        self._question.transport.abort()

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """The search goes on."""
        return Done(self._search.go_on(outcome, now))


class Search:
    """One search, from its first question to its answer. Lives on the engine thread."""

    def __init__(self, house: House, wanted: Wanted, finished: Finished) -> None:
        """`finished` gets FoundDevices with at least one device, or why there is none."""
        self._house = house
        self._profiles: Mapping[str, Profile] = house.adapters.profiles
        self._ways = self._in_order(wanted.ways or (wanted.endpoint,))
        self._units = wanted.units or (wanted.unit_id,)
        self._children = wanted.children
        self._account = wanted.account
        self._finished = finished
        self._key = PROGRESS_NOTICE + wanted.endpoint.host
        self._host = wanted.endpoint.host
        self._lines: list[str] = []
        self._failures: list[tuple[str, Exception]] = []
        self._deaf: set[int] = set()
        """Ports that accept no connection."""
        self._script = self._look()
        self._now = self._begun = 0.0
        self._following: list[Callable[[float], Then]] = []
        """Begun when this one ends; whoever stopped looking and looks again is here."""

    def begin(self, now: float) -> Then:
        """The first question, now or when an earlier search of this host has ended."""
        earlier = self._house.searches.get(self._host)
        if earlier is not None:
            earlier.give_way(self.begin)
            return ()
        self._now = self._begun = now
        return self._advance(lambda: next(self._script), now)

    def give_way(self, following: Callable[[float], Then]) -> None:
        """As `house.Waiting.give_way`."""
        self._following.append(following)

    def go_on(self, outcome: Outcome, now: float) -> Then:
        """The next question, or the end."""
        self._now = now
        if isinstance(outcome, Failed) and isinstance(outcome.error, Busy):
            self._script.close()  # The gateway is stopping, or has no room.
            self._house.searches.pop(self._host, None)
            return self._end(outcome, now)
        return self._advance(lambda: self._script.send(outcome), now)

    def _advance(self, step: Callable[[], _Question], now: float) -> Then:
        # Back in with the next question alone, so that nothing can leave the host occupied.
        self._house.searches.pop(self._host, None)
        try:
            question = step()
        except StopIteration as stop:
            return self._end(Ok(stop.value), now)
        except EgretError as error:
            return self._end(Failed(error), now)
        self._house.searches[self._host] = self
        self._house.publish(now)
        return (Submission(AskWay(self, question), now),)

    def _end(self, outcome: Outcome, now: float) -> Then:
        self._house.notices.clear(self._key)
        self._house.publish(now)
        then = self._finished(outcome, now)
        for begin in self._following:
            then = (*then, *begin(now))
        return then

    # -- the script ----------------------------------------------------------------------------

    def _look(self) -> Script:
        silent: list[Endpoint] = []
        for way in self._ways:
            if way.port in self._deaf:
                continue
            found = yield from self._at(way, self._units, silent)
            if found:
                return FoundDevices(tuple(found), tuple(self._lines))
        for way in silent if len(self._units) > 1 else ():
            found = yield from self._at(way, self._units[1:], [])
            if found:
                return FoundDevices(tuple(found), tuple(self._lines))
        raise self._nothing()

    def _at(self, way: Endpoint, units: tuple[int, ...], silent: list[Endpoint]) -> Finding:
        """Connect, ask unit after unit, and give the connection back."""
        if self._late:
            return []
        self._say(f"Trying {doors.said(way)}")
        shared = self._house.plant.session_of(way)
        opener = self._house.adapters.open_transport
        transport: Transport = shared or opener(way, self._account)
        if shared is None:
            self._house.guests[way.lane] = transport
        opened = yield _Question(way, transport, transport.open)
        if isinstance(opened, Failed):
            self._failed(way, opened.error)
            if isinstance(opened.error, DeviceUnreachable):
                self._deaf.add(way.port)
            found: list[Found] = []
        else:
            found = yield from self._first(way, transport, units, silent)
            if found:
                yield from self._beside(way, transport, found)
                yield from self._behind(way, transport, found)
        if shared is None:
            yield _Question(way, transport, transport.close)
            self._house.guests.pop(way.lane, None)
        return found

    def _first(
        self, way: Endpoint, transport: Transport, units: tuple[int, ...], silent: list[Endpoint]
    ) -> Finding:
        for unit in units:
            if self._late:
                break
            told = yield self._who(way, transport, unit, self._profiles)
            if isinstance(told, Ok):
                assert isinstance(told.value, _Told)
                for line in told.value.heard:
                    self._say(line)
                return [self._found(told, way, unit)]
            self._failed(way, told.error, f", unit {unit}" if len(units) > 1 else "")
            if isinstance(told.error, DeviceTimeout | LinkClosed | Overrun):
                silent.append(way)
            if not isinstance(told.error, UnsupportedDevice):
                break
        return []

    def _beside(self, way: Endpoint, transport: Transport, found: list[Found]) -> Finding:
        """Further devices on the units that inverters have; the first silent one ends it."""
        for unit in self._units:
            if unit == found[0].unit_id or self._late:
                continue
            self._say(f"Looking for another device on unit {unit}")
            told = yield self._who(way, transport, unit, self._profiles)
            if isinstance(told, Failed):
                if isinstance(told.error, UnsupportedDevice):
                    continue
                break
            assert isinstance(told.value, _Told)
            identity = told.value.identity
            child = self._child_of(found[0], identity.profile)
            if child is not None and self._children:
                found.append(replace(self._found(told, way, unit), name=child.name, behind=0))
            elif child is None and identity.verified and _is_new(identity, found):
                found.append(self._found(told, way, unit))
        return found

    def _behind(self, way: Endpoint, transport: Transport, found: list[Found]) -> Finding:
        """What a device may have behind it, on the units that its profile names."""
        children = self._profiles[found[0].identity.profile].children if self._children else ()
        for child in children:
            profile = self._profiles.get(child.profile)
            if profile is None or any(each.identity.profile == child.profile for each in found):
                continue
            for unit in child.units:
                if self._late or unit in [each.unit_id for each in found]:
                    continue
                self._say(f"Looking for its {child.name or profile.title} on unit {unit}")
                told = yield self._who(way, transport, unit, {child.profile: profile})
                if isinstance(told, Ok):
                    place = replace(self._found(told, way, unit), name=child.name, behind=0)
                    found.append(place)
                    break
        return found

    def _who(
        self,
        way: Endpoint,
        transport: Transport,
        unit: int,
        profiles: Mapping[str, Profile],
    ) -> _Question:
        def ask() -> _Told:
            heard: list[str] = []
            transport.open()
            return _Told(probe(transport, unit, profiles, heard.append), tuple(heard))

        return _Question(way, transport, ask)

    # -- words ---------------------------------------------------------------------------------

    @property
    def _late(self) -> bool:
        return bool(self._following) or self._now - self._begun >= SEARCH_BUDGET_S

    def _in_order(self, ways: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
        """Those with a session first: a second client might be turned away, or turn it out.

        A dongle has one session, whichever of its ports is configured.
        """
        ways = tuple(dict.fromkeys(self._configured_as(way) for way in ways))
        known = [way for way in ways if self._house.plant.session_of(way) is not None]
        return (*known, *(way for way in ways if way not in known))

    def _configured_as(self, way: Endpoint) -> Endpoint:
        endpoints = [each.config.endpoint for each in self._house.plant.devices.values()]
        return next((each for each in endpoints if doors.same_dongle(each, way)), way)

    def _child_of(self, parent: Found, profile: str) -> Child | None:
        children = self._profiles[parent.identity.profile].children
        return next((child for child in children if child.profile == profile), None)

    def _found(self, told: Ok, way: Endpoint, unit: int) -> Found:
        assert isinstance(told.value, _Told)
        identity = told.value.identity
        serial = f", serial number {identity.serial}" if identity.serial else ""
        self._say(f"Found {identity.model}{serial}, unit {unit}, through {doors.said(way)}")
        return Found(identity, way, unit)

    def _failed(self, way: Endpoint, error: Exception, more: str = "") -> None:
        words = error.text if isinstance(error, ProtocolError) else str(error)  # Without its bytes.
        line = f"{doors.said(way)}{more}: {words}"
        self._failures.append((line, error))
        self._say(line)

    def _say(self, line: str) -> None:
        """One more line of progress; the notice shows the newest ones."""
        if len(self._lines) < MAX_PROGRESS_LINES:
            self._lines.append(line)
        text = _newest(self._lines, MAX_SHOWN_CHARACTERS)
        self._house.notices.post(self._key, Level.INFO, text, self._house.clock.utc_ms())

    def _nothing(self) -> EgretError:
        """Why there is no device, in the words and of the kind that help most."""
        if self._late:
            words = "no time was left for more"
            if self._following:
                words = "given up, because somebody looked for it again"
            self._failures.append((words, DeviceTimeout(words)))
        tried = "; ".join(dict.fromkeys(line for line, _ in self._failures))
        text = f"No device was found at {self._host}. Tried: {tried}. {doors.WHAT_TO_ENABLE}."
        errors = [error for _, error in self._failures]
        for error in errors:
            if isinstance(error, Permanent) and not isinstance(error, UnsupportedDevice):
                return type(error)(text)
        if any(isinstance(error, UnsupportedDevice | PeerFault) for error in errors):
            return UnsupportedDevice(text)
        if any(isinstance(error, DeviceTimeout | Overrun) for error in errors):
            return DeviceTimeout(text)
        return DeviceUnreachable(text)


def _newest(lines: list[str], most: int) -> str:
    """The newest lines that are no longer than that together; of a longer one, its beginning."""
    text = lines[-1][:most]
    for line in reversed(lines[:-1]):
        if len(line) + 1 + len(text) > most:
            break
        text = f"{line}\n{text}"
    return text


def _is_new(identity: Identity, found: list[Found]) -> bool:
    """Some devices answer alike under every unit: the same serial number is the same device."""
    serials = [each.identity.serial for each in found]
    return bool(identity.serial) and identity.serial not in serials
