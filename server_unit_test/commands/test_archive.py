"""The file that a backup is."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.commands import archive
from server.commands.archive import (
    CHUNK_BYTES,
    MANIFEST,
    MAX_HISTORY_BYTES,
    MAX_MANIFEST_BYTES,
    MAX_MEMBERS,
    MIN_PASSPHRASE,
    SCRYPT_COST,
    ArchiveError,
    Reader,
    Writer,
    made,
)

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The true cost is met by one test."""
    monkeypatch.setattr(archive, "SCRYPT_COST", 2)


def packed(members: dict[str, bytes], passphrase: str = "") -> bytes:
    """An archive of these."""
    file = io.BytesIO()
    with Writer(file, passphrase) as writer:
        for name, content in members.items():
            writer.add(name, io.BytesIO(content))
        writer.finish("1.2.3", 1_750_000_000_000)
    return file.getvalue()


def unpacked(content: bytes, passphrase: str = "") -> dict[str, bytes]:
    """What is in it."""
    reader = Reader(io.BytesIO(content), passphrase)
    told = {}
    for name in reader.manifest.members:
        to = io.BytesIO()
        reader.copy(name, to)
        told[name] = to.getvalue()
    return told


def retold(content: bytes, **changes: object) -> bytes:
    """The same archive with another manifest."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    told = json.loads(members[MANIFEST]) | changes
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w") as new:
        for name, each in members.items():
            new.writestr(name, json.dumps(told) if name == MANIFEST else each)
    return to.getvalue()


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES]
)
def test_what_goes_in_comes_out(size: int, passphrase: str) -> None:
    """At every length around a chunk's."""
    members = {"a": b"x" * size, "store/b": bytes(range(256)) * (size // 256)}

    assert members == unpacked(packed(members, passphrase), passphrase)


def test_the_true_cost_of_a_passphrase_is_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    """SCRYPT_COST as shipped fits the memory that it is allowed."""
    monkeypatch.setattr(archive, "SCRYPT_COST", SCRYPT_COST)

    assert {"a": b"b"} == unpacked(packed({"a": b"b"}, PASSPHRASE), PASSPHRASE)


def test_nothing_is_readable_without_the_passphrase() -> None:
    """Neither in the file nor for who asks."""
    content = packed({"settings.json": b"hunter2 " * 100}, PASSPHRASE)

    with zipfile.ZipFile(io.BytesIO(content)) as raw:
        assert b"hunter2" not in raw.read("settings.json")
    with pytest.raises(ArchiveError, match="give its passphrase"):
        unpacked(content)
    with pytest.raises(ArchiveError, match="the passphrase is another one"):
        unpacked(content, "another passphrase")


def test_a_short_passphrase_is_refused() -> None:
    """MIN_PASSPHRASE characters."""
    with pytest.raises(ArchiveError, match="at least 12 characters"):
        packed({}, "x" * (MIN_PASSPHRASE - 1))
    packed({}, "x" * MIN_PASSPHRASE)


def test_members_cannot_change_places() -> None:
    """Each is bound to its name."""
    content = packed({"a": b"first", "b": b"other"}, PASSPHRASE)
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    members["a"], members["b"] = members["b"], members["a"]
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w") as new:
        for name, each in members.items():
            new.writestr(name, each)

    with pytest.raises(ArchiveError, match="cannot be decrypted"):
        unpacked(to.getvalue(), PASSPHRASE)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "restore it with the version that made it, or a newer one"),
        ({"format": None}, "has format None"),
        ({"members": None}, "is damaged"),
        ({"members": {"a": 1}}, "is damaged"),
        ({"members": {"a": ["x", "y"]}}, "is damaged"),
        ({"members": {}}, "other files than its manifest names"),
        ({"members": {"a": [1, ""], "b": [1, ""]}}, "other files than its manifest names"),
        ({"members": {"a": [-1, ""]}}, "of a size that none has"),
        ({"members": {"a": [MAX_HISTORY_BYTES + 1, ""]}}, "of a size that none has"),
        ({"members": {"a": [1, "00"]}}, "is not what the backup says"),
        ({"members": {"a": [5, "00"]}}, "is not what the backup says"),
        ({"salt": "xyz"}, "is damaged"),
    ],
)
def test_a_wrong_manifest_is_refused(changes: dict[str, object], said: str) -> None:
    """Nothing of the archive is believed then."""
    content = retold(packed({"a": b"content"}), **changes)

    with pytest.raises(ArchiveError, match=said):
        unpacked(content, PASSPHRASE if "salt" in changes else "")


