"""Who may ask, judged by the headers that browsers let no page forge."""

import socket

import pytest

from server.api.auth import check
from server.api.refusals import BadRequest
from server_unit_test.api.conftest import Api

NAMES = ("egret", "egret.local")
US = "192.0.2.2:8080"


def refused(method: str, **headers: str) -> str | None:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    try:
        check(method, raw, NAMES)
    except PermissionError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "host",
    [
        "192.0.2.2",
        "192.0.2.2:8080",
        "[fe80::1]:8080",
        "localhost",
        "LOCALHOST:80",
        "egret",
        "Egret.Local:8080",
        "egret.local.",
    ],
)
def test_our_addresses_and_names_are_taken(host: str) -> None:
    """An IP address cannot be rebound, and our names are ours."""
    assert refused("GET", host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "egret.evil.example",
        "localhost.evil.example",
        "192.0.2.2.evil.example",
        "evil.example:8080",
        "a@192.0.2.2",
        "192.0.2.2/x",
        "192.0.2.2:port",
        "",
        "[fe80",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_foreign_names_are_refused_for_reading_too(method: str, host: str) -> None:
    """A page whose name was rebound to our address can neither change nor read anything."""
    assert "host name" in (refused(method, host=host) or "")


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH"])
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://192.0.2.2:8080",
        "http://192.0.2.2",
        "http://192.0.2.2:8081",
        "null",
        "",
        "http://192.0.2.2:8080.evil.example",
    ],
)
def test_changes_from_another_origin_are_refused(method: str, origin: str) -> None:
    """Scheme, name and port must all be those the request goes to."""
    assert refused(method, host=US, origin=origin)


def test_changes_from_our_own_page_pass() -> None:
    """The page is served by the very address it talks to."""
    assert refused("POST", host=US, origin=f"http://{US}", sec_fetch_site="same-origin") is None


def test_programs_pass() -> None:
    """A program sends no origin; it is no browser that a page could use."""
    assert refused("POST", host=US) is None


def test_a_proxy_is_not_believed() -> None:
    """Anybody can write what a proxy would: behind TLS the page reads, and changes nothing."""
    forwarded = {"x_forwarded_proto": "https", "x_forwarded_host": US}

    assert refused("POST", host=US, origin=f"https://{US}", **forwarded)
    assert refused("GET", host="evil.example", **forwarded)


def test_the_referrer_stands_in_for_a_missing_origin() -> None:
    """Old browsers send only that."""
    assert refused("POST", host=US, referer="http://evil.example/page")
    assert refused("POST", host=US, referer=f"http://{US}/page") is None


@pytest.mark.parametrize("site", ["cross-site", "same-site", "unheard-of"])
def test_the_browsers_own_word_counts(site: str) -> None:
    """A change that the browser says comes from elsewhere is refused."""
    assert refused("POST", host=US, sec_fetch_site=site)


def test_a_link_to_the_page_may_be_followed() -> None:
    """Coming from elsewhere is no crime; being embedded elsewhere is."""
    assert refused("GET", host=US, sec_fetch_site="cross-site", sec_fetch_mode="navigate") is None
    assert refused("GET", host=US, sec_fetch_site="cross-site", sec_fetch_mode="no-cors")


@pytest.mark.parametrize("hosts", [(), (b"localhost", b"localhost"), (b"localhost", b"evil")])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_there_is_one_host(method: str, hosts: tuple[bytes, ...]) -> None:
    """Without one nobody knows what was asked; of two, somebody else may have read the other."""
    with pytest.raises(BadRequest, match="^Host:"):
        check(method, [(b"host", each) for each in hosts], NAMES)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"GET /api/hello HTTP/1.1\r\n\r\n", 400),
        (b"GET /api/hello HTTP/1.0\r\n\r\n", 400),
        (b"GET /api/hello HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        (b"GET http://evil.example/api/hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET http://localhost/api/hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET http://evil.example/api/hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
        (b"GET http://a@localhost/api/hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET http://LocalHost/api/hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
    ],
)
def test_the_target_names_no_other_host(api: Api, request_: bytes, expected: int) -> None:
    """A whole address in the request line counts like a Host, and must be the same."""
    with socket.create_connection((api.host, api.port), 5) as door:
        door.sendall(request_)

        assert expected == int(door.recv(65536).split(b" ", 2)[1])


def test_a_refusal_is_an_answer_in_words(api: Api) -> None:
    """403 with JSON, and the gateway is not even asked."""
    response = api.call(
        "POST", "/api/invertertcp", {"ip": "192.0.2.7"}, headers={"Origin": "http://evil.example"}
    )

    assert 403 == response.status_code
    assert "evil.example" in response.json()["error"]
    assert [] == api.desk.asked


def test_a_foreign_form_does_not_get_through(api: Api) -> None:
    """The one thing a page can send without asking first is a form: it is refused."""
    response = api.call(
        "POST",
        "/api/invertertcp",
        data="ip=192.0.2.7",
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": "http://evil.example",
            "Sec-Fetch-Site": "cross-site",
        },
    )

    assert 403 == response.status_code
    assert [] == api.desk.asked


def test_no_answer_may_be_read_by_other_sites(api: Api) -> None:
    """There are no CORS headers, not even for who asks for them."""
    response = api.get("/api/hello", headers={"Origin": "http://evil.example"})

    assert not [name for name in response.headers if name.lower().startswith("access-control")]
