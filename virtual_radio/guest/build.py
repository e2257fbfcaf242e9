"""Everything that a guest is started from, made or found in the cache.

Owns which part needs which; each part says for itself how it is made.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from virtual_radio.guest import debian, recipe, wheels
from virtual_radio.guest.archive import ask_archive
from virtual_radio.guest.cache import Cache

DEBIAN_PART = "debian"
SITE_PART = "site"


@dataclass(frozen=True, slots=True)
class Artefacts:
    """What was made, as paths."""

    tree: Path
    """Debian's root; shared read-only."""
    kernel: Path
    modules: Path
    """The initramfs but for its first program."""
    site: Path
    """Python packages; shared read-only."""


def build(cache: Cache, lock: Path, say: Callable[[str], None]) -> Artefacts:
    """All parts for the Python packages of `lock`. Raises GuestUnavailable."""
    archive = ask_archive()
    made = cache.get(
        DEBIAN_PART,
        recipe.debian_key(archive),
        lambda folder: debian.build(folder, archive, say),
    )
    tree = made / debian.TREE
    version = wheels.python_version(tree)

    def install(folder: Path) -> None:
        say(f"installing {lock.name} for the guest's Python {version}")
        wheels.install(lock, version, tree, folder)

    site = cache.get(SITE_PART, recipe.site_key(lock.read_text(), version), install)
    return Artefacts(tree, made / debian.KERNEL, made / debian.MODULES, site / "site")
