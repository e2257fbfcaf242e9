"""The bus on its library, with a connection that does as it is told."""

import asyncio
from typing import Any

import pytest
from dbus_fast import Message, MessageType

from bluetooth.bluez import bus as module
from bluetooth.bluez import words
from bluetooth.bluez.bus import (
    SIGNALS_BETWEEN_ANSWERS,
    DbusRefused,
    Heard,
    Reply,
    SystemBus,
    add_match,
)
from bluetooth.errors import AdapterMissing, PeripheralLost

pytestmark = pytest.mark.anyio

SOON_S = 0.02
"""A wait that is meant to end without an answer."""


class Connection:
    """As much of the library's connection as is used."""

    def __init__(self) -> None:
        self.connected = True
        self.sent: list[Message] = []
        self.outcome: Any = ()
        """Of calls and signals: a body, an exception, None for a connection that closed, or an
        awaitable that hangs."""
        self.ended = asyncio.Event()
        self.hear: Any = None
        self.why: Exception | None = None

    def add_message_handler(self, handler: Any) -> None:
        """Remembers it."""
        self.hear = handler

    async def call(self, message: Message) -> Message | None:
        """As the outcome says."""
        self.sent.append(message)
        message.serial = 1
        if isinstance(self.outcome, Exception):
            raise self.outcome
        if self.outcome is None:
            return None
        if isinstance(self.outcome, asyncio.Event):
            await self.outcome.wait()
        if isinstance(self.outcome, str):
            return Message.new_error(message, self.outcome, "why")
        return Message.new_method_return(message, "s" * len(self.outcome), list(self.outcome))

    async def send(self, message: Message) -> None:
        """As the outcome says."""
        await self.call(message)

    def disconnect(self) -> None:
        """Ends."""
        self.connected = False
        self.ended.set()

    async def wait_for_disconnect(self) -> None:
        """Until it ends; raises why."""
        await self.ended.wait()
        if self.why:
            raise self.why


def made() -> tuple[SystemBus, Connection]:
    """A bus on a connection."""
    connection = Connection()
    return SystemBus(connection), connection  # type: ignore[arg-type]  # It is as much as is used.


async def ask(bus: SystemBus) -> tuple[Any, ...]:
    """Some call."""
    return await bus.call(words.BLUEZ, "/org/bluez", words.ADAPTER, "Ask", "s", ("what",))


async def test_a_call_brings_its_answer() -> None:
    """Addressed as it was told."""
    bus, connection = made()
    connection.outcome = ("this", "and that")

    answer = await ask(bus)
    await bus.close()

    assert ("this", "and that") == answer
    (sent,) = connection.sent
    assert (words.BLUEZ, "/org/bluez", words.ADAPTER, "Ask", "s", ["what"]) == (
        sent.destination,
        sent.path,
        sent.interface,
        sent.member,
        sent.signature,
        sent.body,
    )


async def test_an_error_is_raised_with_its_name() -> None:
    """And its words."""
    bus, connection = made()
    connection.outcome = "org.bluez.Error.Failed"

    with pytest.raises(DbusRefused, match="org.bluez.Error.Failed: why") as refused:
        await ask(bus)
    await bus.close()

    assert ("org.bluez.Error.Failed", "why") == (refused.value.name, refused.value.text)


def test_an_error_without_words_is_its_name() -> None:
    """Nothing follows a colon."""
    assert "org.bluez.Error.Failed" == str(DbusRefused("org.bluez.Error.Failed", ""))


@pytest.mark.parametrize("outcome", [None, OSError("broken pipe"), EOFError()])
async def test_a_bus_that_goes_meanwhile_is_lost(outcome: Any) -> None:
    """However the library says it."""
    bus, connection = made()
    connection.outcome = outcome

    with pytest.raises(PeripheralLost):
        await ask(bus)
    await bus.close()


