"""Which accounts are left alone is remembered over a restart."""

import json
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.host.embargoes import (
    EMBARGOES_FILE,
    MAX_EMBARGOES,
    MAX_EMBARGOES_BYTES,
    FileEmbargoes,
)
from server.ports import Embargoes


def test_an_embargo_survives_a_restart(tmp_path: Path) -> None:
    """With its words; the newest of a name counts."""
    embargoes: Embargoes = FileEmbargoes(tmp_path)
    before = embargoes.known("dongle admin")
    embargoes.keep("dongle admin", 1, "old")
    embargoes.keep("dongle admin", 2, "locked")

    assert (None, (2, "locked")) == (before, FileEmbargoes(tmp_path).known("dongle admin"))


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    """MAX_EMBARGOES; the oldest goes."""
    (tmp_path / EMBARGOES_FILE).write_text(
        json.dumps({str(number): [number, "words"] for number in range(MAX_EMBARGOES)})
    )
    embargoes = FileEmbargoes(tmp_path)
    embargoes.keep("one more", 1, "words")

    assert (None, (1, "words")) == (embargoes.known("0"), embargoes.known("1"))


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """MAX_EMBARGOES_BYTES bounds the memory it takes."""
    (tmp_path / EMBARGOES_FILE).write_bytes(b'{"a": [1, "b"]}' + b" " * MAX_EMBARGOES_BYTES)

    assert None is FileEmbargoes(tmp_path).known("a")


def test_a_moment_that_is_none_is_not_taken(tmp_path: Path) -> None:
    """It would be too long for arithmetic."""
    (tmp_path / EMBARGOES_FILE).write_text(f'{{"a": [{10**400}, "words"]}}')

    assert None is FileEmbargoes(tmp_path).known("a")


def test_what_cannot_be_written_counts_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Until the next start; the log says so."""
    (tmp_path / "data").write_text("no folder")
    embargoes = FileEmbargoes(tmp_path / "data")
    with caplog.at_level(logging.WARNING):
        embargoes.keep("a", 1, "words")

    assert (1, "words") == embargoes.known("a")
    assert "embargoes were not saved" in caplog.messages


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(st.binary(max_size=40) | JSON.map(lambda each: json.dumps(each).encode()))
def test_no_file_makes_it_fall(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """It is read or as good as none; what is kept then is found again."""
    folder = tmp_path_factory.mktemp("data")
    (folder / EMBARGOES_FILE).write_bytes(content)
    FileEmbargoes(folder).keep("a", 1, "words")

    assert (1, "words") == FileEmbargoes(folder).known("a")
