"""A message bus with one bluetoothd on it, in memory. It does what it is asked, and remembers."""

import asyncio
from collections.abc import Sequence
from typing import Any

from dbus_fast import Variant

from bluetooth.bluez import words
from bluetooth.bluez.bus import Answerer, DbusRefused, Heard, Listener, Reply
from bluetooth.errors import PeripheralLost


async def turn() -> None:
    """Let the event loop do what can be done without time."""
    turned = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(turned.set_result, None)
    await turned


OWNER = ":1.7"
HCI0 = "/org/bluez/hci0"
PHONE = f"{HCI0}/dev_AA_BB_CC_DD_EE_FF"


class FakeBus:
    """`bluetooth.bluez.bus.Bus`. `adapters` are there by path, with their power."""

    def __init__(self, adapters: dict[str, bool] | None = None) -> None:
        self.adapters = {HCI0: True} if adapters is None else adapters
        self.owner = OWNER
        self.calls: list[tuple[str, str, tuple[Any, ...]]] = []
        """Path, member and arguments of what bluetoothd was asked."""
        self.emitted: "asyncio.Queue[tuple[str, Any]]" = asyncio.Queue()
        """Path and value of each notification."""
        self.refusals: dict[str, Exception] = {}
        """By member: what a call of it raises."""
        self.blocked = asyncio.Event()
        """Signals are taken while it is set."""
        self.blocked.set()
        self.closed = asyncio.Event()
        self._answer: Answerer = lambda heard: None
        self._listen: Listener = lambda heard: None

    def attend(self, answer: Answerer, listen: Listener) -> None:
        """As Bus."""
        self._answer, self._listen = answer, listen

    async def call(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: Sequence[Any] = (),
    ) -> tuple[Any, ...]:
        """As Bus."""
        if self.closed.is_set():
            raise PeripheralLost("the message bus is gone")
        self.calls.append((path, member, tuple(body)))
        if member in self.refusals:
            raise self.refusals[member]
        match member:
            case "GetManagedObjects":
                if not self.owner:
                    raise DbusRefused("org.freedesktop.DBus.Error.ServiceUnknown", "nobody")
                return (self._objects(),)
            case "GetNameOwner":
                return (self.owner,)
            case "Set":
                self.adapters[path] = body[2].value
            case "RegisterAdvertisement":
                self.ask(body[0], words.PROPERTIES, "GetAll", words.ADVERTISEMENT)
        return ()

    async def emit(
        self, path: str, interface: str, member: str, signature: str, body: Sequence[Any]
    ) -> None:
        """As Bus."""
        await self.blocked.wait()
        self.emitted.put_nowait((path, body[1]["Value"].value))

    async def wait_closed(self) -> None:
        """As Bus."""
        await self.closed.wait()

    async def close(self) -> None:
        """As Bus."""
        self.closed.set()

    def ask(
        self, path: str, interface: str, member: str, *body: Any, sender: str = ""
    ) -> Reply | None:
        """bluetoothd, or another `sender`, calls the service."""
        return self._answer(Heard(sender or self.owner, path, interface, member, body))

    def say(self, path: str, interface: str, member: str, *body: Any, sender: str = "") -> None:
        """bluetoothd, or another `sender`, sends a signal."""
        self._listen(Heard(sender or self.owner, path, interface, member, body))

    def change(self, path: str, interface: str, **properties: Any) -> None:
        """A property of bluetoothd's changes."""
        changed = {name: Variant("b", value) for name, value in properties.items()}
        self.say(path, words.PROPERTIES, "PropertiesChanged", interface, changed, [])

    def change_owner(self, owner: str) -> None:
        """bluetoothd ends (""), or another one begins."""
        before, self.owner = self.owner, owner
        body = (words.BLUEZ, before, owner)
        self.say(words.DBUS_PATH, words.DBUS, "NameOwnerChanged", *body, sender=words.DBUS)

    def asked(self, member: str) -> list[tuple[Any, ...]]:
        """The arguments of every call of `member`."""
        return [body for _, called, body in self.calls if called == member]

    def _objects(self) -> dict[str, Any]:
        return {
            path: {
                words.ADAPTER: {"Powered": Variant("b", powered)},
                words.GATT_MANAGER: {},
                words.ADVERTISING_MANAGER: {},
            }
            for path, powered in self.adapters.items()
        } | {"/org/bluez": {"org.bluez.AgentManager1": {}}}
