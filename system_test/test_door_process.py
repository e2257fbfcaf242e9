"""`python -m bluetooth` as a process of its own, on a message bus: route B with the whole service.

What is real: the process, its command line, its label file, D-Bus, the attribute protocol, a
gateway on a socket. What is played: bluetoothd and the radio.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bluetooth import egwttp, label
from bluetooth.egwttp import Request
from bluetooth.gatt import (
    DOOR_STATE_UUID,
    EGRET,
    IMPROV,
    IMPROV_COMMAND_UUID,
    NATIVE,
    REQUEST_UUID,
    RESPONSE_UUID,
    SESSION_UUID,
)
from bluetooth.phone_session import Answered, Got, PhoneSession
from bluetooth_unit_test.http_gateway import HttpGateway
from virtual_radio.bluez_bus.bus_room import BusRoom
from virtual_radio.central import Central
from virtual_radio.gatt import GattError
from virtual_radio.session import Session

pytestmark = [pytest.mark.system, pytest.mark.real_time]

ROOT = Path(__file__).resolve().parents[1]
NAME = "Egret BUS001"
TIMEOUT_S = 30.0
STOP_LIMIT_S = 5.0
LOOKS = 30
"""Until the least of what is looked at counts."""
FUZZED_WRITES = 1000
MAX_GROWTH_KIB = 5 * 1024
"""Of the service's memory under the fuzzed writes."""


class Process:
    """The service, as somebody starts it."""

    def __init__(self, child: asyncio.subprocess.Process, folder: Path) -> None:
        self.child = child
        self.folder = folder
        self.log = b""

    @property
    def memory_kib(self) -> int:
        """Resident set."""
        text = Path(f"/proc/{self.child.pid}/status").read_text(encoding="ascii")
        return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])

    @property
    def descriptors(self) -> int:
        """Open files and sockets."""
        return len(os.listdir(f"/proc/{self.child.pid}/fd"))

    async def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.child.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_LIMIT_S):
            return await self.child.wait()


@asynccontextmanager
async def running(folder: Path, http: HttpGateway) -> AsyncIterator[Process]:
    """Start it; it is gone afterwards."""
    with (folder / "log").open("wb") as log:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bluetooth", "--data", str(folder), "--api-url", http.url, "--name", NAME),
            cwd=ROOT,
            stderr=log,
        )
        try:
            yield Process(child, folder)
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()


def gateway(configured: bool) -> HttpGateway:
    """A gateway that knows a little."""
    http = HttpGateway()
    http.says(
        "GET",
        "/api/bluetooth",
        {
            "window": {"number": 0, "open": False},
            "legacy_apps": True,
            "window_s": 60.0,
            "configured": configured,
            "service": None,
        },
    )
    http.says("POST", "/api/bluetooth/state", {"status": "ok"})
    http.says("GET", "/api/hello", {"message": "hello"})
    http.says("GET", "/api/supported", {"text": "x" * 3000})
    http.says("POST", "/api/settings", {"success": True})
    return http


class Phone:
    """An app with the label."""

    def __init__(self, session: Session, key: bytes) -> None:
        self._session = session
        self._talk = PhoneSession(key, session.mtu - 3, session.mtu - 3)

    async def open(self) -> None:
        """Shake hands."""
        self._heard = await self._session.subscribe(SESSION_UUID)
        await self._write(self._talk.hello())
        await self._next()

    async def ask(self, method: str, path: str, body: bytes = b"") -> egwttp.Page:
        """A request and its answer."""
        await self._write(self._talk.ask(1, Request(method, path, body).encode()))
        while True:
            for each in await self._next():
                if isinstance(each, Answered):
                    return egwttp.parse_page(each.text)

    async def _next(self) -> list[Got]:
        got: list[Got] = []
        while not got:
            got = self._talk.receive(await self._heard.next())
            await self._write(self._talk.acknowledgements())
        return got

    async def _write(self, values: list[bytes]) -> None:
        for value in values:
            await self._session.write(SESSION_UUID, value)


