"""Improv Wi-Fi over the air: states, every command, and what goes wrong."""

from typing import Any

import pytest

from ble_rest_test.stand import NAME, LocalStand
from ble_rest_test.words import MTUS, asked, bodies, text
from bluetooth.client.errors import NotLetIn
from bluetooth.client.improv_talk import ImprovRefused
from bluetooth.door import Policy
from bluetooth.gatt import IMPROV_RESULT_UUID
from bluetooth.improv import Command, Credentials, Error, State, parse_packet
from bluetooth.improv_flow import AUTHORIZED_S
from bluetooth.improv_writes import SILENCE_S
from bluetooth_unit_test.http_gateway import HttpGateway

pytestmark = pytest.mark.real_time

new = pytest.mark.parametrize("policy", [Policy(configured=False)], ids=["new"])

HOME = Credentials("HomeNet", "home-password")


def networks(count: int) -> dict[str, Any]:
    """A scan of the gateway, the weakest first."""
    return {
        "networks": [
            {
                "ssid": f"Network number {each}",
                "signal_percent": each * 3,
                "security": "wpa2",
                "saved": False,
            }
            for each in range(count)
        ]
    }


@pytest.fixture(autouse=True)
def wifi(stub: HttpGateway) -> None:
    """The gateway has a Wi-Fi."""
    stub.says("GET", "/api/version", {"version": "1.2.3"})
    stub.says("GET", "/api/name", {"name": "Cellar"})
    stub.says("GET", "/api/wifi/scan", networks(30))
    stub.says("GET", "/api/network/address", {"ip": "10.0.0.7", "port": 8080})
    stub.says("POST", "/api/wifi", {"status": "ok", "message": "", "ip": "10.0.0.7"})
    stub.says("POST", "/api/settings", {"success": True})


@pytest.mark.parametrize("mtu", MTUS)
async def test_it_says_what_the_box_is(box: LocalStand, stub: HttpGateway, mtu: int) -> None:
    """Whatever the connection carries: a result that is cut can be read whole."""
    async with box.phone(mtu=mtu) as phone:
        info = await (await phone.improv()).info()

    assert ["Egret", "1.2.3", "a bench", "Cellar"] == info


@pytest.mark.parametrize("mtu", [23, 247])
async def test_a_scan_brings_the_strongest_that_fit(
    box: LocalStand, stub: HttpGateway, mtu: int
) -> None:
    """In order, each with signal and security; at most 255 bytes of them."""
    async with box.phone(mtu=mtu) as phone:
        found = await (await phone.improv()).scan()

    assert [f"Network number {29 - each}" for each in range(len(found))] == [
        each.ssid for each in found
    ]
    assert {"WPA2"} == {each.security for each in found}
    assert 8 <= len(found) <= 12
    assert [("GET", "/api/wifi/scan")] == asked(stub)


@pytest.mark.parametrize("mtu", MTUS)
async def test_joining_a_network(box: LocalStand, stub: HttpGateway, mtu: int) -> None:
    """Provisioning, then where the box's page is, then provisioned."""
    moved: list[State] = []

    async with box.phone(mtu=mtu) as phone:
        talk = await phone.improv()
        url = await talk.join(HOME, moved.append)
        after = await talk.state()

    assert "http://10.0.0.7:8080/" == url
    assert [State.PROVISIONING] == moved[:1]
    assert State.PROVISIONED is after
    assert bodies(stub)[0] == b'{"ssid": "HomeNet", "psk": "home-password"}'


async def test_the_longest_credentials_in_many_writes(box: LocalStand, stub: HttpGateway) -> None:
    """An SSID of 32 bytes and a password of 64, in writes of 20."""
    longest = Credentials("é" * 16, "f" * 64)

    async with box.phone(mtu=23) as phone:
        await (await phone.improv()).join(longest)

    assert [("POST", "/api/wifi"), ("GET", "/api/network/address")] == asked(stub)
    assert b'"psk": "' + b"f" * 64 in bodies(stub)[0]


