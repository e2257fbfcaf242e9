"""The encrypted session over the air, before a gateway that answers what the test says."""

import json

import pytest

from ble_rest_test.stand import LABEL, NAME, OTHER_LABEL, LocalStand
from ble_rest_test.words import MTUS, asked, bodies, text
from bluetooth.client.errors import NotLetIn
from bluetooth.door import Policy
from bluetooth.label import scanned
from bluetooth.window import MAX_BAD_ATTEMPTS
from bluetooth_unit_test.http_gateway import HttpGateway

pytestmark = pytest.mark.real_time

new = pytest.mark.parametrize("policy", [Policy(configured=False)], ids=["new"])

SECRET_WORD = "correct horse battery staple"


@pytest.mark.parametrize("mtu", MTUS)
async def test_a_session_carries_requests(box: LocalStand, stub: HttpGateway, mtu: int) -> None:
    """One after another, whatever the connection carries."""
    stub.says("POST", "/api/settings", {"success": True})

    async with box.phone(LABEL, mtu=mtu) as phone:
        first = await phone.get("/api/hello")
        second = await phone.post("/api/settings", {"name": "Keller"})
        third = await phone.get("/api/inverter/modbus")

    assert (200, {"message": "hello"}) == (first.status, first.json())
    assert (200, 403) == (second.status, third.status)
    assert [("GET", "/api/hello"), ("POST", "/api/settings")] == asked(stub)


@pytest.mark.parametrize(("mtu", "length"), [(23, 2048), (247, 20_000), (517, 200_000)])
async def test_a_long_answer_arrives_whole(
    box: LocalStand, stub: HttpGateway, mtu: int, length: int
) -> None:
    """In one piece, after one execution; the phone acknowledges on the way."""
    content = text(length // 3).encode()
    stub.says("GET", "/api/supported", content)

    async with box.phone(LABEL, mtu=mtu) as phone:
        reply = await phone.get("/api/supported")

    assert content == reply.body
    assert 1 == len(asked(stub))


@pytest.mark.parametrize(("mtu", "length"), [(23, 600), (247, 60_000)])
async def test_a_long_request_arrives_whole(
    box: LocalStand, stub: HttpGateway, mtu: int, length: int
) -> None:
    """In as many records as it needs."""
    stub.says("POST", "/api/settings", {"success": True})
    body = json.dumps({"name": "x" * length}).encode()

    async with box.phone(LABEL, mtu=mtu) as phone:
        reply = await phone.post("/api/settings", body)

    assert 200 == reply.status
    assert [body] == bodies(stub)


async def test_the_label_can_be_scanned(box: LocalStand) -> None:
    """What the QR code holds opens the session, and names the box."""
    label, name = scanned(LABEL.pairing_text(NAME))

    async with box.phone(label) as phone:
        reply = await phone.get("/api/hello")

    assert NAME == name == phone.sighting.name
    assert 200 == reply.status


@new
async def test_another_label_is_refused(closed_box: LocalStand, stub: HttpGateway) -> None:
    """In words, as a bad attempt; the right one goes in and the count begins anew."""
    async with closed_box.phone(OTHER_LABEL) as phone:
        with pytest.raises(NotLetIn, match="does not take the label"):
            await phone.get("/api/hello")
        wrong = await phone.state()
    async with closed_box.phone(LABEL) as phone:
        await phone.get("/api/hello")
        right = await phone.state()

    assert MAX_BAD_ATTEMPTS - 1 == wrong.attempts_left
    assert MAX_BAD_ATTEMPTS == right.attempts_left
    assert [("GET", "/api/hello")] == asked(stub)


async def test_nothing_of_it_is_in_the_air(box: LocalStand, stub: HttpGateway) -> None:
    """Neither what is asked nor what is answered; in the clear both are."""
    stub.says("POST", "/api/wifi", {"ip": "10.11.12.13"})
    body = {"ssid": "Home", "psk": SECRET_WORD}

    async with box.phone(LABEL) as phone:
        sealed = await phone.post("/api/wifi", body)
    over_air = _air(box)
    async with box.phone() as phone:
        await phone.post("/api/wifi", body)

    assert {"ip": "10.11.12.13"} == sealed.json()
    assert not any(word in over_air for word in (SECRET_WORD.encode(), b"10.11.12.13"))
    assert SECRET_WORD.encode() in _air(box)


def _air(box: LocalStand) -> bytes:
    """Everything that went over the radio until now."""
    return b"".join(packet.content for packet in box.place.radio.capture)
