"""A whole box in a guest: real kernel, bluetoothd and NetworkManager, our gateway and our Bluetooth
service; the radio, and the phones in it, here.

Owns starting and stopping what runs in the guest and asking the gateway; what a phone does stands
in system_test.phone. Everything runs on the loop of one thread: see `play`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any, Self

from bluetooth.gatt import NATIVE
from bluetooth.label import LABEL_FILE, typed
from system_test.phone import Phone
from virtual_radio.central import Central
from virtual_radio.guest.accelerator import machine_verdict
from virtual_radio.guest.build import build
from virtual_radio.guest.cache import Cache
from virtual_radio.guest.control import GuestError
from virtual_radio.guest.guest import INSIDE, Guest
from virtual_radio.guest.loop_thread import LoopThread
from virtual_radio.h4 import Attachment
from virtual_radio.radio import Radio
from virtual_radio.settings import cache_folder

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements-bluetooth.lock"

NAME = "Egret guest"
"""What the box advertises."""
ADAPTER_ADDRESS = "00:AA:01:00:00:42"
"""Of the guest's adapter, public."""
API = "http://127.0.0.1:8080"
GATEWAY_DATA = "/run/egret/gateway"
SERVICE_DATA = "/run/egret/bluetooth"

START_TIMEOUT_S = 180.0
"""For one program of ours in the guest: a Python start with all imports takes ten seconds under
emulation on an idle core."""
HELLO_TIMEOUT_S = 10.0
"""For one question whether the gateway is up."""
END_TIMEOUT_S = 60.0
"""For the guest's end in good order; then QEMU is killed all the same."""
PLAY_TIMEOUT_S = 600.0
"""For one test, waits included."""
OPEN = ("open", "connected")
"""States of the door, as the service tells the gateway, in which phones find it."""

FIND_TIMEOUT_S = 40.0
"""Until the box is heard: BlueZ sends several advertisements in turn, seconds each."""
CONNECT_TIMEOUT_S = 30.0