@pytest.mark.parametrize(
    ("status", "reason"), [(422, "wrong_password"), (422, "not_found"), (504, "no_address")]
)
async def test_a_join_that_fails(
    box: LocalStand, stub: HttpGateway, status: int, reason: str
) -> None:
    """Unable to connect, authorised again, and the next try works."""
    refusal = {"status": "error", "message": "no", "reason": reason}
    stub.says("POST", "/api/wifi", refusal, status)

    async with box.phone() as phone:
        talk = await phone.improv()
        with pytest.raises(ImprovRefused) as refused:
            await talk.join(HOME)
        kept = (await talk.error(), await talk.state())
        stub.says("POST", "/api/wifi", {"status": "ok", "message": "", "ip": "10.0.0.7"})
        url = await talk.join(HOME)
        error = await talk.error()

    assert Error.UNABLE_TO_CONNECT is refused.value.error
    assert (Error.UNABLE_TO_CONNECT, State.AUTHORIZED) == kept
    assert ("http://10.0.0.7:8080/", Error.NONE) == (url, error)


async def test_the_boxs_name(box: LocalStand, stub: HttpGateway) -> None:
    """Asked for, and given."""
    new_name = text(20)

    async with box.phone() as phone:
        talk = await phone.improv()
        before = await talk.name()
        stub.says("GET", "/api/name", {"name": new_name})
        after = await talk.name(new_name)

    assert ("Cellar", new_name) == (before, after)
    assert ("POST", "/api/settings") in asked(stub)


async def test_a_box_without_a_name_says_what_it_advertises(
    box: LocalStand, stub: HttpGateway
) -> None:
    """So that a person recognises it."""
    stub.says("GET", "/api/name", {"name": ""})

    async with box.phone() as phone:
        name = await (await phone.improv()).name()

    assert NAME == name


@new
async def test_nothing_is_allowed_without_the_button(
    closed_box: LocalStand, stub: HttpGateway
) -> None:
    """A new box says what it is; scan and join are refused, before the gateway sees them."""
    async with closed_box.phone() as phone:
        talk = await phone.improv()
        state = await talk.state()
        info = await talk.info()
        with pytest.raises(NotLetIn, match="press its button"):
            await talk.scan()
        with pytest.raises(NotLetIn, match="press its button"):
            await talk.join(HOME)
        error = await talk.error()

    assert State.AUTHORIZATION_REQUIRED is state
    assert "Egret" == info[0]
    assert Error.NOT_AUTHORIZED is error
    assert not [path for _, path in asked(stub) if path.startswith("/api/wifi")]


async def test_an_authorisation_lapses(timed_box: LocalStand, stub: HttpGateway) -> None:
    """After a minute without a command, though the window is still open."""
    assert timed_box.time is not None

    async with timed_box.phone() as phone:
        talk = await phone.improv()
        before = await talk.state()
        await timed_box.time.advance(AUTHORIZED_S)
        after = await talk.state()
        door = await phone.state()

    assert (State.AUTHORIZED, State.AUTHORIZATION_REQUIRED) == (before, after)
    assert "open" == door.state


async def test_the_rest_of_a_command_is_waited_for_only_so_long(
    timed_box: LocalStand, stub: HttpGateway
) -> None:
    """Then it is an invalid command, and the next one is read from its beginning."""
    assert timed_box.time is not None

    async with timed_box.phone() as phone:
        talk = await phone.improv()
        await phone.link.write("00467768-6228-2272-4663-277478268003", b"\x01\x20abc")
        await timed_box.time.advance(SILENCE_S)
        error = await talk.error()
        info = await talk.info()

    assert Error.INVALID_RPC is error
    assert "Egret" == info[0]


async def test_a_result_is_its_own_phones(box: LocalStand, stub: HttpGateway) -> None:
    """The next phone reads nothing of the last one's neighbours."""
    async with box.phone() as phone:
        await (await phone.improv()).scan()
        own = await phone.link.read(IMPROV_RESULT_UUID)
    async with box.phone() as phone:
        others = await phone.link.read(IMPROV_RESULT_UUID)

    assert Command.SCAN_WIFI == parse_packet(own).command
    assert b"" == others
