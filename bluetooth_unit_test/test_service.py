"""The service as a whole: a peripheral without a radio, a gateway on a socket, virtual time."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bluetooth import box_name, egwttp, improv
from bluetooth.egwttp import Request
from bluetooth.gatt import (
    DOOR_STATE_UUID,
    EGRET,
    IMPROV_CAPABILITIES_UUID,
    IMPROV_COMMAND_UUID,
    IMPROV_ERROR_UUID,
    REQUEST_UUID,
    RESPONSE_UUID,
    SERVICES,
    SESSION_UUID,
)
from bluetooth.gateway import RequestsGateway
from bluetooth.label import Label
from bluetooth.memory import MEMORY_FILE, Memory
from bluetooth.overseer import POLL_S
from bluetooth.phone_session import Answered, PhoneSession
from bluetooth.service import (
    RETRY_CEILING_S,
    RETRY_FIRST_S,
    STOP_BUDGET_S,
    UNHEARD_S,
    Choices,
    Parts,
    Service,
)
from bluetooth.spawned import MAX_SPAWNED
from bluetooth_unit_test.contracts.peripheral import AttRefused
from bluetooth_unit_test.http_gateway import HttpGateway
from bluetooth_unit_test.peripherals import FakePeripheral
from bluetooth_unit_test.virtual_time import VirtualTime

pytestmark = pytest.mark.anyio

LABEL = Label(bytes(range(16)))
SERIAL = "0123AbCdEf12"
NAME = "Egret CDEF12"
REAL_TIMEOUT_S = 20.0
"""For what goes over a real socket."""


class FakeButton:
    """`ports.Button` that a test presses."""

    def __init__(self) -> None:
        self.press: Callable[[], None] = lambda: None
        self.hold: Callable[[], None] = lambda: None
        self.is_closed = False

    def listen(self, pressed: Callable[[], None], held: Callable[[], None]) -> None:
        """See the port."""
        self.press, self.hold = pressed, held

    def close(self) -> None:
        """See the port."""
        self.is_closed = True


class Site:
    """A box: service, radio, gateway, button."""

    def __init__(self, folder: Path, http: HttpGateway, choices: Choices | None = None) -> None:
        self.time = VirtualTime()
        self.http = http
        self.peripheral = FakePeripheral()
        self.gateway = RequestsGateway(http.url, self.time)
        self.button = FakeButton()
        self.lamp: FakeLamp | None = None
        self.choices = choices or Choices(folder)
        self.remembered = Memory()
        self.stopped = asyncio.Event()
        self.running: asyncio.Task[None] | None = None
        self.says()
        http.says("GET", "/api/crypto", {"serialNumber": SERIAL})
        http.says("GET", "/api/hello", {"message": "hello"})
        http.says("POST", "/api/settings", {"success": True})
        http.says("POST", "/api/bluetooth/state", {"status": "ok"})

    def says(
        self, number: int = 0, is_open: bool = False, configured: bool = True, legacy: bool = True
    ) -> None:
        """What the gateway says of the door from now on."""
        self.http.says(
            "GET",
            "/api/bluetooth",
            {
                "window": {"number": number, "open": is_open},
                "legacy_apps": legacy,
                "window_s": 120.0,
                "configured": configured,
                "service": None,
            },
        )

    def start(self) -> None:
        """Start the service."""
        parts = Parts(
            peripheral=self.peripheral,
            gateway=self.gateway,
            clock=self.time,
            wait=self.time.wait,
            button=self.button,
            label=LABEL,
            close_gateway=self.gateway.close,
            hardware="a bench",
            lamp=self.lamp,
        )
        service = Service(parts, self.choices, self.remembered)
        self.running = asyncio.ensure_future(service.run(self.stopped.wait()))

    async def until(self, holds: Callable[[], object], passing_s: float = 0.0) -> None:
        """Wait until `holds`, letting virtual time pass between looks."""
        async with asyncio.timeout(REAL_TIMEOUT_S):
            while not holds():
                await self.time.advance(passing_s)
                await asyncio.to_thread(self.http.over.wait, 0.002)
                if self.running is not None and self.running.done():
                    self.running.result()

    async def settled(self) -> None:
        """Wait until it has heard the gateway, and has said that the door is closed."""
        polls = ("GET", "/api/bluetooth", b"")
        await self.until(lambda: self.http.asked.count(polls) > 1, 0.1)
        await self.until(lambda: self.last_state() == "closed", 0.1)

    async def stop(self) -> None:
        """Stop it and wait."""
        self.stopped.set()
        running = self.running
        if running is not None:
            await self.until(running.done, 0.1)
            running.result()

    @property
    def air(self) -> list[str]:
        """Names in the air, one per advertisement."""
        return [each.name for each in self.peripheral.advertised]

    def reports(self) -> list[dict[str, object]]:
        """What the service said of itself."""
        return [
            json.loads(body)
            for method, path, body in list(self.http.asked)
            if (method, path) == ("POST", "/api/bluetooth/state")
        ]

    def last_state(self) -> object:
        """The last report's state."""
        reports = self.reports()
        return reports[-1]["state"] if reports else None


