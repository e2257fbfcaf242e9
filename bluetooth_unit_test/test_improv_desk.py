"""What Improv's commands ask of the gateway, and what they make of its answers."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bluetooth.errors import GatewayAway
from bluetooth.improv import MAX_DATA_BYTES, Credentials, Error, Network, join_strings
from bluetooth.improv_desk import (
    HTTP_PORT,
    MAX_NAME_BYTES,
    MAX_NETWORKS,
    MAX_STRING_BYTES,
    Box,
    Declined,
    Desk,
    cut,
    networks_of,
    rssi_dbm,
)
from bluetooth_unit_test.fake_gateway import FakeGateway

pytestmark = pytest.mark.anyio

BOX = Box("Egret A1B2C3", "Raspberry Pi 4 Model B", "egret")
HOME = Credentials("home", "secret99")


def sight(ssid: str, percent: float = 100, security: str = "wpa2") -> dict[str, Any]:
    """A network as the gateway tells of it."""
    return {"ssid": ssid, "signal_percent": percent, "security": security, "saved": False}


@pytest.fixture
def gateway() -> FakeGateway:
    fake = FakeGateway()
    fake.says("POST", "/api/wifi", {"status": "ok", "message": "", "ip": "192.168.1.7"})
    fake.says("GET", "/api/network/address", {"ip": "10.0.0.1", "port": 5000})
    fake.says("GET", "/api/version", {"version": "1.2.3"})
    fake.says("GET", "/api/name", {"name": "cellar"})
    fake.says("POST", "/api/settings", {"success": True})
    return fake


@pytest.fixture
def desk(gateway: FakeGateway) -> Desk:
    return Desk(gateway, BOX)


async def test_join(gateway: FakeGateway, desk: Desk) -> None:
    """The credentials reach the gateway as they are; the page is where the new address is."""
    assert ["http://192.168.1.7:5000/"] == await desk.join(HOME)
    assert {"ssid": "home", "psk": "secret99"} == json.loads(gateway.asked[0][2])


@pytest.mark.parametrize(
    ("ip", "port", "urls"),
    (
        ("192.168.1.7", HTTP_PORT, ["http://192.168.1.7/"]),
        ("fd00::7", 5000, ["http://[fd00::7]:5000/"]),
        (None, 5000, ["http://10.0.0.1:5000/"]),
        ("", 5000, ["http://10.0.0.1:5000/"]),
        ("0.0.0.0", 5000, []),
        ("127.0.0.1", 5000, []),
        ("evil.example/", 5000, []),
        ("192.168.1.7", None, []),
    ),
)
async def test_redirect(
    gateway: FakeGateway, desk: Desk, ip: str | None, port: int | None, urls: list[str]
) -> None:
    """The URL is an address that can be opened, or it is left out."""
    gateway.says("POST", "/api/wifi", {"status": "ok", "ip": ip})
    gateway.says("GET", "/api/network/address", {"ip": "10.0.0.1", "port": port})

    assert urls == await desk.join(HOME)


async def test_join_whose_page_is_not_known(gateway: FakeGateway, desk: Desk) -> None:
    """It is connected all the same."""
    gateway.says("GET", "/api/network/address", GatewayAway("away"))

    assert [] == await desk.join(HOME)


@pytest.mark.parametrize("status", (422, 503, 504, 202))
async def test_join_that_failed(gateway: FakeGateway, desk: Desk, status: int) -> None:
    """Wrong password, no network, no adapter, no address: unable to connect."""
    gateway.says("POST", "/api/wifi", {"status": "error"}, status)
    with pytest.raises(Declined) as caught:
        await desk.join(HOME)

    assert Error.UNABLE_TO_CONNECT is caught.value.error


async def test_info(desk: Desk) -> None:
    """Firmware, version, hardware, name."""
    assert ["Egret", "1.2.3", "Raspberry Pi 4 Model B", "cellar"] == await desk.info()


async def test_name_that_nobody_gave(gateway: FakeGateway, desk: Desk) -> None:
    """A box without a name has the one that it advertises."""
    gateway.says("GET", "/api/name", {"name": ""})

    assert BOX.name == await desk.name()


async def test_rename(gateway: FakeGateway, desk: Desk) -> None:
    """A name is a setting; what it is afterwards is told."""
    assert "cellar" == await desk.rename("attic")
    assert ("POST", "/api/settings", b'{"name": "attic"}') == gateway.asked[0]


async def test_rename_that_is_refused(gateway: FakeGateway, desk: Desk) -> None:
    """A name that the gateway does not take is an error."""
    gateway.says("POST", "/api/settings", {"error": "too long"}, 400)
    with pytest.raises(Declined) as caught:
        await desk.rename("x" * 200)

    assert Error.UNKNOWN is caught.value.error


async def test_long_strings_fit_together(gateway: FakeGateway) -> None:
    """However long version, hardware and name are, device info and a name fit a result."""
    gateway.says("GET", "/api/version", {"version": "\u20ac" * 100})
    gateway.says("GET", "/api/name", {"name": "\U0001f50b" * 100})
    desk = Desk(gateway, Box("x", "\u20ac" * 100))
    info = await desk.info()

    assert len(join_strings(info)) <= MAX_DATA_BYTES
    assert len(info[3].encode()) <= MAX_STRING_BYTES
    assert len((await desk.name()).encode()) <= MAX_NAME_BYTES


@pytest.mark.parametrize(
    ("box", "name", "error"),
    (
        (BOX, "other", Error.BAD_HOSTNAME),
        (Box("x", "y"), "other", Error.UNKNOWN_RPC),
    ),
)
def test_host_that_is_not_renamed(box: Box, name: str, error: Error) -> None:
    """Another host name is not acceptable; where none is known there is no such command."""
    with pytest.raises(Declined) as caught:
        Desk(FakeGateway(), box).rename_host(name)

    assert error is caught.value.error


def test_host_that_has_the_name() -> None:
    """Its own name it keeps."""
    assert "egret" == Desk(FakeGateway(), BOX).rename_host("egret")


async def test_scan(gateway: FakeGateway, desk: Desk) -> None:
    """Names, strengths in dBm, security in the specification's words."""
    entries = [sight("home", 84), sight("cafe", 50, "open"), sight("office", 0, "wpa2-eap")]
    gateway.says("GET", "/api/wifi/scan", {"networks": entries})

    assert [
        Network("home", -50, "WPA2"),
        Network("cafe", -70, "NO"),
        Network("office", -100, "WPA2 EAP"),
    ] == await desk.scan()


