"""The page and its files."""

import logging
from pathlib import Path

import pytest

from server.api.page import MAX_ASSET_BYTES, MAX_ASSETS, load
from server_unit_test.api.conftest import Api


def test_the_page_is_served_at_the_root(api: Api) -> None:
    """HTML that runs only its own files and is shown in nobody's frame."""
    response = api.get("/")

    policy = response.headers["content-security-policy"]
    assert "text/html; charset=utf-8" == response.headers["content-type"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "nosniff" == response.headers["x-content-type-options"]


def test_an_unchanged_file_is_not_sent_again(api: Api) -> None:
    """The browser asks with the tag it got, and gets 304 and no body."""
    first = api.get("/static/page.js")

    again = api.get("/static/page.js", headers={"If-None-Match": first.headers["etag"]})

    assert "no-cache" == first.headers["cache-control"]
    assert (304, b"") == (again.status_code, again.content)
    assert 200 == api.get("/static/page.js", headers={"If-None-Match": '"other"'}).status_code


@pytest.mark.parametrize(
    "path",
    ["/static/", "/static/none.js", "/static/../page.py", "/static/%2e%2e/page.py", "/static//etc"],
)
def test_only_files_of_the_page_are_served(api: Api, path: str) -> None:
    """No path reaches the file system."""
    assert 404 == api.get(path).status_code


def test_a_folder_is_read_with_what_is_in_it(tmp_path: Path) -> None:
    """Types follow the names; what has no type is not served."""
    (tmp_path / "vendor").mkdir()
    (tmp_path / "index.html").write_text("<p>hello")
    (tmp_path / "vendor" / "chart.js").write_text("1")
    (tmp_path / "notes.md").write_text("no")

    assets = load(tmp_path)

    assert {"index.html", "vendor/chart.js"} == set(assets)
    assert b"text/javascript; charset=utf-8" == assets["vendor/chart.js"].content_type


def test_files_are_bounded_in_size(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """MAX_ASSET_BYTES pass; more is left out and said."""
    (tmp_path / "fits.js").write_bytes(bytes(MAX_ASSET_BYTES))
    (tmp_path / "large.js").write_bytes(bytes(MAX_ASSET_BYTES + 1))

    with caplog.at_level(logging.ERROR):
        assets = load(tmp_path)

    assert {"fits.js"} == set(assets)
    assert "left out" in caplog.text


def test_files_are_bounded_in_number(tmp_path: Path) -> None:
    """MAX_ASSETS pass, the rest is left out."""
    for number in range(MAX_ASSETS + 1):
        (tmp_path / f"{number:03}.js").write_text("1")

    assert MAX_ASSETS == len(load(tmp_path))