@asynccontextmanager
async def site_at(folder: Path, choices: Choices | None = None) -> AsyncIterator[Site]:
    """A site that is cleared away."""
    with HttpGateway() as http:
        site = Site(folder, http, choices)
        try:
            yield site
        finally:
            await site.stop()
            await site.gateway.close()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A site that has not been started."""
    async with site_at(tmp_path) as made:
        yield made


async def test_a_configured_box_opens_by_its_button(site: Site) -> None:
    """Silent at first; a press puts all it has into the air, under the name of its serial."""
    site.start()
    await site.settled()
    before = site.air
    site.button.press()
    await site.until(lambda: len(site.air) == 3)
    await site.until(lambda: site.last_state() == "open")

    assert ([], [NAME] * 3) == (before, site.air)
    assert 120.0 == pytest.approx(site.reports()[-1]["until_s"])
    assert [each.uuid for each in SERVICES] == [each.uuid for each in site.peripheral.services]


async def test_the_window_closes_and_the_owner_sees_it(site: Site) -> None:
    """After its time nothing is in the air, and the page says closed."""
    site.start()
    await site.settled()
    site.button.press()
    await site.until(lambda: site.air)
    await site.until(lambda: not site.air, 10.0)
    await site.until(lambda: site.last_state() == "closed")


async def test_holding_the_button_closes_the_door(site: Site) -> None:
    """Whoever opened it by mistake can take it back."""
    site.start()
    await site.settled()
    site.button.press()
    await site.until(lambda: site.air)
    site.button.hold()
    await site.until(lambda: not site.air)


async def test_the_owner_opens_and_closes_it_through_the_api(site: Site) -> None:
    """A new number is an order, and it is carried out once."""
    site.start()
    await site.settled()
    site.says(number=1, is_open=True)
    await site.until(lambda: site.air, 0.5)
    site.button.hold()
    await site.until(lambda: not site.air)
    polls = len(site.http.asked) + 6
    await site.until(lambda: len(site.http.asked) > polls, 0.5)
    still = site.air
    site.says(number=2, is_open=True)
    await site.until(lambda: site.air, 0.5)
    site.says(number=3, is_open=False)
    await site.until(lambda: not site.air, 0.5)

    assert [] == still


async def test_an_order_from_before_the_start_is_none(site: Site) -> None:
    """A service that starts anew does not open the door for a wish of yesterday."""
    site.says(number=7, is_open=True)
    site.start()
    await site.settled()
    await site.until(lambda: len(site.reports()) > 1, 1.0)

    assert [] == site.air


async def test_a_new_box_is_found_at_once(site: Site) -> None:
    """It was never configured: it waits for its owner's phone."""
    site.says(configured=False)
    site.start()
    await site.until(lambda: len(site.air) == 3, 0.1)
    await site.until(lambda: site.last_state() == "open", 0.1)

    assert site.reports()[-1]["until_s"] is None


async def test_a_box_whose_gateway_was_never_heard_is_found_after_a_while(tmp_path: Path) -> None:
    """On its first day a box can be found though its gateway does not run; not at once, though."""
    async with site_at(tmp_path) as site:
        site.http.answers.clear()
        site.start()
        began = site.time.monotonic()
        await site.until(lambda: site.air, 1.0)

        assert UNHEARD_S <= site.time.monotonic() - began < UNHEARD_S + 10
        assert [box_name.from_machine()] * 3 == site.air


async def test_what_the_gateway_said_last_is_remembered(site: Site) -> None:
    """A configured box stays closed though its gateway does not come back."""
    site.start()
    folder = site.choices.folder
    await site.until(lambda: (folder / MEMORY_FILE).exists() and site.last_state(), 0.1)
    await site.until(lambda: NAME in (folder / MEMORY_FILE).read_text(encoding="utf-8"), 0.1)
    found = json.loads((folder / MEMORY_FILE).read_text(encoding="utf-8"))

    assert {
        "configured": True,
        "legacy_apps": True,
        "window_s": 120.0,
        "name": NAME,
    } == found


