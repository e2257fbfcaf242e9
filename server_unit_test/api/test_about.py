"""Version, uptime and name."""

import pytest

from server_unit_test.api.conftest import Api


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/version", {"version": "0.1.0"}),
        ("/api/uptime", {"msek": 3_600_000}),
        ("/api/name", {"name": "Home"}),
    ],
)
def test_each_answers_with_its_one_key(api: Api, path: str, expected: dict[str, object]) -> None:
    """The answer has the contract's key and the snapshot's value."""
    assert expected == api.json(path)
