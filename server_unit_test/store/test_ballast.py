"""The ballast holds real space, gives it up, and takes it again only from plenty."""

from pathlib import Path

import pytest

from server.store.ballast import BALLAST_NAME, Ballast

SIZE = 64 * 1024


def test_the_ballast_takes_real_blocks(tmp_path: Path) -> None:
    """A sparse file would hold nothing."""
    held = Ballast(tmp_path, SIZE).make(spare_bytes=2 * SIZE)

    found = (tmp_path / BALLAST_NAME).stat()
    assert (True, SIZE, True) == (held, found.st_size, found.st_blocks * 512 >= SIZE)


@pytest.mark.parametrize(("size", "spare"), [(SIZE, 2 * SIZE - 1), (0, 10 * SIZE)])
def test_the_ballast_is_not_made(tmp_path: Path, size: int, spare: int) -> None:
    """Neither from the last space, nor when its size is 0."""
    assert not Ballast(tmp_path, size).make(spare)
    assert not (tmp_path / BALLAST_NAME).exists()


def test_the_ballast_is_given_up_and_made_again(tmp_path: Path) -> None:
    """As often as it takes; giving up what is not there is fine."""
    ballast = Ballast(tmp_path, SIZE)
    ballast.make(2 * SIZE)
    ballast.give_up()
    ballast.give_up()
    gone = not (tmp_path / BALLAST_NAME).exists()

    assert (True, True) == (gone, ballast.make(2 * SIZE))


def test_a_folder_that_takes_no_file_is_no_error(tmp_path: Path) -> None:
    """The ballast is a help, never a reason to fail."""
    ballast = Ballast(tmp_path / "missing", SIZE)

    assert not ballast.make(2 * SIZE)
    ballast.give_up()
