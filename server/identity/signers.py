"""Which key this box is: the chip that answers or has ever answered, else a file.

Decides once, at the start. Knows both adapters and tells neither of the other.
"""

from dataclasses import dataclass
from pathlib import Path

from server.identity.secure_element import Chip, open_element
from server.identity.software_key import SoftwareKey
from server.ports import Signer

DEVICES = Path("/dev")
BUS_DEVICES = "i2c-*"
"""How a Linux machine names its I2C buses; where there is one, a chip could be expected."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The signer, what holds its key in a word, and what the owner should know."""

    signer: Signer
    key_name: str
    problem: str = ""
    """Something is wrong."""
    remark: str = ""
    """Nothing is wrong, but better is possible."""


def open_signer(folder: Path, chip: Chip, devices: Path = DEVICES) -> Opened:
    """Ask the chip first. Raises IdentityError: see the two adapters."""
    element = open_element(folder, chip)
    if element is not None:
        return Opened(element, "secure element", element.problem)
    key = SoftwareKey.open(folder)
    return Opened(key, "software", key.problem, _remark(devices))


def _remark(devices: Path) -> str:
    if not any(devices.glob(BUS_DEVICES)):
        return ""
    return (
        "No secure element answers on the I2C bus, so the key of this box is a file. If the box"
        " has one, look at its wiring and its address."
    )
