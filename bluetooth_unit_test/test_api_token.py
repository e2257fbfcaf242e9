"""The token for the gateway's API."""

from pathlib import Path

import pytest

from bluetooth import api_token
from bluetooth.api_token import MAX_TOKEN_BYTES, TOKEN_FILE


def test_it_is_read_anew_each_time(tmp_path: Path) -> None:
    """The gateway may make it later, and another one after that."""
    path = tmp_path / TOKEN_FILE
    read = api_token.reader(path)
    before = read()
    path.write_text("egret_one\n", encoding="ascii")
    first = read()
    path.write_text("egret_two\n", encoding="ascii")

    assert (None, "egret_one", "egret_two") == (before, first, read())


def test_one_that_was_given_stands_above_the_file(tmp_path: Path) -> None:
    """For tests and for finding faults."""
    (tmp_path / TOKEN_FILE).write_text("egret_file", encoding="ascii")

    assert "egret_given" == api_token.reader(tmp_path / TOKEN_FILE, "egret_given")()


@pytest.mark.parametrize("content", [b"", b"two words", b"\xff", b"a\nb", b"x" * 600])
def test_what_is_no_token_is_told_once_and_never_shown(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes into a header: nothing but one word may get there."""
    (tmp_path / TOKEN_FILE).write_bytes(content)
    read = api_token.reader(tmp_path / TOKEN_FILE)

    assert [None, None] == [read(), read()]
    assert ["the file of the API's key cannot be used"] == [
        each.getMessage() for each in caplog.records
    ]
    assert len(b"x" * 600) > MAX_TOKEN_BYTES
