"""GET bluetooth, POST bluetooth/window and bluetooth/state: the phone's door.

The owner asks for it to be opened, the Bluetooth service sees that the number has risen and opens
it, and says how it is. The two are processes that meet here alone.
"""

from typing import cast

import msgspec

from server.api.asking import ask
from server.api.call import Call, Nothing, Reply, answer
from server.api.refusals import BadRequest
from server.model.bluetooth import (
    MAX_REPORT_CHARACTERS,
    MAX_REPORT_UNTIL_S,
    DoorReport,
    DoorState,
    DoorView,
)
from server.model.configuration import Configuration
from server.model.request import AskDoor, ReportDoor


class Window(msgspec.Struct, frozen=True):
    """What the owner asked for last; `number` rises each time, and is 0 while nobody has."""

    number: int
    open: bool


class Bluetooth(msgspec.Struct, frozen=True):
    """The door: what was asked, the settings of it, and what the service last said.

    `configured` is false on a box that has neither a device nor a delivery. `service` is null
    while no service reports.
    """

    window: Window
    legacy_apps: bool
    window_s: float
    configured: bool
    service: DoorReport | None


class WindowChoice(msgspec.Struct, frozen=True):
    """Open or closed."""

    open: bool


class WindowAsked(msgspec.Struct, frozen=True):
    """The window as it is asked for now."""

    status: str
    window: Window


class StateReport(msgspec.Struct, frozen=True):
    """How the service is; `until_s` are the seconds left in `state`, null when it has no end."""

    state: DoorState
    until_s: float | None = None
    name: str = ""
    adapter: str = ""
    problem: str = ""


class Reported(msgspec.Struct, frozen=True):
    """Taken; the window is repeated, so that a service need not ask for it as well."""

    status: str
    window: Window


def show(call: Call[Nothing, Nothing]) -> Reply:
    """The door."""
    snapshot = call.snapshot
    settings = snapshot.configuration.bluetooth
    return answer(
        Bluetooth(
            window=_window(snapshot.door),
            legacy_apps=settings.legacy_apps,
            window_s=settings.window_s,
            configured=is_configured(snapshot.configuration),
            service=snapshot.door.report,
        )
    )


def is_configured(configuration: Configuration) -> bool:
    """Whether somebody has made the box his own."""
    return bool(configuration.devices or configuration.harvest.endpoints)


async def ask_window(call: Call[Nothing, WindowChoice]) -> Reply:
    """The owner opens or closes it."""
    door = cast(DoorView, await ask(call.context.desk, AskDoor(call.body.open)))
    return answer(WindowAsked("ok", _window(door)))


async def report(call: Call[Nothing, StateReport]) -> Reply:
    """The service says how it is."""
    body = call.body
    for name in ("name", "adapter", "problem"):
        if len(getattr(body, name)) > MAX_REPORT_CHARACTERS:
            raise BadRequest(f"{name}: at most {MAX_REPORT_CHARACTERS} characters")
    until_s = body.until_s
    if until_s is not None and not 0 <= until_s <= MAX_REPORT_UNTIL_S:
        raise BadRequest(f"until_s: 0 to {MAX_REPORT_UNTIL_S:g} seconds, or null")
    said = DoorReport(body.state, until_s, body.name, body.adapter, body.problem)
    door = cast(DoorView, await ask(call.context.desk, ReportDoor(said)))
    return answer(Reported("ok", _window(door)))


def _window(door: DoorView) -> Window:
    return Window(door.number, door.open)