async def connected(central: Central, mtu: int = 247) -> Session:
    """A phone finds the box by its service and connects."""
    return await central.connect(await central.find(service=EGRET.uuid), mtu=mtu)


@pytest.mark.parametrize("mtu", [23, 247, 517])
async def test_a_phone_with_the_label_configures_a_new_box(
    bluez_bus: BusRoom, central: Central, tmp_path: Path, mtu: int
) -> None:
    """Found, paired, asked and answered, three kilobytes too, whatever the connection carries."""
    with gateway(configured=False) as http:
        async with running(tmp_path, http) as process:
            session = await connected(central, mtu)
            phone = Phone(session, label.load_or_make(tmp_path).session_key())
            await phone.open()
            changed = await phone.ask("POST", "/api/settings", b'{"a":1}')
            long = await phone.ask("GET", "/api/supported")
            state = await session.read(DOOR_STATE_UUID)
            code = await process.stop()

    assert (200, 200, 3012) == (changed.status, long.status, len(long.body))
    assert b'"state":"fresh"' in state
    assert ("POST", "/api/settings", b'{"a":1}') in http.asked
    assert 0 == code


async def test_it_is_found_by_all_three_services_and_silent_when_stopped(
    bluez_bus: BusRoom, central: Central, tmp_path: Path
) -> None:
    """Old apps, Improv apps and ours each find their own; then bluetoothd holds nothing of it."""
    with gateway(configured=False) as http:
        async with running(tmp_path, http) as process:
            for service in (EGRET, NATIVE, IMPROV):
                await central.find(service=service.uuid)
            assert 0 == await process.stop()

    assert (0, 0) == (bluez_bus.daemon.applications, bluez_bus.daemon.advertisements)


async def test_a_new_start_of_bluetoothd_is_survived(
    bluez_bus: BusRoom, central: Central, tmp_path: Path
) -> None:
    """It registers again, and phones are served as before."""
    with gateway(configured=False) as http:
        async with running(tmp_path, http):
            await connected(central)
            await bluez_bus.daemon.restart()
            session = await connected(central)

            assert b'"state":"fresh"' in await session.read(DOOR_STATE_UUID)


async def test_a_thousand_fuzzed_writes_do_not_harm_the_process(
    bluez_bus: BusRoom, central: Central, tmp_path: Path
) -> None:
    """It still answers, with no more open descriptors and hardly more memory."""
    seed = int(os.environ.get("EGRET_FUZZ_SEED", "4"))
    print(f"seed {seed}: run again with EGRET_FUZZ_SEED={seed}")
    chance = random.Random(seed)
    with gateway(configured=False) as http:
        async with running(tmp_path, http) as process:
            session = await connected(central)
            await fuzz(session, chance, 100)
            memory_kib, descriptors = process.memory_kib, await fewest(session, process)
            await fuzz(session, chance, FUZZED_WRITES)
            grown = process.memory_kib - memory_kib, await fewest(session, process) - descriptors
            phone = Phone(session, label.load_or_make(tmp_path).session_key())
            await phone.open()
            page = await phone.ask("GET", "/api/hello")
            await process.stop()

    assert 200 == page.status
    assert grown[0] <= MAX_GROWTH_KIB
    assert grown[1] <= 0
    assert b"Traceback" not in (tmp_path / "log").read_bytes()


async def fewest(session: Session, process: Process) -> int:
    """Open descriptors, the least of several looks: now and then it is just asking its gateway."""
    looks = []
    for _ in range(LOOKS):
        await session.read(DOOR_STATE_UUID)
        looks.append(process.descriptors)
    return min(looks)


async def fuzz(session: Session, chance: random.Random, writes: int) -> None:
    """Nonsense for every characteristic that can be written."""
    for _ in range(writes):
        uuid = chance.choice([REQUEST_UUID, IMPROV_COMMAND_UUID, SESSION_UUID])
        value = chance.choice([b"", b"\xc0\x01\x01", b"GET /api/", b"\x01\x1e"])
        try:
            await session.write(uuid, value + chance.randbytes(chance.randrange(1, 200)))
            if chance.random() < 0.1:
                await session.read(RESPONSE_UUID)
        except GattError:
            pass
