"""A real gateway behind the door: what stands in HTTP stands in the air."""

import pytest
import requests

from ble_rest_test.stand import LocalStand
from ble_rest_test.words import RawPhone, text
from bluetooth.egwttp import PAGE_BYTES, Request

pytestmark = pytest.mark.real_time

LONG = "/api/supported"
"""An answer of several pages that does not change."""

HTTP_TIMEOUT_S = 20.0


def over_http(stand: LocalStand, path: str) -> requests.Response:
    """The same question without a radio."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {stand.token()}"
        return session.get(stand.url + path, timeout=HTTP_TIMEOUT_S)


@pytest.mark.parametrize(
    "path", ["/api/hello", "/api/version", "/api/name", LONG, "/api/notification/123456"]
)
@pytest.mark.parametrize("is_sealed", [False, True], ids=["plain", "sealed"])
async def test_the_answer_is_that_of_http(real_box: LocalStand, path: str, is_sealed: bool) -> None:
    """Status, words and body."""
    direct = over_http(real_box, path)

    async with real_box.phone(real_box.label if is_sealed else None) as phone:
        reply = await phone.get(path)

    assert (direct.status_code, direct.reason) == (reply.status, reply.reason)
    assert direct.content == reply.body


async def test_a_long_answer_is_paged(real_box: LocalStand) -> None:
    """And the first page is a full one."""
    async with real_box.phone() as phone:
        reply = await phone.get(LONG)
        raw = await RawPhone.of(phone)
        await raw.page(Request("GET", LONG).encode())
        page = await raw.read()

    assert 200 == reply.status
    assert len(reply.body) > 2 * PAGE_BYTES
    assert isinstance(reply.json(), dict | list)
    assert PAGE_BYTES - 3 <= len(page) <= PAGE_BYTES


async def test_what_is_sent_arrives(real_box: LocalStand) -> None:
    """In many writes, with characters of every length; and comes back in as many pages."""
    words = text(2000)

    async with real_box.phone() as phone:
        reply = await phone.post("/api/echo", {"words": words})

    assert 200 == reply.status
    assert len(reply.body) > 2048
    assert {"echo": {"words": words}} == reply.json()


async def test_errors_are_the_gateways_own(real_box: LocalStand) -> None:
    """A notice that is not there, deleted; and settings that are none."""
    async with real_box.phone() as phone:
        absent = await phone.delete("/api/notification/123456")
        wrong = await phone.post("/api/settings", b'"no settings"')

    assert 404 == absent.status
    assert 400 <= wrong.status < 500
    assert absent.words and wrong.words


async def test_improv_says_what_the_box_is(real_box: LocalStand) -> None:
    """Firmware, version and name are those of the gateway."""
    async with real_box.phone() as phone:
        version = (await phone.get("/api/version")).json()["version"]
        name = (await phone.get("/api/name")).json()["name"]
        info = await (await phone.improv()).info()

    assert ["Egret", version, name] == [*info[:2], info[3]]
