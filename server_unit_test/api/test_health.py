"""Health from progress."""

from dataclasses import replace

from server.api.health import SNAPSHOT_AGE_MAX_S
from server_unit_test.api.conftest import Api


def test_a_gateway_that_gets_on_is_healthy(api: Api) -> None:
    """200 and no reason."""
    api.desk.publish()

    expected = {"healthy": True, "reason": "", "mode": "running"}
    assert expected == api.json("/healthz")


def test_the_gateways_own_word_counts(api: Api) -> None:
    """503 with the reason that the gateway gives."""
    gateway = replace(api.desk.current.gateway, healthy=False, health="commits fail: disk full")
    api.desk.publish(gateway=gateway)

    response = api.get("/healthz")

    assert 503 == response.status_code
    assert "commits fail: disk full" == response.json()["reason"]


def test_a_silent_engine_is_not_healthy(own_api: Api) -> None:
    """Being alive is not enough: no snapshot for too long is a fault, and the next one heals it."""
    own_api.clock.advance(SNAPSHOT_AGE_MAX_S)
    assert 200 == own_api.get("/healthz").status_code
    own_api.clock.advance(1)

    response = own_api.get("/healthz")

    assert 503 == response.status_code
    assert "31 s" in response.json()["reason"]
    own_api.desk.publish()
    assert 200 == own_api.get("/healthz").status_code


def test_a_step_of_the_wall_clock_is_no_fault(own_api: Api) -> None:
    """Age is told by the monotonic clock."""
    own_api.clock.step(365 * 86_400_000)

    assert 200 == own_api.get("/healthz").status_code
