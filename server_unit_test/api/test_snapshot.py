"""Everything at once."""

from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import AT_MS


def test_the_snapshot_goes_out_under_its_own_names(api: Api) -> None:
    """The page finds every part where the model has it."""
    answer = api.json("/api/snapshot")

    assert {
        "version",
        "at_ms",
        "gateway",
        "devices",
        "sinks",
        "store",
        "engine",
        "notices",
        "wifi",
        "bluetooth",
    } == set(answer)
    assert ("00000000deadbeef", "running") == (answer["gateway"]["boot"], answer["gateway"]["mode"])
    assert "retrying" == answer["devices"][1]["state"]
    assert AT_MS - 4000 == answer["sinks"][0]["last_ack_ms"]


def test_settings_and_raw_words_stay_inside(api: Api) -> None:
    """Only who asks for settings gets them, and raw words are for receivers."""
    answer = api.json("/api/snapshot")

    latest = answer["devices"][0]["latest"]
    assert {"device", "taken_at_ms", "uptime_ms", "clock", "values"} == set(latest)
    assert "configuration" not in answer


def test_a_new_snapshot_replaces_the_rendered_one(api: Api) -> None:
    """Rendering is kept per snapshot, never beyond it."""
    first = api.json("/api/snapshot")["version"]
    api.desk.publish()

    assert first + 1 == api.json("/api/snapshot")["version"]


def test_wifi_and_the_phones_door_are_in_short(api: Api) -> None:
    """What the page shows of them; the list of networks has its own route."""
    answer = api.json("/api/snapshot")

    assert {"available", "message", "connected", "progress"} == set(answer["wifi"])
    assert ("Home", "connected") == (
        answer["wifi"]["connected"],
        answer["wifi"]["progress"]["step"],
    )
    assert (3, True, 180.0, 120.5) == (
        answer["bluetooth"]["number"],
        answer["bluetooth"]["open"],
        answer["bluetooth"]["window_s"],
        answer["bluetooth"]["service"]["until_s"],
    )