async def test_a_missing_adapter_is_waited_for(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """Asked for again and again, ever more seldom, with one line in the log and one on the page."""
    caplog.set_level(logging.INFO)
    site.peripheral.missing = "there is no adapter hci0"
    site.says(configured=False)
    site.start()
    await site.until(lambda: site.last_state() == "no_adapter", 0.1)
    await site.until(lambda: site.reports()[-1]["problem"] == site.peripheral.missing, 1.0)
    await site.time.advance(5 * RETRY_CEILING_S)
    site.peripheral.missing = ""
    await site.until(lambda: site.air, RETRY_FIRST_S)
    await site.until(lambda: site.last_state() == "open", 0.1)

    lines = [each.getMessage() for each in caplog.records]
    assert 1 == lines.count("no Bluetooth for now")
    assert 1 == lines.count("the adapter serves")
    assert "" == site.reports()[-1]["problem"]


async def test_a_new_start_of_bluetoothd_is_survived(site: Site) -> None:
    """Everything is registered anew, and the air is as before."""
    site.says(configured=False)
    site.start()
    await site.until(lambda: len(site.air) == 3, 0.1)
    site.peripheral.connect()
    site.peripheral.lose()
    await site.until(lambda: len(site.air) == 3, RETRY_FIRST_S)

    assert 2 == site.peripheral.opened


async def test_a_gateway_without_a_door_is_tolerated(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """An older gateway has no such page: the button works, and the log has a line for each page."""
    site.http.answers.pop(("GET", "/api/bluetooth"))
    site.http.answers.pop(("POST", "/api/bluetooth/state"))
    site.remembered = Memory(name="Egret OLD001")
    site.start()
    await site.until(lambda: len(site.http.asked) > 4, POLL_S)
    site.button.press()
    await site.until(lambda: len(site.air) == 3)

    lines = [each for each in caplog.records if "does not take part" in each.getMessage()]
    assert 2 == len(lines)
    assert ["Egret OLD001"] * 3 == site.air


async def test_a_phone_is_served_through_a_session(site: Site) -> None:
    """Label in hand, a new box: the request arrives at the gateway, the answer at the phone."""
    site.says(configured=False)
    site.start()
    await site.until(lambda: site.air, 0.1)
    central = site.peripheral.connect()
    heard = await central.subscribe(SESSION_UUID)
    phone = PhoneSession(LABEL.session_key(), 244, 244)
    for value in phone.hello():
        await central.write(SESSION_UUID, value)
    phone.receive(await heard.get())
    request = Request("POST", "/api/settings", b'{"a":1}').encode()
    for value in phone.ask(1, request):
        await central.write(SESSION_UUID, value)
    await site.until(lambda: not heard.empty())
    (answer,) = phone.receive(heard.get_nowait())

    assert isinstance(answer, Answered)
    assert 200 == egwttp.parse_page(answer.text).status
    assert ("POST", "/api/settings", b'{"a":1}') in site.http.asked
    await site.until(lambda: site.last_state() == "connected", 0.1)


async def test_an_old_app_is_served_while_the_door_is_open(site: Site) -> None:
    """It writes, is notified, and reads the same; another phone is sent away meanwhile."""
    site.start()
    await site.settled()
    site.button.press()
    await site.until(lambda: site.air)
    central = site.peripheral.connect()
    heard = await central.subscribe(RESPONSE_UUID)
    await central.write(REQUEST_UUID, Request("GET", "/api/hello").encode())
    await site.until(lambda: not heard.empty())
    page = heard.get_nowait()
    other = site.peripheral.connect()
    with pytest.raises(Exception, match="ATT error 0x11"):
        await other.read(DOOR_STATE_UUID)
    await site.until(other.gone.is_set)

    assert b'{"message": "hello"}' == egwttp.parse_page(page).body
    assert page == await central.read(RESPONSE_UUID)


async def test_what_the_command_line_says_counts(tmp_path: Path) -> None:
    """A name and a window given at the start stand above the gateway's."""
    choices = Choices(tmp_path, name="Bench", window_s=20.0)
    async with site_at(tmp_path, choices) as site:
        site.start()
        await site.settled()
        site.button.press()
        await site.until(lambda: site.air == ["Bench"] * 3)
        await site.until(lambda: site.last_state() == "open")

        assert 20.0 == pytest.approx(site.reports()[-1]["until_s"])


async def test_legacy_apps_can_be_turned_off_while_it_runs(site: Site) -> None:
    """Their services leave the air at the next look at the gateway."""
    site.says(configured=False)
    site.start()
    await site.until(lambda: len(site.air) == 3, 0.1)
    site.says(configured=False, legacy=False)
    await site.until(lambda: len(site.air) == 1, 0.5)

    assert (EGRET.uuid,) == site.peripheral.advertised[0].service_uuids


async def test_stopping_gives_everything_back(site: Site) -> None:
    """Radio, button and threads, with a phone inside and a request under way, within the budget."""
    site.says(configured=False)
    site.http.says("GET", "/api/hello", lambda handler: handler.server.over.wait(REAL_TIMEOUT_S))
    site.start()
    await site.until(lambda: site.air, 0.1)
    central = site.peripheral.connect()
    await central.write(REQUEST_UUID, Request("GET", "/api/hello").encode())
    await site.until(lambda: any(path == "/api/hello" for _, path, _ in site.http.asked))
    loop = asyncio.get_running_loop()
    began = loop.time()
    await site.stop()

    assert loop.time() - began < STOP_BUDGET_S
    assert (1, True) == (site.peripheral.closed, site.button.is_closed)
    assert {asyncio.current_task()} >= {
        each for each in asyncio.all_tasks() if "bluetooth" in repr(each.get_coro())
    }


async def test_a_mistake_of_ours_ends_the_service_loudly(site: Site) -> None:
    """It gives everything back and raises; whoever supervises it starts it anew."""
    site.start()
    await site.until(lambda: site.last_state(), 0.1)

    async def broken(advertisements: object) -> None:
        raise ZeroDivisionError("a bug")

    site.peripheral.advertise = broken  # type: ignore[method-assign]  # The fake breaks.
    site.button.press()
    running, site.running = site.running, None
    assert running is not None
    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(REAL_TIMEOUT_S):
            while not running.done():
                await site.time.advance(0.1)
            running.result()

    assert 1 == site.peripheral.closed


async def test_a_second_phone_that_goes_on_talking_is_sent_away_once(site: Site) -> None:
    """A hundred writes are one piece of work, and the phone inside is served meanwhile."""
    site.says(configured=False)
    site.start()
    await site.until(lambda: site.air, 0.1)
    first, second = site.peripheral.connect(), site.peripheral.connect()
    heard = await first.subscribe(RESPONSE_UUID)
    await first.read(DOOR_STATE_UUID)
    asked: list[str] = []
    gate = asyncio.Event()

    async def disconnect(client: str) -> None:
        asked.append(client)
        await gate.wait()

    site.peripheral.disconnect = disconnect  # type: ignore[method-assign]  # Held up, as by a bus.
    for _ in range(2 * MAX_SPAWNED):
        with pytest.raises(AttRefused):
            await second.write(REQUEST_UUID, b"x")
    await first.write(REQUEST_UUID, Request("GET", "/api/hello").encode())
    await site.until(lambda: not heard.empty())
    gate.set()

    assert [second.client] == asked
    assert 200 == egwttp.parse_page(heard.get_nowait()).status


class FakeLamp:
    """`ports.Lamp` that a test looks at."""

    def __init__(self) -> None:
        self.blinks = 0
        self.is_closed = False

    def blink(self) -> None:
        """See the port."""
        self.blinks += 1

    def close(self) -> None:
        """See the port."""
        self.is_closed = True


@pytest.mark.parametrize("has_lamp", [False, True])
async def test_a_box_with_a_lamp_shows_which_one_it_is(site: Site, has_lamp: bool) -> None:
    """It offers that only then, and does it for whoever asks; the pin is given back."""
    site.lamp = FakeLamp() if has_lamp else None
    site.says(configured=False)
    site.start()
    await site.until(lambda: site.air, 0.1)
    central = site.peripheral.connect()
    (capabilities,) = await central.read(IMPROV_CAPABILITIES_UUID)
    await central.write(IMPROV_COMMAND_UUID, improv.Packet(improv.Command.IDENTIFY).encode())
    (error,) = await central.read(IMPROV_ERROR_UUID)
    await site.stop()

    assert has_lamp == bool(improv.Capability.IDENTIFY & capabilities)
    assert (0 if has_lamp else improv.Error.UNKNOWN_RPC) == error
    if site.lamp is not None:
        assert (1, True) == (site.lamp.blinks, site.lamp.is_closed)
