"""Settings, changed and read back."""

from server_rest_test.conftest import Gateway


def test_a_name_is_kept(gateway: Gateway) -> None:
    """A change is answered with the settings as they are, and shows everywhere."""
    response = gateway.call("POST", "/api/settings", {"settings": {"name": "Hut"}})

    assert 200 == response.status_code, response.text
    assert "Hut" == response.json()["settings"]["name"]
    assert gateway.wait_for("/api/name", lambda answer: answer["name"] == "Hut")


def test_a_bad_setting_changes_nothing(gateway: Gateway) -> None:
    """400 names the key, and the old value stays."""
    before = gateway.json("/api/settings")["settings"]["store"]

    response = gateway.call("POST", "/api/settings", {"store": {"commit_interval_s": "soon"}})

    assert 400 == response.status_code
    assert "commit_interval_s" in response.json()["error"]
    assert before == gateway.json("/api/settings")["settings"]["store"]


def test_a_logger_is_set(gateway: Gateway) -> None:
    """The level shows at once."""
    assert (
        200
        == gateway.call("POST", "/api/logger", {"logger": "server", "level": "DEBUG"}).status_code
    )
    assert "DEBUG" == gateway.json("/api/logger")["server"]
    gateway.call("POST", "/api/logger", {"logger": "server", "level": "INFO"})
