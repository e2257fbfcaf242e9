"""A real gateway behind the door: what stands in HTTP stands in the air.

These run against any box: `--ble-address ADDRESS` names one whose button was just pressed, and
`--ble-label-file FILE` holds its label. They change nothing that lasts.
"""

import pytest
import requests

from ble_rest_test.stand import LocalStand, Stand
from ble_rest_test.words import RawPhone, text
from bluetooth.client.errors import NoAnswer
from bluetooth.egwttp import PAGE_BYTES, Request
from bluetooth.gatt import SERVICES
from bluetooth.improv import Capability

pytestmark = pytest.mark.real_time

GREETINGS = ("/api/hello", "/api/version", "/api/name")
LONG = "/api/supported"
"""An answer of several pages that does not change."""

HTTP_TIMEOUT_S = 20.0


def over_http(stand: Stand, path: str) -> requests.Response:
    """The same question without a radio; skips where only the radio reaches the box."""
    if not isinstance(stand, LocalStand):
        pytest.skip("compares with the gateway's own answer, which only a local one gives")
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {stand.token()}"
        return session.get(stand.url + path, timeout=HTTP_TIMEOUT_S)


async def test_the_three_services_are_there(real_box: Stand) -> None:
    """All primary, whatever else the system adds."""
    async with real_box.phone() as phone:
        found = phone.link.service_uuids

    assert {each.uuid for each in SERVICES} <= found


@pytest.mark.parametrize("path", GREETINGS)
async def test_a_greeting_is_answered(real_box: Stand, path: str) -> None:
    """With JSON."""
    async with real_box.phone() as phone:
        reply = await phone.get(path)

    assert 200 == reply.status
    assert isinstance(reply.json(), dict)


@pytest.mark.parametrize("path", [*GREETINGS, LONG, "/api/notification/123456"])
async def test_the_answer_is_that_of_http(real_box: Stand, path: str) -> None:
    """Status, words and body."""
    direct = over_http(real_box, path)

    async with real_box.phone() as phone:
        reply = await phone.get(path)

    assert (direct.status_code, direct.reason) == (reply.status, reply.reason)
    assert direct.content == reply.body


async def test_a_long_answer_is_paged(real_box: Stand) -> None:
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


async def test_what_is_sent_arrives(real_box: Stand) -> None:
    """In many writes, with characters of every length; and comes back in as many pages."""
    words = text(2000)

    async with real_box.phone() as phone:
        reply = await phone.post("/api/echo", {"words": words})

    assert 200 == reply.status
    assert len(reply.body) > 2048
    assert words in str(reply.json())


async def test_errors_are_the_gateways_own(real_box: Stand) -> None:
    """A notice that is not there, deleted; and a device that is none."""
    async with real_box.phone() as phone:
        absent = await phone.delete("/api/notification/123456")
        wrong = await phone.post("/api/device", b'"no device"')

    assert 404 == absent.status
    assert 400 <= wrong.status < 500
    assert absent.words and wrong.words


async def test_what_is_not_offered_is_forbidden(real_box: Stand) -> None:
    """Though the gateway has it."""
    async with real_box.phone() as phone:
        reply = await phone.get("/api/openapi.json")

    assert 403 == reply.status


async def test_improv_says_what_the_box_is(real_box: Stand) -> None:
    """Firmware and version are those of the gateway; a scan is promised where there is a Wi-Fi."""
    async with real_box.phone() as phone:
        version = (await phone.get("/api/version")).json()["version"]
        has_wifi = (await phone.get("/api/wifi")).json()["available"]
        talk = await phone.improv()
        info = await talk.info()
        capabilities = await talk.capabilities()

    assert ["Egret", version] == info[:2]
    assert has_wifi == (Capability.SCAN_WIFI in capabilities)


async def test_a_session_carries_the_same(real_box: Stand) -> None:
    """With the label everything is encrypted."""
    if real_box.label is None:
        pytest.skip("give the box's label with --ble-label-file")

    async with real_box.phone() as phone:
        plain = await phone.get(LONG)
    async with real_box.phone(real_box.label) as phone:
        sealed = await phone.get(LONG)

    assert (200, plain.body) == (sealed.status, sealed.body)


async def test_a_characteristic_that_is_not_there(real_box: Stand) -> None:
    """Is said to be none of ours."""
    async with real_box.phone() as phone:
        with pytest.raises(NoAnswer, match="none of ours"):
            await phone.link.read("00000000-0000-4000-8000-000000000000")
