"""Answer what was asked from outside: `AnswerRequest` looks at the request on the engine thread.

What can be answered from state is answered at once; what blocks (a device, a file, history)
becomes a task on the right lane, which carries the reply with it. Every request is answered
exactly once, with a value or with an error of `server.errors`, KeyError or PermissionError.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from types import MappingProxyType
from typing import Any

from server.devices.addition import new_devices
from server.devices.profile import find_profile
from server.devices.renewed_account import renewed
from server.engine.task import Done, Failed, Kind, Ok, Outcome, Submission, Verdict
from server.errors import Busy, EgretError, SettingsError
from server.ledger.house import House
from server.model.device import DeviceConfig
from server.model.notice import Level
from server.model.request import (
    AddDevice,
    AskDoor,
    ChangePassword,
    ChangeSettings,
    ClaimBox,
    DismissNotice,
    ExportAudit,
    ForgetWifi,
    FoundDevices,
    JoinWifi,
    LogIn,
    LogOut,
    MakeToken,
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
from server.settings import Settings
from server.tasks import enter, forget_wifi, join_wifi, scan_wifi
from server.tasks.ask_device import MAX_WRITE_STEPS, ReadOnce, WriteOnce
from server.tasks.connect_device import AUTO
from server.tasks.find_device import Search
from server.tasks.keep_audit import ReadAudit
from server.tasks.query_history import ReadHistory
from server.tasks.save_settings import SaveSettings

AT_START_ONLY = (
    ("api", "host"),
    ("api", "port"),
    ("api", "access"),
    ("api", "tls"),
    ("api", "tls_port"),
    ("api", "tls_certificate"),
    ("api", "tls_key"),
    ("api", "plain_http"),
    ("store", "ballast_bytes"),
    ("log", "level"),
    ("clock", "trust"),
)
"""Settings of what is built once, at start: sections and names."""

RESTART_NOTICE = "restart"

Reply = Future[object]
Then = tuple[Submission, ...]
Handler = Callable[[House, Any, Reply, float], Then]


class AnswerRequest:
    """One request from outside, with the future that its asker waits for."""

    kind = Kind.REQUEST
    lane = None
    slack_s = 0.0

    def __init__(self, house: House, request: Request, reply: Reply) -> None:
        self._house = house
        self._request = request
        self._reply = reply

    def settle(self, outcome: Outcome, now: float) -> Verdict:
        """Answer, or hand the reply on to the task that will."""
        if isinstance(outcome, Failed):
            deliver(self._reply, outcome)
            return Done()
        handler = HANDLERS[type(self._request)]
        try:
            return Done(handler(self._house, self._request, self._reply, now))
        except (EgretError, KeyError, PermissionError) as error:
            deliver(self._reply, Failed(error))
            return Done()


def deliver(reply: Reply, outcome: Outcome) -> None:
    """Hand the asker its answer; one who has given up meanwhile gets none."""
    if reply.done() or not reply.set_running_or_notify_cancel():
        return
    if isinstance(outcome, Failed):
        reply.set_exception(outcome.error)
    else:
        reply.set_result(outcome.value)


def _probe(house: House, request: Probe, reply: Reply, now: float) -> Then:
    return Search(house, request, _replies(reply)).begin(now)


def _add_device(house: House, request: AddDevice, reply: Reply, now: float) -> Then:
    if request.profile != AUTO and find_profile(house.adapters.profiles, request.profile) is None:
        known = ", ".join(sorted(house.adapters.profiles))
        raise KeyError(f"there is no profile named {request.profile!r}; there are: {known}")
    if changed := renewed(house.configuration.devices, request):
        return _change_account(house, changed, reply, now)
    if request.profile != AUTO:
        return _store_devices(house, request, None, reply, now)

    def probed(outcome: Outcome, at: float) -> Then:
        if isinstance(outcome, Failed):
            deliver(reply, outcome)
            return ()
        assert isinstance(outcome.value, FoundDevices)
        try:
            return _store_devices(house, request, outcome.value, reply, at)
        except (EgretError, KeyError) as error:
            deliver(reply, Failed(error))
            return ()

    return Search(house, request, probed).begin(now)


def _store_devices(
    house: House, request: AddDevice, found: FoundDevices | None, reply: Reply, now: float
) -> Then:
    configs = new_devices(
        house.configuration.devices,
        house.adapters.profiles,
        request,
        found,
        house.plant.known_serial,
    )
    settings = house.settings.with_devices((*house.configuration.devices, *configs))
    return _apply(house, settings, configs[0], reply, now)


def _change_account(
    house: House, changed: tuple[DeviceConfig, ...], reply: Reply, now: float
) -> Then:
    """Devices whose account differs get a new session; an unchanged one goes on."""
    new = {each.device_id: each for each in changed}
    devices = [new.get(each.device_id, each) for each in house.configuration.devices]
    return _apply(house, house.settings.with_devices(devices), changed[0], reply, now)


def _remove_device(house: House, request: RemoveDevice, reply: Reply, now: float) -> Then:
    devices = house.configuration.devices
    gone = [each for each in devices if each.device_id == request.device_id]
    if not gone:
        raise KeyError(request.device_id)
    left = [each for each in devices if request.device_id not in (each.device_id, each.parent)]
    settings = house.settings.with_devices(left)
    return _apply(house, settings, gone[0], reply, now)


def _change_settings(house: House, request: ChangeSettings, reply: Reply, now: float) -> Then:
    settings = house.settings.changed(request.changes)
    return _apply(house, settings, settings.configuration, reply, now)


def _apply(house: House, settings: Settings, answer: object, reply: Reply, now: float) -> Then:
    """Save first; only what is on disk is put into effect and answered."""

    def finished(outcome: Outcome, at: float) -> Then:
        house.saving = False
        if isinstance(outcome, Failed):
            deliver(reply, outcome)
            return ()
        house.settings = settings
        _tell_what_waits(house)
        then = house.reconfigured(at)
        house.publish(at)
        deliver(reply, Ok(answer))
        return then

    if house.saving:
        raise Busy("another change of the settings is being saved; try again")
    house.saving = True
    return (Submission(SaveSettings(settings, finished), now),)


def _tell_what_waits(house: House) -> None:
    """Say which settings differ from those that were built in at start."""
    begun, now = house.begun_with, house.configuration
    waiting = [
        f"{section}.{name}"
        for section, name in AT_START_ONLY
        if getattr(getattr(begun, section), name) != getattr(getattr(now, section), name)
    ]
    if not waiting:
        house.notices.clear(RESTART_NOTICE)
        return
    text = f"{', '.join(waiting)} count from the next start; until then the old values do."
    house.notices.post(RESTART_NOTICE, Level.INFO, text, house.clock.utc_ms())


def _dismiss(house: House, request: DismissNotice, reply: Reply, now: float) -> Then:
    notice = house.notices.dismiss(request.notice_id)
    house.publish(now)
    deliver(reply, Ok(notice))
    return ()


def _read(house: House, request: ReadRegisters, reply: Reply, now: float) -> Then:
    device = house.plant.devices[request.device_id]
    return (Submission(ReadOnce(device, request, _replies(reply)), now),)


def _write(house: House, request: WriteRegisters, reply: Reply, now: float) -> Then:
    if not house.configuration.control.raw_writes:
        raise PermissionError(
            "raw register writes are switched off; the owner can allow them with the setting "
            "control.raw_writes, at his own risk"
        )
    if len(request.steps) > MAX_WRITE_STEPS:
        raise SettingsError(f"at most {MAX_WRITE_STEPS} writes and pauses in one request")
    device = house.plant.devices[request.device_id]
    return (Submission(WriteOnce(device, request, _replies(reply)), now),)


def _history(house: House, request: QueryHistory, reply: Reply, now: float) -> Then:
    return (Submission(ReadHistory(house, request, _replies(reply)), now),)


def _join_wifi(house: House, request: JoinWifi, reply: Reply, now: float) -> Then:
    return join_wifi.begin(house, request, _replies(reply), now)


def _scan_wifi(house: House, request: ScanWifi, reply: Reply, now: float) -> Then:
    return scan_wifi.begin(house, _replies(reply), now)


def _forget_wifi(house: House, request: ForgetWifi, reply: Reply, now: float) -> Then:
    return forget_wifi.begin(house, request, _replies(reply), now)


def _ask_door(house: House, request: AskDoor, reply: Reply, now: float) -> Then:
    house.door.ask(request.open, house.configuration.bluetooth.window_s, now)
    return _show_door(house, reply, now)


def _report_door(house: House, request: ReportDoor, reply: Reply, now: float) -> Then:
    house.door.reported(request.report, now)
    return _show_door(house, reply, now)


def _show_door(house: House, reply: Reply, now: float) -> Then:
    house.publish(now)
    deliver(reply, Ok(house.door.view(now)))
    return ()


def _audit(house: House, request: QueryAudit | ExportAudit, reply: Reply, now: float) -> Then:
    keeper = house.adapters.audit
    if keeper is None:
        raise SettingsError("this gateway keeps no audit log")
    wanted = request.wanted if isinstance(request, QueryAudit) else None
    return (Submission(ReadAudit(keeper, wanted, _replies(reply)), now),)


def _replies(reply: Reply) -> Callable[[Outcome, float], Then]:
    def finished(outcome: Outcome, now: float) -> Then:
        deliver(reply, outcome)
        return ()

    return finished


def _passed_on(begin: Callable[[House, Any, enter.Finished, float], Then]) -> Handler:
    def handle(house: House, request: Any, reply: Reply, now: float) -> Then:
        return begin(house, request, _replies(reply), now)

    return handle


HANDLERS: Mapping[type, Handler] = MappingProxyType(
    {
        Probe: _probe,
        AddDevice: _add_device,
        RemoveDevice: _remove_device,
        ReadRegisters: _read,
        WriteRegisters: _write,
        ChangeSettings: _change_settings,
        DismissNotice: _dismiss,
        QueryHistory: _history,
        JoinWifi: _join_wifi,
        ScanWifi: _scan_wifi,
        ForgetWifi: _forget_wifi,
        AskDoor: _ask_door,
        ReportDoor: _report_door,
        ClaimBox: _passed_on(enter.claim),
        LogIn: _passed_on(enter.log_in),
        LogOut: _passed_on(enter.log_out),
        ChangePassword: _passed_on(enter.change_password),
        MakeToken: _passed_on(enter.make_token),
        RevokeToken: _passed_on(enter.revoke_token),
        QueryAudit: _audit,
        ExportAudit: _audit,
    }
)
