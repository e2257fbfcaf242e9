"""How this machine runs guests fastest: found by booting one, remembered until the next boot.

A device node says nothing: a /dev/kvm that opens may still not start a kernel. So each new machine
tries once, and the verdict is kept beside the cache under the machine's own boot id.
"""

import json
from pathlib import Path

from virtual_radio.guest.qemu import ACCELERATORS

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Another one after each start of the machine, and on each other machine."""


class Verdict:
    """What was found here, if it was."""

    def __init__(self, file: Path, boot_id: str) -> None:
        self._file = file
        self._boot_id = boot_id

    def candidates(self) -> tuple[str, ...]:
        """What to try, in order. The last one, emulation, works wherever QEMU does."""
        names = tuple(ACCELERATORS)
        known = self._known()
        return names[names.index(known) :] if known in names else names

    def keep(self, name: str) -> None:
        """Remember what worked. A verdict that cannot be written is found again next time."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps({"boot_id": self._boot_id, "works": name}))
        except OSError:
            return

    def _known(self) -> str:
        try:
            kept = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return ""
        return str(kept["works"]) if kept.get("boot_id") == self._boot_id else ""


def machine_verdict(cache: Path) -> Verdict:
    """The verdict of this machine, kept in the folder `cache`."""
    boot_id = BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""
    return Verdict(cache / "accelerator.json", boot_id)
