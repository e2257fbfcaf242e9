"""Every route, asked by everybody: who is let in is what the table declares, and nothing else."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import requests

from server.api.application import Application
from server.api.call import Access, Context, Nothing, Route
from server.api.gate import COOKIE, MAX_COOKIES, NEEDS, SECURE_COOKIE, Gate
from server.api.hello import Hello, hello
from server.api.live import KEEP_ALIVE_INTERVAL_S
from server.api.rate import REQUEST_BURST
from server.api.refusals import TooOften, Unauthorised, WrongType
from server.api.routes import ROUTES
from server.model.access import (
    EVERYBODY,
    NOBODY,
    OWNER,
    Caller,
    EntryView,
    Protection,
    Scope,
    Token,
    digest_of,
)
from server.model.configuration import ApiConfig
from server.model.exposure import Exposure
from server_unit_test.api.conftest import Api
from server_unit_test.api.examples import EXAMPLES, Example
from server_unit_test.api.fake_desk import OWNERS_SESSION, FakeDesk
from server_unit_test.api.fake_services import fake_services
from server_unit_test.contracts.fake_clock import FakeClock

PROTECTED = Exposure(Protection.PROTECTED)
OPEN = Exposure(Protection.OPEN)
EXPOSED = Exposure(Protection.OPEN, exposed=True)

OPEN_TO_ALL = {
    "GET /",
    "GET /static/{file:path}",
    "GET /healthz",
    "GET /api/hello",
    "POST /api/echo",
    "GET /api/version",
    "GET /api/uptime",
    "GET /api/supported",
    "GET /api/inverter/supported",
    "GET /api/device/supported",
    "GET /api/device/supported/configurations",
    "GET /api/quantities",
    "GET /api/doc",
    "GET /api/doc/{prefix:path}",
    "GET /api/openapi.json",
    "GET /api/docs",
    "GET /api/entry",
    "GET /api/tls",
    "POST /api/entry/claim",
    "POST /api/entry/login",
    "POST /api/entry/logout",
}
"""A route that shall be open to strangers must be put here as well: nothing opens by mistake."""


def credential(name: str) -> str:
    return f"egret_{name}_secret"


TOKENS = {
    name: Token(name, name, frozenset(scopes), digest_of(credential(name)), 1)
    for name, scopes in {
        "read": [Scope.READ],
        "configure": [Scope.CONFIGURE],
        "control": [Scope.CONTROL],
        "all": list(Scope),
    }.items()
}
CLAIMED = EntryView(True, TOKENS, {digest_of(OWNERS_SESSION): 1e9})
HEADERS: Mapping[str, dict[str, str]] = {
    "nobody": {},
    "a stranger's token": {"Authorization": "Bearer egret_read_guessed"},
    **{name: {"Authorization": f"Bearer {credential(name)}"} for name in TOKENS},
    "owner": {"Cookie": f"{COOKIE}={OWNERS_SESSION}"},
}
MAY: Mapping[str, set[Access]] = {
    "nobody": {Access.OPEN},
    "a stranger's token": {Access.OPEN},
    "read": {Access.OPEN, Access.LIVE, Access.READ},
    "configure": {Access.OPEN, Access.CHANGE},
    "control": {Access.OPEN, Access.CONTROL},
    "all": set(Access) - {Access.OWNER},
    "owner": set(Access),
}
"""Who may do what in a protected box, in one place and by hand."""


@pytest.fixture(scope="module")
def one_protected() -> Iterator[Api]:
    """The server; tests use `protected`."""
    found = Api(fake_services(exposure=PROTECTED))
    yield found
    found.close()


@pytest.fixture
def protected(one_protected: Api) -> Api:
    """A protected server that has forgotten how often it was asked."""
    one_protected.desk.reset()
    one_protected.clock.advance(REQUEST_BURST)
    return one_protected


def asked(api: Api, example: Example, who: str, method: str = "") -> requests.Response:
    """The answer to an example, as somebody."""
    api.desk.reset()
    api.desk.view = CLAIMED
    api.desk.allow_raw_writes()
    response = api.call(
        method or example.method, example.path, example.body, headers=HEADERS[who], stream=True
    )
    response.close()
    return response


def let_in(response: requests.Response) -> bool:
    return response.status_code not in (401, 403)


def access_of(example: Example) -> Access:
    rows = {(each.method, each.path): each.access for each in ROUTES}
    return rows[example.method, example.route]


@pytest.mark.parametrize("who", HEADERS)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each.method} {each.path}")
def test_every_route_lets_in_whom_the_table_says(
    protected: Api, example: Example, who: str
) -> None:
    """And turns all others away before the engine hears of it."""
    response = asked(protected, example, who)

    if access_of(example) in MAY[who]:
        assert let_in(response), response.status_code
        return
    assert (403 if who in TOKENS else 401) == response.status_code
    assert [] == protected.desk.asked


@pytest.mark.parametrize("who", HEADERS)
@pytest.mark.parametrize(
    "example", [each for each in EXAMPLES if each.method == "GET"], ids=lambda each: each.path
)
def test_head_opens_no_more_than_get(protected: Api, example: Example, who: str) -> None:
    """HEAD tells lengths and tags, which is something as well."""
    response = asked(protected, example, who, "HEAD")

    assert (access_of(example) in MAY[who]) is let_in(response)


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "PATCH", "TRACE"])
def test_methods_that_nobody_needs_do_nothing(protected: Api, method: str) -> None:
    """For whomever: no row has them, and no other site is told that it may."""
    for example in EXAMPLES:
        response = asked(protected, example, "owner", method)

        assert 405 == response.status_code
        assert not [name for name in response.headers if name.startswith("access-control")]
    assert [] == protected.desk.asked


def test_what_is_open_to_strangers_is_written_down() -> None:
    """Twice: in the table, and here."""
    found = {f"{each.method} {each.path}" for each in ROUTES if each.access is Access.OPEN}

    assert OPEN_TO_ALL == found


def test_every_access_has_its_need() -> None:
    """What has none is open to all, or for the owner alone."""
    assert {Access.OPEN, Access.OWNER} == set(Access) - set(NEEDS)


def test_an_access_that_nobody_knows_is_for_the_owner() -> None:
    """A new word in the table opens nothing before the gate has learned it."""
    route: Any = replace(ROUTES[0], access="new")

    for who in ("nobody", "all"):
        with pytest.raises((Unauthorised, PermissionError)):
            gate(PROTECTED).admit(route, scope(**headers_of(who)))
    assert OWNER is gate(PROTECTED).admit(route, scope(**headers_of("owner"))).caller


def test_a_route_must_say_what_it_needs() -> None:
    """There is no default that could be forgotten."""
    with pytest.raises(TypeError):
        Route("GET", "/x", hello, summary="X.", response=Hello)  # type: ignore[call-arg]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each.method} {each.path}")
def test_an_open_box_lets_everybody_do_all_but_speak_for_the_owner(
    api: Api, example: Example
) -> None:
    """As the older family has it; signing and handing out tokens take the owner even there."""
    response = asked(api, example, "nobody")

    if access_of(example) is Access.OWNER:
        assert 401 == response.status_code
    else:
        assert let_in(response)


def test_an_unclaimed_box_says_what_to_do(protected: Api) -> None:
    """Everything but entering waits for an owner."""
    protected.desk.view = EntryView()

    response = protected.get("/api/snapshot")

    assert 401 == response.status_code
    assert "unclaimed" == response.json()["reason"]
    assert "claim it" in response.json()["error"]
    assert "Bearer" in response.headers["www-authenticate"]


@pytest.mark.parametrize("who", ["nobody", "a stranger's token"])
def test_the_latest_values_can_be_opened_to_everybody(protected: Api, who: str) -> None:
    """These and nothing else; a page of settings or a curve stays closed."""
    example = Example("GET", "/api/readings", "/api/readings")
    before = asked(protected, example, who).status_code
    configuration = replace(protected.desk.current.configuration, api=ApiConfig(live_readings=True))
    protected.desk.publish(configuration=configuration)

    statuses = {
        path: protected.get(path, headers=HEADERS[who]).status_code
        for path in ("/api/readings", "/api/snapshot", "/api/settings", "/metrics")
    }

    assert 401 == before
    assert {200} == {statuses.pop("/api/readings")}
    assert {401} == set(statuses.values())


# -- one request --------------------------------------------------------------------------------


def scope(client: str = "192.0.2.9", scheme: str = "http", **headers: str) -> dict[str, Any]:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"client": (client, 5), "scheme": scheme, "headers": raw, "path": "/"}


def headers_of(who: str) -> dict[str, str]:
    return {name.lower(): value for name, value in HEADERS[who].items()}


def gate(exposure: Exposure, view: EntryView = CLAIMED, clock: FakeClock | None = None) -> Gate:
    desk = FakeDesk()
    desk.view = view
    return Gate(desk, clock or FakeClock(), exposure)


def row(path: str, method: str = "GET") -> Route:
    return next(each for each in ROUTES if (each.method, each.path) == (method, path))


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer ",
        "Basic egret_read_secret",
        "Bearer egret_read_",
        "Bearer egret__secret",
        "Bearer egret_read_secre",
        "Bearer egret_read_secret ,",
        "egret_read_secret",
        "Bearer egret_read_secret\xe9",
        "Bearer " + "x" * 10_000,
    ],
)
def test_almost_a_token_is_none(value: str) -> None:
    """Only the whole of it, in the one form."""
    with pytest.raises(Unauthorised):
        gate(PROTECTED).admit(row("/api/snapshot"), scope(authorization=value))


def test_a_token_counts_before_a_cookie() -> None:
    """A program in a browser is what its token says, no matter who is logged in beside it."""
    admitted = gate(PROTECTED).admit(
        row("/api/snapshot"), scope(**headers_of("read"), **headers_of("owner"))
    )

    assert Caller("read", frozenset([Scope.READ])) == admitted.caller
    with pytest.raises(Unauthorised):
        gate(PROTECTED).admit(
            row("/api/snapshot"), scope(authorization="Bearer x", **headers_of("owner"))
        )


def test_two_tokens_are_none() -> None:
    """Nobody knows which was meant."""
    asked_ = scope()
    asked_["headers"] = [(b"authorization", f"Bearer {credential('read')}".encode())] * 2

    with pytest.raises(Unauthorised):
        gate(PROTECTED).admit(row("/api/snapshot"), asked_)


def test_a_cookie_of_another_service_hides_ours_not() -> None:
    """Cookies know no ports: one of the same name may lie beside it; beyond MAX_COOKIES none."""
    mine = f"{COOKIE}={OWNERS_SESSION}"
    few = f"{COOKIE}=theirs; a=b; {mine}"
    many = "; ".join(["a=b"] * MAX_COOKIES + [mine])

    assert OWNER is gate(PROTECTED).admit(row("/api/snapshot"), scope(cookie=few)).caller
    with pytest.raises(Unauthorised):
        gate(PROTECTED).admit(row("/api/snapshot"), scope(cookie=many))


def test_over_tls_only_the_bound_cookie_counts() -> None:
    """One that was set over plain HTTP may be anybody's."""
    bound = scope(scheme="https", cookie=f"{SECURE_COOKIE}={OWNERS_SESSION}")
    plain = scope(scheme="https", cookie=f"{COOKIE}={OWNERS_SESSION}")

    admitted = gate(PROTECTED).admit(row("/api/snapshot"), bound)

    assert (True, OWNERS_SESSION) == (admitted.secure, admitted.session)
    with pytest.raises(Unauthorised):
        gate(PROTECTED).admit(row("/api/snapshot"), plain)


