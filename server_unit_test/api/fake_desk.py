"""A desk with a rich canned snapshot, which answers requests from a table."""

import math
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from server.model.access import EntryView, Scope, Token, digest_of
from server.model.bluetooth import DoorReport, DoorState, DoorView
from server.model.audit import AuditEntry, Door
from server.model.configuration import Configuration, ControlConfig, HarvestConfig
from server.model.device import DeviceConfig, Endpoint, Identity, LinkState, Space
from server.model.notice import Level, Notice
from server.model.reading import ClockQuality, Reading
from server.model.request import (
    AddDevice,
    AskDoor,
    ChangePassword,
    ChangeSettings,
    ClaimBox,
    DismissNotice,
    ExportAudit,
    ForgetWifi,
    Found,
    FoundDevices,
    History,
    IssuedToken,
    JoinWifi,
    LoggedIn,
    LogIn,
    LogOut,
    MakeToken,
    Point,
    Probe,
    QueryAudit,
    QueryHistory,
    ReadRegisters,
    RemoveDevice,
    ReportDoor,
    Request,
    RevokeToken,
    ScanWifi,
    WriteRegisters,
)
from server.model.snapshot import (
    DeviceView,
    GatewayView,
    Refusal,
    SinkView,
    Snapshot,
    StoreView,
)
from server.model.statistics import KindStatistics, LaneStatistics, Statistics
from server.model.wifi import (
    Security,
    WifiConnection,
    WifiJoined,
    WifiNetwork,
    WifiProgress,
    WifiState,
    WifiStep,
    WifiView,
)

AT_MS = 1_750_000_000_000
SERIAL = "0123456789abcdef01"

HYBRID = DeviceConfig(
    device_id="A2340000001",
    name="Roof",
    endpoint=Endpoint("modbus_tcp", "192.0.2.10", 502),
    unit_id=1,
    profile="sungrow_hybrid",
    interval_s=10.0,
    serial="A2340000001",
    model="SH10RT",
)
STRING = DeviceConfig(
    device_id="garage",
    name='Garage "south"',
    endpoint=Endpoint("modbus_tcp", "inverter.lan", 1502),
    unit_id=2,
    profile="sungrow_string",
    interval_s=30.0,
)
READING = Reading(
    device=HYBRID.device_id,
    taken_at_ms=AT_MS - 1000,
    uptime_ms=3_599_000,
    clock=ClockQuality.SYNCED,
    values={
        "pv_power": 4200,
        "grid_power": -1500.5,
        "battery_power": -700,
        "load_power": 1999.5,
        "battery_soc": 62.4,
        "pv_energy": 12_345_600,
        "work_state": "running",
        "grid_frequency": 49.98,
    },
    words={5016: 4200, 5017: 0, 13022: 624},
)
ENGINE = Statistics(
    queued=12,
    ready=1,
    running=2,
    missed=3,
    stuck_lanes=0,
    abandoned=0,
    bugs=0,
    wakeups=4321,
    inbox=0,
    inbox_refused=0,
    kinds={"poll": KindStatistics(2, 0, 1, 400, 1, 3, (390, 8, 1, 1, 0, 0))},
    lanes=(LaneStatistics("modbus_tcp:192.0.2.10:502", "poll", 0.02, 0, 1, False),),
)
NOTICE = Notice(7, "garage:link", Level.WARNING, "Garage does not answer", "garage", 1000, 2500, 3)

RADIO = WifiState(
    available=True,
    message="Connected to Home.",
    connected="Home",
    networks=(
        WifiNetwork("Home", 84, Security.WPA2, saved=True),
        WifiNetwork("Caf\u00e9", 40, Security.OPEN),
    ),
    connections=(
        WifiConnection("Home", "u-1", "802-11-wireless", "Home", True, False, "auto", "auto"),
        WifiConnection("Wired", "u-2", "802-3-ethernet", None, True, False, "auto", "auto"),
    ),
    internet=True,
)
PROGRESS = WifiProgress(5, "Home", WifiStep.CONNECTED, None, "Connected to Home.")
JOINED = WifiJoined("Home", "192.0.2.3", "Connected to Home.")
OWNERS_SESSION = "the-owners-session"
TOKEN = Token("5a17ab1e", "Grafana", frozenset((Scope.READ,)), digest_of("egret_5a17ab1e_x"), AT_MS)
SESSION = LoggedIn("a-session", 604_800.0)
AUDITED = AuditEntry(
    AT_MS,
    ClockQuality.SYNCED,
    "owner",
    "192.0.2.9",
    Door.HTTPS,
    "POST",
    "/api/settings",
    200,
    ("harvest.endpoints",),
    0,
    7,
)
DOOR = DoorView(3, True, DoorReport(DoorState.OPEN, 120.5, "Egret 7D0F", "hci0"))


