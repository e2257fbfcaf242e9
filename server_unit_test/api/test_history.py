"""Curves."""

import pytest

from server.api.history import DEFAULT_POINTS, DEFAULT_RANGE_MS, MAX_POINTS, MAX_TIME_MS
from server.model.request import QueryHistory
from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import AT_MS


def test_a_curve_is_asked_for_as_given(api: Api) -> None:
    """Device, quantity, range and points reach the store unchanged."""
    answer = api.json("/api/history?device=garage&quantity=pv_power&from=1000&to=11000&points=10")

    assert [QueryHistory("garage", "pv_power", 1000, 11000, 10)] == api.desk.asked
    assert {"at_ms": 1000, "mean": 1000.0, "least": 900.0, "most": 1100.0} == answer["points"][0]
    assert (1000, "W") == (answer["step_ms"], answer["unit"])


def test_the_last_day_of_the_first_device_is_meant_unless_said(api: Api) -> None:
    """Only the quantity must be given."""
    api.json("/api/history?quantity=pv_power")

    expected = QueryHistory(
        "A2340000001", "pv_power", AT_MS - DEFAULT_RANGE_MS, AT_MS, DEFAULT_POINTS
    )
    assert [expected] == api.desk.asked


def test_a_removed_device_may_be_asked_for(api: Api) -> None:
    """Its readings stay, so its curves do."""
    assert 200 == api.get("/api/history?quantity=pv_power&device=gone").status_code


@pytest.mark.parametrize(
    "query",
    [
        "",
        "quantity=warp_power",
        "quantity=pv_power&points=0",
        f"quantity=pv_power&points={MAX_POINTS + 1}",
        "quantity=pv_power&from=5&to=5",
        "quantity=pv_power&from=-1&to=5",
        f"quantity=pv_power&from=1&to={MAX_TIME_MS + 1}",
        "quantity=pv_power&from=yesterday",
    ],
)
def test_what_makes_no_curve_is_refused(api: Api, query: str) -> None:
    """400 in words, and the store is left in peace."""
    response = api.get(f"/api/history?{query}")

    assert 400 == response.status_code
    assert response.json()["error"]
    assert [] == api.desk.asked


def test_the_largest_curve_is_allowed(api: Api) -> None:
    """MAX_POINTS itself passes."""
    assert 200 == api.get(f"/api/history?quantity=pv_power&points={MAX_POINTS}").status_code
