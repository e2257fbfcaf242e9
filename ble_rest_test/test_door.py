"""When the box shows itself, whom it lets in, and how it closes."""

import asyncio
from contextlib import suppress

import pytest

from ble_rest_test.stand import LABEL, NAME, OTHER_LABEL, LocalStand
from ble_rest_test.words import ANSWER_TIMEOUT_S, RawPhone, asked
from bluetooth import clock
from bluetooth.client import finding
from bluetooth.client.box import Box
from bluetooth.client.errors import ClientError, NotLetIn
from bluetooth.client.link import Sighting
from bluetooth.door import Policy
from bluetooth.egwttp import Request
from bluetooth.gatt import DOOR_STATE_UUID
from bluetooth.improv import State
from bluetooth.overseer import POLL_S
from bluetooth.seat import FAREWELL_S, SEAT_IDLE_S
from bluetooth.window import DEFAULT_WINDOW_S, MAX_BAD_ATTEMPTS, MIN_PAUSE_S
from bluetooth_unit_test.http_gateway import HttpGateway

pytestmark = pytest.mark.real_time

HEAR_S = 0.7
"""Three advertisements in turn need 0.3 s; so long without is silence."""

NEW = Policy(configured=False)
NO_LEGACY = Policy(legacy_apps=False)

new = pytest.mark.parametrize("policy", [NEW], ids=["new"])
no_legacy = pytest.mark.parametrize("policy", [NO_LEGACY], ids=["no_legacy"])


async def heard(box: LocalStand) -> list[Sighting]:
    """What is in the air."""
    return await finding.scan(await box.phone_radio(), clock.wait, HEAR_S)


async def gone(phone: Box) -> bool:
    """The box has ended the connection."""
    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        await phone.link.wait_gone()
    return True


async def test_after_a_start_the_door_is_closed(closed_box: LocalStand) -> None:
    """Nothing is in the air."""
    assert [] == await heard(closed_box)


async def test_a_press_of_the_button_opens_it(box: LocalStand) -> None:
    """The box shows its name, all three ways in, and that Improv is authorised."""
    (found,) = await heard(box)

    assert (box.place.address, NAME) == (found.address, found.name)
    assert ("native", "improv", "egret") == found.ways
    assert State.AUTHORIZED is found.improv_state


async def test_a_long_press_closes_it(box: LocalStand) -> None:
    """Whoever is there is sent away, and nothing is in the air."""
    async with box.phone() as phone:
        box.button.hold()
        was_sent_away = await gone(phone)

    assert was_sent_away
    assert [] == await heard(box)


async def test_its_state_can_be_read(timed_box: LocalStand) -> None:
    """How it stands, and for how long."""
    assert timed_box.time is not None

    async with timed_box.phone() as phone:
        at_first = await phone.state()
        await timed_box.time.advance(30.0)
        later = await phone.state()

    assert ("open", DEFAULT_WINDOW_S, True) == (at_first.state, at_first.left_s, at_first.legacy)
    assert DEFAULT_WINDOW_S - 30.0 == later.left_s
    assert (MAX_BAD_ATTEMPTS, (1,)) == (later.attempts_left, later.sessions)


@pytest.mark.parametrize("policy", [Policy(window_s=60.0)], ids=["one_minute"])
async def test_it_closes_by_itself(timed_box: LocalStand) -> None:
    """The phone that is there is told, and sent away."""
    assert timed_box.time is not None
    told: asyncio.Queue[bytes] = asyncio.Queue()

    async with timed_box.phone() as phone:
        await phone.link.subscribe(DOOR_STATE_UUID, told.put_nowait)
        await phone.get("/api/hello")
        await timed_box.time.advance(60.0)
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            last = await told.get()
        await timed_box.time.advance(FAREWELL_S)
        was_sent_away = await gone(phone)

    assert b'"state":"closed"' in last
    assert was_sent_away
    assert [] == await heard(timed_box)


async def test_a_phone_that_says_nothing_is_sent_away(timed_box: LocalStand) -> None:
    """So that the next one can come in."""
    assert timed_box.time is not None

    async with timed_box.phone() as phone:
        await timed_box.time.advance(SEAT_IDLE_S + 1.0)
        await timed_box.time.advance(FAREWELL_S)
        was_sent_away = await gone(phone)

    assert was_sent_away


async def test_the_owner_opens_it_through_the_gateway(
    closed_box: LocalStand, stub: HttpGateway
) -> None:
    """What the page asks for is done within a moment."""
    silence = await heard(closed_box)
    door = {"legacy_apps": True, "window_s": 60.0, "configured": True}
    stub.says("GET", "/api/bluetooth", {**door, "window": {"number": 1, "open": True}})

    async with closed_box.phone() as phone:
        state = await phone.state()

    assert [] == silence
    assert "open" == state.state
    assert state.left_s is not None and state.left_s <= 60.0
    assert POLL_S < 60.0


async def test_a_second_phone_is_turned_away(box: LocalStand, stub: HttpGateway) -> None:
    """In words; the first goes on undisturbed, and when it has left the next is let in."""
    async with box.phone() as first:
        with pytest.raises(NotLetIn, match="another phone is connected"):
            async with box.phone() as second:
                await second.get("/api/version")
        still = await first.get("/api/hello")
    async with box.phone() as third:
        after = await third.get("/api/hello")

    assert (200, 200) == (still.status, after.status)
    assert [("GET", "/api/hello")] * 2 == asked(stub)


