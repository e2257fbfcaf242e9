"""No folder outlives its guest, however the guest's process ended."""

from pathlib import Path

from virtual_radio.guest.runs import OWNER, PREFIX, Run, sweep


def test_a_run_has_a_folder_of_its_own_and_removes_it(tmp_path: Path) -> None:
    """Removing twice is no error."""
    one, other = Run(tmp_path), Run(tmp_path)
    assert one.folder != other.folder and one.folder.is_dir() and other.folder.is_dir()

    for run in (one, other, one):
        run.remove()

    assert [] == list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """Its lock went with it."""
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    (left / OWNER).touch()

    run = Run(tmp_path)

    assert [run.folder] == list(tmp_path.iterdir())
    run.remove()


def test_a_run_that_lives_is_left_alone_and_so_is_what_is_not_ours(tmp_path: Path) -> None:
    """Two processes have guests side by side."""
    run = Run(tmp_path)
    (tmp_path / f"{PREFIX}strange").mkdir()
    (tmp_path / "other").mkdir()

    sweep(tmp_path)

    assert 3 == len(list(tmp_path.iterdir()))
    run.remove()
