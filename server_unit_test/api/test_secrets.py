"""A device's password leaves the box by no route and no log."""

from dataclasses import replace

import pytest
import requests

from server.model.device import PASSWORD_MASK
from server.model.request import AddDevice, ChangeSettings, Probe
from server_unit_test.api.conftest import Api
from server_unit_test.api.examples import EXAMPLES, Example
from server_unit_test.api.fake_desk import HYBRID

PASSWORD = "s3cret-of-the-owner"
STREAM = "/api/stream"
OWNED = replace(HYBRID, user="owner", password=PASSWORD)


@pytest.fixture
def owned(api: Api) -> Api:
    """A server whose first device has an account."""
    current = api.desk.current
    first, *others = current.devices
    api.desk.publish(
        configuration=replace(current.configuration, devices=(OWNED,)),
        devices=(replace(first, config=OWNED), *others),
    )
    return api


@pytest.mark.parametrize(
    "example", [each for each in EXAMPLES if each.method == "GET"], ids=lambda each: each.path
)
def test_no_get_shows_a_password(
    owned: Api, example: Example, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the answer nor what is logged meanwhile."""
    caplog.set_level("DEBUG")
    with owned.get(example.path, stream=True, owner=example.owner) as response:
        body = response.content if example.path != STREAM else _first_event(response)

    assert 200 == response.status_code
    assert PASSWORD.encode() not in body
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("path", ["/api/device", "/api/probe", "/api/invertertcp"])
def test_an_account_reaches_the_gateway_and_no_answer(
    owned: Api, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Asked for with it, answered and logged without."""
    caplog.set_level("DEBUG")
    owned.desk.answers[AddDevice] = OWNED

    response = owned.call("POST", path, {"ip": "192.0.2.7", "user": "owner", "password": PASSWORD})

    (asked,) = owned.desk.asked
    assert isinstance(asked, (AddDevice, Probe))
    assert PASSWORD == asked.account.password
    assert 200 == response.status_code
    assert PASSWORD not in response.text + caplog.text + repr(asked)


def test_settings_with_a_mask_can_be_sent_back(owned: Api) -> None:
    """The mask means unchanged: the devices are not touched at all."""
    everything = owned.json("/api/settings")
    (connection,) = everything["settings"]["devices"]["connections"]

    response = owned.call("POST", "/api/settings", everything)

    (asked,) = owned.desk.asked
    assert ("owner", PASSWORD_MASK) == (connection["user"], connection["password"])
    assert 200 == response.status_code
    assert isinstance(asked, ChangeSettings)
    assert "devices" not in asked.changes
    assert PASSWORD not in response.text


def test_another_password_in_the_settings_is_refused(owned: Api) -> None:
    """Devices change through their own route; the words do not repeat it."""
    everything = owned.json("/api/settings")
    everything["settings"]["devices"]["connections"][0]["password"] = "an0ther"

    response = owned.call("POST", "/api/settings", everything)

    assert 400 == response.status_code
    assert "/api/device" in response.text
    assert "an0ther" not in response.text


def _first_event(response: requests.Response) -> bytes:
    lines: list[bytes] = []
    for line in response.iter_lines():
        lines.append(line)
        if line.startswith(b"data:"):
            break
    return b"\n".join(lines)
