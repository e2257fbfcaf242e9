"""Every request is answered exactly once, with a value or with an error in words."""

import json
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest

from server.devices.addition import DEFAULT_INTERVAL_S
from server.engine.task import Done, Failed, Ok, Submission
from server.errors import (
    Busy,
    DeviceTimeout,
    RegisterRefused,
    SettingsError,
    UnsupportedDevice,
)
from server.model.bluetooth import DoorReport, DoorState
from server.model.configuration import Configuration
from server.model.delivery import DeviceFacts
from server.model.device import Account, DeviceConfig, Endpoint, Space
from server.model.notice import Level, Notice
from server.model.request import (
    AddDevice,
    AskDoor,
    ChangeSettings,
    DismissNotice,
    ForgetWifi,
    FoundDevices,
    History,
    JoinWifi,
    Probe,
    QueryHistory,
    ReadRegisters,
    RemoveDevice,
    ReportDoor,
    Request,
    ScanWifi,
    WriteRegisters,
    WriteStep,
)
from server.tasks.answer_request import HANDLERS, AnswerRequest, deliver
from server.tasks.ask_device import MAX_WRITE_STEPS
from server_unit_test.contracts.fake_wifi import JOINED, STATE
from server_unit_test.devices.recorded import recorded
from server_unit_test.ledger.readings import START_MS
from server_unit_test.tasks.houses import ENDPOINT, Home, only, run
from server_unit_test.tasks.wifi_houses import with_wifi

NOW = 1000.0
HYBRID = next(each for each in recorded() if "SH10RT" in each.name)
SERIAL = "A2290912345"
BATTERY = {10710: 0x5331, 10711: 0x3233, **dict.fromkeys(range(10712, 10720), 0)}
BATTERY |= {10740: 2300, 10741: 12, 10742: 215, 10743: 784}
AUTO = AddDevice(ENDPOINT, 1, "auto")
NAMED = AddDevice(ENDPOINT, 1, "simulated")


def ask(home: Home, request: Request) -> "Future[Any]":
    """Ask, and let everything happen that follows from it."""
    reply: Future[Any] = Future()
    follow(home, AnswerRequest(home.house, request, reply))
    return reply


def follow(home: Home, task: Any) -> None:
    """Run a task and all that it asks for, on whatever lane."""
    verdict = run(task, NOW)
    assert isinstance(verdict, Done)
    for submission in verdict.then:
        follow(home, submission.task)


def error_of(reply: "Future[Any]") -> BaseException:
    """What the asker gets instead of a value."""
    error = reply.exception(timeout=0)
    assert error is not None
    return error


def file_of(home: Home) -> Any:
    """What is on disk."""
    return json.loads((home.folder / "settings.json").read_bytes())


@pytest.fixture
def inverter(home: Home) -> Home:
    """A house whose fake endpoint is a hybrid inverter."""
    home.transport.input = dict(HYBRID.input)
    return home


def test_every_kind_of_request_has_an_answer() -> None:
    """A new kind that nobody answers would leave its asker waiting."""
    assert set(Request.__args__) == set(HANDLERS)


# -- devices -----------------------------------------------------------------------------------


def test_a_probe_answers_what_is_there(inverter: Home) -> None:
    """Nothing is configured by asking."""
    found = ask(inverter, Probe(ENDPOINT, 1)).result(0)

    assert isinstance(found, FoundDevices)
    assert [SERIAL] == [each.identity.serial for each in found.devices]
    assert () == inverter.house.configuration.devices


def test_a_device_added_by_probing_is_named_by_its_serial(inverter: Home) -> None:
    """Profile, serial and model are what the probe found; it is on disk when answered."""
    config = ask(inverter, AUTO).result(0)

    expected = DeviceConfig(
        SERIAL, "SH10RT", ENDPOINT, 1, "sungrow_hybrid", DEFAULT_INTERVAL_S, SERIAL, "SH10RT"
    )
    assert expected == config
    assert (expected,) == inverter.house.configuration.devices
    assert [SERIAL] == [each["device_id"] for each in file_of(inverter)["devices"]]


def test_a_device_that_is_no_known_one_is_not_added(home: Home) -> None:
    """The error of the probe is the answer, and nothing is stored."""
    error = error_of(ask(home, AUTO))

    assert isinstance(error, UnsupportedDevice)
    assert () == home.house.configuration.devices
    assert not home.house.saving


