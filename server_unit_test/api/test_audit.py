"""Who changed what: what becomes an entry, what is in it, and who may read it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from server.api.call import Access
from server.api.routes import ROUTES
from server.model.access import Scope, Token, digest_of
from server.model.audit import MAX_ABOUT, MAX_AUDIT_PAGE, MAX_AUDIT_TEXT, AuditEntry, Door
from server.model.configuration import Configuration, HarvestConfig
from server.model.exposure import Exposure
from server.model.reading import ClockQuality
from server.model.request import ChangeSettings, QueryAudit
from server_unit_test.api.conftest import Api
from server_unit_test.api.examples import EXAMPLES, Example
from server_unit_test.api.fake_desk import AUDITED, TOKEN
from server_unit_test.api.fake_services import fake_services

SERVICE = "egret_bluetooth_secret"
SECRETS = ("an example", "egret_0badcafe_secret", "the-owners-session", "a long secret")


class Kept(Api):
    """A server of its own that remembers what was kept."""

    def __init__(self, exposure: Exposure | None = None) -> None:
        self.kept: list[AuditEntry] = []
        services = fake_services() if exposure is None else fake_services(exposure=exposure)
        super().__init__(replace(services, audit=self.kept.append))

    def only(self) -> AuditEntry:
        """The one entry."""
        assert 1 == len(self.kept), self.kept
        return self.kept[0]


@pytest.fixture
def open_box() -> Iterator[Kept]:
    """It lets everybody in."""
    found = Kept()
    yield found
    found.close()


@pytest.fixture
def box() -> Iterator[Kept]:
    """It lets in whom the owner let in."""
    found = Kept(Exposure())
    yield found
    found.close()


def test_a_change_is_kept_with_who_and_from_where(box: Kept) -> None:
    """And when, by a clock whose trust is told."""
    box.call("DELETE", "/api/notification/7", owner=True)

    entry = box.only()
    expected = AuditEntry(
        box.clock.utc_ms(),
        ClockQuality.SYNCED,
        "owner",
        "127.0.0.1",
        Door.HTTP,
        "DELETE",
        "/api/notification/7",
        200,
    )
    assert expected == entry


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each.method} {each.path}")
def test_what_changes_something_is_kept_and_nothing_else(open_box: Kept, example: Example) -> None:
    """By the table of routes, so that a new row cannot be forgotten; and never a secret."""
    route = next(r for r in ROUTES if (r.method, r.path) == (example.method, example.route))
    changing = route.access in (Access.CHANGE, Access.CONTROL, Access.OWNER)
    entering = route.path.startswith("/api/entry/")
    expected = route.method != "GET" and (changing or entering)

    open_box.call(example.method, example.path, example.body, owner=True, stream=True).close()

    assert (expected and route.path != "/api/bluetooth/state") == bool(open_box.kept)
    assert not any(secret in repr(open_box.kept) for secret in SECRETS)


def test_of_settings_only_the_names_are_kept(box: Kept) -> None:
    """Those that differ, never what they are."""
    changed = Configuration(name="Home", harvest=HarvestConfig(("https://a long secret/",), 7.0))
    box.desk.answers[ChangeSettings] = lambda request: changed

    box.call("POST", "/api/settings", {"harvest": {"interval_s": 7}}, owner=True)

    about = box.only().about
    assert {"harvest.endpoints", "harvest.interval_s", "devices"} == set(about)


def test_a_change_that_failed_is_kept_as_one(box: Kept) -> None:
    """With its status, and without what was sent."""
    box.call("POST", "/api/settings", {"a long secret": 1, "version": "x"}, owner=True)
    box.call("POST", "/api/device", {"rubbish": "a long secret"}, owner=True)

    assert 400 == box.kept[1].status
    assert all(() == each.about for each in box.kept[1:])
    assert "a long secret" not in repr(box.kept)


def test_who_may_not_is_kept_by_name(box: Kept) -> None:
    """A token that lacks a scope, and nobody at all."""
    credential = "egret_5a17ab1e_x"
    bearer = {"Authorization": f"Bearer {credential}"}
    box.call("DELETE", "/api/notification/7", headers=bearer)
    box.call("DELETE", "/api/notification/7")

    told = [(each.who, each.status, each.refused) for each in box.kept]
    assert [(TOKEN.name, 403, True), ("nobody", 401, True)] == told


def test_a_foreign_site_that_tries_is_kept(box: Kept) -> None:
    """Before anybody knows what it wants."""
    box.call("POST", "/api/settings", {}, headers={"Origin": "http://evil.example"}, owner=True)

    assert (403, "/api/settings") == (box.only().status, box.only().path)


def test_reading_and_trying_to_read_are_not_kept(box: Kept) -> None:
    """The log is about changes; nobody's looking is written down."""
    box.call("GET", "/api/snapshot")
    box.call("GET", "/api/snapshot", owner=True)
    box.call("GET", "/api/token")

    assert [] == box.kept


