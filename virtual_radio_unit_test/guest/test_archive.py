"""What apt says, read as an archive."""

import pytest

from virtual_radio.guest.archive import read_archive
from virtual_radio.guest.commands import GuestUnavailable

RELEASE = "http://mirror.test/debian/|bookworm|main|bookworm|Debian"
UPDATES = "http://mirror.test/debian/|bookworm-updates|main|bookworm-updates|Debian"
SECURITY = "http://mirror.test/security/|bookworm-security|main|bookworm-security|Debian-Security"
NON_FREE = "http://mirror.test/debian/|bookworm|non-free|bookworm|Debian"


def test_the_release_gives_suite_and_mirror_whatever_stands_before_it() -> None:
    """Security updates listed first are not taken for the release."""
    archive = read_archive([SECURITY, UPDATES, RELEASE], [])

    assert ("bookworm", "http://mirror.test/debian/") == (archive.suite, archive.mirror)


def test_the_tree_gets_the_release_and_its_updates_from_main_only() -> None:
    """Lines of sources.list, each once, in apt's order."""
    archive = read_archive([RELEASE, NON_FREE, UPDATES, SECURITY, RELEASE], [])

    assert (
        "deb http://mirror.test/debian/ bookworm main",
        "deb http://mirror.test/debian/ bookworm-updates main",
        "deb http://mirror.test/security/ bookworm-security main",
    ) == archive.sources


def test_proxies_and_certificates_of_the_machine_are_handed_on() -> None:
    """Nothing else of apt's settings is: hooks of the machine have no place in the guest."""
    settings = [
        'Acquire::http::Proxy "http://proxy.test:3128";',
        'Acquire::https::CaInfo "/etc/ssl/ours.pem";',
        'DPkg::Post-Invoke "rm -rf /";',
    ]

    archive = read_archive([RELEASE], settings)

    assert settings[:2] == archive.transport.splitlines()


@pytest.mark.parametrize("targets", [[], ["nonsense"], [NON_FREE], [UPDATES]])
def test_a_machine_without_a_debian_release_is_told_what_to_do(targets: list[str]) -> None:
    """Other systems and empty lists end in words, not in a crash."""
    with pytest.raises(GuestUnavailable, match="apt-get update"):
        read_archive(targets, [])
