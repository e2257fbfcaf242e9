"""What was found to work is tried first, on the same start of the same machine."""

from pathlib import Path

from virtual_radio.guest.accelerator import Verdict, machine_verdict


def test_a_new_machine_tries_everything_fastest_first(tmp_path: Path) -> None:
    """Hardware first, emulation last."""
    assert ("kvm", "tcg") == Verdict(tmp_path / "v.json", "a").candidates()


def test_what_worked_is_tried_first_and_emulation_stays_behind_it(tmp_path: Path) -> None:
    """A machine that virtualised yesterday may still fall back."""
    Verdict(tmp_path / "v.json", "a").keep("kvm")

    assert ("kvm", "tcg") == Verdict(tmp_path / "v.json", "a").candidates()


def test_a_failed_try_is_not_made_again_until_the_next_start(tmp_path: Path) -> None:
    """Each test run on a machine without virtualisation saves the try."""
    Verdict(tmp_path / "v.json", "a").keep("tcg")

    again, restarted = Verdict(tmp_path / "v.json", "a"), Verdict(tmp_path / "v.json", "b")

    assert (("tcg",), ("kvm", "tcg")) == (again.candidates(), restarted.candidates())


def test_a_broken_file_counts_as_none(tmp_path: Path) -> None:
    """It is a cache: whatever it says, the guest starts."""
    (tmp_path / "v.json").write_text("{")

    assert ("kvm", "tcg") == Verdict(tmp_path / "v.json", "a").candidates()


def test_a_verdict_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """A full disk or a read-only cache costs a try, not a test."""
    (tmp_path / "file").write_text("")

    Verdict(tmp_path / "file" / "v.json", "a").keep("tcg")

    assert ("kvm", "tcg") == Verdict(tmp_path / "file" / "v.json", "a").candidates()


def test_this_machine_has_a_verdict_of_its_own(tmp_path: Path) -> None:
    """What is kept is read again on the same start."""
    machine_verdict(tmp_path).keep("tcg")

    assert ("tcg",) == machine_verdict(tmp_path).candidates()
