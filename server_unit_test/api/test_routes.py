"""The table of routes, looked at as a whole."""

import inspect
import re
from typing import Any

import msgspec
import pytest

from server.api.call import Access, Nothing, Route
from server.api.openapi import describe
from server.api.routes import ROUTES
from server_unit_test.api.conftest import Api
from server_unit_test.api.examples import EXAMPLES, Example

CONTRACT = {
    "GET": (
        "hello version uptime name crypto logger inverter inverter/modbus inverter/supported "
        "supported device device/supported/configurations network network/address notification "
        "settings wifi wifi/scan wifi/progress bluetooth "
        "state system doc snapshot readings history stream tasks openapi.json docs"
    ),
    "POST": "echo logger invertertcp inverter/modbus device initialize settings probe wifi "
    "bluetooth/window bluetooth/state",
    "DELETE": "inverter device wifi",
}


@pytest.mark.parametrize("method", CONTRACT)
def test_the_contract_is_served(method: str) -> None:
    """Every call of the contract has its row."""
    served = {route.path.removeprefix("/api/") for route in ROUTES if route.method == method}

    assert set() == set(CONTRACT[method].split()) - served


def test_only_the_owner_has_his_words_signed() -> None:
    """And then as his words: `signing` keeps them apart from what the gateway itself signs."""
    signing = [each for each in ROUTES if re.search("sign|jwt", each.path)]

    assert ["/api/crypto/sign", "/api/jwt/create"] == [each.path for each in signing]
    assert {Access.OWNER} == {each.access for each in signing}


def test_each_row_says_what_it_does() -> None:
    """A summary is one sentence."""
    assert [] == [each.path for each in ROUTES if not re.fullmatch(r"[A-Z2].*\.", each.summary)]


def test_every_change_is_marked_as_one() -> None:
    """Only echo takes a POST and changes nothing; entering comes before being somebody."""
    changing = {Access.CHANGE, Access.CONTROL, Access.OWNER}

    unmarked = [
        each.path for each in ROUTES if each.method != "GET" and each.access not in changing
    ]

    entering = ["/api/entry/claim", "/api/entry/login", "/api/entry/logout"]
    assert ["/api/echo", *entering] == unmarked


def test_every_row_has_an_example() -> None:
    """The documentation shows an answer of each, and the test below holds it to its type."""
    assert {(route.method, route.path) for route in ROUTES} == {
        (each.method, each.route) for each in EXAMPLES
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each.method} {each.path}")
def test_answers_have_the_type_that_the_table_says(api: Api, example: Example) -> None:
    """Every answer can be read back as its declared type, with no key beside it."""
    if example.raw_writes:
        api.desk.allow_raw_writes()
    route = _row(example)
    if isinstance(route.response, str):
        return

    response = api.call(example.method, example.path, example.body, owner=example.owner)

    assert 200 == response.status_code, response.text
    value = response.json()
    assert msgspec.convert(value, route.response) is not None
    if inspect.isclass(route.response) and issubclass(route.response, msgspec.Struct):
        assert set(value) <= {each.encode_name for each in msgspec.structs.fields(route.response)}


@pytest.mark.parametrize(
    "example", [each for each in EXAMPLES if each.method == "GET"], ids=lambda each: each.path
)
def test_a_get_never_writes(api: Api, example: Example) -> None:
    """No GET asks the engine for anything but a look."""
    if example.route == "/api/stream":
        return
    looks = {"ReadRegisters", "QueryHistory", "ScanWifi", "QueryAudit", "ExportAudit"}

    api.get(example.path, owner=example.owner)

    assert {type(each).__name__ for each in api.desk.asked} <= looks


def test_the_table_can_be_described() -> None:
    """OpenAPI needs every type to be describable."""
    assert len({each.path for each in ROUTES}) == len(describe(ROUTES, "1")["paths"])


def _row(example: Example) -> Route:
    found: dict[tuple[str, str], Any] = {(each.method, each.path): each for each in ROUTES}
    row: Route = found[example.method, example.route]
    assert row.query is Nothing or row.query
    return row