async def test_no_answer_is_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for bluetoothd for ever."""
    monkeypatch.setattr(module, "CALL_TIMEOUT_S", SOON_S)
    bus, connection = made()
    connection.outcome = asyncio.Event()

    with pytest.raises(PeripheralLost, match="Ask: no answer"):
        await ask(bus)
    with pytest.raises(PeripheralLost):
        await bus.emit("/", words.PROPERTIES, "PropertiesChanged", "s", ("x",))
    await bus.close()


async def test_nothing_is_sent_over_a_closed_one() -> None:
    """It is said instead; closing again is no error."""
    bus, connection = made()
    await bus.close()
    await bus.close()

    with pytest.raises(PeripheralLost):
        await ask(bus)
    with pytest.raises(PeripheralLost):
        await bus.emit("/", words.PROPERTIES, "PropertiesChanged", "s", ("x",))

    assert [] == connection.sent


async def test_a_signal_is_sent() -> None:
    """As one."""
    bus, connection = made()

    await bus.emit("/path", words.PROPERTIES, "PropertiesChanged", "s", ("x",))
    await bus.close()

    (sent,) = connection.sent
    assert (MessageType.SIGNAL, "/path", ["x"]) == (sent.message_type, sent.path, sent.body)


async def test_the_bus_is_seen_to_read() -> None:
    """Before a burst of signals fills the socket, its answer to a question is awaited."""
    bus, connection = made()

    for _ in range(2 * SIGNALS_BETWEEN_ANSWERS):
        await bus.emit("/path", words.PROPERTIES, "PropertiesChanged", "s", ("x",))
    await bus.close()

    members = [each.member for each in connection.sent]
    assert "GetId" == members[SIGNALS_BETWEEN_ANSWERS] == members[-1]
    assert 2 == members.count("GetId")


@pytest.mark.parametrize("why", [None, EOFError()])
async def test_the_end_is_noticed(why: Exception | None) -> None:
    """By everybody who waits for it, whatever the reason."""
    bus, connection = made()
    waiting = [asyncio.create_task(bus.wait_closed()) for _ in range(2)]

    connection.why = why
    connection.ended.set()
    await asyncio.gather(*waiting)

    await bus.close()


async def test_closing_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor for a connection that says no goodbye."""
    monkeypatch.setattr(module, "CLOSE_TIMEOUT_S", SOON_S)
    bus, connection = made()
    connection.disconnect = lambda: None  # type: ignore[method-assign]

    async with asyncio.timeout(5):
        await bus.close()


async def test_whom_it_hears_it_tells() -> None:
    """Calls are answered, signals passed on, answers to our own calls left to the library."""
    bus, connection = made()
    heard: list[Heard] = []
    bus.attend(lambda call: Reply("s", (call.member,)), heard.append)
    signal = Message(
        message_type=MessageType.SIGNAL, path="/", interface=words.DBUS, member="Said", sender=":1"
    )
    call = Message(path="/", interface=words.DBUS, member="Ask", sender=":1.7", serial=7)
    answer = Message.new_method_return(call, "s", ["x"])

    replies = [connection.hear(each) for each in (signal, call, answer)]
    await bus.close()

    assert [Heard(":1", "/", words.DBUS, "Said")] == heard
    assert [None, None] == [replies[0], replies[2]]
    assert (MessageType.METHOD_RETURN, ["Ask"]) == (replies[1].message_type, replies[1].body)


async def test_a_refusal_is_answered_with_its_name() -> None:
    """And what nobody answers is left to the library."""
    bus, connection = made()
    call = Message(path="/", interface=words.DBUS, member="Ask", sender=":1.7", serial=7)

    def refuse(heard: Heard) -> Reply | None:
        raise DbusRefused("org.bluez.Error.NotPermitted", "closed")

    nobody = connection.hear(call)
    bus.attend(refuse, lambda heard: None)
    refused = connection.hear(call)
    await bus.close()

    assert nobody is None
    assert ("org.bluez.Error.NotPermitted", ["closed"]) == (refused.error_name, refused.body)


async def test_a_rule_goes_to_the_bus_itself() -> None:
    """Which sends us the signals that it describes."""
    bus, connection = made()

    await add_match(bus, "type='signal'")
    await bus.close()

    assert [("AddMatch", ["type='signal'"])] == [
        (each.member, each.body) for each in connection.sent
    ]


@pytest.mark.parametrize("address", ["unix:path=/nowhere/at/all", "nonsense"])
async def test_no_bus_is_said_in_words(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """With what to look for."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)

    with pytest.raises(AdapterMissing, match="no system message bus .*is D-Bus installed"):
        await SystemBus.connect()


async def test_a_bus_that_does_not_answer_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Connecting has a bound too."""
    monkeypatch.setattr(module, "CONNECT_TIMEOUT_S", SOON_S)
    path = tmp_path_factory.mktemp("bus") / "mute"
    connected: list[asyncio.StreamWriter] = []
    mute = await asyncio.start_unix_server(lambda _, writer: connected.append(writer), path)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={path}")

    with pytest.raises(AdapterMissing):
        await SystemBus.connect()

    for writer in connected:
        writer.close()
    mute.close()
    await mute.wait_closed()
