"""Profile files as text: what cannot be read is named by file and line."""

from decimal import Decimal
from pathlib import Path

import pytest

from server.devices.profile_text import MAX_PROFILE_BYTES, Source
from server.errors import ProfileError

HEAD = 'name = "acme"\nmaker = "Acme"\ntitle = "t"\ndocument = "d"\n'


def source(folder: Path, text: str) -> Source:
    """The file read."""
    path = folder / "acme.toml"
    path.write_text(text, encoding="utf-8")
    return Source(path)


def test_numbers_stay_decimal(tmp_path: Path) -> None:
    """A tenth is a tenth, not the nearest binary number."""
    text = HEAD + '[registers]\ninput = [ { at = 1, as = "u16", scale = 0.1 } ]\n'

    assert Decimal("0.1") == source(tmp_path, text).values.registers.input[0].scale


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """Beyond MAX_PROFILE_BYTES it is no profile."""
    with pytest.raises(ProfileError, match=f"acme.toml:1: larger than {MAX_PROFILE_BYTES}"):
        source(tmp_path, "#" * (MAX_PROFILE_BYTES + 1))


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are said to be so."""
    path = tmp_path / "acme.toml"
    path.write_bytes(b"name = '\xff'")

    with pytest.raises(ProfileError, match="acme.toml:1: cannot be read as UTF-8"):
        Source(path)


def test_a_file_that_has_gone(tmp_path: Path) -> None:
    """A file that cannot be opened is a profile error like any other."""
    with pytest.raises(ProfileError, match="acme.toml:1: cannot be read"):
        Source(tmp_path / "acme.toml")


def test_syntax_is_named_by_its_line(tmp_path: Path) -> None:
    """TOML's own complaint, at its line."""
    with pytest.raises(ProfileError, match=r"acme.toml:6: not valid TOML: .*"):
        source(tmp_path, HEAD + "limits = [1, 2\n" + "x = \n")


def test_a_file_that_ends_too_soon(tmp_path: Path) -> None:
    """An open bracket at the end of the file is named at its last line."""
    with pytest.raises(ProfileError, match=r"acme.toml:\d: not valid TOML"):
        source(tmp_path, HEAD + "limits = [")


@pytest.mark.parametrize(
    "text,key,line",
    [
        ("[limits]\nmax_words = 'x'\n[registers]\n", "limits.max_words", 6),
        (
            '[registers]\ninput = [\n{ at = 1, as = "u16" },\n{ at = "2", as = "u16" },\n]\n',
            "at",
            8,
        ),
        (
            '[[capabilities]]\nname = "a"\nat = 1\nas = "u16"\n[[capabilities]]\nname = 5\n',
            "name",
            10,
        ),
        ("[registers]\n[limits]\nmax_gaps = 1\n", "max_gaps", 7),
    ],
)
def test_wrong_types_are_named_by_their_line(
    tmp_path: Path, text: str, key: str, line: int
) -> None:
    """Tables, rows of an array and tables of an array are all found."""
    with pytest.raises(ProfileError, match=rf"acme.toml:{line}: [\w.\[\]]*{key}: "):
        source(tmp_path, HEAD + text)


def test_what_cannot_be_found_is_named_at_the_nearest(tmp_path: Path) -> None:
    """A key that stands nowhere is named at the table it should stand in."""
    error = source(tmp_path, HEAD + "[registers]\n").error("registers.input[3].at", "is missing")

    assert "acme.toml:5: registers.input[3].at: is missing" == str(error)