async def test_a_phone_that_comes_back_finds_nothing_of_before(
    box: LocalStand, stub: HttpGateway
) -> None:
    """Neither an answer nor the beginning of a request."""
    async with box.phone() as phone:
        await phone.get("/api/hello")
        await (await RawPhone.of(phone)).write(b"POST /api/settings EGWTTP/1.1\r\n")
    async with box.phone() as phone:
        raw = await RawPhone.of(phone)
        greeting = await raw.read()
        page = await raw.page(Request("GET", "/api/hello").encode())

    assert b"Hello ble World" == greeting
    assert 200 == page.status


@new
async def test_a_new_box_shows_itself(closed_box: LocalStand) -> None:
    """Without the button; Improv is not authorised."""
    (found,) = await heard(closed_box)

    assert ("native", "improv", "egret") == found.ways
    assert State.AUTHORIZATION_REQUIRED is found.improv_state


@new
async def test_a_new_box_greets_and_does_nothing_else(
    closed_box: LocalStand, stub: HttpGateway
) -> None:
    """In the clear: hello is answered, all else refused in words before the gateway sees it."""
    async with closed_box.phone() as phone:
        hello = await phone.get("/api/hello")
        network = await phone.get("/api/network")
        change = await phone.post("/api/wifi", {"ssid": "x", "psk": "password"})

    assert (200, 403, 403) == (hello.status, network.status, change.status)
    assert "press the button" in change.words
    assert [("GET", "/api/hello")] == asked(stub)


@new
async def test_a_new_box_obeys_its_label(closed_box: LocalStand, stub: HttpGateway) -> None:
    """In a session everything on the list may be done."""
    stub.says("POST", "/api/settings", {"success": True})

    async with closed_box.phone(LABEL) as phone:
        reply = await phone.post("/api/settings", {"name": "Cellar"})

    assert 200 == reply.status
    assert [("POST", "/api/settings")] == asked(stub)


@no_legacy
async def test_without_legacy_apps_only_the_session_is_offered(
    box: LocalStand, stub: HttpGateway
) -> None:
    """The others are neither advertised nor let in, window or not; the greeting is."""
    stub.says("POST", "/api/settings", {"success": True})
    (found,) = await heard(box)

    async with box.phone() as phone:
        hello = await phone.get("/api/hello")
        change = await phone.post("/api/settings", {"name": "x"})
        improv = await (await phone.improv()).state()
    async with box.phone(LABEL) as phone:
        sealed = await phone.post("/api/settings", {"name": "Cellar"})

    assert ("egret",) == found.ways
    assert (200, 403, 200) == (hello.status, change.status, sealed.status)
    assert "turned off" in change.words
    assert State.AUTHORIZATION_REQUIRED is improv
    assert [("GET", "/api/hello"), ("POST", "/api/settings")] == asked(stub)


@new
async def test_forbidden_changes_are_attempts(closed_box: LocalStand) -> None:
    """The fifth one pauses the door, and the phone is sent away."""
    left = []

    async with closed_box.phone() as phone:
        for _ in range(MAX_BAD_ATTEMPTS - 1):
            await phone.post("/api/wifi", {"ssid": "x", "psk": "password"})
            left.append((await phone.state()).attempts_left)
        with suppress(ClientError):  # It may be sent away before it has read the answer.
            await phone.post("/api/wifi", {"ssid": "x", "psk": "password"})
        was_sent_away = await gone(phone)

    assert [4, 3, 2, 1] == left
    assert was_sent_away
    assert [] == await heard(closed_box)


@new
async def test_five_wrong_labels_pause_the_door(closed_box: LocalStand, stub: HttpGateway) -> None:
    """It falls silent, the button does not help at once, and the gateway has seen nothing."""
    refused = 0
    for _ in range(MAX_BAD_ATTEMPTS):
        with pytest.raises(ClientError):
            async with closed_box.phone(OTHER_LABEL) as phone:
                await phone.get("/api/hello")
        refused += 1
    silence = await heard(closed_box)
    closed_box.button.press()
    still = await heard(closed_box)

    assert MAX_BAD_ATTEMPTS == refused
    assert ([], []) == (silence, still)
    assert [] == asked(stub)


async def test_a_pause_ends_by_the_button(timed_box: LocalStand, stub: HttpGateway) -> None:
    """Once it has lasted for a while; then the count begins anew."""
    assert timed_box.time is not None
    for _ in range(MAX_BAD_ATTEMPTS):
        with pytest.raises(ClientError):
            async with timed_box.phone(OTHER_LABEL) as phone:
                await phone.get("/api/hello")
    await timed_box.time.advance(MIN_PAUSE_S)
    timed_box.button.press()

    async with timed_box.phone(LABEL) as phone:
        state = await phone.state()
        reply = await phone.get("/api/hello")

    assert ("open", MAX_BAD_ATTEMPTS) == (state.state, state.attempts_left)
    assert 200 == reply.status
