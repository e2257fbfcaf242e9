"""Where this machine gets Debian packages from, asked of its own apt.

Owns reading apt's answers; writes no host's name anywhere but into the tree that it makes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from virtual_radio.guest.commands import GuestUnavailable, run

ASK_TIMEOUT_S = 60.0
"""For one question to apt; it reads its lists from disk."""

FIELDS = ("REPO_URI", "RELEASE", "COMPONENT", "CODENAME", "LABEL")
"""What is asked of each list of packages, in this order."""

TARGETS = (
    "apt-get",
    "indextargets",
    "--format",
    "|".join(f"$({field})" for field in FIELDS),
    "Created-By: Packages",
    "Origin: Debian",
)
"""The lists of packages that come from Debian itself."""

COMPONENT = "main"
"""All that the guest needs is free software."""

RELEASE_LABEL = "Debian"
"""How the release and its updates are labelled; only the latter have a dash in their name."""


@dataclass(frozen=True, slots=True)
class Archive:
    """Debian as this machine reaches it."""

    suite: str
    """Code name of the release."""
    mirror: str
    """Address of the release itself."""
    sources: tuple[str, ...]
    """Lines for the tree's sources.list: the release, its updates and its security updates."""
    transport: str
    """apt's own settings of proxies and certificates, for the tree's apt.conf.d."""


def ask_archive() -> Archive:
    """The archive of this machine's apt. Raises GuestUnavailable where there is none."""
    targets = run(TARGETS, timeout_s=ASK_TIMEOUT_S).splitlines()
    settings = run(("apt-config", "dump"), timeout_s=ASK_TIMEOUT_S).splitlines()
    return read_archive(targets, settings)


def read_archive(targets: Sequence[str], settings: Sequence[str]) -> Archive:
    """What apt said, as a value: `targets` in the order of FIELDS, `settings` as apt-config prints
    them. Raises GuestUnavailable when no line is a Debian release."""
    rows = [row for line in targets if len(row := line.split("|")) == len(FIELDS)]
    main = [row for row in rows if row[2] == COMPONENT]
    releases = [row for row in main if row[4] == RELEASE_LABEL and "-" not in row[3]]
    if not releases:
        raise GuestUnavailable(
            "apt on this machine knows no Debian release; run `apt-get update`, or add one to its"
            " sources"
        )
    mirror, suite = releases[0][0], releases[0][1]
    ours = [row for row in main if row[3].split("-")[0] == suite]
    return Archive(
        suite=suite,
        mirror=mirror,
        sources=tuple(dict.fromkeys(f"deb {row[0]} {row[1]} {row[2]}" for row in ours)),
        transport="\n".join(line for line in settings if line.startswith("Acquire::http")),
    )
