"""The TLS door as the API tells of it, and what is sent there from the plain one."""

import asyncio
import json
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from server.api.application import Application
from server.api.call import Context
from server.api.gate import COOKIE, SECURE_COOKIE
from server.api.live import Live
from server.api.routes import ROUTES
from server.api.server import ApiServer, bind
from server.api.tls import MAX_REDIRECT, TlsOffer, terms_of
from server.identity.certificate import own_certificate
from server.identity.served_certificate import ServedCertificate, context_of
from server.model.access import Protection
from server.model.encryption import CertificateView, TlsTerms, colons
from server.model.exposure import Exposure
from server_unit_test.api.fake_desk import OWNERS_SESSION, FakeDesk
from server_unit_test.api.fake_services import fake_services
from server_unit_test.contracts.fake_clock import FakeClock

TIMEOUT_S = 10
PROTECTED = Exposure(Protection.PROTECTED)
VIEW = CertificateView("ab" * 32, "cd" * 32, ("box.local",), 1, 2)
TERMS = TlsTerms(8443, True, lambda: VIEW)
THERE = ("192.0.2.9", 50_000)


def asked(
    method: str,
    path: str,
    terms: TlsTerms = TERMS,
    client: tuple[str, int] | None = THERE,
    scheme: str = "http",
    **headers: str,
) -> tuple[int, dict[str, str], Any]:
    """How a protected box answers a request that comes over a network."""
    desk, services = FakeDesk(), fake_services(exposure=PROTECTED)
    live = Live(desk, services.clock)
    context = Context(desk, services, live, {}, ROUTES, 8080, terms)
    sent: list[Any] = []
    scope = {
        "method": method,
        "path": path if path.isprintable() else "/",
        "raw_path": path.encode(),
        "query_string": b"",
        "scheme": scheme,
        "client": client,
        "headers": [
            (name.replace("_", "-").encode(), value.encode())
            for name, value in {"host": "box.local:8080", **headers}.items()
        ],
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    services = replace(services, names=("box.local",))
    context = replace(context, services=services)
    asyncio.run(Application(ROUTES, context)(scope, receive, send))
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], told, sent[1]["body"]


@pytest.mark.parametrize("path", ["/", "/api/docs", "/static/page.js"])
def test_a_browser_is_sent_to_the_tls_door(path: str) -> None:
    """For good and with the path, so that a bookmark goes on working."""
    status, headers, body = asked("GET", path)

    assert (308, f"https://box.local:8443{path}") == (status, headers["location"])
    assert "https://" in json.loads(body)["error"]


def test_an_ipv6_address_keeps_its_brackets() -> None:
    """Or the browser could not read it."""
    _, headers, _ = asked("GET", "/", host="[2001:db8::1]:8080")

    assert "https://[2001:db8::1]:8443/" == headers["location"]


def test_the_usual_port_is_not_said() -> None:
    """A box whose TLS door is at 443 has a short address."""
    _, headers, _ = asked("GET", "/", replace(TERMS, port=443))

    assert "https://box.local/" == headers["location"]


@pytest.mark.parametrize("rest", ["x" * MAX_REDIRECT, "a\r\nset-cookie: x=y", "\u00e9"])
def test_a_path_that_is_no_address_leads_to_the_page(rest: str) -> None:
    """Nothing that a link carries gets into a header of ours."""
    status, headers, _ = asked("GET", f"/static/{rest}")

    assert 308 == status
    assert headers["location"].isprintable() and len(headers["location"]) <= MAX_REDIRECT
    assert "set-cookie" not in headers