def a_snapshot() -> Snapshot:
    """A gateway with a hybrid that answers, a string inverter that does not, and one sink."""
    return Snapshot(
        version=1,
        at_ms=AT_MS,
        gateway=GatewayView(
            name="Home",
            serial=SERIAL,
            public_key="ab" * 64,
            version="0.1.0",
            boot="00000000deadbeef",
            mode="running",
            mode_since_ms=AT_MS - 3_590_000,
            started_at_ms=AT_MS - 3_600_000,
            uptime_ms=3_600_000,
            clock=ClockQuality.SYNCED,
            healthy=True,
            health="",
        ),
        devices=(_online(), _retrying()),
        sinks=(
            SinkView(
                sink_id="harvest:1",
                kind="harvest",
                target="https://ingest.example/gw/data/",
                state="idle",
                error="",
                backlog=0,
                gaps=0,
                last_ack_ms=AT_MS - 4000,
                delivered=3600,
                dropped=0,
                quarantined=0,
                retry_at_ms=None,
            ),
        ),
        store=StoreView(
            state="ok",
            error="",
            accepted=400,
            accepted_total=3600,
            buffered=1,
            buffer_dropped=0,
            size_bytes=1_200_000,
            free_bytes=9_000_000_000,
            oldest_ms=AT_MS - 86_400_000,
            last_commit_ms=AT_MS - 500,
            pruned=0,
        ),
        engine=ENGINE,
        notices=(NOTICE,),
        configuration=Configuration(
            name="Home",
            harvest=HarvestConfig(endpoints=("https://ingest.example/gw/data/",)),
            devices=(HYBRID, STRING),
        ),
        wifi=WifiView(RADIO, PROGRESS),
        door=DOOR,
    )


def _online() -> DeviceView:
    return DeviceView(
        config=HYBRID,
        state=LinkState.ONLINE,
        since_ms=AT_MS - 3_500_000,
        error="",
        retry_at_ms=None,
        identity=Identity("sungrow_hybrid", "A2340000001", "SH10RT", 0x0E0F, True, {"phases": "3"}),
        latest=READING,
        refused=(Refusal(Space.INPUT, 5213, 1, 2, AT_MS - 3_400_000),),
        polls=360,
        failures=1,
        missed=0,
    )


def _retrying() -> DeviceView:
    return DeviceView(
        config=STRING,
        state=LinkState.RETRYING,
        since_ms=AT_MS - 60_000,
        error="connection refused",
        retry_at_ms=AT_MS + 30_000,
        identity=None,
        latest=None,
        refused=(),
        polls=0,
        failures=12,
        missed=5,
    )


