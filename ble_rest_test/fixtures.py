"""The fixtures of the contract's tests: a box under test, its gateway, and where it stands.

They stand in a module of their own so that system_test can run the same tests on another radio.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ble_rest_test.radio_peripheral import RadioPeripheral
from ble_rest_test.stand import DistantStand, LocalStand, Place, Stand
from ble_rest_test.words import asked, echo
from bluetooth import api_token
from bluetooth.api_token import TOKEN_FILE
from bluetooth.door import Policy
from bluetooth.label import scanned
from bluetooth_unit_test.http_gateway import HttpGateway
from bluetooth_unit_test.virtual_time import VirtualTime
from server_rest_test.conftest import running
from virtual_radio.radio import Radio

VIRTUAL, BLUEZ = "virtual", "bluez"

MakeStand = Callable[..., LocalStand]


@pytest.fixture
def stand_kind() -> str:
    """On which radio the service stands."""
    return VIRTUAL


@pytest.fixture
def place(
    request: pytest.FixtureRequest,
    stand_kind: str,
    radio: Radio,
    radio_loop: asyncio.AbstractEventLoop,
) -> Place:
    """Where the service is started. Not where a distant box is tested."""
    if request.config.getoption("--ble-address", None):
        pytest.skip("this test starts the service itself; run it without --ble-address")
    if stand_kind == BLUEZ:
        from bluetooth.bluez.peripheral import BluezPeripheral

        room = request.getfixturevalue("bluez_bus")
        return Place(BluezPeripheral(), room.box, radio)
    host = radio_loop.run_until_complete(radio.peripheral("box", advertise=False))
    return Place(RadioPeripheral(host), host.address, radio)


@pytest.fixture
def make_stand(
    place: Place, tmp_path: Path, radio_loop: asyncio.AbstractEventLoop
) -> Iterator[MakeStand]:
    """Starts a service before a gateway; ends it after the test."""
    made: list[LocalStand] = []

    def make(url: str, policy: Policy, **more: Any) -> LocalStand:
        async def start() -> LocalStand:
            stand = LocalStand(place, url, tmp_path, policy, **more)
            await stand.start()
            return stand

        made.append(radio_loop.run_until_complete(start()))
        return made[-1]

    yield make
    for stand in made:
        radio_loop.run_until_complete(stand.close())


@pytest.fixture
def policy() -> Policy:
    """What the gateway says of the door; a module or a class may say otherwise."""
    return Policy(configured=True)


@pytest.fixture
def stub(policy: Policy) -> Iterator[HttpGateway]:
    """A gateway that answers what the test says."""
    with HttpGateway() as gateway:
        door = {
            "window": {"number": 0, "open": False},
            "legacy_apps": policy.legacy_apps,
            "window_s": policy.window_s,
            "configured": policy.configured,
            "service": None,
        }
        gateway.says("GET", "/api/bluetooth", door)
        gateway.says("POST", "/api/bluetooth/state", {})
        gateway.says("GET", "/api/hello", {"message": "hello"})
        idle = {"number": 0, "ssid": None, "step": "idle", "reason": None, "message": ""}
        gateway.says("GET", "/api/wifi/progress", idle)
        yield gateway


@pytest.fixture
def closed_box(make_stand: MakeStand, stub: HttpGateway, policy: Policy) -> LocalStand:
    """A service before the stub, its door as it is after a start."""
    return make_stand(stub.url, policy)


@pytest.fixture
def box(closed_box: LocalStand) -> LocalStand:
    """A service before the stub; its button was pressed."""
    closed_box.button.press()
    return closed_box


@pytest.fixture
def timed_box(make_stand: MakeStand, stub: HttpGateway, policy: Policy) -> LocalStand:
    """A service before the stub whose time the test moves; its button was pressed."""
    stand = make_stand(stub.url, policy, time=VirtualTime())
    stand.button.press()
    return stand


@dataclass(frozen=True, slots=True)
class RealGateway:
    """A gateway in a process of its own, with no device."""

    url: str
    token: Callable[[], str | None]
    """What it leaves for the door."""


@pytest.fixture(scope="session")
def real_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealGateway]:
    """One for all tests of this process."""
    data = tmp_path_factory.mktemp("data")
    with running("server", "--data", str(data), "--port", "0", "--json") as server:
        yield RealGateway(server["url"], api_token.reader(data / TOKEN_FILE))


@pytest.fixture
def real_box(make_stand: MakeStand, real_gateway: RealGateway, policy: Policy) -> LocalStand:
    """A service before a real gateway; its button was pressed."""
    stand = make_stand(real_gateway.url, policy, token=real_gateway.token)
    stand.button.press()
    return stand


@dataclass(frozen=True, slots=True)
class Saw:
    """What the gateway behind a box was asked, where that can be seen."""

    stub: HttpGateway | None

    def exactly(self, *requests: tuple[str, str]) -> bool:
        """Whether phones had it do just this. Nobody sees a distant box's gateway: it may be."""
        return self.stub is None or list(requests) == asked(self.stub)


@pytest.fixture
def any_box(request: pytest.FixtureRequest, radio_loop: asyncio.AbstractEventLoop) -> Stand:
    """A box whose door is open: the one that --ble-address names, or one here."""
    if request.config.getoption("--ble-address", None):
        return distant_stand(request.config)
    stub: HttpGateway = request.getfixturevalue("stub")
    stub.says("GET", "/api/version", {"version": "1.2.3"})
    stub.says("GET", "/api/name", {"name": "Cellar"})
    stub.says("POST", "/api/echo", echo)
    box: LocalStand = request.getfixturevalue("box")
    return box


@pytest.fixture
def saw(request: pytest.FixtureRequest) -> Saw:
    """What its gateway was asked."""
    if request.config.getoption("--ble-address", None):
        return Saw(None)
    return Saw(request.getfixturevalue("stub"))


def distant_stand(config: pytest.Config) -> DistantStand:
    """The box that the options name."""
    file = config.getoption("--ble-label-file")
    label = scanned(Path(file).read_text(encoding="utf-8"))[0] if file else None
    return DistantStand(
        str(config.getoption("--ble-address")), str(config.getoption("--ble-adapter")), label
    )
