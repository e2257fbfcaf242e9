"""What is let through on each of the three ways in, in each state of the door."""

import json
import random

import pytest

from bluetooth import improv
from bluetooth.door import Policy
from bluetooth.errors import Refused
from bluetooth.gatt import (
    IMPROV_COMMAND_UUID,
    IMPROV_ERROR_UUID,
    PROGRESS_UUID,
    RESPONSE_UUID,
    AttError,
)
from bluetooth.record import EventKind, Reason
from bluetooth.rules import RULES
from bluetooth.window import MAX_BAD_ATTEMPTS, State
from bluetooth_unit_test.house import (
    CONFIGURED,
    NEW,
    OTHER_KEY,
    PHONE,
    House,
    Phone,
    words,
)

pytestmark = pytest.mark.anyio

SCAN = bytes([improv.Command.SCAN_WIFI, 0, improv.Command.SCAN_WIFI])


def house_in(state: State, legacy: bool) -> House:
    """A house whose door stands like this."""
    policy = Policy(state is not State.FRESH, legacy)
    house = House(policy)
    if state is State.SETTLING:
        house.door.obey(Policy(False, legacy))
        house.door.obey(policy)
    if state in (State.OPEN, State.PAUSED):
        house.door.open("the button")
    if state is State.PAUSED:
        for _ in range(MAX_BAD_ATTEMPTS):
            house.door._failed(PHONE)
    assert state is house.door.standing().state
    return house


EVERY_STANDING = [(state, legacy) for state in State for legacy in (False, True)]


@pytest.mark.parametrize(("state", "legacy"), EVERY_STANDING)
async def test_plain_requests_pass_only_a_door_that_is_held_open(
    state: State, legacy: bool
) -> None:
    """A change passes in the open window with legacy apps on, a greeting while the box is found."""
    house = house_in(state, legacy)
    change = await house.ask("POST", "/api/device", b"{}")
    read = await house.ask("GET", "/api/settings")
    greet = await house.ask("GET", "/api/hello")

    lets_in = (state, legacy) == (State.OPEN, True)
    greets = state in (State.FRESH, State.SETTLING, State.OPEN)
    assert [200 if lets_in else 403] * 2 == [change.status, read.status]
    assert (200 if greets else 403) == greet.status
    assert lets_in or words(change) == RULES[state, legacy].why_not
    assert (["/api/device"] if lets_in else []) == house.executed("POST")


@pytest.mark.parametrize(("state", "legacy"), EVERY_STANDING)
@pytest.mark.parametrize("path", ["/api/settings", "/api/initialize"])
async def test_what_is_the_owners_is_never_changed_in_the_clear(
    path: str, state: State, legacy: bool
) -> None:
    """Not even in the button's window, where anybody in range may speak; the words say what to
    do, and an old app that does not know it is no burglar."""
    house = house_in(state, legacy)
    page = await house.ask("POST", path, b'{"control":{"raw_writes":true}}')

    assert (403, RULES[state, legacy].why_not) == (page.status, words(page))
    assert [] == house.executed("POST")
    if (state, legacy) == (State.OPEN, True):
        assert "label" in words(page)
        assert MAX_BAD_ATTEMPTS == house.state()["attempts_left"]


@pytest.mark.parametrize(("state", "legacy"), EVERY_STANDING)
async def test_improv_scans_only_at_a_door_that_is_held_open(state: State, legacy: bool) -> None:
    """Everywhere else it says not authorized, and the gateway hears nothing of it."""
    house = house_in(state, legacy)
    house.gateway.says("GET", "/api/wifi/scan", {"networks": []})
    house.door.write(PHONE, IMPROV_COMMAND_UUID, SCAN)
    await house.time.settle()

    lets_in = (state, legacy) == (State.OPEN, True)
    assert (["/api/wifi/scan"] if lets_in else []) == house.executed()
    assert ([] if lets_in else [b"\x04"]) == house.said(IMPROV_ERROR_UUID)


@pytest.mark.parametrize(("state", "legacy"), EVERY_STANDING)
async def test_a_session_may_do_everything_while_the_box_is_found(
    state: State, legacy: bool
) -> None:
    """With the label's secret: in any state in which the box advertises, and in no other."""
    house = house_in(state, legacy)
    phone = Phone(house).begin()

    if state in (State.CLOSED, State.PAUSED):
        assert not phone.session.is_welcome or phone.closed is not None
        assert phone.closed is not None and Reason.DOOR_CLOSED is phone.closed.reason
        assert [] == house.executed()
        return
    assert 200 == (await phone.ask("POST", "/api/settings", b"{}")).status
    assert ["/api/settings"] == house.executed("POST")


async def test_what_is_not_on_the_list_passes_nowhere() -> None:
    """Neither in the clear nor inside a session, however open the door is."""
    house = House(CONFIGURED)
    house.door.open("the button")
    plain = await house.ask("GET", "/api/logger")
    sealed = await Phone(house).begin().ask("POST", "/api/bluetooth/window", b'{"open":true}')

    assert [403, 403] == [plain.status, sealed.status]
    assert [] == house.executed()