@pytest.mark.parametrize("value", ({}, [], {"networks": None}, {"networks": [1, {}, None]}))
async def test_scan_that_found_nothing(gateway: FakeGateway, desk: Desk, value: object) -> None:
    """An answer without networks is an empty list."""
    gateway.says("GET", "/api/wifi/scan", value)

    assert [] == await desk.scan()


async def test_scan_without_an_adapter(gateway: FakeGateway, desk: Desk) -> None:
    """A box without Wi-Fi says that it cannot."""
    gateway.says("GET", "/api/wifi/scan", {"error": "no adapter"}, 503)
    with pytest.raises(Declined):
        await desk.scan()


def test_one_name_of_several_networks() -> None:
    """Access points of one network are one, as strong as the strongest, secured by either."""
    entries = [sight("home", 50, "wpa2"), sight("home", 100, "wpa3"), sight("home", 10, "wpa2")]

    assert [Network("home", -40, "WPA2/WPA3")] == networks_of(entries)


@pytest.mark.parametrize(
    "entry",
    (
        sight(""),
        sight("x" * 33),
        sight("\ufffd\ufffd"),
        sight("home", security="quantum"),
        {"ssid": "home", "signal_percent": None, "security": "open"},
        "home",
    ),
)
def test_networks_that_cannot_be_told(entry: object) -> None:
    """Hidden ones, names that are no text, and what is not understood are left out."""
    assert [] == networks_of([entry])


def test_many_networks() -> None:
    """At most MAX_NETWORKS are looked at."""
    entries = [sight(str(number)) for number in range(MAX_NETWORKS + 1)]

    assert MAX_NETWORKS == len(networks_of(entries))


@pytest.mark.parametrize(
    ("percent", "dbm"), ((100, -40), (84, -50), (50, -70), (0, -100), (200, -40), (-1, -100))
)
def test_strength(percent: float, dbm: int) -> None:
    """NetworkManager's percents as dBm."""
    assert dbm == rssi_dbm(percent)


@given(st.text(max_size=100), st.integers(0, 100))
@example("\ud800" * 40, 20)
def test_cut_splits_no_character(text: str, most_bytes: int) -> None:
    """What is cut is the beginning, and has at most so many bytes."""
    short = cut(text, most_bytes)

    assert len(short.encode()) <= most_bytes
    assert text.encode("utf-8", "replace").decode().startswith(short)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=40) | st.integers(),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(("ssid", "signal_percent", "security")), inner),
    max_leaves=20,
)


@given(st.lists(json_values, max_size=5))
@example([{"ssid": "a", "signal_percent": float("nan"), "security": "open"}])
@example([{"ssid": "a", "signal_percent": 10**400, "security": "open"}])
def test_no_answer_breaks_the_list(entries: list[object]) -> None:
    """Whatever stands in the gateway's list, networks are read or left out."""
    for network in networks_of(entries):
        assert -100 <= network.rssi_dbm <= -40
