"""What a guest is made of, as values, and the keys under which the results are kept.

Owns the lists of packages and kernel modules; knows no command, no place and no archive.
"""

import hashlib
from collections.abc import Iterable

from virtual_radio.guest.archive import Archive

FORMAT = "1"
"""Raise it when the same recipe is built in another way."""

BASE_PACKAGES = ("dbus", "bluez", "python3", "kmod", "ca-certificates")
"""Installed by debootstrap itself, on top of the smallest Debian."""

FURTHER_PACKAGES = (
    "network-manager",
    "wpasupplicant",
    "hostapd",
    "dnsmasq-base",
    "iw",
    "iproute2",
)
"""Installed by apt in the finished tree: debootstrap does not resolve the alternatives that these
depend on (`default-logind | logind`)."""

KERNEL_PREFERENCES = ("6.12.",)
"""Versions to take if the archive has them, best first. Debian 12's own 6.1 fails its self-test of
ecdh-nist-p256 under emulation, and with it LE Secure Connections."""

KERNEL_MODULES = (
    "virtio_pci",
    "virtio_console",
    "9pnet_virtio",
    "9p",
    "overlay",
    "af_alg",
    "algif_skcipher",
    "algif_hash",
    "cmac",
    "ecb",
    "uhid",
    "hci_uart",
    "ccm",
    "mac80211_hwsim",
)
"""Loaded at start with what they depend on; the tree holds no modules, so nothing comes later.
Without ccm hostapd cannot set a WPA2 key, without cmac it refuses WPA3."""

DROPPED_FOLDERS = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "var/cache/apt",
    "var/lib/apt/lists",
)
"""Emptied after the installation: no program in the guest reads them."""


def key(*ingredients: str) -> str:
    """A short name for exactly these ingredients; another list gives another name."""
    digest = hashlib.sha256("\0".join(ingredients).encode())
    return digest.hexdigest()[:16]


def debian_key(archive: Archive) -> str:
    """The key of the tree, its kernel and its modules.

    The versions of the packages are not part of it: a tree is made anew when its recipe changes
    or its cache is removed.
    """
    return key(
        FORMAT,
        archive.suite,
        *_named("base", BASE_PACKAGES),
        *_named("further", FURTHER_PACKAGES),
        *_named("kernel", KERNEL_PREFERENCES),
        *_named("module", KERNEL_MODULES),
        *_named("dropped", DROPPED_FOLDERS),
    )


def site_key(lock: str, python_version: str) -> str:
    """The key of the Python packages of one lock for one Python."""
    return key(FORMAT, python_version, lock)


def _named(name: str, values: Iterable[str]) -> Iterable[str]:
    return (f"{name}={value}" for value in values)
