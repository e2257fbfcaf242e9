"""What a stranger in radio range tries, and what it gets him."""

import asyncio
import contextlib
import gc
import logging
import os
import random
import tracemalloc
from collections.abc import Callable

import pytest

from bluetooth.door import Policy
from bluetooth.egwttp import Request
from bluetooth.errors import Refused
from bluetooth.gatt import (
    DOOR_STATE_UUID,
    IMPROV_COMMAND_UUID,
    REQUEST_UUID,
    SERVICES,
    SESSION_UUID,
)
from bluetooth.improv_flow import AUTHORIZED_S
from bluetooth.label import Label
from bluetooth.log import KeyValueFormatter
from bluetooth.phone_session import PhoneSession
from bluetooth.seat import FAREWELL_S, YIELD_S
from bluetooth.spawned import MAX_SPAWNED
from bluetooth.window import (
    FIRST_PAUSE_S,
    MAX_BAD_ATTEMPTS,
    PAUSE_CEILING_S,
    State,
)
from bluetooth_unit_test.house import (
    CONFIGURED,
    KEY,
    NEW,
    OTHER_KEY,
    PHONE,
    House,
    Phone,
)

pytestmark = pytest.mark.anyio

FUZZED_WRITES = 1000
MAX_GROWTH_BYTES = 1024**2
"""The door's own part of what the process may grow by under fuzzed writes (5 MB in all)."""

ALL_UUIDS = [each.uuid for service in SERVICES for each in service.characteristics]


async def test_five_wrong_labels_pause_the_door_for_longer_each_time() -> None:
    """Guessing gets slower and slower, until it is five tries an hour."""
    house = House(NEW)
    pauses: list[float] = []
    for _ in range(8):
        for _ in range(MAX_BAD_ATTEMPTS):
            Phone(house, key=OTHER_KEY).begin()
        standing = house.door.standing()
        assert State.PAUSED is standing.state and standing.left_s is not None
        pauses.append(standing.left_s)
        await house.time.advance(standing.left_s)
        house.door.tick()

    assert [FIRST_PAUSE_S * 2**n for n in range(6)] + [PAUSE_CEILING_S] * 2 == pauses
    assert State.FRESH is house.door.standing().state


async def test_a_recorded_handshake_opens_nothing() -> None:
    """Sent again it counts as a bad attempt, and the box answers with nothing of use."""
    house = House(NEW)
    recorded: list[bytes] = []
    phone = Phone(house)
    hello = phone.session.hello()
    recorded += hello
    phone.write(hello)
    phone.hear()
    request = phone.session.ask(1, Request("POST", "/api/settings", b"{}").encode())
    recorded += request
    phone.write(request)
    await phone.answers()
    house.door.left(PHONE)
    executed = house.executed("POST")
    for value in recorded:
        house.door.write("a stranger", SESSION_UUID, value)
    await house.time.settle()

    assert executed == house.executed("POST")
    assert MAX_BAD_ATTEMPTS - 1 == house.door.standing().attempts_left


async def test_a_stranger_cannot_shut_out_the_phone_that_is_inside() -> None:
    """Attempts of a second phone do not count: it is not even let in."""
    house = House(CONFIGURED)
    house.door.open("the button")
    phone = Phone(house).begin()
    await phone.ask("GET", "/api/hello")
    for _ in range(3 * MAX_BAD_ATTEMPTS):
        stranger = PhoneSession(OTHER_KEY, 244, 244)
        for value in stranger.hello():
            with pytest.raises(Refused):
                house.door.write("a stranger", SESSION_UUID, value)

    assert 200 == (await phone.ask("POST", "/api/settings", b"{}")).status