def test_what_comes_through_the_phones_door_is_told_so(box: Kept) -> None:
    """Its service asks with a token of its own."""
    token = Token(
        "bluetooth",
        "Bluetooth service",
        frozenset((Scope.READ, Scope.CONFIGURE)),
        digest_of(SERVICE),
        0,
        True,
    )
    box.desk.view = replace(box.desk.view, tokens={"bluetooth": token})
    bearer = {"Authorization": f"Bearer {SERVICE}"}

    box.call("DELETE", "/api/notification/7", headers=bearer)
    box.call("POST", "/api/bluetooth/state", {"state": "open"}, headers=bearer)

    entry = box.only()
    assert ("Bluetooth service", Door.BLUETOOTH) == (entry.who, entry.door)


def test_texts_of_strangers_are_cut(box: Kept) -> None:
    """A long path makes no long entry."""
    box.call("DELETE", f"/api/notification/{'9' * 5000}")

    assert MAX_AUDIT_TEXT == len(box.only().path)


def test_many_changes_name_some(box: Kept) -> None:
    """More settings than an entry holds are cut off."""
    assert MAX_ABOUT > len({"harvest", "api", "store"})
    box.call("POST", "/api/token", {"name": "Grafana", "scopes": ["read"]}, owner=True)

    assert ("0badcafe", "Grafana") == box.only().about


def test_the_owner_reads_it_page_by_page(api: Api) -> None:
    """What comes back is one line per entry, and where the next page begins."""
    response = api.call("GET", "/api/audit?limit=1&before=9&refused=true", owner=True)

    told = response.json()
    wanted = api.desk.asked[-1]
    assert isinstance(wanted, QueryAudit)
    assert (9, 1, True) == (wanted.wanted.before, wanted.wanted.limit, wanted.wanted.refused)
    assert (AUDITED.number, AUDITED.number) == (told["entries"][0]["number"], told["next"])
    assert ["harvest.endpoints"] == told["entries"][0]["about"]


def test_the_last_page_says_so(api: Api) -> None:
    """It is shorter than was asked."""
    assert 0 == api.call("GET", "/api/audit", owner=True).json()["next"]


@pytest.mark.parametrize(
    "query", ["limit=0", f"limit={MAX_AUDIT_PAGE + 1}", "limit=x", "before=-1", "refused=maybe"]
)
def test_a_page_that_cannot_be_is_said(api: Api, query: str) -> None:
    """In words."""
    assert 400 == api.call("GET", f"/api/audit?{query}", owner=True).status_code


@pytest.mark.parametrize("path", ["/api/audit", "/api/audit/export"])
def test_nobody_else_reads_it(box: Kept, path: str) -> None:
    """No token will do."""
    headers: dict[str, Any] = {"Authorization": "Bearer egret_5a17ab1e_x"}

    assert [401, 403] == [
        box.call("GET", path).status_code,
        box.call("GET", path, headers=headers).status_code,
    ]


def test_it_is_exported_as_a_file(api: Api) -> None:
    """With a name, one JSON object a line."""
    response = api.call("GET", "/api/audit/export", owner=True)

    assert b'{"number": 7}\n' == response.content
    assert "attachment" in response.headers["content-disposition"]
