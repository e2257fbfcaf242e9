"""Which kernel, and its modules in order."""

import gzip

import pytest

from virtual_radio.guest import kernel, newc
from virtual_radio.guest.commands import GuestUnavailable

NAMES = (
    "linux-image-6.1.0-56-amd64 - Linux 6.1 for 64-bit PCs (signed)",
    "linux-image-6.12-amd64 - Linux for 64-bit PCs (meta-package)",
    "linux-image-6.12.99+deb12-amd64 - Linux 6.12 for 64-bit PCs (signed)",
    "linux-image-6.12.117+deb12-amd64 - Linux 6.12 for 64-bit PCs (signed)",
    "linux-image-6.12.117+deb12-amd64-unsigned - Linux 6.12 for 64-bit PCs",
    "linux-image-6.12.118+deb12-cloud-amd64 - Linux 6.12 for x86-64 cloud (signed)",
    "linux-image-6.12.118+deb12-rt-amd64 - Linux 6.12 for 64-bit PCs (signed), PREEMPT_RT",
)


def test_the_newest_of_the_preferred_version_is_taken() -> None:
    """117 is newer than 99, and no kernel for clouds, no meta-package, no unsigned one counts."""
    assert "linux-image-6.12.117+deb12-amd64" == kernel.choose(NAMES, ("6.12.",))


def test_without_the_preferred_version_the_newest_of_all_is_taken() -> None:
    """A later release has another kernel."""
    assert "linux-image-6.12.117+deb12-amd64" == kernel.choose(NAMES, ("7.0.",))


def test_an_archive_without_kernels_is_told_what_to_do() -> None:
    """Words instead of a crash."""
    with pytest.raises(GuestUnavailable, match="apt-get update"):
        kernel.choose(["linux-image-cloud-amd64 - meta"], ())


def test_modules_are_loaded_once_and_after_what_they_need() -> None:
    """Built-in ones are left out."""
    listings = (
        "builtin virtio\ninsmod /m/netfs.ko.xz\ninsmod /m/9p.ko.xz radios=2\n",
        "insmod /m/netfs.ko.xz\ninsmod /m/overlay.ko.xz\n",
    )

    assert ("/m/netfs.ko.xz", "/m/9p.ko.xz", "/m/overlay.ko.xz") == kernel.load_order(listings)


def test_the_first_program_is_an_archive_of_its_own() -> None:
    """It is appended to the modules, so that a change of it builds nothing anew."""
    image = kernel.init_image(b"#!/bin/sh\n")

    entry = newc.Entry("init", newc.PROGRAM_MODE, b"#!/bin/sh\n")
    assert newc.archive([entry]) == gzip.decompress(image)
