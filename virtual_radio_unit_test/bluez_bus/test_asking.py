"""Questions to a message bus; the bus is played."""

from typing import Any

import pytest
from dbus_fast import Message
from dbus_fast.errors import DBusError

from virtual_radio.bluez_bus.asking import ask, match

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Everything here runs on asyncio."""
    return "asyncio"


class Bus:
    """Answers as it is told."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Message] = []

    async def call(self, message: Message) -> Message | None:
        """A list of strings, an error's name, or None where the connection ended."""
        self.asked.append(message)
        message.serial = 1
        if self.answer is None:
            return None
        if isinstance(self.answer, str):
            return Message.new_error(message, self.answer, "why")
        return Message.new_method_return(message, "s" * len(self.answer), self.answer)


async def test_an_answer_is_its_values() -> None:
    """However many they are."""
    bus: Any = Bus(["one", "two"])

    assert ["one", "two"] == await ask(bus, ":1.5", "/", "a.Face", "Ask", "s", "what")
    assert [["what"]] == [each.body for each in bus.asked]


@pytest.mark.parametrize(
    ("answer", "name"),
    [("a.b.Error", "a.b.Error"), (None, "org.freedesktop.DBus.Error.Disconnected")],
)
async def test_an_error_is_raised(answer: str | None, name: str) -> None:
    """That nobody is left to answer is one too."""
    bus: Any = Bus(answer)

    with pytest.raises(DBusError) as raised:
        await ask(bus, ":1.5", "/", "a.Face", "Ask")

    assert name == raised.value.type


async def test_a_rule_goes_to_the_bus() -> None:
    """Which sends the signals that it describes."""
    bus: Any = Bus([])

    await match(bus, "type='signal'")

    assert [("AddMatch", ["type='signal'"])] == [(each.member, each.body) for each in bus.asked]
