"""The guest's kernel: which package, which modules in which order, and the initramfs of them.

Owns reading what apt-cache and modprobe say; downloads and unpacks nothing.
"""

import gzip
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from virtual_radio.guest import newc
from virtual_radio.guest.commands import GuestUnavailable, run

NAME = re.compile(r"linux-image-(?P<version>\d+\.\d+\.\d+[^ ]*)-amd64")
"""A kernel package with a whole version in its name."""

OTHER_FLAVOURS = ("-cloud-", "-rt-")
"""Kernels for clouds have no Bluetooth at all; real-time ones are not what boxes run."""

TOOL_TIMEOUT_S = 30.0
"""For one modprobe, depmod or xz."""


def choose(names: Iterable[str], preferences: Sequence[str]) -> str:
    """The package to take: the newest of the first preferred version that exists, else the newest.

    `names` are lines of `apt-cache search --names-only`. Raises GuestUnavailable without any.
    """
    matches = [NAME.fullmatch(line.split(" ")[0]) for line in names]
    found = {match[0]: match["version"] for match in matches if match}
    usable = {
        name: version
        for name, version in found.items()
        if not any(flavour in name for flavour in OTHER_FLAVOURS)
    }
    for preference in (*preferences, ""):
        fitting = [name for name in usable if usable[name].startswith(preference)]
        if fitting:
            return max(fitting, key=lambda name: _numbers(usable[name]))
    raise GuestUnavailable("the archive has no linux-image-*-amd64; run `apt-get update`")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def load_order(listings: Iterable[str]) -> tuple[str, ...]:
    """Files to load, each once, what others need first: from `modprobe --show-depends` of each
    wanted module. Built-in ones are left out."""
    files: dict[str, None] = {}
    for listing in listings:
        for line in listing.splitlines():
            words = line.split()
            if words[:1] == ["insmod"]:
                files.setdefault(words[1])
    return tuple(files)


def modules_image(unpacked: Path, version: str, modules: Sequence[str], busybox: Path) -> bytes:
    """The initramfs without its first program: busybox and the modules, uncompressed by us.

    `unpacked` holds the kernel package's lib/modules. Raises GuestUnavailable.
    """
    run(("depmod", "-b", str(unpacked), version), timeout_s=TOOL_TIMEOUT_S)
    where = ("modprobe", "-d", str(unpacked), "-S", version, "--show-depends")
    listings = [run((*where, module), timeout_s=TOOL_TIMEOUT_S) for module in modules]
    files = [_module(Path(file)) for file in load_order(listings)]
    order = "".join(f"{name}\n" for name, _ in files).encode()
    entries = [
        newc.Entry("bin", newc.FOLDER_MODE),
        newc.Entry("bin/busybox", newc.PROGRAM_MODE, busybox.read_bytes()),
        newc.Entry("modules", newc.FOLDER_MODE),
        newc.Entry("modules/order", newc.FILE_MODE, order),
        *(newc.Entry(f"modules/{name}", newc.FILE_MODE, data) for name, data in files),
    ]
    return gzip.compress(newc.archive(entries))


def _module(file: Path) -> tuple[str, bytes]:
    unpackers = {".xz": "xz", ".zst": "zstd", ".gz": "gzip"}
    tool = unpackers.get(file.suffix)
    if tool is None:
        return file.name, file.read_bytes()
    plain = file.with_suffix("")
    run((tool, "--decompress", "--keep", "--force", str(file)), timeout_s=TOOL_TIMEOUT_S)
    return plain.name, plain.read_bytes()


def init_image(init: bytes) -> bytes:
    """The first program as an archive of its own: the kernel unpacks several, one after another."""
    return gzip.compress(newc.archive([newc.Entry("init", newc.PROGRAM_MODE, init)]))
