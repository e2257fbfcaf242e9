"""What the box says of itself."""

import pytest

from server_rest_test.conftest import Gateway


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("hello", {"message"}),
        ("version", {"version"}),
        ("uptime", {"msek"}),
        ("name", {"name"}),
        ("network/address", {"ip", "port"}),
        ("supported", {"inverters", "devices"}),
        ("notification", {"ids"}),
        ("settings", {"settings"}),
        ("doc", {"GET", "POST", "DELETE"}),
    ],
)
def test_the_contracts_keys_are_there(gateway: Gateway, path: str, keys: set[str]) -> None:
    """Each call of the contract answers with its keys."""
    assert keys == set(gateway.json(f"/api/{path}"))


def test_the_identity_is_a_p256_key(gateway: Gateway) -> None:
    """Serial of 18 digits, point of 128."""
    answer = gateway.json("/api/crypto")

    assert (18, 128) == (len(answer["serialNumber"]), len(answer["publicKey"]))


def test_both_families_may_be_given(gateway: Gateway) -> None:
    """Earlier clients say sungrow and sungrow_hybrid."""
    assert {"sungrow", "sungrow_hybrid"} <= set(gateway.json("/api/supported")["inverters"])


def test_the_page_and_its_files_are_served(gateway: Gateway) -> None:
    """The page loads from the box alone."""
    response = gateway.call("GET", "/")

    assert 200 == response.status_code
    assert "<html" in response.text


def test_metrics_and_health_are_served(gateway: Gateway) -> None:
    """A monitor finds both."""
    assert gateway.call("GET", "/metrics").text.endswith("# EOF\n")
    assert gateway.call("GET", "/healthz").status_code in (200, 503)


def test_unknown_paths_are_answered_in_json(gateway: Gateway) -> None:
    """404 in words."""
    response = gateway.call("GET", "/api/nothing")

    assert 404 == response.status_code
    assert response.json()["error"]


def test_a_foreign_page_cannot_change_anything(gateway: Gateway) -> None:
    """403 for a foreign origin and for a rebound name."""
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        response = gateway.call("POST", "/api/echo", {"a": 1}, headers=headers)

        assert 403 == response.status_code
