"""The API described to programs and to people."""

import re
from typing import Any

from server.api.call import Access
from server.api.openapi import SECURITY
from server.api.routes import ROUTES
from server_unit_test.api.conftest import Api


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        inner = {found for each in value.values() for found in _references(each)}
        return inner | ({value["$ref"]} if isinstance(value.get("$ref"), str) else set())
    if isinstance(value, list):
        return {found for each in value for found in _references(each)}
    return set()


def test_every_route_is_described(api: Api) -> None:
    """Each row of the table is an operation, and no two share an id."""
    paths = api.json("/api/openapi.json")["paths"]

    operations = [each for methods in paths.values() for each in methods.values()]
    assert len(ROUTES) == len(operations)
    assert len(ROUTES) == len({each["operationId"] for each in operations})
    assert "delete" in paths["/api/notification/{id}"]


def test_every_reference_leads_somewhere(api: Api) -> None:
    """A generator of clients finds all types."""
    document = api.json("/api/openapi.json")

    schemas = document["components"]["schemas"]
    known = {f"#/components/schemas/{name}" for name in schemas}
    assert set() == _references(document) - known


def test_parameters_are_described(api: Api) -> None:
    """Those of the path and those of the query, with what is required and what is not."""
    paths = api.json("/api/openapi.json")["paths"]

    history = {each["name"]: each for each in paths["/api/history"]["get"]["parameters"]}
    assert {"quantity", "device", "from", "to", "points"} == set(history)
    assert history["quantity"]["required"] is True
    assert 288 == history["points"]["schema"]["default"]
    assert "path" == paths["/api/notification/{id}"]["get"]["parameters"][0]["in"]


def test_the_page_shows_every_route_without_a_script(api: Api) -> None:
    """A person reads it with nothing loaded from anywhere."""
    response = api.get("/api/docs")

    assert response.text.count("<article>") == len(ROUTES)
    assert not re.search(r"<script|src=|https?://", response.text)
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_what_a_call_needs_is_described(api: Api) -> None:
    """A session does for all, a token for all but what is the owner's; some ask for nothing."""
    description = api.json("/api/openapi.json")
    paths = description["paths"]

    assert {"token", "session"} == set(description["components"]["securitySchemes"])
    assert set(Access) == set(SECURITY)
    assert "security" not in paths["/api/hello"]["get"]
    assert [{"session": []}, {"token": []}] == paths["/api/snapshot"]["get"]["security"]
    assert [{"session": []}] == paths["/api/token"]["post"]["security"]
    assert {} in paths["/api/readings"]["get"]["security"]
