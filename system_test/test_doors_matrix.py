"""Every door under every trouble and quirk: what arrives is the plant's truth, the rest is absent.

The gateway's own transports and driver, in this process, against real sockets of a virtual plant
that stands still between two looks. Its truth is taken from the plant itself: powers, energies and
temperatures as `truth()` tells them, every other register through the plant's own inside, which no
door and no wire has touched. A second plant is read all the while and must not notice.

Time limits are shorter here than on a box, so that the whole matrix takes seconds; they are passed
in as they are on a box.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from server.devices.driver import Driver, Polled
from server.devices.profile import Profile, load_profiles
from server.errors import PeerFault, RegisterRefused, Retry
from server.model.device import Endpoint, Space
from server.model.reading import ClockQuality, Value
from server.ports import Transport
from server.transports import SCHEMES, open_transport
from server.transports.modbus_tcp import ModbusTcp
from server.transports.sungrow_tcp import SungrowTcp
from server.transports.winet import Winet, doors_of
from simulator.clock import ManualClock
from simulator.modbus_pdu import Refused
from simulator.plant import VirtualPlant
from simulator.scenario_judge import COMPARED, matches
from simulator.trouble import Order, Quirk, Trouble
from system_test.fleet import free_pair

NOON_S = 1_782_043_200.0
"""2026-06-21 12:00 of the plant."""

PATIENCE_S = 0.4
"""For an answer, where a box waits 3 s: a loopback needs one thousandth of it."""

WINET_PATIENCE_S = 0.8
"""For a dongle's answer, which takes TLS and a web server; a box waits 5 s."""

LATE_S = 1.0
"""How late a late answer comes: after all patience, and before the test has ended."""

RECOVERY_S = 5.0
"""From the end of a trouble to a whole reading; the slowest step in it is one pause for a busy
dongle. A box waits for its next poll besides."""

TROUBLED_POLLS = 3
"""Polls under each trouble: the first finds it, the second reconnects into it."""

SETTLING_POLLS = 5
"""Polls in which a new driver finds out which zeros of a door are measurements: eight a poll."""

RECOVERY_POLLS = 3
"""Polls until a whole reading: one may meet what the trouble left behind, one settles doubts."""

STEP_S = 61.0
"""Plant time between two polls: an old answer is then a wrong one, in power and in energy."""

LOCK_S = 1_900.0
"""A locked dongle is left alone for 1,800 s."""

COARSER = frozenset({"grid_frequency", "yield_energy"})
"""Read from a second, coarser register where the finer one is refused: true within its rounding."""

PROFILES = load_profiles().profiles


class LeapClock:
    """Real time, and a leap where a test cannot wait for half an hour."""

    def __init__(self) -> None:
        self.leapt_s = 0.0

    def monotonic(self) -> float:
        """Seconds since some start."""
        return time.monotonic() + self.leapt_s

    def utc_ms(self) -> int:
        """The world's clock."""
        return int((time.time() + self.leapt_s) * 1000)

    def quality(self) -> ClockQuality:
        """It is right."""
        return ClockQuality.SYNCED


@dataclass(frozen=True, slots=True)
class Way:
    """A door of the plant, the scheme it is reached by, and a transport with short patience."""

    door: str
    scheme: str
    connect: Callable[[str, int, LeapClock], Transport]


def _modbus(host: str, port: int, clock: LeapClock) -> Transport:
    return ModbusTcp(host, port, timeout_s=PATIENCE_S, settle_after_silence_s=0.1, clock=clock)


def _sungrow(host: str, port: int, clock: LeapClock) -> Transport:
    return SungrowTcp(host, port, timeout_s=PATIENCE_S, clock=clock)


def _winet(host: str, port: int, clock: LeapClock) -> Transport:
    return Winet(
        host,
        doors_of(port),
        clock=clock,
        timeout_s=WINET_PATIENCE_S,
        busy_pause_s=PATIENCE_S / 2,
    )


def _patient(host: str, port: int, clock: LeapClock) -> Transport:
    return ModbusTcp(host, port, clock=clock)


NEIGHBOUR = Way("modbus", "modbus_tcp", _patient)
"""Read with a box's own patience, so that a busy machine is not taken for a disturbance."""

WAYS = (
    Way("modbus", "modbus_tcp", _modbus),
    Way("modbus", "sungrow_tcp", _sungrow),
    Way("encrypted", "sungrow_tcp", _sungrow),
    Way("winet", "winet", _winet),
    Way("winet-tls", "winet", _winet),
)

