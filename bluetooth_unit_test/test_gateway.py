"""The gateway's API from here: real sockets, and a gateway that misbehaves in every way."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluetooth.clock import SystemClock
from bluetooth.errors import GatewayAway, GatewaySlow
from bluetooth.gateway import (
    ASK_TIMEOUT_S,
    CHUNK_BYTES,
    CLOSE_TIMEOUT_S,
    CONNECT_TIMEOUT_S,
    HELPERS,
    MAX_ANSWER_BYTES,
    MAX_ASKING,
    MAX_PATH_CHARACTERS,
    AnswerTooLarge,
    RequestsGateway,
    check_path,
)
from bluetooth.ports import Answer, Gateway
from bluetooth_unit_test.fake_gateway import FakeGateway
from bluetooth_unit_test.http_gateway import (
    Handler,
    HttpGateway,
    babble,
    break_off,
    drip_body,
    drip_head,
    flood,
    hang,
    hang_up,
    redirect,
)

pytestmark = pytest.mark.anyio

SOON_S = 0.1
"""A time limit that a gateway which does not answer meets quickly."""
AMPLE_S = 10.0
"""A limit that nothing here meets, on a slow machine either."""


class Closing(Gateway, Protocol):
    """A gateway port that can be closed."""

    async def close(self) -> None: ...


class Sayer(Protocol):
    """What answers behind the port."""

    asked: list[tuple[str, str, bytes]]

    def says(
        self, method: str, path: str, value: Any, status: int = 200, reason: str = ""
    ) -> None: ...


@pytest.fixture
def server() -> Iterator[HttpGateway]:
    with HttpGateway() as running:
        yield running


@pytest.fixture
async def gateway(server: HttpGateway) -> AsyncIterator[RequestsGateway]:
    opened = RequestsGateway(server.url, SystemClock())
    yield opened
    await opened.close()


@pytest.fixture(params=("real", "fake"))
async def pair(
    request: pytest.FixtureRequest, server: HttpGateway
) -> AsyncIterator[tuple[Closing, Sayer]]:
    """The contract runs against both: the port, and what it asks."""
    if request.param == "fake":
        fake = FakeGateway()
        yield fake, fake
        return
    real = RequestsGateway(server.url, SystemClock())
    yield real, server
    await real.close()


async def test_answer_comes_as_it_is(pair: tuple[Closing, Sayer]) -> None:
    """Contract: status, reason, type and body are the gateway's."""
    gateway, behind = pair
    behind.says("POST", "/api/wifi?x=1", {"reason": "not_found"}, 422, "Unprocessable")
    answer = await gateway.ask("POST", "/api/wifi?x=1", b'{"ssid": "a"}')

    assert Answer(422, "Unprocessable", "application/json", b'{"reason": "not_found"}') == answer
    assert [("POST", "/api/wifi?x=1", b'{"ssid": "a"}')] == behind.asked


async def test_unknown_page_is_an_answer(pair: tuple[Closing, Sayer]) -> None:
    """Contract: a status of an error is an answer like others."""
    gateway, _ = pair

    assert 404 == (await gateway.ask("GET", "/api/none")).status


@pytest.mark.parametrize(
    "path",
    (
        "",
        "api/hello",
        "http://example.com/",
        "//example.com/",
        "/api/../x",
        "/api/.",
        "/api/%2e%2e/x",
        "/a\\b",
        "/a b",
        "/a\r\nX: y",
        "/a?b#c",
        "/gr\u00fc\u00df",
        "/" + "a" * MAX_PATH_CHARACTERS,
    ),
)
async def test_no_other_paths(pair: tuple[Closing, Sayer], path: str) -> None:
    """Contract: what is no plain path is refused before anything is sent."""
    gateway, behind = pair
    with pytest.raises(ValueError, match="a path"):
        await gateway.ask("GET", path)

    assert [] == behind.asked


async def test_after_closing(pair: tuple[Closing, Sayer]) -> None:
    """Contract: a closed port asks no more; closing twice is nothing."""
    gateway, behind = pair
    await gateway.close()
    await gateway.close()
    with pytest.raises(GatewayAway):
        await gateway.ask("GET", "/api/hello")

    assert [] == behind.asked


@given(st.text(max_size=60))
def test_no_text_breaks_the_check(path: str) -> None:
    """Any text is a plain path or refused as none."""
    try:
        check_path(path)
    except ValueError:
        return

    assert path.isascii() and ".." not in path.partition("?")[0].split("/")