def test_a_session_that_has_ended_is_none() -> None:
    """By the monotonic clock."""
    clock = FakeClock()
    view = EntryView(True, {}, {digest_of(OWNERS_SESSION): clock.monotonic() + 10})
    judge = gate(PROTECTED, view, clock)
    admitted = judge.admit(row("/api/snapshot"), scope(**headers_of("owner")))
    before = admitted.still_may()

    clock.advance(10)

    assert (True, False) == (before, admitted.still_may())
    with pytest.raises(Unauthorised):
        judge.admit(row("/api/snapshot"), scope(**headers_of("owner")))


@pytest.mark.parametrize(
    ("exposure", "expected"), [(PROTECTED, NOBODY), (OPEN, EVERYBODY), (EXPOSED, EVERYBODY)]
)
def test_who_shows_nothing_is_nobody_or_everybody(exposure: Exposure, expected: Caller) -> None:
    """As `api.access` has it; an open box does not mind a token that is none."""
    judge = gate(exposure)

    assert expected is judge.admit(row("/api/hello"), scope()).caller
    stranger = scope(authorization="Bearer none-of-ours")
    assert expected is judge.admit(row("/api/hello"), stranger).caller


# -- how often ----------------------------------------------------------------------------------


@pytest.mark.parametrize("exposure", [PROTECTED, EXPOSED])
def test_one_client_may_not_ask_for_ever(exposure: Exposure) -> None:
    """REQUEST_BURST at once, then as time passes; another client is not concerned."""
    clock = FakeClock()
    judge = gate(exposure, clock=clock)
    for _ in range(int(REQUEST_BURST)):
        judge.count(scope())

    with pytest.raises(TooOften) as refused:
        judge.count(scope())

    assert 0 < refused.value.wait_s <= 1
    judge.count(scope("192.0.2.10"))
    judge.count({**scope(), "path": "/healthz"})
    clock.advance(1)
    judge.count(scope())