def test_a_device_with_a_named_profile_is_added_unseen(home: Home) -> None:
    """One that sleeps can be added at night; its place names it until then."""
    home.transport.reachable = False

    config = ask(home, AddDevice(ENDPOINT, 7, "simulated", "Roof", 30.0)).result(0)

    assert ("10.0.0.1:502:7", "Roof", 30.0) == (config.device_id, config.name, config.interval_s)
    assert [] == home.transport.requests


def test_a_known_address_with_an_account_changes_the_account(inverter: Home) -> None:
    """The device keeps its id, is not asked by the answer, and is on disk with the new account."""
    dongle = Endpoint("winet", "10.0.0.1", 443)
    asked = AddDevice(dongle, 1, "auto", account=Account("", "wrong"))
    ask(inverter, asked)
    requests = len(inverter.transport.requests)

    config = ask(inverter, replace(asked, account=Account("owner", "right"))).result(0)

    assert (SERIAL, Account("owner", "right")) == (config.device_id, config.account)
    assert (config,) == inverter.house.configuration.devices
    assert [("owner", "right")] == [
        (each["user"], each["password"]) for each in file_of(inverter)["devices"]
    ]
    assert requests == len(inverter.transport.requests)


def test_an_unknown_profile_is_refused_with_those_that_exist(home: Home) -> None:
    """Before anything is probed or stored."""
    error = error_of(ask(home, AddDevice(ENDPOINT, 1, "acme")))

    assert isinstance(error, KeyError)
    assert "no profile named 'acme'" in str(error) and "simulated" in str(error)


def test_an_address_is_configured_once(home: Home) -> None:
    """The second one is told which device has it."""
    ask(home, AddDevice(ENDPOINT, 1, "simulated", "Roof"))

    error = error_of(ask(home, NAMED))

    assert isinstance(error, SettingsError)
    assert "Roof is configured already, at 10.0.0.1, port 502, unit 1" in str(error)
    assert 1 == len(home.house.configuration.devices)


def test_a_device_found_again_at_another_address_is_not_added_twice(inverter: Home) -> None:
    """Its serial says that it is the same one; the probe's answer came, the storing is refused."""
    ask(inverter, AUTO)

    error = error_of(ask(inverter, AddDevice(Endpoint("modbus_tcp", "10.0.0.2", 502), 1, "auto")))

    assert isinstance(error, SettingsError) and "SH10RT" in str(error)
    assert 1 == len(inverter.house.configuration.devices)


def test_an_interval_that_cannot_be_is_refused_naming_the_key(home: Home) -> None:
    """Settings check what is added, whichever way it came."""
    error = error_of(ask(home, AddDevice(ENDPOINT, 1, "simulated", "", -1.0)))

    assert isinstance(error, SettingsError) and "interval_s" in str(error)
    assert () == home.house.configuration.devices


def test_a_device_is_removed_from_the_settings(home: Home) -> None:
    """Answered with what it was; an unknown one is a KeyError."""
    config = ask(home, NAMED).result(0)

    assert config == ask(home, RemoveDevice(config.device_id)).result(0)

    assert () == home.house.configuration.devices
    assert isinstance(error_of(ask(home, RemoveDevice(config.device_id))), KeyError)


# -- settings ----------------------------------------------------------------------------------


def test_a_battery_is_added_and_removed_with_its_inverter(inverter: Home) -> None:
    """It is a device of its own, named after its inverter and linked to it."""
    inverter.transport.input.update(BATTERY)
    ask(inverter, AUTO)
    added = inverter.house.configuration.devices

    ask(inverter, RemoveDevice(SERIAL))

    battery = DeviceConfig(
        "S123", "SH10RT battery", ENDPOINT, 200, "sungrow_battery", 5.0, "S123", "Sungrow", SERIAL
    )
    assert [SERIAL, "S123"] == [each.device_id for each in added]
    assert battery == added[1]
    assert () == inverter.house.configuration.devices


def test_a_battery_can_be_left_out(inverter: Home) -> None:
    """Whoever does not want it does not get it."""
    inverter.transport.input.update(BATTERY)

    ask(inverter, AddDevice(ENDPOINT, 1, "auto", children=False))

    assert [SERIAL] == [each.device_id for each in inverter.house.configuration.devices]


