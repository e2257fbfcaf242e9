"""What can go wrong on the phone's side, by what its user does about it.

Each error has an exit code of the command line; its text says what to do.
"""

from enum import IntEnum

from bluetooth.errors import BluetoothError
from bluetooth.gatt import AttError


class Exit(IntEnum):
    """Exit codes of `python -m bluetooth.client`, for scripts."""

    DONE = 0
    SAID_NO = 1
    """The box was asked and said no: a status of 400 or more, a Wi-Fi that could not be joined."""
    WRONG_USE = 2
    """The command line, or a file that it names, cannot be used."""
    NOT_FOUND = 3
    """No box in range, or several and none was chosen."""
    NOT_LET_IN = 4
    """The door is closed, the label's secret is another one, or another phone is there."""
    NO_BLUETOOTH = 5
    """This computer's Bluetooth cannot be used."""
    LOST = 6
    """The connection broke, nothing came in time, or what came was no answer."""
    INTERRUPTED = 130
    """Ctrl-C."""


class ClientError(BluetoothError):
    """Anything that the client foresees."""

    code = Exit.LOST


class Unusable(ClientError):
    """What was typed, or a file that was named, cannot be used."""

    code = Exit.WRONG_USE


class BoxNotFound(ClientError):
    """No box in range, or several."""

    code = Exit.NOT_FOUND


class NotLetIn(ClientError):
    """The box is there and lets us not in."""

    code = Exit.NOT_LET_IN


class NoBluetooth(ClientError):
    """This computer's Bluetooth is missing, off, or not for us."""

    code = Exit.NO_BLUETOOTH


class LinkLost(ClientError):
    """The connection is over. Connect again."""


class TooSlow(ClientError):
    """Nothing came in time. Ask again."""


class NoAnswer(ClientError):
    """What came from the box is not what a box of ours says."""


class AttRefused(ClientError):
    """The box answered a read or a write with an error of the attribute protocol."""

    def __init__(self, att_code: int) -> None:
        super().__init__(att_code)
        self.att_code = att_code

    def __str__(self) -> str:
        return f"the box refused with ATT error 0x{self.att_code:02X}"


def att_refused(att_code: int) -> ClientError:
    """The error for a code of the attribute protocol."""
    if att_code == AttError.INSUFFICIENT_RESOURCES:
        return NotLetIn("another phone is connected to this box: disconnect it, then try again")
    return AttRefused(att_code)
