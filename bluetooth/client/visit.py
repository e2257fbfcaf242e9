"""A visit to a box: what every command works with, and how it comes there."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TextIO

from bluetooth.client import finding
from bluetooth.client.box import Box, Reply, open_box
from bluetooth.client.errors import Exit
from bluetooth.client.finding import FIND_TIMEOUT_S, Wanted
from bluetooth.client.kept_labels import KeptLabels
from bluetooth.client.link import Radio
from bluetooth.client.settings import Options
from bluetooth.client.voice import Voice
from bluetooth.ports import Clock, Wait

FORBIDDEN = 403
"""With this the door itself refuses what it does not let through."""


@dataclass(frozen=True, slots=True)
class Means:
    """Passed to every command."""

    radio: Callable[[], Radio]
    """This computer's Bluetooth, for commands that need it. Raises NoBluetooth."""
    clock: Clock
    wait: Wait
    labels: KeptLabels
    voice: Voice
    typed: TextIO
    """Standard input."""
    ask_secret: Callable[[str], str]
    """Asks on the terminal without showing what is typed."""


@asynccontextmanager
async def visit(means: Means, options: Options, in_the_clear: bool = False) -> AsyncIterator[Box]:
    """Find the box that is wanted and connect to it, with its label if one is kept.

    Raises ClientError.
    """
    wanted = Wanted(options.address, options.name)
    limit_s = options.timeout_s or FIND_TIMEOUT_S
    means.voice.event("looking", {"for": str(wanted)}, f"looking for {wanted or 'a box'} ...")
    radio = means.radio()
    sighting = await finding.find(radio, means.wait, wanted, limit_s)
    plain = options.is_plain or in_the_clear
    label = None if plain else means.labels.of(sighting)
    box = await open_box(radio, sighting, label, means.clock)
    try:
        how = "with its label" if box.is_sealed else "in the clear"
        fields = {"address": sighting.address, "name": sighting.name, "sealed": box.is_sealed}
        line = f"connected to {sighting.name or sighting.address}, {how}"
        means.voice.event("connected", fields, line)
        yield box
    finally:
        await box.close()


def exit_of(means: Means, box: Box, reply: Reply) -> Exit:
    """The exit code for an answer; a refusal of the door is explained."""
    if reply.is_ok:
        return Exit.DONE
    if reply.status != FORBIDDEN:
        return Exit.SAID_NO
    if not box.is_sealed:
        line = "with the box's label no button is needed: `label set -` keeps it"
        means.voice.event("hint", {"hint": line}, line)
    return Exit.NOT_LET_IN
