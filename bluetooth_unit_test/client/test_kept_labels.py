"""One file of labels, which nobody else may read."""

import json
import os
from pathlib import Path

import pytest

from bluetooth.client.errors import Unusable
from bluetooth.client.kept_labels import (
    MAX_FILE_BYTES,
    MAX_LABELS,
    MAX_NAME_CHARACTERS,
    Kept,
    KeptLabels,
)
from bluetooth.client.link import Sighting
from bluetooth.label import Label

ONE, TWO, ANY = (Label(bytes([number] * 16)) for number in (1, 2, 3))


@pytest.fixture
def labels(tmp_path: Path) -> KeptLabels:
    """Of a user who had none."""
    return KeptLabels(tmp_path / "config" / "egret")


def box(name: str, address: str = "AA:09") -> Sighting:
    """A box that was found."""
    return Sighting(address, name, -50)


def test_nobody_has_labels_at_first(labels: KeptLabels) -> None:
    """And no file is made for that."""
    assert [] == labels.all()
    assert labels.of(box("Egret 1")) is None
    assert [] == labels.forget("")
    assert not labels.path.exists()


def test_each_box_gets_its_own(labels: KeptLabels) -> None:
    """By name, else by address, else the one for any box; capitals or not."""
    for kept in (Kept(ANY), Kept(ONE, "Egret 1"), Kept(TWO, "", "AA:02")):
        labels.keep(kept)

    found = [labels.of(box(*each)) for each in (("EGRET 1",), ("x", "aa:02"), ("x", "AA:03"))]

    assert [ONE, TWO, ANY] == found


def test_another_boxs_label_is_not_tried(labels: KeptLabels) -> None:
    """It would be a bad attempt."""
    labels.keep(Kept(ONE, "Egret 1"))

    assert labels.of(box("Egret 2")) is None


def test_a_new_label_takes_the_place_of_the_last(labels: KeptLabels) -> None:
    """Of the same box."""
    labels.keep(Kept(ONE, "Egret 1"))
    labels.keep(Kept(TWO, "egret 1"))

    assert [Kept(TWO, "egret 1")] == labels.all()


def test_labels_are_forgotten(labels: KeptLabels) -> None:
    """One by one, or all."""
    first, second, third = Kept(ONE, "Egret 1"), Kept(TWO, "", "AA:02"), Kept(ANY)
    for kept in (first, second, third):
        labels.keep(kept)

    assert [] == labels.forget("Egret 9")
    assert [second] == labels.forget("aa:02")
    assert [first, third] == labels.forget("")
    assert [] == labels.all()


@pytest.mark.skipif(os.name == "nt", reason="file modes mean nothing on Windows")
def test_nobody_else_may_read_it(labels: KeptLabels) -> None:
    """Not even after it was copied with a careless mode."""
    labels.keep(Kept(ONE, "Egret 1"))
    made = labels.path.stat().st_mode & 0o777
    labels.path.chmod(0o644)

    labels.all()

    assert (0o600, 0o600) == (made, labels.path.stat().st_mode & 0o777)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"[]",
        b"{}",
        b'{"version": 2, "labels": []}',
        b'{"version": 1, "labels": [{"name": "x", "address": ""}]}',
        b'{"version": 1, "labels": [{"name": "x", "address": "", "label": "P6ZS"}]}',
        b'{"version": 1, "labels": [1]}',
        b"\xff" * 10,
        b"[" * 10_000,
        b" " * (MAX_FILE_BYTES + 1),
    ],
)
def test_a_damaged_file_is_left_alone(labels: KeptLabels, content: bytes) -> None:
    """The user is told what to do; nothing of it stands in the words."""
    labels.path.parent.mkdir(parents=True)
    labels.path.write_bytes(content)

    with pytest.raises(Unusable, match="damaged: move it away") as told:
        labels.keep(Kept(ONE, "Egret 1"))

    assert content == labels.path.read_bytes()
    assert told.value.__cause__ is None and "P6ZS" not in str(told.value)


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    """Is named, for reading and for writing."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder" / "bluetooth_labels.json").mkdir(parents=True)

    with pytest.raises(Unusable, match="cannot be read"):
        KeptLabels(tmp_path / "folder").all()
    with pytest.raises(Unusable, match="cannot be"):
        KeptLabels(tmp_path / "file").keep(Kept(ONE))


def test_there_are_only_so_many(labels: KeptLabels) -> None:
    """And all of them fit the file."""
    entries = [
        {"name": f"{number:0{MAX_NAME_CHARACTERS}}", "address": "", "label": ONE.printed()}
        for number in range(MAX_LABELS)
    ]
    labels.path.parent.mkdir(parents=True)
    labels.path.write_text(json.dumps({"version": 1, "labels": entries}, indent=1))
    last = Kept(TWO, entries[-1]["name"])
    labels.keep(last)

    with pytest.raises(Unusable, match=f"{MAX_LABELS} labels"):
        labels.keep(Kept(TWO, "one more"))
    assert labels.path.stat().st_size <= MAX_FILE_BYTES
    assert (MAX_LABELS, last) == (len(labels.all()), labels.all()[-1])


def test_a_name_is_bounded(labels: KeptLabels) -> None:
    """As boxes' names are."""
    with pytest.raises(Unusable, match=str(MAX_NAME_CHARACTERS)):
        labels.keep(Kept(ONE, "x" * (MAX_NAME_CHARACTERS + 1)))


def test_a_label_shows_nothing_of_itself() -> None:
    """Wherever a value is printed."""
    assert ONE.printed()[:4] not in repr(Kept(ONE, "Egret 1"))
