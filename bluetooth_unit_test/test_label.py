"""The label: its digits, its file, its key."""

import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluetooth.errors import LabelMistyped, LabelUnusable
from bluetooth.label import (
    CHECK_DIGITS,
    CHECK_MODULUS,
    DIGITS,
    FILE_OPENING,
    LABEL_FILE,
    MAX_FILE_BYTES,
    MAX_TYPED_CHARS,
    SECRET_BYTES,
    SECRET_DIGITS,
    Label,
    load_or_make,
    scanned,
    typed,
)

LABEL = Label(bytes.fromhex("b51ea90f4c1dd2e8a7730c56f1e0429b"))
PRINTED = LABEL.printed()
LABELS = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES).map(Label)


@given(LABELS)
def test_what_is_printed_can_be_typed(label: Label) -> None:
    """Every label survives being printed and typed in again."""
    assert label == typed(label.printed())


def test_a_label_is_seven_groups_of_four() -> None:
    """The printed form is easy to read aloud."""
    groups = PRINTED.split("-")

    assert [4] * 7 == [len(group) for group in groups]
    assert SECRET_DIGITS + CHECK_DIGITS == len("".join(groups))
    assert set(PRINTED) <= set(DIGITS) | {"-"}


def test_lookalikes_and_spaces_are_forgiven() -> None:
    """Small letters, O for 0, I and L for 1, missing and additional dashes: all the same."""
    label = Label(bytes(SECRET_BYTES - 1) + b"\x21")
    sloppy = label.printed().lower().replace("0", "o").replace("1", "l").replace("-", " ")

    assert label == typed(f" {sloppy}\n")


@pytest.mark.parametrize("place", range(SECRET_DIGITS + CHECK_DIGITS))
def test_every_single_wrong_digit_is_told(place: int) -> None:
    """Whichever digit is mistaken for whichever other, it is noticed."""
    digits = PRINTED.replace("-", "")
    for wrong in DIGITS.replace(digits[place], ""):
        with pytest.raises(LabelMistyped, match="wrong"):
            typed(digits[:place] + wrong + digits[place + 1 :])


@given(LABELS, st.integers(0, SECRET_DIGITS + CHECK_DIGITS - 2))
def test_neighbours_exchanged_are_told(label: Label, place: int) -> None:
    """Two neighbouring digits typed the wrong way round are noticed."""
    digits = label.printed().replace("-", "")
    turned = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]

    if turned == digits:
        assert label == typed(turned)
        return
    with pytest.raises(LabelMistyped):
        typed(turned)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "28 characters, this has 0"),
        (PRINTED[:-1], "28 characters, this has 27"),
        (PRINTED + "0", "28 characters, this has 29"),
        (PRINTED[:-1] + "U", "no U"),
        (PRINTED[:-1] + "é", "no U"),
        ("Z" * 28, "wrong"),
        ("0" * (MAX_TYPED_CHARS + 1), "far too long"),
        ("egret:pair?v=2&s=" + PRINTED, "another version"),
        ("egret:pair?v=1", "another version"),
        ("egret:pair?v=1&s=" + "0" * MAX_TYPED_CHARS, "far too long"),
    ],
)
def test_what_is_no_label_is_refused_in_words(text: str, says: str) -> None:
    """Each way of being wrong has its own sentence, and none repeats what was typed."""
    with pytest.raises(LabelMistyped, match=says) as raised:
        scanned(text)

    assert PRINTED[:4] not in str(raised.value)


def test_a_pairing_text_holds_label_and_name() -> None:
    """What a phone scans gives it the secret and the name to look for."""
    text = LABEL.pairing_text("Egret A1 & söhne")

    assert (LABEL, "Egret A1 & söhne") == scanned(text)
    assert text.startswith("egret:pair?v=1&s=") and text.isascii()
    assert (LABEL, "") == scanned(PRINTED)


def test_the_session_key_is_hkdf_of_the_secret() -> None:
    """The key is the one that RFC 5869 gives, computed here by hand."""
    import hashlib
    import hmac

    extracted = hmac.new(bytes(32), LABEL.secret, hashlib.sha256).digest()
    expanded = hmac.new(extracted, b"egret bluetooth session 1\x01", hashlib.sha256).digest()

    assert expanded == LABEL.session_key()


def test_a_label_never_shows_its_secret_by_accident() -> None:
    """In a traceback or a log line a label is a name without content."""
    assert "Label()" == repr(LABEL) == str(LABEL)


def test_a_secret_of_another_length_is_a_mistake_of_ours() -> None:
    """Shorter secrets cannot come about."""
    with pytest.raises(ValueError, match="16 bytes"):
        Label(b"short")


def test_the_first_start_makes_a_label_and_later_ones_keep_it(tmp_path: Path) -> None:
    """A box has one label for its life; its file is the owner's alone."""
    folder = tmp_path / "data"
    first = load_or_make(folder)

    assert first == load_or_make(folder)
    assert 0o600 == stat.S_IMODE((folder / LABEL_FILE).stat().st_mode)
    assert [LABEL_FILE] == [each.name for each in folder.iterdir()]
    assert first != load_or_make(tmp_path / "another box")


def test_many_first_starts_at_once_agree(tmp_path: Path) -> None:
    """Service and label command started together show the same label."""
    found: list[Label] = []
    threads = [
        threading.Thread(target=lambda: found.append(load_or_make(tmp_path))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert 8 == len(found)
    assert 1 == len(set(found))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 50,
        FILE_OPENING.encode(),
        f"{FILE_OPENING}\n{PRINTED[:-1]}\n".encode(),
        f"egret label 2\n{PRINTED}\n".encode(),
        f"{FILE_OPENING}\n{PRINTED}\nmore\n".encode(),
        b"x" * (MAX_FILE_BYTES + 1),
    ],
)
def test_a_damaged_file_is_never_replaced(tmp_path: Path, content: bytes) -> None:
    """The person is told what to do, and the file stays as it is."""
    (tmp_path / LABEL_FILE).write_bytes(content)

    with pytest.raises(LabelUnusable, match="damaged. Put the file back") as raised:
        load_or_make(tmp_path)
    assert content == (tmp_path / LABEL_FILE).read_bytes()
    assert PRINTED[:4] not in str(raised.value)


def test_a_folder_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    """No room for the file: the error says what to check."""
    (tmp_path / "data").write_text("a file where the folder should be", encoding="utf-8")

    with pytest.raises(LabelUnusable, match="check the disk"):
        load_or_make(tmp_path / "data")


def test_the_check_is_as_strong_as_two_digits_can_be() -> None:
    """CHECK_MODULUS is the largest prime that two digits can hold."""
    room = len(DIGITS) ** CHECK_DIGITS
    primes = [each for each in range(2, room) if all(each % less for less in range(2, each))]

    assert primes[-1] == CHECK_MODULUS
