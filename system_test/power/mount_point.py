"""What a mount point needs from the machine, and how it is given back."""

import ctypes.util
import os
import subprocess

import pytest


def unmount(mount_point: str) -> None:
    """Take the mount away, whoever still uses it; quiet when there is none."""
    command = ["umount", "-l"] if os.geteuid() == 0 else ["fusermount3", "-u", "-z"]
    subprocess.run([*command, mount_point], check=False, capture_output=True)


def require_fuse() -> None:
    """Fail with what to do when this machine cannot mount; never skip in silence."""
    missing = []
    if not os.path.exists("/dev/fuse"):
        missing.append("/dev/fuse (give the container --device /dev/fuse --cap-add SYS_ADMIN)")
    if ctypes.util.find_library("fuse3") is None:
        missing.append("libfuse3 (apt-get install libfuse3-3 fuse3)")
    if missing and os.environ.get("EGRET_TEST_WITHOUT_FUSE") == "1":
        pytest.skip("power cuts need " + ", ".join(missing))
    if missing:
        pytest.fail(
            "power cuts need " + ", ".join(missing) + "; EGRET_TEST_WITHOUT_FUSE=1 leaves them out"
        )
