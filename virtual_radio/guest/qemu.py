"""One QEMU process: its command line, its start, its console and its certain end.

Owns the process; what runs in it is somebody else's. It dies with us, whatever happens: the kernel
kills it when its parent goes.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from virtual_radio.guest.agent import PORT_NAME
from virtual_radio.guest.build import Artefacts
from virtual_radio.guest.commands import GuestMissing

QEMU = "qemu-system-x86_64"

MEMORY_MIB = 512
"""Debian's services, the gateway, the Bluetooth service and what all of them write to memory."""

END_TIMEOUT_S = 10.0
"""Until the kernel has buried a killed QEMU."""

MAX_CONSOLE_CHARACTERS = 8_000
"""Of the console, the end that is printed when something failed."""

USER_TICKS, SYSTEM_TICKS = 11, 12
"""Places in /proc/PID/stat behind the program's name (proc(5): fields 14 and 15)."""

KERNEL_LINE = (
    "console=ttyS0 quiet panic=-1 oops=panic mitigations=off nokaslr no_timer_check"
    " random.trust_cpu=on"
)
"""An oops ends the guest at once, so that a test fails with the reason instead of a timeout."""

ACCELERATORS = {
    "kvm": ("-accel", "kvm", "-cpu", "host"),
    "tcg": ("-accel", "tcg,thread=multi", "-cpu", "Nehalem"),
}
"""By name, fastest first. Emulation uses one guest CPU: two of them are slower."""


@dataclass(frozen=True, slots=True)
class Places:
    """Files of one run, all in one folder with a short path: sockets have 108 characters."""

    folder: Path

    @property
    def hci(self) -> Path:
        """Socket of the guest's second serial port: its Bluetooth controller, H4."""
        return self.folder / "hci"

    @property
    def control(self) -> Path:
        """Socket of the control channel."""
        return self.folder / "control"

    @property
    def console(self) -> Path:
        """Log of the guest's console."""
        return self.folder / "console.log"

    @property
    def initramfs(self) -> Path:
        """The whole of it: the modules and the first program."""
        return self.folder / "initramfs"

    @property
    def shared(self) -> Path:
        """Folder that the guest sees as /host and may write to."""
        return self.folder / "host"


def command(artefacts: Artefacts, places: Places, repository: Path, accelerator: str) -> list[str]:
    """The whole command line."""
    return [
        QEMU,
        *ACCELERATORS[accelerator],
        *("-m", str(MEMORY_MIB), "-smp", "1", "-nodefaults", "-no-reboot", "-no-user-config"),
        *("-display", "none", "-monitor", "none", "-parallel", "none"),
        *("-kernel", str(artefacts.kernel), "-initrd", str(places.initramfs)),
        *("-append", KERNEL_LINE),
        *("-chardev", f"file,id=console,path={places.console}"),
        *("-device", "isa-serial,chardev=console,index=0"),
        *("-chardev", f"socket,id=hci,path={places.hci},server=on,wait=off"),
        *("-device", "isa-serial,chardev=hci,index=1"),
        *("-chardev", f"socket,id=control,path={places.control},server=on,wait=off"),
        *("-device", "virtio-serial-pci"),
        *("-device", f"virtserialport,chardev=control,name={PORT_NAME}"),
        *("-object", "rng-builtin,id=rng", "-device", "virtio-rng-pci,rng=rng"),
        *_share("tree", artefacts.tree, "passthrough,readonly=on"),
        *_share("site", artefacts.site, "none,readonly=on"),
        *_share("repository", repository, "none,readonly=on"),
        *_share("host", places.shared, "none"),
    ]


def _share(tag: str, folder: Path, model: str) -> tuple[str, str]:
    # A comma ends a value there, two of them stand for one.
    path = str(folder).replace(",", ",,")
    return "-virtfs", f"local,path={path},mount_tag={tag},security_model={model}"


class Machine:
    """A running QEMU."""

    def __init__(self, argv: list[str], console: Path) -> None:
        if shutil.which(QEMU) is None:
            raise GuestMissing(f"{QEMU} is not installed; `make test-all` installs it")
        self._console = console
        dies_with_us = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        with console.with_name("qemu.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*dies_with_us, *argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    @property
    def pid(self) -> int:
        """QEMU's own process id."""
        return self._process.pid

    def has_ended(self) -> bool:
        """True once the guest is off, or QEMU could not start it."""
        return self._process.poll() is not None

    def cpu_s(self) -> float:
        """Processor time used so far, in seconds; 0 once it has ended."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return 0.0
        fields = stat.rpartition(")")[2].split()
        ticks = int(fields[USER_TICKS]) + int(fields[SYSTEM_TICKS])
        return ticks / os.sysconf("SC_CLK_TCK")

    def console(self) -> str:
        """The end of what the guest's console and QEMU itself printed."""
        texts = [
            path.read_text(errors="replace")
            for path in (self._console.with_name("qemu.log"), self._console)
            if path.exists()
        ]
        return "".join(texts)[-MAX_CONSOLE_CHARACTERS:]

    def kill(self) -> None:
        """End it now. Idempotent."""
        if not self.has_ended():
            self._process.kill()
        self._process.wait(END_TIMEOUT_S)