async def test_a_stranger_cannot_sit_before_a_new_box_for_ever() -> None:
    """It keeps reading, so that it is never silent; the owner's phone gets in all the same, and
    stays, however often the stranger knocks."""
    house = House(NEW)
    for _ in range(int(YIELD_S) + 2):
        with contextlib.suppress(Refused):
            house.door.read("a stranger", DOOR_STATE_UUID)
        with contextlib.suppress(Refused):
            house.door.read(PHONE, DOOR_STATE_UUID)
        await house.pass_time(1.0)
    phone = Phone(house).begin()
    await phone.ask("GET", "/api/hello")
    for _ in range(2 * int(YIELD_S)):
        with pytest.raises(Refused):
            house.door.read("a stranger", DOOR_STATE_UUID)
        await house.pass_time(1.0)

    assert "a stranger" in house.sent_away
    assert PHONE not in house.sent_away[house.sent_away.index("a stranger") + 1 :]
    assert 200 == (await phone.ask("GET", "/api/hello")).status


async def test_who_was_let_in_by_the_button_is_not_pushed_out() -> None:
    """In the open window the first phone stays, whoever knocks."""
    house = House(CONFIGURED)
    house.door.open("the button")
    for _ in range(2 * int(YIELD_S)):
        await house.ask("GET", "/api/hello")
        with pytest.raises(Refused):
            house.door.read("a stranger", DOOR_STATE_UUID)
        await house.pass_time(1.0)

    assert {"a stranger"} == set(house.sent_away)


async def test_outside_the_window_no_way_changes_anything() -> None:
    """Thousand requests at a closed door: the gateway hears of none."""
    house = House(CONFIGURED)
    chance = random.Random(11)
    for _ in range(250):
        method = chance.choice(["POST", "DELETE", "GET"])
        path = chance.choice(["/api/settings", "/api/wifi", "/api/device", "/api/wifi/scan"])
        house.door.write(PHONE, REQUEST_UUID, Request(method, path, b"{}").encode())
        house.door.write(PHONE, IMPROV_COMMAND_UUID, b"\x04\x00\x04")
        for value in PhoneSession(KEY, 244, 244).hello():
            house.door.write(PHONE, SESSION_UUID, value)
        await house.time.advance(FAREWELL_S)

    assert [] == house.executed()
    assert State.CLOSED is house.door.standing().state


async def test_the_secret_is_in_no_log_line_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """A whole run at the lowest level, with everything going wrong, shows nothing of the label
    and nothing of what passed through it."""
    caplog.set_level(logging.DEBUG)
    label = Label(random.Random(3).randbytes(16))
    house = House(NEW)
    house.door._ways._sessions._key = label.session_key()
    house.gateway.says("POST", "/api/wifi", ValueError("bad"))
    phone = Phone(house, key=label.session_key()).begin()
    await phone.ask("POST", "/api/wifi", b'{"ssid":"home","psk":"horse battery staple"}')
    await phone.ask("POST", "/api/settings", b'{"token":"horse battery staple"}')
    for _ in range(MAX_BAD_ATTEMPTS):
        Phone(house, key=OTHER_KEY).begin()
    await house.pass_time(3.0)
    house.door.open("the button")
    page = await house.ask("POST", "/api/wifi", b'{"psk":"horse battery staple')

    formatter = KeyValueFormatter()
    lines = "\n".join(formatter.format(record) for record in caplog.records) + str(page.body)
    assert len(caplog.records) > 5
    digits = label.printed()
    shown = [digits, digits.replace("-", ""), digits[:9], label.secret.hex(), "staple"]
    assert [] == [each for each in shown if each.lower() in lines.lower()]
    assert [] == [each for each in shown if each in repr(label) + repr(house.door)]


def fuzzed(chance: random.Random) -> tuple[str, bytes]:
    """A characteristic, and bytes for it that are nonsense, or nearly sense."""
    request = Request("POST", "/api/wifi", chance.randbytes(chance.randrange(90))).encode()
    near: list[Callable[[], bytes]] = [
        lambda: chance.randbytes(chance.randrange(0, 513)),
        lambda: request[: chance.randrange(1, len(request) + 1)],
        lambda: request.replace(b"6", b"\xff").replace(b"\r\n", chance.choice([b"\n", b"\r"])),
        lambda: bytes([chance.randrange(8), chance.randrange(256)]) + chance.randbytes(30),
        lambda: bytes([0xC0 | chance.randrange(64), chance.randrange(7)]) + chance.randbytes(60),
        lambda: chance.choice(PhoneSession(KEY, 20, 20).hello()),
        lambda: b"\xc0" + PhoneSession(KEY, 244, 60).hello()[0][1 : chance.randrange(5, 53)],
        lambda: b"Offset: " + b"9" * chance.randrange(400),
    ]
    return chance.choice(ALL_UUIDS), chance.choice(near)()