async def test_forbidden_reads_are_no_bad_attempts_but_forbidden_changes_are() -> None:
    """An old app that looks around does no harm; one that would change something does."""
    house = House(NEW)
    await house.ask("GET", "/api/settings")
    await house.ask("GET", "/api/logger")
    before = house.state()["attempts_left"]
    await house.ask("POST", "/api/settings", b"{}")

    assert (MAX_BAD_ATTEMPTS, MAX_BAD_ATTEMPTS - 1) == (before, house.state()["attempts_left"])


async def test_improv_before_the_button_is_a_bad_attempt() -> None:
    """Its error is in its own words."""
    house = House(NEW)
    house.door.write(PHONE, IMPROV_COMMAND_UUID, SCAN)
    await house.time.settle()

    assert MAX_BAD_ATTEMPTS - 1 == house.state()["attempts_left"]


async def test_an_open_session_takes_bad_attempts_back() -> None:
    """Who mistyped the label twice and then got in has five attempts again."""
    house = House(NEW)
    await house.ask("POST", "/api/settings", b"{}")
    await Phone(house).begin().ask("GET", "/api/hello")

    assert MAX_BAD_ATTEMPTS == house.state()["attempts_left"]


JOINING = {"number": 2, "ssid": "home", "step": "connecting", "reason": None, "message": "Joining."}


async def joined(house: House) -> None:
    """The gateway goes on with a join."""
    house.gateway.says("GET", "/api/wifi/progress", JOINING)
    await house.time.advance(1.0)


async def test_progress_reaches_the_session_and_nobody_else() -> None:
    """What happens inside stays inside, also while a wire could be tapped at the open door."""
    house = House(NEW)
    house.gateway.says("GET", "/api/wifi/progress", {**JOINING, "number": 1, "step": "idle"})
    phone = Phone(house).begin()
    house.gateway.says("POST", "/api/wifi", {"status": "ok"})
    await phone.ask("POST", "/api/wifi", b'{"ssid":"home","psk":"x"}')
    await joined(house)
    phone.hear()

    assert [EventKind.PROGRESS] == [each.kind for each in phone.told]
    assert "connecting" == json.loads(phone.told[0].value)["step"]
    assert [] == house.said(PROGRESS_UUID)
    with pytest.raises(Refused) as refused:
        house.door.read(PHONE, PROGRESS_UUID)
    assert AttError.INSUFFICIENT_AUTHORIZATION is refused.value.code


async def test_progress_of_a_session_is_not_told_in_the_clear_at_an_open_door() -> None:
    """A notification goes to everybody who subscribed: the name of the Wi-Fi stays inside, also
    when the session ends before the join does."""
    house = House(CONFIGURED)
    house.door.open("the button")
    house.gateway.says("GET", "/api/wifi/progress", {**JOINING, "number": 1, "step": "idle"})
    house.gateway.says("POST", "/api/wifi", {"status": "ok"})
    phone = Phone(house).begin()
    await phone.ask("POST", "/api/wifi", b'{"ssid":"home","psk":"x"}')
    await joined(house)
    phone.hear()
    with pytest.raises(Refused):
        house.door.read(PHONE, PROGRESS_UUID)
    phone.write(phone.session.goodbye())
    house.gateway.says("GET", "/api/wifi/progress", {**JOINING, "number": 3})
    await house.time.advance(1.0)

    assert [EventKind.PROGRESS] == [each.kind for each in phone.told]
    assert [] == house.said(PROGRESS_UUID)


async def test_a_door_that_is_shut_does_not_tell_whether_a_secret_is_right() -> None:
    """Right or wrong, the words are the same, and nothing is counted."""
    house = house_in(State.PAUSED, legacy=True)
    right, wrong = Phone(house).begin(), Phone(house, key=OTHER_KEY).begin()

    assert right.closed is not None
    assert right.closed == wrong.closed
    assert Reason.DOOR_CLOSED is right.closed.reason
    assert not right.session.is_welcome


async def test_progress_is_told_in_the_clear_to_apps_that_may_read() -> None:
    """An app without encryption, let in at the open door, sees the join going on."""
    house = House(CONFIGURED)
    house.door.open("the button")
    house.gateway.says("GET", "/api/wifi/progress", {**JOINING, "number": 1, "step": "idle"})
    house.gateway.says("POST", "/api/wifi", {"status": "ok"})
    await house.ask("POST", "/api/wifi", b'{"ssid":"home","psk":"x"}')
    await joined(house)

    assert ["connecting"] == [json.loads(each)["step"] for each in house.said(PROGRESS_UUID)]
    assert "connecting" == json.loads(house.door.read(PHONE, PROGRESS_UUID))["step"]


async def test_a_secret_in_a_session_is_in_no_other_value() -> None:
    """Nothing of a session can be read at the plain characteristics."""
    house = House(CONFIGURED)
    house.door.open("the button")
    secret = random.Random(7).randbytes(12).hex()
    house.gateway.says("GET", "/api/settings", {"token": secret})
    page = await Phone(house).begin().ask("GET", "/api/settings")

    assert secret in page.body.decode()
    assert secret.encode() not in house.door.read(PHONE, RESPONSE_UUID)
    assert not any(secret.encode() in value for _, value in house.notified)