MODELS = {"sh10rt": "sungrow_hybrid", "sg5.0rt": "sungrow_string"}

TROUBLES = (
    Order(Trouble.LATENCY, value=0.03),
    Order(Trouble.DROP),
    Order(Trouble.CLOSE),
    Order(Trouble.GARBLE),
    Order(Trouble.WRONG_TRANSACTION),
    Order(Trouble.LATE_REPLY, value=LATE_S),
    Order(Trouble.EXCEPTION, value=4),
    Order(Trouble.SHORT_FRAME),
    Order(Trouble.SLOW_DRIP, value=10.0),
    Order(Trouble.BUSY),
    Order(Trouble.LOCKED),
    Order(Trouble.CLOCK_WRONG, value=-86_400.0),
)


class Inside:
    """A `RegisterReader` that asks the plant's inside: no door, no wire, no quirk of either."""

    def __init__(self, plant: VirtualPlant) -> None:
        self._plant = plant

    def read(self, unit_id: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        """As `ports.RegisterReader.read`."""
        try:
            return tuple(self._plant.face.read("modbus", unit_id, str(space), address, count))
        except Refused as refused:
            raise RegisterRefused(refused.code, "refused inside") from refused


class Watched:
    """A plant that stands still, and one of its doors as the gateway reads it."""

    def __init__(self, way: Way, model: str = "sh10rt", seed: int = 3) -> None:
        self.way = way
        self.clock = LeapClock()
        self._time = ManualClock(NOON_S)
        ports: int | tuple[int, int] = free_pair() if way.door == "winet" else 0
        self.plant = VirtualPlant(model, doors={way.door: ports}, seed=seed, clock=self._time)
        self._profile = PROFILES[MODELS[model]]

    def __enter__(self) -> "Watched":
        self.plant.start()
        self.transport = self.way.connect(*self.endpoint(), self.clock)
        self.driver = self._driver(self._profile, self.way.scheme)
        return self

    def __exit__(self, *_: object) -> None:
        self.transport.close()
        self.plant.stop()

    def endpoint(self) -> tuple[str, int]:
        """Host and the port that the gateway is given: the dongle's websocket, the only other."""
        host, *ports = self.plant.doors[self.way.door].split(":")
        return host, int(ports[-1])

    def poll(self) -> Polled | None:
        """One poll as the gateway makes it; None when the transport says what went wrong."""
        try:
            polled = self.driver.poll(self.transport, lambda: False)
        except (Retry, PeerFault):
            self.transport.close()
            return None
        assert isinstance(polled, Polled)
        return polled

    def truth(self) -> Mapping[str, Value]:
        """Every value that the gateway could read now, read where nothing can spoil it."""
        polled = self._driver(self._profile, "").poll(Inside(self.plant), lambda: False)
        assert isinstance(polled, Polled)
        return polled.values

    def later(self) -> None:
        """Let plant time go on, so that what was true is not any more."""
        self._time.advance(STEP_S)

    def wrong(self, polled: Polled | None) -> list[str]:
        """What a reading says that is not so; [] for no reading at all."""
        if polled is None:
            return []
        truth, physics = self.truth(), [self.plant.truth()]
        return [
            f"{name} is {value!r}, truth {truth.get(name)!r}"
            for name, value in polled.values.items()
            if (truth.get(name) != value and name not in COARSER)
            or not matches(name, value, physics)
        ]

    def whole(self, polled: Polled | None) -> bool:
        """Whether a reading has everything."""
        return polled is not None and polled.values.keys() == self.truth().keys()

    @staticmethod
    def _driver(profile: Profile, scheme: str) -> Driver:
        return Driver(profile, 1, scheme=scheme)


def ways() -> Sequence[object]:
    """The ways in that this gateway has."""
    return [
        pytest.param(way, id=f"{way.door}-by-{way.scheme}") for way in WAYS if way.scheme in SCHEMES
    ]


@pytest.fixture
def neighbour() -> Iterator[Watched]:
    """Another plant at another address, read between whatever happens to the first."""
    with Watched(NEIGHBOUR, "sg5.0rt", seed=9) as other:
        settle(other)
        yield other


@contextmanager
def befallen(watched: Watched, order: Order) -> Iterator[None]:
    """A trouble, cleared at the end; a locked account also opens by itself."""
    number = watched.plant.troubles.set(order)
    yield
    watched.plant.troubles.clear(number)
    if order.trouble is Trouble.LOCKED:
        watched.clock.leapt_s += LOCK_S


def calm(neighbour: Watched) -> bool:
    """The neighbour gives a whole and true reading."""
    neighbour.later()
    polled = neighbour.poll()
    return neighbour.whole(polled) and neighbour.wrong(polled) == []


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("way", ways())
def test_every_door_shows_the_same_plant(way: Way, model: str) -> None:
    """Through every door, with nothing wrong, everything arrives and equals the truth."""
    with Watched(way, model) as watched:
        settle(watched)
        watched.later()
        polled = watched.poll()
        found = watched.wrong(polled), watched.whole(polled)

    assert ([], True) == found


@pytest.mark.parametrize("way", ways())
def test_a_configured_address_is_enough(way: Way) -> None:
    """With what the settings give (scheme, host, port) the gateway's own table reads the door."""
    with Watched(way) as watched:
        host, port = watched.endpoint()
        transport = open_transport(Endpoint(way.scheme, host, port), watched.clock)
        try:
            words = transport.read(1, Space.INPUT, 4999, 1)
        finally:
            transport.close()

    assert (0x0E03,) == words


@pytest.mark.parametrize("order", TROUBLES, ids=lambda order: str(order.trouble))
@pytest.mark.parametrize("way", ways())
def test_a_trouble_invents_nothing_and_passes(way: Way, order: Order, neighbour: Watched) -> None:
    """Under a trouble nothing wrong arrives; soon after it all arrives; the neighbour is calm."""
    with Watched(way) as watched:
        settle(watched)
        wrong: list[str] = []
        with befallen(watched, order):
            for _ in range(TROUBLED_POLLS):
                watched.later()
                wrong += watched.wrong(watched.poll())
                assert calm(neighbour)
        took_s = recovery_s(watched, wrong)

    assert [] == wrong
    assert took_s < RECOVERY_S


@pytest.mark.parametrize(
    "order",
    [
        Order(Trouble.GARBLE, rate=0.3),
        Order(Trouble.WRONG_TRANSACTION, rate=0.3),
        Order(Trouble.LATE_REPLY, rate=0.3, value=LATE_S),
        Order(Trouble.SHORT_FRAME, rate=0.3),
        Order(Trouble.EXCEPTION, rate=0.3, value=2),
    ],
    ids=lambda order: str(order.trouble),
)
@pytest.mark.parametrize("way", ways())
def test_half_a_trouble_mixes_nothing_up(way: Way, order: Order) -> None:
    """Where some requests fail and others do not, no answer lands on another register."""
    with Watched(way) as watched:
        wrong: list[str] = []
        with befallen(watched, order):
            for _ in range(TROUBLED_POLLS + 1):
                watched.later()
                wrong += watched.wrong(watched.poll())

    assert [] == wrong


@pytest.mark.parametrize("quirk", Quirk, ids=str)
@pytest.mark.parametrize("way", ways())
def test_a_quirk_invents_nothing(way: Way, quirk: Quirk) -> None:
    """Whatever real firmware does, what arrives is true, and all but what it hides arrives."""
    with Watched(way) as watched:
        watched.plant.troubles.switch(quirk)
        wrong: list[str] = []
        polled = None
        for _ in range(SETTLING_POLLS):
            watched.later()
            polled = watched.poll()
            wrong += watched.wrong(polled)
        hidden = quirk is Quirk.ZERO_IN_BLOCK and way.scheme == "winet"

        assert [] == wrong
        assert polled is not None
        assert watched.whole(polled) or hidden
        assert {"pv_power", "battery_soc", "grid_power"} <= polled.values.keys()


def settle(watched: Watched) -> None:
    """Poll until the driver knows its door; nothing wrong may arrive meanwhile."""
    for _ in range(SETTLING_POLLS):
        watched.later()
        polled = watched.poll()
        assert [] == watched.wrong(polled)
        if watched.whole(polled):
            return
    pytest.fail(f"never whole; last: {polled}")


def recovery_s(watched: Watched, wrong: list[str]) -> float:
    """Seconds until a reading is whole again; what is wrong meanwhile is added to `wrong`."""
    began = time.monotonic()
    for _ in range(RECOVERY_POLLS):
        watched.later()
        polled = watched.poll()
        wrong += watched.wrong(polled)
        if watched.whole(polled):
            return time.monotonic() - began
    pytest.fail(f"not whole after {RECOVERY_POLLS} polls; last: {polled}")


def test_every_compared_quantity_is_read() -> None:
    """The truth that readings are held against covers what the profiles read of it."""
    with Watched(WAYS[0]) as watched:
        unread = COMPARED.keys() - watched.truth().keys()

    assert set() == unread