def test_settings_are_on_disk_before_they_count(home: Home) -> None:
    """While they are being written the old ones count; then house, page and asker agree."""
    told: list[str] = []
    home.house.publish = lambda now: told.append(home.house.configuration.name)
    reply: Future[Any] = Future()
    verdict = run(AnswerRequest(home.house, ChangeSettings({"name": "Cellar"}), reply), NOW)
    assert isinstance(verdict, Done)
    before = home.house.configuration.name

    follow(home, only(verdict.then).task)

    assert ("", ["Cellar"], "Cellar") == (before, told, file_of(home)["name"])
    configuration = reply.result(0)
    assert isinstance(configuration, Configuration) and "Cellar" == configuration.name


def test_what_changed_is_brought_into_effect(home: Home) -> None:
    """The gateway is told, and the tasks that it asks for follow."""
    called: list[float] = []

    def reconfigured(now: float) -> tuple[Submission, ...]:
        called.append(now)
        return ()

    home.house.reconfigured = reconfigured

    ask(home, ChangeSettings({"name": "Cellar"}))

    assert [NOW] == called


def test_a_failed_save_changes_nothing(home: Home) -> None:
    """The asker hears why; the next try is free to be made."""
    (home.folder / "settings.json").mkdir()

    error = error_of(ask(home, ChangeSettings({"name": "Cellar"})))

    assert isinstance(error, SettingsError) and "cannot be saved" in str(error)
    assert ("", False) == (home.house.configuration.name, home.house.saving)


def test_a_wrong_setting_is_refused_naming_it(home: Home) -> None:
    """Nothing is written."""
    error = error_of(ask(home, ChangeSettings({"store": {"commit_interval_s": "soon"}})))

    assert isinstance(error, SettingsError) and "store.commit_interval_s" in str(error)
    assert not (home.folder / "settings.json").exists()


def test_one_change_is_saved_at_a_time(home: Home) -> None:
    """Two at once would lose the first; the second asker may come again."""
    reply: Future[Any] = Future()
    verdict = run(AnswerRequest(home.house, ChangeSettings({"name": "A"}), reply), NOW)
    assert isinstance(verdict, Done)

    error = error_of(ask(home, ChangeSettings({"name": "B"})))

    assert isinstance(error, Busy)
    follow(home, only(verdict.then).task)
    assert "B" == ask(home, ChangeSettings({"name": "B"})).result(0).name


def test_what_needs_a_restart_is_said_until_it_is_taken_back(home: Home) -> None:
    """The listening address is taken once, at start; the owner hears which settings wait."""
    ask(home, ChangeSettings({"api": {"port": 8099}, "log": {"level": "DEBUG"}, "name": "A"}))
    (notice,) = home.house.notices.shown()

    ask(home, ChangeSettings({"api": {"port": None}, "log": {"level": None}}))

    assert "api.port, log.level count from the next start" in notice.text
    assert () == home.house.notices.shown()


# -- registers, notices, history ---------------------------------------------------------------


def test_registers_of_a_device_are_read(home: Home) -> None:
    """The words as they are; a refusal is the device's own."""
    home.device("a")

    assert (7, 7) == ask(home, ReadRegisters("a", Space.INPUT, 100, 2)).result(0)

    assert isinstance(
        error_of(ask(home, ReadRegisters("a", Space.INPUT, 9000, 1))), RegisterRefused
    )
    assert isinstance(error_of(ask(home, ReadRegisters("b", Space.INPUT, 100, 2))), KeyError)


def test_raw_writes_are_switched_off_by_default(home: Home) -> None:
    """403 over HTTP; the words say which setting allows them."""
    home.device("a")

    error = error_of(ask(home, WriteRegisters("a", (WriteStep(10, (1,)),))))

    assert isinstance(error, PermissionError) and "control.raw_writes" in str(error)
    assert [] == home.transport.writes


def test_raw_writes_that_the_owner_allowed_are_made(home: Home) -> None:
    """At most so many steps in one request."""
    home.house.settings = home.house.settings.changed({"control": {"raw_writes": True}})
    home.device("a")
    home.transport.holding[10] = 0
    most = (WriteStep(10, (1,)),) * MAX_WRITE_STEPS

    assert ask(home, WriteRegisters("a", most)).result(0) is None

    assert MAX_WRITE_STEPS == len(home.transport.writes)
    error = error_of(ask(home, WriteRegisters("a", (*most, *most[:1]))))
    assert isinstance(error, SettingsError) and f"at most {MAX_WRITE_STEPS}" in str(error)