class FakeDesk:
    """`ports.Desk` in a test's hands: `answers` maps a kind of request to what it gives.

    An answer is a value, an exception to raise, or a function of the request. A kind that is set
    to `SILENCE` is never answered.
    """

    SILENCE = object()

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self._wakes: list[Callable[[], None]] = []
        self.reset(snapshot)

    def reset(self, snapshot: Snapshot | None = None) -> None:
        """Begin anew; subscriptions stay."""
        self.current = snapshot or a_snapshot()
        self.asked: list[Request] = []
        self.refuses: Exception | None = None
        self.view = EntryView(
            claimed=True,
            sessions={digest_of(OWNERS_SESSION): math.inf},
            tokens={TOKEN.token_id: TOKEN},
        )
        self.answers: dict[type[Any], Any] = {
            Probe: lambda request: FoundDevices(
                (
                    Found(
                        Identity("sungrow_hybrid", "A2340000009", "SH10RT", 0x0E0F, True),
                        request.endpoint,
                        1,
                    ),
                    Found(
                        Identity("sungrow_battery", "S2340000009", "Sungrow", None, True),
                        request.endpoint,
                        200,
                        "battery",
                        0,
                    ),
                ),
                ("Trying Modbus TCP on port 502",),
            ),
            AddDevice: _stored,
            RemoveDevice: self._removed,
            ReadRegisters: lambda request: tuple(range(0x1234, 0x1234 + request.count)),
            WriteRegisters: None,
            ChangeSettings: lambda request: self.current.configuration,
            DismissNotice: self._dismissed,
            QueryHistory: _curve,
            JoinWifi: lambda request: JOINED if request.wait else None,
            ScanWifi: RADIO,
            ForgetWifi: 1,
            AskDoor: lambda request: DoorView(DOOR.number + 1, request.open, DOOR.report),
            ReportDoor: lambda request: DoorView(DOOR.number, True, request.report),
            ClaimBox: SESSION,
            LogIn: SESSION,
            LogOut: None,
            ChangePassword: SESSION,
            MakeToken: lambda request: IssuedToken(
                Token("0badcafe", request.name, request.scopes, "", AT_MS), "egret_0badcafe_secret"
            ),
            RevokeToken: self._revoked,
            QueryAudit: (AUDITED,),
            ExportAudit: b'{"number": 7}\n',
        }
        self.unanswered: list[Future[object]] = []

    def snapshot(self) -> Snapshot:
        """The current one."""
        return self.current

    def entry(self) -> EntryView:
        """Who may enter, as a test has it."""
        return self.view

    def ask(self, request: Request) -> Future[object]:
        """Answer from the table at once."""
        if self.refuses is not None:
            raise self.refuses
        self.asked.append(request)
        future: Future[object] = Future()
        found = self.answers[type(request)]
        if found is self.SILENCE:
            self.unanswered.append(future)
            return future
        try:
            value = found(request) if callable(found) else found
        except (KeyError, PermissionError) as error:
            value = error
        if isinstance(value, Exception):
            future.set_exception(value)
        else:
            future.set_result(value)
        return future

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Remember whom to wake."""
        self._wakes.append(wake)
        return lambda: self._wakes.remove(wake)

    @property
    def subscriptions(self) -> int:
        """How many want to be woken."""
        return len(self._wakes)

    def publish(self, **changes: Any) -> Snapshot:
        """Publish the current snapshot with changes, under the next version."""
        self.current = replace(self.current, version=self.current.version + 1, **changes)
        for wake in list(self._wakes):
            wake()
        return self.current

    def allow_raw_writes(self) -> None:
        """As if the owner had switched control.raw_writes on."""
        configuration = replace(self.current.configuration, control=ControlConfig(True))
        self.publish(configuration=configuration)

    def _removed(self, request: RemoveDevice) -> DeviceConfig:
        return {each.device_id: each for each in (HYBRID, STRING)}[request.device_id]

    def _revoked(self, request: RevokeToken) -> None:
        if request.token_id not in ("0badcafe", *self.view.tokens):
            raise KeyError(request.token_id)

    def _dismissed(self, request: DismissNotice) -> Notice:
        return {each.notice_id: each for each in self.current.notices}[request.notice_id]


def _stored(request: AddDevice) -> DeviceConfig:
    profile = "sungrow_hybrid" if request.profile == "auto" else request.profile
    return DeviceConfig(
        device_id="A2340000009",
        name=request.name or "SH10RT",
        endpoint=request.endpoint,
        unit_id=request.unit_id,
        profile=profile,
        interval_s=request.interval_s or 10.0,
        serial="A2340000009",
    )


def _curve(request: QueryHistory) -> History:
    step_ms = (request.to_ms - request.from_ms) // request.points
    points = (
        Point(request.from_ms, 1000.0, 900.0, 1100.0),
        Point(request.from_ms + step_ms, 1200.5, 1100.0, 1300.0),
    )
    return History(request.device_id, request.quantity, "W", step_ms, points)
