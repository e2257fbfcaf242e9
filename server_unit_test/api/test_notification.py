"""Notices."""

import pytest

from server.model.request import DismissNotice
from server_unit_test.api.conftest import Api


def test_the_ids_are_listed(api: Api) -> None:
    """GET notification answers the ids only."""
    assert {"ids": [7]} == api.json("/api/notification")


def test_one_notice_is_shown(api: Api) -> None:
    """The timestamp is in seconds, as the contract has it."""
    expected = {
        "message": "Garage does not answer",
        "type": "warning",
        "timestamp": 2,
        "id": 7,
        "count": 3,
        "device": "garage",
    }

    assert expected == api.json("/api/notification/7")


def test_a_notice_is_removed(api: Api) -> None:
    """DELETE answers with the id."""
    response = api.call("DELETE", "/api/notification/7")

    assert [DismissNotice(7)] == api.desk.asked
    assert {"id": 7} == response.json()


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("number", ["8", "x", "9" * 30, "-1"])
def test_what_is_not_there_is_not_found(api: Api, method: str, number: str) -> None:
    """404 in words, whatever the id looks like."""
    response = api.call(method, f"/api/notification/{number}")

    assert 404 == response.status_code
    assert response.json()["error"]