async def fuzz(house: House, chance: random.Random, writes: int) -> None:
    """Write nonsense everywhere, and read it all, as several phones, while time passes."""
    for number in range(writes):
        uuid, value = fuzzed(chance)
        client = f"phone {chance.randrange(3)}"
        with contextlib.suppress(Refused):
            house.door.write(client, uuid, value)
        with contextlib.suppress(Refused):
            house.door.read(client, uuid)
        if number % 7 == 0:
            await house.time.advance(chance.random())
            house.door.tick()
        if number % 50 == 0:
            house.door.left(client)
            house.door.open("the button")
        house.notified.clear()


@pytest.mark.parametrize("policy", [NEW, Policy(configured=True, legacy_apps=False), CONFIGURED])
async def test_a_thousand_fuzzed_writes_leave_the_door_answering(policy: Policy) -> None:
    """No exception, no task left over, bounded memory, and the next phone is served as ever."""
    seed = int(os.environ.get("EGRET_FUZZ_SEED", "20261120"))
    print(f"seed {seed}: run again with EGRET_FUZZ_SEED={seed}")
    chance = random.Random(seed)
    house = House(policy)
    house.gateway.says("POST", "/api/wifi", {"status": "ok"})
    tasks = len(asyncio.all_tasks())
    house.door.open("the button")
    await fuzz(house, chance, FUZZED_WRITES // 5)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    await fuzz(house, chance, FUZZED_WRITES)
    await calm(house)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert after - before < MAX_GROWTH_BYTES
    assert house.time.is_quiet
    assert tasks == len(asyncio.all_tasks())
    assert State.OPEN is house.door.standing().state
    assert b'"state":"open"' in house.door.read(PHONE, DOOR_STATE_UUID)
    assert 200 == (await Phone(house).begin().ask("POST", "/api/settings", b"{}")).status
    plain = await house.ask("GET", "/api/hello")
    assert (200, b'{"message": "hello"}') == (plain.status, plain.body)


async def calm(house: House) -> None:
    """Everybody leaves, an hour passes, and the button is pressed."""
    for number in range(3):
        house.door.left(f"phone {number}")
    await house.time.advance(3700.0)
    house.door.tick()
    house.notified.clear()
    house.gateway.asked.clear()
    house.gateway.timeouts_s.clear()
    house.sent_away.clear()
    house.door.open("the button")
    await house.time.advance(61.0)


async def test_a_thousand_phones_that_come_and_go_leave_nothing_behind() -> None:
    """Each begins something on every way in and vanishes, faster than anything can time out; the
    gateway hangs meanwhile. What is spawned stays far below its bound."""
    house = House(CONFIGURED)
    house.door.open("the button")
    house.gateway.hold()
    most = 0
    for number in range(1000):
        client = f"phone {number}"
        house.door.read(client, DOOR_STATE_UUID)
        house.door.write(client, REQUEST_UUID, b"POST /api/wifi EGWTTP/1.1\r\n")
        house.door.write(client, IMPROV_COMMAND_UUID, b"\x01\x1e")
        for value in PhoneSession(KEY, 20, 20).hello()[:-1]:
            house.door.write(client, SESSION_UUID, value)
        house.door.left(client)
        most = max(most, len(house.time.tasks))
    house.gateway.release()
    await house.pass_time(5.0)
    waiting = len(house.time.tasks)
    await house.pass_time(AUTHORIZED_S)

    assert most < MAX_SPAWNED / 4
    assert waiting <= 1  # The time of Improv's authorisation.
    assert house.time.is_quiet
    assert not house.door.is_visited
    assert 200 == (await house.ask("GET", "/api/hello")).status
