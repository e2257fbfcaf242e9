"""What goes wrong on purpose: for each HCI opcode a status, a callable, or silence.

controller.faults[hci.HCI_LE_CREATE_CONNECTION_COMMAND] = 0x07          # always this status
controller.faults[opcode] = lambda command: 0x0C if late(command) else None   # None: no fault
controller.faults[opcode] = HANG                                       # no answer at all
controller.faults[opcode] = times(2, 0x1F)                             # twice, then well again
"""

from collections.abc import Callable
from enum import Enum
from typing import Final

from bumble import hci


class Hang(Enum):
    """The one value HANG."""

    HANG = "no answer"


HANG: Final = Hang.HANG
"""The controller swallows the command: its host waits for ever, or as long as it has patience."""

Outcome = int | Hang | None
"""A status of HCI (Vol 1, Part F), silence, or None for no fault."""
Fault = int | Hang | Callable[[hci.HCI_Command], Outcome]
FaultTable = dict[int, Fault]


def decide(table: FaultTable, command: hci.HCI_Command) -> Outcome:
    """What the table says about this command."""
    fault = table.get(command.op_code)
    return fault(command) if callable(fault) else fault


def times(count: int, outcome: Outcome) -> Callable[[hci.HCI_Command], Outcome]:
    """A fault that happens `count` times and then no more."""
    left = count

    def fault(_command: hci.HCI_Command) -> Outcome:
        nonlocal left
        if left <= 0:
            return None
        left -= 1
        return outcome

    return fault
