"""Questions to the connections of a message bus, and who is asking. Knows no interface of BlueZ."""

from contextvars import ContextVar
from typing import Any

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

_DBUS = "org.freedesktop.DBus"

sender: ContextVar[str] = ContextVar("sender")
"""Who made the call that is being answered. The library does not pass it on; a task inherits it."""


async def ask(
    bus: MessageBus,
    whom: str,
    path: str,
    interface: str,
    member: str,
    signature: str = "",
    *body: Any,
) -> list[Any]:
    """Raises DBusError."""
    message = Message(
        destination=whom,
        path=path,
        interface=interface,
        member=member,
        signature=signature,
        body=list(body),
    )
    reply = await bus.call(message)
    if reply is None:
        raise DBusError("org.freedesktop.DBus.Error.Disconnected", "the bus is gone")
    if reply.message_type is MessageType.ERROR:
        raise DBusError(str(reply.error_name), str(reply.body[0]) if reply.body else "")
    return list(reply.body)


async def match(bus: MessageBus, rule: str) -> None:
    """Hear the signals that `rule` describes. Raises DBusError."""
    await ask(bus, _DBUS, "/org/freedesktop/DBus", _DBUS, "AddMatch", "s", rule)
