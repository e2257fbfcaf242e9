"""The phone's door on the real BlueZ: kernel, bluetoothd, gateway and service in a guest."""

import json
import random

import pytest

from bluetooth import egwttp
from bluetooth.gatt import (
    EGRET,
    IMPROV,
    IMPROV_DATA_UUID,
    NATIVE,
    REQUEST_UUID,
    RESPONSE_UUID,
)
from bluetooth.improv import Command, Error, Packet
from bluetooth.label import Label
from bluetooth.record import Reason
from system_test.fuzz import writes
from system_test.guest_box import ADAPTER_ADDRESS, FIND_TIMEOUT_S, NAME, Box
from system_test.phone import WRITE_BYTES, Phone, SessionEnded, encoded
from virtual_radio.central import Central
from virtual_radio.gatt import Disconnected, GattError

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("guest")]

LONG = {"text": "0123456789" * 60 + "zwölf Käfer " * 100}
"""Sent to /api/echo: request and answer have more than 2 kB; the first page is full to its last
byte, and in later ones characters of more than one byte lie where a page would end."""

MTUS = (None, 48, 247, 517)
"""None: a central that asks for no other gets 23."""

FUZZED_WRITES = 1_000

MAX_GROWTH_KIB = 5 * 1024
"""Of the service's memory by all fuzzed writes together."""

LOOKS = 8
"""At open files; more than fit between two questions to the gateway."""

WARM_UP_WRITES = 100
"""Before the first look at memory: what is loaded or filled once is not growth."""


async def test_it_is_found_by_name_and_all_three_services_are_primary(box: Box) -> None:
    """A phone that never saw the box finds everything that it offers."""
    async with box.central() as central:
        seen = await central.find(service=NATIVE.uuid, timeout_s=FIND_TIMEOUT_S)
        improv = await central.find(service=IMPROV.uuid, timeout_s=FIND_TIMEOUT_S)
        session = await central.connect(seen, mtu=247)
        services = session.services
        await session.disconnect()

    assert NAME == seen.name
    assert IMPROV_DATA_UUID in improv.service_data
    for each in (NATIVE, IMPROV, EGRET):
        assert tuple(one.uuid for one in each.characteristics) == services[each.uuid]


@pytest.mark.parametrize("mtu", MTUS)
async def test_long_answers_arrive_whole_at_every_mtu(box: Box, mtu: int | None) -> None:
    """Values of 512 bytes are read in pieces of MTU - 1, and five of them make the answer."""
    await box.open_window()
    async with box.phone(mtu) as phone:
        first = await phone.page(egwttp.Request("POST", "/api/echo", encoded(LONG)))
        value = await phone.session.read(RESPONSE_UUID)
        answer = await phone.ask("POST", "/api/echo", LONG)
        agreed = phone.session.mtu

    assert (mtu or 23, egwttp.PAGE_BYTES) == (agreed, len(value))
    assert first == egwttp.parse_page(value)
    assert (200, {"echo": LONG}) == (answer.status, json.loads(answer.body))
    assert 2_000 < len(answer.body)


@pytest.mark.parametrize("mtu", [None, 247])
async def test_long_requests_arrive_whole(box: Box, mtu: int | None) -> None:
    """In prepared writes as long as BlueZ takes them, and in many short ones."""
    await box.open_window()
    request = egwttp.Request("POST", "/api/echo", encoded(LONG))
    async with box.phone(mtu) as phone:
        short = await phone.ask("POST", "/api/echo", LONG)
        for piece in egwttp.pieces(request.encode(), WRITE_BYTES):
            await phone.session.write_long(REQUEST_UUID, piece)
        prepared = await phone.answered()

    assert (200, LONG) == (short.status, json.loads(short.body)["echo"])
    assert 200 == prepared.status and short.body.startswith(prepared.body)


async def test_a_session_needs_the_labels_secret_and_carries_everything(box: Box) -> None:
    """Many notifications, each in its order, at the smallest MTU; the answer is whole."""
    key = await box.label_key()
    async with box.phone(mtu=None) as phone:
        talk = await phone.pair(key)
        answered = await talk.ask("POST", "/api/echo", LONG)
        await talk.goodbye()

    assert await box.api("POST", "/api/echo", LONG) == answered


async def test_a_wrong_secret_is_refused_in_words(box: Box) -> None:
    """And the right one is taken after it."""
    key = await box.label_key()
    async with box.phone() as phone:
        with pytest.raises(SessionEnded) as refused:
            await phone.pair(Label(bytes(16)).session_key())
        talk = await phone.pair(key)
        status, _ = await talk.ask("GET", "/api/hello")
        await talk.goodbye()

    assert (Reason.WRONG_SECRET, 200) == (refused.value.reason, status)
    assert refused.value.text


async def test_without_window_nothing_in_the_clear_changes_anything(box: Box) -> None:
    """A greeting is answered, a change is refused in words."""
    await box.close_window()
    before = await box.api("GET", "/api/settings")
    async with box.phone() as phone:
        hello = await phone.ask("GET", "/api/hello")
        change = await phone.ask("POST", "/api/settings", {"settings": {"name": "Mallory"}})
        improv = await phone.improv()
        await improv.command(Packet(Command.SCAN_WIFI).encode())
        error = (await phone.next(improv.errors))[0]

    assert Error.NOT_AUTHORIZED == error
    assert (200, 403) == (hello.status, change.status)
    assert "button" in change.body.decode()
    assert before == await box.api("GET", "/api/settings")


