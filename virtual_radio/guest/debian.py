"""Makes the guest's Debian: its tree, its kernel and its initramfs, in one folder.

Owns the order of the steps. Starts no service and mounts nothing; needs root.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from virtual_radio.guest import kernel, recipe
from virtual_radio.guest.archive import Archive
from virtual_radio.guest.commands import require, require_root, run
from virtual_radio.settings import proxies

TREE = "tree"
KERNEL = "vmlinuz"
MODULES = "modules.img"

INSTALL_TIMEOUT_S = 600.0
"""For one step that downloads and unpacks packages; a minute here, several behind a slow line."""

TOOLS = ("debootstrap", "chroot", "modprobe", "depmod", "xz", "dpkg-deb", "busybox", "apt-get")
"""What building needs; Debian's debootstrap, kmod, xz-utils and busybox-static bring them."""

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

NO_SERVICES = "#!/bin/sh\nexit 101\n"
"""policy-rc.d: packages that are installed must start nothing."""

TRANSPORT = "etc/apt/apt.conf.d/90machine"
"""The machine's own proxies, while packages are fetched."""

TOLD_BY_MACHINE = ("etc/resolv.conf", "etc/hosts")
"""Copied from the machine while packages are fetched."""

CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
"""The authorities that this machine trusts, its own additions included."""


def build(folder: Path, archive: Archive, say: Callable[[str], None]) -> None:
    """TREE, KERNEL and MODULES in `folder`. Raises GuestUnavailable."""
    require(*TOOLS)
    require_root("making the guest's Debian")
    tree = folder / TREE
    say(f"making Debian {archive.suite} for the guest (once, 1 to 3 minutes)")
    packages = ",".join(recipe.BASE_PACKAGES)
    run(
        (
            "debootstrap",
            "--variant=minbase",
            f"--include={packages}",
            archive.suite,
            str(tree),
            archive.mirror,
        ),
        timeout_s=INSTALL_TIMEOUT_S,
    )
    _reach_archive(tree, archive)
    say("adding NetworkManager, wpa_supplicant and hostapd")
    _apt(tree, "update", "-q")
    _apt(tree, "install", "-qy", "--no-install-recommends", *recipe.FURTHER_PACKAGES)
    say("fetching the guest's kernel")
    _fetch_kernel(tree, folder)
    _tidy(tree)


def _inside(tree: Path, *argv: str) -> str:
    environment = {"PATH": PATH, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C", **proxies()}
    return run(("chroot", str(tree), *argv), timeout_s=INSTALL_TIMEOUT_S, environment=environment)


def _apt(tree: Path, *argv: str) -> None:
    _inside(tree, "apt-get", *argv)


def _reach_archive(tree: Path, archive: Archive) -> None:
    policy = tree / "usr/sbin/policy-rc.d"
    policy.write_text(NO_SERVICES)
    policy.chmod(0o755)
    (tree / "etc/apt/sources.list").write_text("".join(f"{line}\n" for line in archive.sources))
    (tree / TRANSPORT).write_text(archive.transport + "\n")
    for name in (*TOLD_BY_MACHINE, CERTIFICATES):
        if Path("/", name).is_file():
            shutil.copy(Path("/", name), tree / name)


def _fetch_kernel(tree: Path, folder: Path) -> None:
    """The newest fitting kernel of the tree's own archive, as KERNEL and MODULES."""
    names = _inside(tree, "apt-cache", "search", "--names-only", "^linux-image-[0-9]")
    package = kernel.choose(names.splitlines(), recipe.KERNEL_PREFERENCES)
    download = tree / "tmp/kernel"
    download.mkdir()
    # apt's own user cannot write there; the download is checked all the same.
    root = ("-o", "APT::Sandbox::User=root")
    _inside(tree, "sh", "-c", f'cd /tmp/kernel && exec apt-get {" ".join(root)} download {package}')
    unpacked = download / "unpacked"
    deb = next(download.glob("*.deb"))
    run(("dpkg-deb", "--extract", str(deb), str(unpacked)), timeout_s=INSTALL_TIMEOUT_S)
    version = package.removeprefix("linux-image-")
    busybox = Path(shutil.which("busybox") or "/bin/busybox")
    image = kernel.modules_image(unpacked, version, recipe.KERNEL_MODULES, busybox)
    (folder / MODULES).write_bytes(image)
    shutil.copyfile(unpacked / "boot" / f"vmlinuz-{version}", folder / KERNEL)
    shutil.rmtree(download)


def _tidy(tree: Path) -> None:
    for name in recipe.DROPPED_FOLDERS:
        shutil.rmtree(tree / name, ignore_errors=True)
        (tree / name).mkdir(parents=True)
    for name in (*TOLD_BY_MACHINE, TRANSPORT):
        (tree / name).unlink(missing_ok=True)