class Box:
    """One box. Make it with `boot`; all coroutines by `play`."""

    def __init__(self, guest: Guest, radio: Radio, thread: LoopThread) -> None:
        self.guest = guest
        self.radio = radio
        self.boot_s = 0.0
        self.programs_s = 0.0
        self.start_cpu_s = 0.0
        """Of QEMU, until gateway and service ran."""
        self._thread = thread
        self._attachment: Attachment | None = None
        self._gateway: int | None = None
        self._service: int | None = None
        self._has_wifi = False

    @classmethod
    def boot(cls) -> Self:
        """A guest with an adapter and nothing of ours in it yet. Raises GuestUnavailable."""
        folder = cache_folder() / "guest"
        artefacts = build(Cache(folder, _say), LOCK, _say)
        thread = LoopThread("guest")
        box = cls(Guest(artefacts, ROOT), Radio(), thread)
        try:
            box.play(box._boot(folder))
        except BaseException:
            box.close()
            raise
        return box

    def play(self, scene: Coroutine[Any, Any, None], timeout_s: float = PLAY_TIMEOUT_S) -> None:
        """Let a coroutine run where the radio is. Raises TimeoutError, and what it raises."""
        self._thread.run(scene, timeout_s)

    def close(self) -> None:
        """End the guest, the radio and the thread, whatever state they are in."""
        try:
            self.play(self._end(), END_TIMEOUT_S)
        finally:
            self.guest.kill()
            self._thread.close()

    def report(self) -> dict[str, str]:
        """What everybody in the guest has said last: the cause of a failure may be there."""
        names = sorted(path.stem for path in self.guest.shared.glob("*.log"))
        logs = {name: self.guest.log(name)[-MAX_REPORT_CHARACTERS:] for name in names}
        return {"console": self.guest.console(), **logs}

    # ---- the programs ------------------------------------------------------------------------

    async def start_gateway(self) -> None:
        """Until the gateway's API answers."""
        if self._gateway is None:
            command = ["python3", "-m", "server", "--data", GATEWAY_DATA, "--json"]
            self._gateway = await self.guest.start(command, "gateway")
            await self.guest.wait_seen(self._answers, START_TIMEOUT_S)

    async def stop_gateway(self) -> None:
        """The API is gone; what it keeps is not. Nothing happens while it does not run."""
        if self._gateway is not None:
            pid, self._gateway = self._gateway, None
            await self.guest.stop(pid)

    @asynccontextmanager
    async def hung_gateway(self) -> AsyncIterator[None]:
        """The gateway takes connections and answers none."""
        await self.guest.ask("sh", "-c", f"kill -{SIGSTOP.value} {self._gateway}")
        try:
            yield
        finally:
            await self.guest.ask("sh", "-c", f"kill -{SIGCONT.value} {self._gateway}")

    async def start_service(self) -> None:
        """Until the Bluetooth service has told the gateway that it serves."""
        if self._service is None:
            command = ["python3", "-m", "bluetooth", "--api-url", API, "--name", NAME]
            command += ["--data", SERVICE_DATA, "--adapter", "hci0", "--log-level", "DEBUG"]
            self._service = await self.guest.start(command, "bluetooth")
            await self.wait_door(lambda told: told["state"] != "")

    async def start_programs(self) -> None:
        """Gateway and service."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self.start_gateway()
        await self.start_service()
        self.programs_s = loop.time() - began
        self.start_cpu_s = self.guest.cpu_s()

    async def stop_service(self) -> int:
        """The service's exit status after SIGTERM; 0 while it does not run."""
        if self._service is None:
            return 0
        pid, self._service = self._service, None
        return await self.guest.stop(pid)

    async def service_pid(self) -> int:
        """Of the running service."""
        assert self._service is not None
        return self._service

    async def start_wifi(self) -> None:
        """An access point in the air with two networks, and NetworkManager on wlan0."""
        if not self._has_wifi:
            await self.guest.ask("sh", f"{INSIDE}/wifi.sh", timeout_s=START_TIMEOUT_S)
            self._has_wifi = True

    async def restart_bluetoothd(self) -> None:
        """As after an update of BlueZ: all that was registered with it is gone."""
        await self.guest.ask("sh", "-c", "kill $(cat /run/bluetoothd.pid)")
        await self.guest.ask("sh", f"{INSIDE}/bluetoothd.sh")

    async def remove_adapter(self) -> None:
        """As when a dongle is pulled."""
        await self.guest.ask("sh", "-c", "kill $(cat /run/btattach.pid)")
        await self.guest.wait_until("[ ! -e /sys/class/bluetooth/hci0 ]")

    async def return_adapter(self) -> None:
        """As when it is put back."""
        await self.guest.ask("sh", f"{INSIDE}/attach.sh")
        await self.guest.wait_until("[ -e /sys/class/bluetooth/hci0 ]")

    # ---- the gateway -------------------------------------------------------------------------

    async def api(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and JSON of a request to the gateway, from inside the box."""
        text = "" if body is None else json.dumps(body)
        status, said = await self.guest.http(method, f"{API}{path}", text)
        return status, json.loads(said)

    async def open_window(self) -> None:
        """As the owner does on the box's page, until the service has done it."""
        await self.api("POST", "/api/bluetooth/window", {"open": True})
        await self.wait_door(lambda told: told["until_s"] is not None and told["state"] in OPEN)

    async def close_window(self) -> None:
        """As above. A box that was never configured stays open, for its label and without end."""
        await self.api("POST", "/api/bluetooth/window", {"open": False})
        await self.wait_door(lambda told: told["until_s"] is None and told["state"] in OPEN)

    async def wait_door(self, accepts: Callable[[dict[str, Any]], bool]) -> None:
        """Until what the service has told the gateway of itself is accepted."""

        async def look() -> bool:
            if self._service is not None and await self.guest.has_ended(self._service):
                raise AssertionError("the service has ended")
            _, said = await self.api("GET", "/api/bluetooth")
            return bool(said["service"]) and accepts(said["service"])

        await self.guest.wait_seen(look, START_TIMEOUT_S)

    # ---- the phones --------------------------------------------------------------------------

    async def label_key(self) -> bytes:
        """The key of this box's label, as somebody has it who scans the label."""
        lines = (await self.guest.ask("cat", f"{SERVICE_DATA}/{LABEL_FILE}")).splitlines()
        return typed(lines[1]).session_key()

    @asynccontextmanager
    async def central(self) -> AsyncIterator[Central]:
        """A phone's radio, gone in the end."""
        central = await self.radio.central()
        try:
            yield central
        finally:
            await central.close()
            self.radio.remove(central.controller)

    @asynccontextmanager
    async def phone(self, mtu: int | None = 247) -> AsyncIterator[Phone]:
        """A phone that has found the box and is connected."""
        async with self.central() as central:
            seen = await central.find(service=NATIVE.uuid, timeout_s=FIND_TIMEOUT_S)
            session = await central.connect(seen, mtu=mtu, timeout_s=CONNECT_TIMEOUT_S)
            phone = await Phone.begin(session)
            try:
                yield phone
            finally:
                await session.disconnect()

    # ---- inside ------------------------------------------------------------------------------

    async def _boot(self, cache: Path) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self.guest.boot(machine_verdict(cache), self._attach)
        self.boot_s = loop.time() - began

    def _attach(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._attachment is not None:
            self.radio.remove(self._attachment.controller)  # of a try that did not boot
        self._attachment = self.radio.attach_h4(
            reader, writer, name="guest", public_address=ADAPTER_ADDRESS
        )

    async def _answers(self) -> bool:
        try:
            status, _ = await self.guest.http("GET", f"{API}/api/hello", timeout_s=HELLO_TIMEOUT_S)
        except GuestError:
            return False  # refused: it does not listen yet
        return status == 200

    async def _end(self) -> None:
        await self.guest.close()
        await self.radio.close()


MAX_REPORT_CHARACTERS = 6_000
"""Of each log in the report of a failed test, the end."""


def _say(line: str) -> None:
    """Progress while the guest is being made; seen with `pytest -s`, kept with a failure."""
    print(line, flush=True)