def test_a_box_of_one_machine_counts_nobody() -> None:
    """Whoever is on it could do worse."""
    judge = gate(OPEN)

    for _ in range(int(REQUEST_BURST) + 10):
        judge.count(scope())


@pytest.mark.parametrize("path", ["/nothing", "/api/snapshot", "/static/page.js"])
def test_every_path_counts(protected: Api, path: str) -> None:
    """Also one that is not there, and one that is refused."""
    for _ in range(int(REQUEST_BURST)):
        protected.get(path)

    assert 429 == protected.get(path).status_code
    assert 503 == protected.get("/healthz").status_code  # Its clock was moved on for this test.


def test_too_often_is_answered_in_words(protected: Api) -> None:
    """429, and when to come back."""
    responses = [protected.get("/api/hello") for _ in range(int(REQUEST_BURST) + 1)]

    assert 200 == responses[-2].status_code
    assert (429, "1") == (responses[-1].status_code, responses[-1].headers["retry-after"])
    assert "too often" in responses[-1].json()["error"]


# -- forms --------------------------------------------------------------------------------------

FORMS = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""]


@pytest.mark.parametrize("media", FORMS)
@pytest.mark.parametrize(
    "sign", [("origin", "http://192.0.2.2"), ("sec_fetch_site", "same-origin"), ("cookie", "a=b")]
)
def test_a_browser_changes_nothing_with_a_form(media: str, sign: tuple[str, str]) -> None:
    """What a form can send, any page can send."""
    told = {"content_type": media, "content_length": "5", sign[0]: sign[1]}

    with pytest.raises(WrongType, match="application/json"):
        gate(OPEN).admit(row("/api/device", "POST"), scope(**told))