@pytest.mark.parametrize("query", ("?a=%41%2E%2E&b=~", "?x=1&&y", ""))
async def test_path_is_kept_as_given(
    server: HttpGateway, gateway: RequestsGateway, query: str
) -> None:
    """Nothing on the way tidies a path up: what was compared is what is asked."""
    await gateway.ask("GET", "/api/a;b=1/c:d" + query)

    assert "/api/a;b=1/c:d" + query == server.asked[0][1]


async def test_headers_that_are_sent(server: HttpGateway, gateway: RequestsGateway) -> None:
    """A body is JSON, nothing is compressed, no connection is kept, no cookie, no token."""
    server.says("POST", "/api/echo", {})
    await gateway.ask("POST", "/api/echo", b"{}")
    await gateway.ask("GET", "/api/echo")
    post, get = server.headers

    assert ("application/json", "identity", "close") == (
        post["content-type"],
        post["accept-encoding"],
        post["connection"],
    )
    assert not {"authorization", "cookie", "content-type"} & set(get)


async def test_token_is_asked_each_time(server: HttpGateway) -> None:
    """A token that changes is the new one with the next request; None sends none."""
    tokens = iter(("one", None))
    gateway = RequestsGateway(server.url, SystemClock(), lambda: next(tokens))
    await gateway.ask("GET", "/api/hello")
    await gateway.ask("GET", "/api/hello")
    await gateway.close()

    assert ["Bearer one", None] == [each.get("authorization") for each in server.headers]


@pytest.mark.parametrize("token", ("gr\u00fcn", "a\r\nX: y", "\x00"))
async def test_damaged_token(server: HttpGateway, token: str) -> None:
    """A token that is none is not sent, and not quoted in the error."""
    gateway = RequestsGateway(server.url, SystemClock(), lambda: token)
    with pytest.raises(GatewayAway) as caught:
        await gateway.ask("GET", "/api/hello")
    await gateway.close()

    assert ([], False) == (server.asked, token in str(caught.value))


