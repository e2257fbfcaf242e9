"""The machine's figures."""

from server_unit_test.api.conftest import Api
from server_unit_test.contracts.fake_clock import START_MS


def test_the_figures_have_the_contracts_keys(api: Api) -> None:
    """Memory in megabytes, used as total without available."""
    expected = {
        "time_utc_sec": START_MS // 1000,
        "temperature_celsius": 48.2,
        "processes_average": {"last_1min": 0.1, "last_5min": 0.2, "last_15min": 0.3},
        "uptime_seconds": 86400.5,
        "memory_MB": {
            "total": 1000.0,
            "available": 750.0,
            "free": 500.0,
            "used": 250.0,
            "percent_used": 25.0,
        },
    }

    assert expected == api.json("/api/system")
