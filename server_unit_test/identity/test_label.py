"""The secret on the label, as the gateway reads it; the phone's door is the other witness."""

import threading
from pathlib import Path

import pytest

from bluetooth import label as door_label
from server.errors import IdentityError
from server.identity.label import (
    LABEL_FILE,
    MAX_LABEL_BYTES,
    MAX_TYPED,
    SECRET_BYTES,
    is_whole,
    load_or_make,
)


def test_the_door_reads_what_the_gateway_made(tmp_path: Path) -> None:
    """Digit for digit, whoever starts first."""
    ours = load_or_make(tmp_path)
    theirs = door_label.load_or_make(tmp_path)

    assert ours.printed() == theirs.printed()
    assert SECRET_BYTES == len(theirs.secret)


def test_the_gateway_reads_what_the_door_made(tmp_path: Path) -> None:
    """And takes it typed, scanned, in small letters, with lookalikes."""
    theirs = door_label.load_or_make(tmp_path)
    ours = load_or_make(tmp_path)
    printed = theirs.printed()

    for text in (
        printed,
        printed.lower(),
        printed.replace("-", " "),
        printed.replace("0", "O").replace("1", "l"),
        theirs.pairing_text("Egret 123456"),
    ):
        assert ours.is_typed(text)


@pytest.mark.parametrize(
    "text", ["", "P6ZS", "x" * 10_000, "é" * 30, "egret:pair?", "egret:pair?s"]
)
def test_anything_else_is_not_the_label(text: str, tmp_path: Path) -> None:
    """Whatever is sent; more than MAX_TYPED characters are not looked at."""
    label = load_or_make(tmp_path)

    assert not label.is_typed(text)
    assert not label.is_typed(" " * MAX_TYPED + label.printed())


def test_a_typing_error_can_be_told(tmp_path: Path) -> None:
    """Any one digit changed breaks the check."""
    digits = load_or_make(tmp_path).printed().replace("-", "")
    changed = [
        digits[:at] + ("0" if digits[at] != "0" else "1") + digits[at + 1 :] for at in range(28)
    ]

    assert is_whole(digits)
    assert not any(is_whole(each) for each in changed)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """And nothing else is left in the folder."""
    load_or_make(tmp_path)

    assert [(LABEL_FILE, 0o600)] == [
        (each.name, each.stat().st_mode & 0o777) for each in tmp_path.iterdir()
    ]


def test_two_that_start_at_once_have_one_label(tmp_path: Path) -> None:
    """The first link wins; the other reads it."""
    printed: list[str] = []
    threads = [
        threading.Thread(target=lambda: printed.append(load_or_make(tmp_path).printed()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert (4, 1) == (len(printed), len(set(printed)))


@pytest.mark.parametrize(
    "content",
    [b"", b"egret label 1\n", b"egret label 2\nP6ZS\n", b"egret label 1\nP6ZS-0000\n", b"\xff" * 60]
    + [b"egret label 1\n" + b"0" * MAX_LABEL_BYTES + b"\n"],
)
def test_a_broken_file_is_never_replaced(content: bytes, tmp_path: Path) -> None:
    """The printed label would lose its meaning in silence."""
    (tmp_path / LABEL_FILE).write_bytes(content)

    with pytest.raises(IdentityError, match="is broken"):
        load_or_make(tmp_path)

    assert content == (tmp_path / LABEL_FILE).read_bytes()


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """With what to look at."""
    (tmp_path / "file").touch()

    with pytest.raises(IdentityError, match="check the disk"):
        load_or_make(tmp_path / "file")
