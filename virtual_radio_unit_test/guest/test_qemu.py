"""QEMU's command line, and the certain end of its process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from virtual_radio.guest import qemu
from virtual_radio.guest.build import Artefacts
from virtual_radio.guest.commands import GuestMissing
from virtual_radio.guest.qemu import MAX_CONSOLE_CHARACTERS, Machine, Places, command

ROOT = Path(__file__).resolve().parents[2]

ARTEFACTS = Artefacts(Path("/c/tree"), Path("/c/vmlinuz"), Path("/c/modules"), Path("/c/site"))


def line(accelerator: str) -> str:
    """The command as one line."""
    return " ".join(command(ARTEFACTS, Places(Path("/r")), Path("/repo"), accelerator))


def test_all_that_is_shared_but_the_folder_of_the_run_is_read_only() -> None:
    """A test in the guest cannot harm the repository or the cache."""
    shares = [word for word in line("tcg").split() if word.startswith("local,")]

    assert ["/r/host"] == [
        share.split("path=")[1].split(",")[0] for share in shares if "readonly=on" not in share
    ]


def test_a_comma_in_the_path_of_the_repository_does_no_harm() -> None:
    """QEMU would take what follows for another setting."""
    words = command(ARTEFACTS, Places(Path("/r")), Path("/a,readonly=off"), "tcg")

    assert any(word.startswith("local,path=/a,,readonly=off,mount_tag=") for word in words)


def test_the_accelerator_is_the_one_that_was_asked_for() -> None:
    """Nothing falls back inside QEMU: what runs is known."""
    assert ("-accel kvm" in line("kvm"), "kvm" in line("tcg")) == (True, False)


def test_an_oops_of_the_guest_ends_it() -> None:
    """A test must not wait for what has crashed."""
    assert "panic=-1 oops=panic" in line("tcg") and "-no-reboot" in line("tcg")


def test_a_machine_ends_when_told_and_its_words_remain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that would run for ever; telling it twice is no error."""
    monkeypatch.setattr(qemu, "QEMU", "sh")
    console = tmp_path / "console.log"
    console.write_text("x" * MAX_CONSOLE_CHARACTERS + "the end")
    machine = Machine(["sleep", "600"], console)
    assert not machine.has_ended()

    machine.kill()
    machine.kill()

    assert machine.has_ended() and not Path(f"/proc/{machine.pid}").exists()
    assert machine.console().endswith("the end")
    assert MAX_CONSOLE_CHARACTERS == len(machine.console())


def test_a_machines_processor_time_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it runs; nothing once it is gone."""
    monkeypatch.setattr(qemu, "QEMU", "sh")
    machine = Machine(["sh", "-c", "while :; do :; done"], tmp_path / "console.log")
    deadline = os.times().elapsed + 10
    while machine.cpu_s() == 0.0 and os.times().elapsed < deadline:
        os.sched_yield()
    used_s = machine.cpu_s()
    machine.kill()

    assert 0.0 < used_s < 10.0
    assert 0.0 == machine.cpu_s()


def test_a_machine_dies_with_its_parent(tmp_path: Path) -> None:
    """A test run that is killed leaves no guest behind."""
    words = (
        "import sys; from pathlib import Path; from virtual_radio.guest.qemu import Machine\n"
        "print(Machine(['sleep', '600'], Path(sys.argv[1])).pid)"
    )
    child = [sys.executable, "-c", words, str(tmp_path / "console.log")]
    pid = int(subprocess.run(child, cwd=ROOT, capture_output=True, timeout=30).stdout)

    deadline = os.times().elapsed + 10
    while _runs(pid) and os.times().elapsed < deadline:
        os.sched_yield()

    assert not _runs(pid)


def _runs(pid: int) -> bool:
    """Whether the process lives; one that waits to be buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_without_qemu_the_reason_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one reason to skip."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(GuestMissing, match="qemu-system-x86_64 is not installed"):
        Machine(["true"], tmp_path / "console.log")