def test_a_notice_is_dismissed(home: Home) -> None:
    """It is the answer, and the page is drawn anew without it."""
    told: list[float] = []
    home.house.publish = told.append
    home.house.notices.post("k", Level.INFO, "text", 1)

    notice = ask(home, DismissNotice(1)).result(0)

    assert isinstance(notice, Notice) and "text" == notice.text
    assert ((), [NOW]) == (home.house.notices.shown(), told)
    assert isinstance(error_of(ask(home, DismissNotice(1))), KeyError)


def test_history_is_read(home: Home) -> None:
    """An empty curve is an answer too."""
    query = QueryHistory("a", "pv_power", START_MS, START_MS + 60_000, 10)

    history = ask(home, query).result(0)

    assert isinstance(history, History) and () == history.points


# -- askers ------------------------------------------------------------------------------------


def test_an_asker_that_has_given_up_is_left_alone(home: Home) -> None:
    """A cancelled or answered future is not touched again."""
    cancelled: Future[object] = Future()
    cancelled.cancel()
    answered: Future[object] = Future()
    answered.set_result("first")

    deliver(cancelled, Ok("late"))
    deliver(answered, Failed(DeviceTimeout("late")))

    assert cancelled.cancelled()
    assert "first" == answered.result(0)


def test_a_request_that_the_engine_refuses_is_answered(home: Home) -> None:
    """A full engine is said to the asker, who may come again."""
    reply: Future[Any] = Future()
    task = AnswerRequest(home.house, Probe(ENDPOINT, 1), reply)

    assert Done() == task.settle(Failed(Busy("full")), NOW)

    assert isinstance(error_of(reply), Busy)


def test_another_machine_never_gets_the_id_under_which_one_was_known(home: Home) -> None:
    """Readings and curves go by the id: those of two machines must not be joined."""
    first = ask(home, NAMED).result(0)
    assert isinstance(first, DeviceConfig)
    known = DeviceFacts(first.device_id, "Roof", "simulated", "S1", "M1")
    home.house.plant.facts = {first.device_id: known}
    ask(home, RemoveDevice(first.device_id))

    second = ask(home, NAMED).result(0)

    assert isinstance(second, DeviceConfig)
    assert f"{first.device_id}-2" == second.device_id


# -- the radio and the phone's door ------------------------------------------------------------


def test_wifi_is_joined_scanned_and_forgotten(home: Home) -> None:
    """On the radio's own lane; each asker gets his answer."""
    with_wifi(home)

    scanned = ask(home, ScanWifi()).result(0)
    forgotten = ask(home, ForgetWifi("Home")).result(0)

    assert (STATE, 1) == (scanned, forgotten)
    assert isinstance(error_of(ask(home, ForgetWifi("Attic"))), KeyError)


def test_a_network_is_joined_step_by_step(home: Home) -> None:
    """The answer comes with the last one."""
    with_wifi(home)
    reply: Future[Any] = Future()
    asked = AnswerRequest(home.house, JoinWifi("Home", "sesame123"), reply).settle(Ok(None), NOW)
    assert isinstance(asked, Done)
    task = only(asked.then).task
    run(task, NOW)
    assert not reply.done()

    run(task, NOW)

    assert JOINED == reply.result(0)


def test_a_box_without_a_radio_refuses_in_words(home: Home) -> None:
    """All three requests."""
    for request in (ScanWifi(), ForgetWifi("Home"), JoinWifi("Home", "sesame123")):
        assert "no Wi-Fi" in str(error_of(ask(home, request)))


def test_the_owner_opens_the_phones_door(home: Home) -> None:
    """For as long as the settings say; what the service reports is kept."""
    window_s = home.house.configuration.bluetooth.window_s
    report = DoorReport(DoorState.OPEN, 120.0)

    asked = ask(home, AskDoor(True)).result(0)
    told = ask(home, ReportDoor(report)).result(0)

    assert (1, True, None) == (asked.number, asked.open, asked.report)
    assert (1, report) == (told.number, told.report)
    assert not home.house.door.view(NOW + window_s).open
