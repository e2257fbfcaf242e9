"""The engine's figures."""

from server_unit_test.api.conftest import Api


def test_the_statistics_go_out_under_their_own_names(api: Api) -> None:
    """Figures of the engine, of each kind and of each lane."""
    answer = api.json("/api/tasks")

    assert (12, 4321) == (answer["queued"], answer["wakeups"])
    assert 400 == answer["kinds"]["poll"]["started"]
    assert "modbus_tcp:192.0.2.10:502" == answer["lanes"][0]["name"]