async def test_environment_leads_nowhere_else(
    server: HttpGateway, gateway: RequestsGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy of whoever started the service is not asked."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server.says("GET", "/api/hello", {})

    assert 200 == (await gateway.ask("GET", "/api/hello")).status


@pytest.mark.parametrize("misbehave", (hang, drip_head, drip_body))
async def test_slow_gateway(
    server: HttpGateway, gateway: RequestsGateway, misbehave: Callable[[Handler], None]
) -> None:
    """Whoever does not come to an end within the time is slow, and holds no helper afterwards."""
    server.says("GET", "/slow", misbehave)
    server.says("GET", "/api/hello", {})
    for _ in range(HELPERS + 1):
        with pytest.raises(GatewaySlow):
            await gateway.ask("GET", "/slow", timeout_s=SOON_S)
    answer = await gateway.ask("GET", "/api/hello", timeout_s=AMPLE_S)

    assert 200 == answer.status


async def test_event_loop_goes_on(server: HttpGateway, gateway: RequestsGateway) -> None:
    """While the gateway hangs, the loop serves others, and other helpers answer."""
    server.says("GET", "/slow", hang)
    server.says("GET", "/api/hello", {})
    slow = asyncio.ensure_future(gateway.ask("GET", "/slow", timeout_s=AMPLE_S))
    answer = await gateway.ask("GET", "/api/hello", timeout_s=AMPLE_S)

    assert (200, False) == (answer.status, slow.done())
    await gateway.close()
    with pytest.raises(GatewayAway):
        await slow


@pytest.mark.parametrize("misbehave", (hang_up, break_off, babble, redirect))
async def test_gateway_that_breaks_off(
    server: HttpGateway, gateway: RequestsGateway, misbehave: Callable[[Handler], None]
) -> None:
    """No answer, half of one, no HTTP, one that leads elsewhere: it is away, and asked once."""
    server.says("POST", "/api/wifi", misbehave)
    with pytest.raises(GatewayAway):
        await gateway.ask("POST", "/api/wifi", b"{}", timeout_s=AMPLE_S)

    assert [("POST", "/api/wifi", b"{}")] == server.asked


async def test_huge_answer(server: HttpGateway, gateway: RequestsGateway) -> None:
    """MAX_ANSWER_BYTES arrive; one more, or a body without an end, is too large."""
    server.says("GET", "/most", b"x" * MAX_ANSWER_BYTES)
    server.says("GET", "/more", b"x" * (MAX_ANSWER_BYTES + 1))
    server.says("GET", "/endless", flood)
    answer = await gateway.ask("GET", "/most", timeout_s=AMPLE_S)

    assert MAX_ANSWER_BYTES == len(answer.body)
    for path in ("/more", "/endless"):
        with pytest.raises(AnswerTooLarge):
            await gateway.ask("GET", path, timeout_s=AMPLE_S)


async def test_absent_gateway_and_one_that_comes_up() -> None:
    """Before the gateway is up it is away; once it is, the same port asks it."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        gateway = RequestsGateway(url, SystemClock())
        with pytest.raises(GatewayAway):
            await gateway.ask("GET", "/api/hello", timeout_s=AMPLE_S)
        reserved.listen()  # It is there now, though it says nothing.
        with pytest.raises(GatewaySlow):
            await gateway.ask("GET", "/api/hello", timeout_s=SOON_S)
    await gateway.close()


async def test_too_many_requests(server: HttpGateway, gateway: RequestsGateway) -> None:
    """MAX_ASKING are under way or wait; one more is told at once that the gateway is busy."""
    server.says("GET", "/slow", hang)
    asking = [
        asyncio.ensure_future(gateway.ask("GET", "/slow", timeout_s=AMPLE_S))
        for _ in range(MAX_ASKING)
    ]
    turn = asyncio.Event()
    asyncio.get_running_loop().call_soon(turn.set)
    await turn.wait()
    with pytest.raises(GatewaySlow, match="too much"):
        await gateway.ask("GET", "/api/hello")
    await gateway.close()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)

    assert {GatewayAway, GatewaySlow} >= {type(each) for each in outcomes}
    assert len(server.asked) <= HELPERS


async def test_cancelled_request(server: HttpGateway, gateway: RequestsGateway) -> None:
    """A caller that gives up frees its helper."""
    server.says("GET", "/slow", hang)
    server.says("GET", "/api/hello", {})
    asking = [asyncio.ensure_future(gateway.ask("GET", "/slow")) for _ in range(HELPERS)]
    turn = asyncio.Event()
    asyncio.get_running_loop().call_soon(turn.set)
    await turn.wait()
    for each in asking:
        each.cancel()
    await asyncio.gather(*asking, return_exceptions=True)

    assert 200 == (await gateway.ask("GET", "/api/hello", timeout_s=AMPLE_S)).status


async def test_closing_leaves_no_thread(server: HttpGateway, gateway: RequestsGateway) -> None:
    """Closing breaks off what hangs, in time, and ends the helpers."""
    server.says("GET", "/slow", hang)
    slow = asyncio.ensure_future(gateway.ask("GET", "/slow", timeout_s=AMPLE_S))
    server.says("GET", "/api/hello", {})
    await gateway.ask("GET", "/api/hello", timeout_s=AMPLE_S)
    async with asyncio.timeout(CLOSE_TIMEOUT_S + AMPLE_S):
        await gateway.close()
    with pytest.raises(GatewayAway):
        await slow

    assert [] == [each.name for each in threading.enumerate() if each.name.startswith("gateway_")]


@pytest.mark.parametrize(
    "url",
    (
        "",
        "127.0.0.1:5000",
        "https://127.0.0.1",
        "http://",
        "http://user:secret@127.0.0.1",
        "http://127.0.0.1/api",
        "http://127.0.0.1?x",
        "http://127.0.0.1:99999",
    ),
)
def test_url_that_is_none(url: str) -> None:
    """Only http://host[:port] is taken, and the error says so."""
    with pytest.raises(ValueError):
        RequestsGateway(url, SystemClock())


@pytest.mark.parametrize("url", ("http://127.0.0.1:5000", "http://localhost/", "http://[::1]:80"))
def test_url_of_a_gateway(url: str) -> None:
    """A host, perhaps a port."""
    assert RequestsGateway(url, SystemClock())


def test_limits_fit_together() -> None:
    """Connecting is a part of asking, and closing waits for a helper that connects."""
    assert CONNECT_TIMEOUT_S < CLOSE_TIMEOUT_S < ASK_TIMEOUT_S
    assert CHUNK_BYTES < MAX_ANSWER_BYTES