@pytest.mark.parametrize("content", [b"", b"PK", b"nothing of the kind", b"{}"])
def test_something_else_is_refused(content: bytes) -> None:
    """In words."""
    with pytest.raises(ArchiveError, match="no backup of a gateway"):
        unpacked(content)


@pytest.mark.parametrize("manifest", [b"[]", b"5", b"\xff", b"{", None])
def test_an_archive_of_others_is_refused(manifest: bytes | None) -> None:
    """Any zip file, and one whose manifest is none."""
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w") as other:
        other.writestr("readme.txt" if manifest is None else MANIFEST, manifest or b"hello")

    with pytest.raises(ArchiveError, match="no backup of a gateway"):
        unpacked(to.getvalue())


def test_a_huge_manifest_is_not_read() -> None:
    """MAX_MANIFEST_BYTES."""
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as crafted:
        crafted.writestr(MANIFEST, b" " * (MAX_MANIFEST_BYTES + 1))

    with pytest.raises(ArchiveError, match="far too large"):
        unpacked(to.getvalue())


def test_an_archive_of_many_members_is_refused() -> None:
    """MAX_MEMBERS."""
    content = packed({f"m{number}": b"" for number in range(MAX_MEMBERS + 1)})

    with pytest.raises(ArchiveError, match="other files than its manifest names"):
        unpacked(content)


def test_another_compression_is_refused() -> None:
    """Its library would have errors of its own."""
    content = packed({"a": b"b"})
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w", zipfile.ZIP_BZIP2) as new:
        for name, each in members.items():
            new.writestr(name, each)

    with pytest.raises(ArchiveError, match="in a way that no gateway uses"):
        unpacked(to.getvalue())


def test_a_member_that_is_longer_than_said_is_cut_off() -> None:
    """A few crafted kilobytes cannot fill a disk: reading ends where the manifest ends."""
    content = retold(packed({"a": b"0" * (5 * CHUNK_BYTES)}), members={"a": [10, "00"]})
    to = io.BytesIO()

    with pytest.raises(ArchiveError, match="is not what the backup says"):
        Reader(io.BytesIO(content), "").copy("a", to)

    assert 0 == len(to.getvalue())


@settings(max_examples=300, deadline=None)
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans())
def test_a_damaged_archive_never_gives_another_content(at: float, bit: int, cut: bool) -> None:
    """Any bit turned over, or any end cut off: the same content or an error in words."""
    members = {"a": b"some content " * 40, "b": b""}
    whole = bytearray(packed(members))
    place = int(at * len(whole))
    whole[place] ^= 1 << bit
    damaged = bytes(whole[:place]) if cut else bytes(whole)

    try:
        told = unpacked(damaged)
    except ArchiveError:
        return
    assert members == told


def test_the_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """And for its owner's eyes alone."""
    path = tmp_path / "backup"
    with pytest.raises(RuntimeError), made(path, force=False) as file:
        file.write(b"half")
        raise RuntimeError("the disk is full")
    assert [] == list(tmp_path.iterdir())

    with made(path, force=False) as file:
        file.write(b"whole")

    assert (b"whole", 0o600) == (path.read_bytes(), path.stat().st_mode & 0o777)


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    """Unless told otherwise."""
    path = tmp_path / "backup"
    path.write_bytes(b"old")

    with pytest.raises(ArchiveError, match="choose another name, or add --force"):
        with made(path, force=False):
            pass
    with made(path, force=True) as file:
        file.write(b"new")

    assert b"new" == path.read_bytes()
