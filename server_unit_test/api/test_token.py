"""The programs that may enter."""

from dataclasses import replace

import pytest

from server.model.access import EntryView, Scope
from server.model.request import MakeToken, RevokeToken
from server_unit_test.api.conftest import Api
from server_unit_test.api.fake_desk import AT_MS, TOKEN


def test_tokens_are_listed_without_their_secrets(api: Api) -> None:
    """Name, scopes and age: enough to know which one to revoke."""
    response = api.call("GET", "/api/token", owner=True)

    expected = {
        "id": TOKEN.token_id,
        "name": "Grafana",
        "scopes": ["read"],
        "made_at_ms": AT_MS,
        "revocable": True,
    }
    assert {"tokens": [expected]} == response.json()
    assert TOKEN.digest not in response.text


def test_a_token_is_made_and_told_once(api: Api) -> None:
    """With the scopes in their own order."""
    wish = {"name": "Home Assistant", "scopes": ["control", "read"]}

    response = api.call("POST", "/api/token", wish, owner=True)

    wanted = MakeToken("Home Assistant", frozenset([Scope.READ, Scope.CONTROL]))
    assert [wanted] == api.desk.asked
    answer = response.json()
    assert ("egret_0badcafe_secret", ["read", "control"]) == (answer["token"], answer["scopes"])


@pytest.mark.parametrize(
    "body", [{}, {"name": "x"}, {"name": "x", "scopes": "read"}, {"name": "x", "scopes": ["all"]}]
)
def test_a_wish_that_cannot_be_is_refused(api: Api, body: object) -> None:
    """Before the engine is asked."""
    assert 400 == api.call("POST", "/api/token", body, owner=True).status_code
    assert [] == api.desk.asked


@pytest.mark.parametrize("by_query", [True, False])
def test_a_token_is_revoked_by_its_id(api: Api, by_query: bool) -> None:
    """In the body or in the query, as devices are removed."""
    path, body = ("?id=5a17ab1e", None) if by_query else ("", {"id": "5a17ab1e"})

    response = api.call("DELETE", f"/api/token{path}", body, owner=True)

    assert [RevokeToken("5a17ab1e")] == api.desk.asked
    assert {"status": "ok", "id": "5a17ab1e"} == response.json()


def test_a_token_that_is_not_there_is_told(api: Api) -> None:
    """404."""
    assert 404 == api.call("DELETE", "/api/token", {"id": "x"}, owner=True).status_code


def test_what_lies_in_a_file_is_revoked_by_removing_it(api: Api) -> None:
    """The Bluetooth service's own; the words say how."""
    standing = replace(TOKEN, token_id="bluetooth", name="Bluetooth service", standing=True)
    view = api.desk.view
    api.desk.view = EntryView(True, {"bluetooth": standing}, view.sessions)

    listed = api.call("GET", "/api/token", owner=True).json()["tokens"]
    response = api.call("DELETE", "/api/token", {"id": "bluetooth"}, owner=True)

    assert [False] == [each["revocable"] for each in listed]
    assert 400 == response.status_code
    assert "remove the file" in response.json()["error"]
    assert [] == api.desk.asked