def test_programs_and_json_pass() -> None:
    """Apps of the older family send forms, or JSON without a word about it; our page says JSON."""
    judge, route = gate(OPEN), row("/api/device", "POST")
    for media in FORMS:
        assert judge.admit(route, scope(content_type=media, content_length="5"))

    browser = {"origin": "http://192.0.2.2", "content_length": "5"}
    assert judge.admit(route, scope(**browser, content_type="application/json; charset=utf-8"))


def test_a_change_without_a_body_needs_no_type() -> None:
    """DELETE says all in its path; no form can send one."""
    judge = gate(OPEN)

    assert judge.admit(row("/api/inverter", "DELETE"), scope(origin="http://192.0.2.2"))
    with pytest.raises(WrongType):
        judge.admit(
            row("/api/inverter", "DELETE"),
            scope(origin="http://192.0.2.2", transfer_encoding="chunked"),
        )


# -- streams ------------------------------------------------------------------------------------


def test_a_stream_ends_with_the_token_that_opened_it(protected: Api) -> None:
    """At the next snapshot, or with the next sign of life, KEEP_ALIVE_INTERVAL_S at the latest."""
    protected.desk.view = CLAIMED
    with protected.get("/api/stream", headers=HEADERS["read"], stream=True) as stream:
        lines = stream.iter_lines()
        began = next(lines)

        protected.desk.view = EntryView(True)
        protected.desk.publish()
        rest = list(lines)

    assert began.startswith(b"retry:")
    assert 1 == sum(line.startswith(b"data:") for line in rest)
    assert 15 >= KEEP_ALIVE_INTERVAL_S


def test_the_table_itself_is_behind_the_gate() -> None:
    """Whatever table an application serves: a row of another one is judged alike."""
    services = fake_services(exposure=PROTECTED)
    secret = Route("GET", "/secret", hello, Access.READ, "Tells.", Hello, query=Nothing)
    desk = FakeDesk()
    context = Context(desk, services, None, {}, (secret,), 0)  # type: ignore[arg-type]  # unused
    assert Application((secret,), context)._gate._allows(secret, NOBODY) is False
