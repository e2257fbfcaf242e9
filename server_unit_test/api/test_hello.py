"""The greeting and the echo."""

import pytest

from server_unit_test.api.conftest import Api


def test_hello_answers_what_earlier_clients_look_for(api: Api) -> None:
    """GET hello answers the greeting of the contract."""
    expected = {"message": "hello world from srcful!"}

    assert expected == api.json("/api/hello")


@pytest.mark.parametrize("body", [{"a": 1, "b": [1, 2]}, [1, "x"], "text"])
def test_echo_sends_json_back(api: Api, body: object) -> None:
    """POST echo answers with the very values it was sent."""
    response = api.call("POST", "/api/echo", body)

    assert {"echo": body} == response.json()


def test_echo_sends_a_form_back(api: Api) -> None:
    """A form is a body, too: its fields come back as text."""
    response = api.call("POST", "/api/echo", data="a=b&c=d")

    assert {"echo": {"a": "b", "c": "d"}} == response.json()