async def test_a_second_phone_is_sent_away(box: Box) -> None:
    """The first one is served on."""
    await box.open_window()
    async with box.phone() as first, box.central() as central:
        await first.ask("GET", "/api/hello")
        with pytest.raises(Disconnected):
            await _intrude(central)
        answer = await first.ask("GET", "/api/hello")

    assert 200 == answer.status


async def _intrude(central: Central) -> None:
    """Ask something, knowing the box's address from before."""
    session = await central.connect(ADAPTER_ADDRESS, mtu=247)
    await (await Phone.begin(session)).ask("GET", "/api/hello")


async def test_it_comes_back_after_a_restart_of_bluetoothd(box: Box) -> None:
    """All that was registered is registered again, without a restart of ours."""
    pid = await box.service_pid()
    await box.restart_bluetoothd()
    await box.open_window()
    async with box.phone() as phone:
        answer = await phone.ask("GET", "/api/hello")

    assert (200, pid) == (answer.status, await box.service_pid())


async def test_it_comes_back_with_its_adapter(box: Box) -> None:
    """A dongle that is pulled and put back; meanwhile the gateway is told."""
    await box.remove_adapter()
    await box.wait_door(lambda told: told["state"] == "no_adapter")
    await box.return_adapter()
    await box.open_window()
    async with box.phone() as phone:
        answer = await phone.ask("GET", "/api/hello")

    assert 200 == answer.status


async def test_a_gateway_that_is_away_is_502(box: Box) -> None:
    """Within the bound, in words; and served again once it is back."""
    await box.open_window()
    async with box.phone() as phone:
        await box.stop_gateway()
        away = await phone.ask("GET", "/api/hello")
        await box.start_gateway()
        back = await phone.ask("GET", "/api/hello")

    assert (502, 200) == (away.status, back.status)
    assert json.loads(away.body)["error"]


async def test_a_gateway_that_hangs_is_504(box: Box) -> None:
    """The phone is told, nothing else stops."""
    await box.open_window()
    async with box.phone() as phone:
        async with box.hung_gateway():
            slow = await phone.ask("GET", "/api/hello")
        back = await phone.ask("GET", "/api/version")

    assert (504, 200) == (slow.status, back.status)


async def test_stopping_leaves_the_adapter_as_it_was(box: Box) -> None:
    """Its name is the owner's; no service and no advertisement stays behind."""
    before = await _adapter(box)
    code = await box.stop_service()
    after = await _adapter(box)
    await box.start_service()

    assert (0, "BlueZ 5") == (code, before["Alias"][:7])
    assert (before["Alias"], "no", "0x00 (0)") == (
        after["Alias"],
        "yes" if NATIVE.uuid in after["all"] else "no",
        after["ActiveInstances"],
    )


async def _adapter(box: Box) -> dict[str, str]:
    shown = await box.guest.ask("bluetoothctl", "show")
    lines = (line.strip().partition(": ") for line in shown.splitlines())
    return {name: value for name, _, value in lines} | {"all": shown}


async def test_fuzzed_writes_leave_it_well(box: Box, fuzz_seed: int) -> None:
    """It answers rightly, has no more open files, and hardly more memory."""
    print(f"fuzz seed {fuzz_seed}: run again with --fuzz-seed {fuzz_seed}")
    source = random.Random(fuzz_seed)
    await _fuzz(box, source, WARM_UP_WRITES)
    files, memory_kib = await _weight(box)
    await _fuzz(box, source, FUZZED_WRITES)
    files_after, memory_after_kib = await _weight(box)
    print(f"open files {files} -> {files_after}, memory {memory_kib} -> {memory_after_kib} KiB")

    await box.open_window()
    async with box.phone() as phone:
        answer = await phone.ask("POST", "/api/echo", LONG)
    assert (200, LONG) == (answer.status, json.loads(answer.body)["echo"])
    assert files_after <= files
    assert memory_after_kib - memory_kib <= MAX_GROWTH_KIB


async def _fuzz(box: Box, source: random.Random, count: int) -> None:
    """So many writes; whoever is sent away for them comes back, by the window if need be."""
    nonsense = writes(source)
    done = 0
    while done < count:
        await box.open_window()
        async with box.phone() as phone:
            try:
                while done < count:
                    uuid, value = next(nonsense)
                    done += 1
                    await _write(phone, uuid, value)
            except Disconnected:
                continue


async def _write(phone: Phone, uuid: str, value: bytes) -> None:
    try:
        await phone.session.write(uuid, value)
    except GattError:
        return  # refused, as it should be


async def _weight(box: Box) -> tuple[int, int]:
    """Open files and resident KiB of the service, nobody being connected. Of several looks the
    least counts: now and then it is just asking the gateway something."""
    pid = await box.service_pid()
    look = f"for _ in $(seq {LOOKS}); do ls /proc/{pid}/fd | wc -l; sleep 0.3; done"
    files = min(int(line) for line in (await box.guest.ask("sh", "-c", look)).split())
    status = await box.guest.ask("cat", f"/proc/{pid}/status")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return files, int(line.split()[1])