def test_nobody_is_sent_to_a_host_that_is_not_ours() -> None:
    """The name is checked before it is repeated."""
    status, headers, _ = asked("GET", "/", host="evil.example")

    assert (403, None) == (status, headers.get("location"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/entry/claim"),
        ("POST", "/api/entry/login"),
        ("POST", "/api/entry/logout"),
        ("POST", "/api/entry/password"),
        ("GET", "/api/token"),
        ("POST", "/api/token"),
        ("DELETE", "/api/token"),
        ("POST", "/api/crypto/sign"),
    ],
)
def test_secrets_are_not_taken_in_the_clear(method: str, path: str) -> None:
    """The answer says where they are."""
    status, _, body = asked(method, path)

    told = json.loads(body)
    assert (403, "needs_tls") == (status, told["reason"])
    assert f"https://box.local:8443{path}" in told["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer egret_5a17ab1e_x"},
        {"cookie": f"{COOKIE}={OWNERS_SESSION}"},
        {"cookie": f"a=b; {SECURE_COOKIE}={OWNERS_SESSION}"},
    ],
)
def test_a_token_or_a_session_in_the_clear_is_told_so(headers: dict[str, str]) -> None:
    """Also where it is right: it has been heard, and its owner is to notice at once."""
    status, _, body = asked("GET", "/api/snapshot", **headers)

    assert (403, "needs_tls") == (status, json.loads(body)["reason"])


def test_what_is_open_to_all_stays_so() -> None:
    """It holds nothing to hide; a watchdog needs no certificate."""
    assert 200 == asked("GET", "/api/hello")[0]
    assert 200 == asked("GET", "/api/entry")[0]


def test_what_nobody_may_do_is_refused_as_at_the_other_door() -> None:
    """Without a token the answer is that of the gate."""
    assert 401 == asked("GET", "/api/snapshot")[0]


def test_the_bluetooth_service_goes_on_among_its_containers() -> None:
    """Its own token passes this check; whether it is right is judged by the gate."""
    status, _, body = asked(
        "GET", "/api/snapshot", authorization="Bearer egret_bluetooth_never-made"
    )

    assert (401, "wrong_token") == (status, json.loads(body)["reason"])


@pytest.mark.parametrize("client", [("127.0.0.1", 1), ("::1", 1), ("::ffff:127.0.0.1", 1)])
def test_what_never_leaves_the_machine_needs_no_tls(client: tuple[str, int]) -> None:
    """Programs on the box itself."""
    status, _, _ = asked("GET", "/api/token", client=client, cookie=f"{COOKIE}={OWNERS_SESSION}")

    assert 200 == status


def test_through_tls_all_is_well() -> None:
    """With the cookie that only TLS carries."""
    cookie = f"{SECURE_COOKIE}={OWNERS_SESSION}"

    assert 200 == asked("GET", "/api/token", scheme="https", cookie=cookie)[0]


@pytest.mark.parametrize(
    ("offer", "port", "exposure", "expected"),
    [
        ({}, 8443, PROTECTED, True),
        ({}, 8443, Exposure(Protection.OPEN, exposed=True), False),
        ({"plain_http": True}, 8443, PROTECTED, False),
        ({}, 0, PROTECTED, False),
        (None, 0, PROTECTED, False),
    ],
)
def test_when_the_tls_door_is_required(
    offer: dict[str, Any] | None, port: int, exposure: Exposure, expected: bool
) -> None:
    """On a box that protects itself and has such a door; never where that would lock it."""

    def no_context() -> ssl.SSLContext:
        raise AssertionError

    made = None if offer is None else TlsOffer(8443, no_context, lambda: VIEW, **offer)

    assert expected == terms_of(made, port, exposure).required


class Box:
    """A server with both doors."""

    def __init__(self, folder: Path) -> None:
        self.own = own_certificate(folder, "box", ("localhost", "127.0.0.1"), FakeClock())
        context = context_of(self.own.certificate, self.own.key)
        offer = TlsOffer(0, lambda: context, lambda: self.own.view)
        self.desk = FakeDesk()
        self.server = ApiServer(self.desk, fake_services(), "127.0.0.1", 0, offer)
        _, self.port = self.server.start()
        self.url = f"https://127.0.0.1:{self.server.tls_port}"
        self.http = requests.Session()
        self.http.trust_env = False
        # Fake clocks make certificates of another year: the key is what is looked at here.
        self.http.verify = False

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        """Through TLS."""
        return self.http.request(method, self.url + path, timeout=TIMEOUT_S, **more)

    def close(self) -> None:
        """Both doors."""
        self.http.close()
        self.server.stop()


pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A server of this test alone."""
    found = Box(tmp_path)
    yield found
    found.close()


def test_both_doors_lead_to_the_same(box: Box) -> None:
    """The one with TLS tells its certificate, and a plain client reads of it as well."""
    plain = requests.get(f"http://127.0.0.1:{box.port}/api/tls", timeout=TIMEOUT_S).json()

    told = box.call("GET", "/api/tls").json()

    assert plain == told
    assert (box.server.tls_port, box.url) == (told["port"], told["url"])
    assert colons(box.own.view.key_fingerprint) == told["key_fingerprint"]


def test_a_handshake_shows_the_certificate_that_is_told(box: Box) -> None:
    """Whoever compares fingerprints compares the right ones."""
    pem = ssl.get_server_certificate(("127.0.0.1", box.server.tls_port), timeout=TIMEOUT_S)

    assert box.own.certificate.read_text() == pem


def test_the_session_of_tls_is_bound_to_it(box: Box) -> None:
    """Secure, and with the prefix that no other host can set."""
    response = box.call("POST", "/api/entry/login", json={"password": "an example of one"})

    assert response.headers["set-cookie"].startswith(f"{SECURE_COOKIE}=")
    assert "; Secure" in response.headers["set-cookie"]


@pytest.mark.parametrize(("origin", "expected"), [("https", 200), ("http", 403)])
def test_a_page_from_the_other_scheme_is_another_site(box: Box, origin: str, expected: int) -> None:
    """What was loaded in the clear, and may have been changed on the way, changes nothing."""
    authority = box.url.removeprefix("https://")

    response = box.call(
        "POST",
        "/api/entry/login",
        json={"password": "an example of one"},
        headers={"Origin": f"{origin}://{authority}"},
    )

    assert expected == response.status_code


def test_a_box_without_the_door_says_so() -> None:
    """All zero and empty."""
    status, _, body = asked("GET", "/api/tls", TlsTerms())

    told = json.loads(body)
    assert (200, 0, "") == (status, told["port"], told["fingerprint"])


def test_the_names_of_the_owners_certificate_are_ours() -> None:
    """Without them the browser that comes by that name would be turned away; wildcards too."""
    owners = replace(VIEW, names=("gw.example", "*.home.example"), owners=True)
    terms = replace(TERMS, certificate=lambda: owners)

    found = [
        asked("GET", "/api/hello", terms, scheme="https", host=host)[0]
        for host in ("gw.example", "gw.home.example", "a.b.home.example", "home.example")
    ]

    assert [200, 200, 403, 403] == found


def test_a_tls_port_in_use_is_a_notice_and_not_the_end(tmp_path: Path) -> None:
    """The plain door goes on, and requires nothing that is not there."""
    with bind("127.0.0.1", 0) as taken:
        own = own_certificate(tmp_path, "box", (), FakeClock())
        context = context_of(own.certificate, own.key)
        offer = TlsOffer(taken.getsockname()[1], lambda: context, lambda: own.view)
        services = fake_services(exposure=PROTECTED)
        server = ApiServer(FakeDesk(), services, "127.0.0.1", 0, offer)

        _, port = server.start()

        told = requests.get(f"http://127.0.0.1:{port}/api/tls", timeout=TIMEOUT_S).json()
        server.stop()
    assert (0, False) == (told["port"], told["required"])
    assert "api.tls_port" in server.tls_problem


def test_a_renewed_certificate_counts_from_the_next_connection(tmp_path: Path) -> None:
    """Nothing is started again."""
    clock = FakeClock()
    served = ServedCertificate(tmp_path, "box", lambda: ("localhost",), clock)
    served.look()
    offer = TlsOffer(0, lambda: served.context, lambda: served.view)
    server = ApiServer(FakeDesk(), fake_services(), "127.0.0.1", 0, offer)
    server.start()
    before = ssl.get_server_certificate(("127.0.0.1", server.tls_port), timeout=TIMEOUT_S)
    clock.advance(4 * 365 * 86_400)

    served.look()

    after = ssl.get_server_certificate(("127.0.0.1", server.tls_port), timeout=TIMEOUT_S)
    server.stop()
    assert before != after
