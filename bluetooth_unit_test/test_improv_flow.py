"""Improv's states, and what a client sees of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluetooth.errors import GatewayAway, GatewaySlow, Refused
from bluetooth.gatt import (
    IMPROV_CAPABILITIES_UUID,
    IMPROV_COMMAND_UUID,
    IMPROV_ERROR_UUID,
    IMPROV_RESULT_UUID,
    IMPROV_STATE_UUID,
)
from bluetooth.improv import (
    Capability,
    Command,
    Credentials,
    Error,
    Network,
    Packet,
    State,
    join_strings,
    parse_packet,
    parse_scan,
    split_strings,
)
from bluetooth.improv_flow import (
    AUTHORIZED_S,
    MAX_PENDING,
    TRANSITIONS,
    WIRE,
    Box,
    Event,
    ImprovFlow,
    Phase,
    UnknownTransition,
    after,
)
from bluetooth.improv_writes import SILENCE_S
from bluetooth.paths import JOIN_TIMEOUT_S, SCAN_TIMEOUT_S
from bluetooth_unit_test.fake_gateway import FakeGateway
from bluetooth_unit_test.virtual_time import VirtualTime

pytestmark = pytest.mark.anyio

PHONE = "AA:BB:CC:DD:EE:FF"
JOIN = Credentials("home", "secret99").packet()
NAMES = {
    IMPROV_STATE_UUID: "state",
    IMPROV_ERROR_UUID: "error",
    IMPROV_RESULT_UUID: "result",
}


class Client:
    """A box with Improv, and all that its client was told, in order."""

    def __init__(self, can_identify: bool = True) -> None:
        self.time = VirtualTime()
        self.gateway = FakeGateway()
        self.gateway.says("POST", "/api/wifi", {"status": "ok", "ip": "192.168.1.7"})
        self.gateway.says("GET", "/api/network/address", {"ip": "10.0.0.1", "port": 5000})
        self.gateway.says("GET", "/api/version", {"version": "1.2.3"})
        self.gateway.says("GET", "/api/name", {"name": "cellar"})
        self.gateway.says("POST", "/api/settings", {"success": True})
        self.told: list[tuple[str, int | list[bytes]]] = []
        self.advertised: list[bytes] = []
        self.joins = 0
        self.blinks = 0
        self.flow = ImprovFlow(
            self.gateway,
            self.time,
            self.time.spawn,
            self.time.wait,
            Box("Egret A1B2C3", "Raspberry Pi", "egret"),
            self._notify,
            lambda: self.advertised.append(self.flow.service_data()),
            self._join,
            self._blink if can_identify else None,
        )

    def _notify(self, uuid: str, value: bytes) -> None:
        told = split_strings(parse_packet(value).data) if uuid == IMPROV_RESULT_UUID else value[0]
        self.told.append((NAMES[uuid], told))
        assert value == self.flow.read(PHONE, uuid)  # Readable before it is notified.

    def _join(self) -> None:
        self.joins += 1

    def _blink(self) -> None:
        self.blinks += 1

    async def send(self, packet: Packet | bytes, client: str = PHONE) -> list[tuple[str, Any]]:
        """Write a command; what was told because of it."""
        before = len(self.told)
        self.flow.write(client, packet if isinstance(packet, bytes) else packet.encode())
        await self.time.settle()
        return self.told[before:]

    def read(self, uuid: str) -> int:
        return self.flow.read(PHONE, uuid)[0]


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
async def let_in() -> Client:
    """A client that somebody at the box has let in."""
    client = Client()
    client.flow.authorize()
    client.told.clear()
    return client


def test_table_is_whole() -> None:
    """Every phase has a row, a state on the wire, and a way out; the window's events fit each."""
    assert set(Phase) == set(TRANSITIONS) == set(WIRE)
    for row in TRANSITIONS.values():
        assert {Event.AUTHORIZE, Event.REVOKE} <= set(row)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("event", Event)
def test_what_is_not_in_the_table_raises(phase: Phase, event: Event) -> None:
    """A pair leads where the table says, and any other is a mistake."""
    if event in TRANSITIONS[phase]:
        assert TRANSITIONS[phase][event] is after(phase, event)
        return

    with pytest.raises(UnknownTransition):
        after(phase, event)


async def test_closed_box(client: Client) -> None:
    """Without anybody at the box authorization is required, and nothing is wrong."""
    assert State.AUTHORIZATION_REQUIRED == client.read(IMPROV_STATE_UUID)
    assert Error.NONE == client.read(IMPROV_ERROR_UUID)
    assert b"" == client.flow.read(PHONE, IMPROV_RESULT_UUID)


@pytest.mark.parametrize("can_identify", (True, False))
async def test_capabilities_say_what_works(can_identify: bool) -> None:
    """Identify only where the box can; no host name, which it cannot change."""
    client = Client(can_identify)
    works = Capability.DEVICE_INFO | Capability.SCAN_WIFI | Capability.DEVICE_NAME
    if can_identify:
        works |= Capability.IDENTIFY

    assert works == client.read(IMPROV_CAPABILITIES_UUID) == client.flow.capabilities
    assert bytes((State.AUTHORIZATION_REQUIRED, works, 0, 0, 0, 0)) == client.flow.service_data()


async def test_no_other_characteristics(client: Client) -> None:
    """The command characteristic is not for reading."""
    with pytest.raises(Refused):
        client.flow.read(PHONE, IMPROV_COMMAND_UUID)


async def test_join(let_in: Client) -> None:
    """Provisioning, then the URL, then provisioned; the advertisement follows."""
    told = await let_in.send(JOIN)

    assert [
        ("state", State.PROVISIONING),
        ("result", [b"http://192.168.1.7:5000/"]),
        ("state", State.PROVISIONED),
    ] == told
    assert [State.AUTHORIZED, State.PROVISIONING, State.PROVISIONED] == [
        data[0] for data in let_in.advertised
    ]
    assert {"ssid": "home", "psk": "secret99"} == json.loads(let_in.gateway.asked[0][2])
    assert (JOIN_TIMEOUT_S, 1) == (let_in.gateway.timeouts_s[0], let_in.joins)


@pytest.mark.parametrize("most_bytes", (1, 5, 20))
async def test_join_in_pieces(let_in: Client, most_bytes: int) -> None:
    """A command longer than a write is put together."""
    whole = JOIN.encode()
    for at in range(0, len(whole), most_bytes):
        await let_in.send(whole[at : at + most_bytes])

    assert State.PROVISIONED is let_in.flow.state


async def test_join_that_fails(let_in: Client) -> None:
    """The error, then authorized again; the next command takes the error back."""
    let_in.gateway.says("POST", "/api/wifi", {"reason": "wrong_password"}, 422)
    told = await let_in.send(JOIN)

    assert [
        ("state", State.PROVISIONING),
        ("error", Error.UNABLE_TO_CONNECT),
        ("state", State.AUTHORIZED),
    ] == told
    assert Error.UNABLE_TO_CONNECT is let_in.flow.error
    let_in.gateway.says("POST", "/api/wifi", {"status": "ok"})
    again = await let_in.send(JOIN)
    assert [("error", Error.NONE), ("state", State.PROVISIONING)] == again[:2]
    assert State.PROVISIONED is let_in.flow.state


@pytest.mark.parametrize("error", (GatewayAway("away"), GatewaySlow("slow")))
async def test_join_without_a_gateway(let_in: Client, error: Exception) -> None:
    """How it ended is unknown, and that is what is told."""
    let_in.gateway.says("POST", "/api/wifi", error)
    told = await let_in.send(JOIN)

    assert [("error", Error.UNKNOWN), ("state", State.AUTHORIZED)] == told[1:]


async def test_failed_join_starts_the_time_anew(let_in: Client) -> None:
    """Whoever mistyped the password has the whole time for another try."""
    let_in.gateway.says("POST", "/api/wifi", {}, 422)
    await let_in.time.advance(AUTHORIZED_S - 1)
    await let_in.send(JOIN)
    await let_in.time.advance(AUTHORIZED_S - 1)
    still = let_in.flow.state
    await let_in.time.advance(1)

    assert (State.AUTHORIZED, State.AUTHORIZATION_REQUIRED) == (still, let_in.flow.state)


async def test_authorization_lapses(let_in: Client) -> None:
    """After AUTHORIZED_S it is required again, and client and advertisement say so."""
    await let_in.time.advance(AUTHORIZED_S - 0.1)
    before = list(let_in.told)
    await let_in.time.advance(0.1)

    assert ([], [("state", State.AUTHORIZATION_REQUIRED)]) == (before, let_in.told)
    assert State.AUTHORIZATION_REQUIRED == let_in.advertised[-1][0]
    assert let_in.time.is_quiet


async def test_authorization_given_again(let_in: Client) -> None:
    """Pressing the button again starts the time anew, without telling what did not change."""
    await let_in.time.advance(AUTHORIZED_S - 1)
    let_in.flow.authorize()
    await let_in.time.advance(AUTHORIZED_S - 1)

    assert State.AUTHORIZED is let_in.flow.state
    assert [] == let_in.told


async def test_join_lasts_longer_than_the_authorization(let_in: Client) -> None:
    """A join that was allowed is not broken off."""
    let_in.gateway.hold()
    await let_in.send(JOIN)
    await let_in.time.advance(AUTHORIZED_S * 1.5)
    meanwhile = let_in.flow.state
    let_in.gateway.release()
    await let_in.time.settle()

    assert (State.PROVISIONING, State.PROVISIONED) == (meanwhile, let_in.flow.state)


@pytest.mark.parametrize(
    ("status", "state"), ((200, State.PROVISIONED), (422, State.AUTHORIZATION_REQUIRED))
)
async def test_window_closes_during_a_join(let_in: Client, status: int, state: State) -> None:
    """Its result is told; after a failure nothing more is allowed."""
    let_in.gateway.says("POST", "/api/wifi", {}, status)
    let_in.gateway.hold()
    await let_in.send(JOIN)
    let_in.flow.revoke()
    meanwhile = let_in.flow.state
    let_in.gateway.release()
    await let_in.time.settle()

    assert (State.PROVISIONING, state) == (meanwhile, let_in.flow.state)


async def test_window_opens_again(let_in: Client) -> None:
    """After a join, or during one, the button lets in again."""
    await let_in.send(JOIN)
    let_in.flow.authorize()
    let_in.flow.revoke()
    let_in.flow.authorize()

    assert State.AUTHORIZED is let_in.flow.state


@pytest.mark.parametrize(
    "packet",
    (
        JOIN,
        Packet(Command.SCAN_WIFI),
        Packet(Command.HOSTNAME),
        Packet(Command.HOSTNAME, b"other"),
        Packet(Command.DEVICE_NAME),
        Packet(Command.DEVICE_NAME, b"attic"),
    ),
)
async def test_what_needs_authorization(client: Client, packet: Packet) -> None:
    """Without it nothing is asked of the gateway."""
    assert [("error", Error.NOT_AUTHORIZED)] == await client.send(packet)
    assert ([], 0) == (client.gateway.asked, client.joins)


async def test_identify(client: Client) -> None:
    """Needs no authorization, has no result, and is not kept waiting by a join."""
    told = await client.send(Packet(Command.IDENTIFY))
    client.flow.authorize()
    client.gateway.hold()
    await client.send(JOIN)
    await client.send(Packet(Command.IDENTIFY))

    assert ([], 2) == (told, client.blinks)
    client.gateway.release()
    await client.time.settle()


async def test_identify_where_the_box_cannot() -> None:
    """A command that the capabilities do not name is unknown."""
    client = Client(can_identify=False)

    assert [("error", Error.UNKNOWN_RPC)] == await client.send(Packet(Command.IDENTIFY))


async def test_device_info(client: Client) -> None:
    """Needs no authorization: firmware, version, hardware, name."""
    told = await client.send(Packet(Command.DEVICE_INFO))

    assert [("result", [b"Egret", b"1.2.3", b"Raspberry Pi", b"cellar"])] == told


async def test_device_info_before_the_gateway_is_up(client: Client) -> None:
    """The client is told that it did not work, and may ask again."""
    client.gateway.says("GET", "/api/version", GatewayAway("away"))

    assert [("error", Error.UNKNOWN)] == await client.send(Packet(Command.DEVICE_INFO))


async def test_scan(let_in: Client) -> None:
    """The strongest first, in one result; the progress is followed."""
    networks = [
        {"ssid": "weak", "signal_percent": 20, "security": "open"},
        {"ssid": "home", "signal_percent": 84, "security": "wpa2"},
    ]
    let_in.gateway.says("GET", "/api/wifi/scan", {"networks": networks})
    await let_in.send(Packet(Command.SCAN_WIFI))
    result = parse_packet(let_in.flow.read(PHONE, IMPROV_RESULT_UUID))

    assert [Network("home", -50, "WPA2"), Network("weak", -88, "NO")] == parse_scan(result.data)
    assert ([SCAN_TIMEOUT_S], 1) == (let_in.gateway.timeouts_s, let_in.joins)


async def test_hostname(let_in: Client) -> None:
    """It can be asked for; another one is not acceptable; a bad one neither."""
    assert [("result", [b"egret"])] == await let_in.send(Packet(Command.HOSTNAME))
    assert [("result", [b"egret"])] == await let_in.send(Packet(Command.HOSTNAME, b"egret"))
    for name in (b"other", b"-bad-", b"a.b"):
        told = await let_in.send(Packet(Command.HOSTNAME, name))
        assert ("error", Error.BAD_HOSTNAME) == told[-1]


async def test_device_name(let_in: Client) -> None:
    """It can be asked for and given, bare or with a second length."""
    assert [("result", [b"cellar"])] == await let_in.send(Packet(Command.DEVICE_NAME))
    for data in (b"attic", join_strings(["attic"])):
        await let_in.send(Packet(Command.DEVICE_NAME, data))
    settings = [body for method, _, body in let_in.gateway.asked if method == "POST"]
    assert [b'{"name": "attic"}'] * 2 == settings


@pytest.mark.parametrize("command", (Command.HOSTNAME, Command.DEVICE_NAME))
async def test_names_start_the_time_anew(let_in: Client, command: Command) -> None:
    """The specification says that asking for a name resets the timeout."""
    await let_in.time.advance(AUTHORIZED_S - 1)
    await let_in.send(Packet(command))
    await let_in.time.advance(AUTHORIZED_S - 1)

    assert State.AUTHORIZED is let_in.flow.state


async def test_name_that_comes_too_late(let_in: Client) -> None:
    """A lapse while the gateway was asked stays one."""
    let_in.gateway.hold()
    await let_in.send(Packet(Command.DEVICE_NAME))
    await let_in.time.advance(AUTHORIZED_S)
    let_in.gateway.release()
    await let_in.time.settle()

    assert State.AUTHORIZATION_REQUIRED is let_in.flow.state
    assert let_in.time.is_quiet


@pytest.mark.parametrize(
    ("write", "error"),
    (
        (b"\x02\x00\x03", Error.INVALID_RPC),
        (b"\x02\x01x\x7b", Error.INVALID_RPC),
        (b"\x03\x01x\x7c", Error.INVALID_RPC),
        (b"\x04\x01x\x7d", Error.INVALID_RPC),
        (b"\x01\x00\x01", Error.INVALID_RPC),
        (b"\x07\x00\x07", Error.UNKNOWN_RPC),
        (b"\x00\x00\x00", Error.UNKNOWN_RPC),
        (b"\x06\x02\xff\xfe\x05", Error.INVALID_RPC),
    ),
)
async def test_bad_commands(let_in: Client, write: bytes, error: Error) -> None:
    """Malformed is 01, unknown is 02; the next command is read."""
    assert ("error", error) == (await let_in.send(write))[-1]
    assert State.AUTHORIZED is let_in.flow.state
    await let_in.send(Packet(Command.IDENTIFY))
    assert (1, Error.NONE) == (let_in.blinks, let_in.flow.error)


async def test_command_that_is_not_finished(let_in: Client) -> None:
    """After a pause it is told as invalid, once."""
    await let_in.send(JOIN.encode()[:7])
    await let_in.time.advance(SILENCE_S)

    assert [("error", Error.INVALID_RPC)] == let_in.told


async def test_commands_in_order(let_in: Client) -> None:
    """What comes during a join waits for its end; more than MAX_PENDING is refused."""
    let_in.gateway.hold()
    await let_in.send(JOIN)
    for _ in range(MAX_PENDING - 1):
        await let_in.send(Packet(Command.DEVICE_INFO))
    too_many = await let_in.send(Packet(Command.DEVICE_INFO))
    let_in.gateway.release()
    await let_in.time.settle()

    assert [("error", Error.UNKNOWN)] == too_many
    assert ["result", "state"] + ["result"] * (MAX_PENDING - 1) == [
        name for name, _ in let_in.told[2:]
    ]


async def test_second_join_after_the_first(let_in: Client) -> None:
    """One that waited is not begun once the box is provisioned."""
    let_in.gateway.hold()
    await let_in.send(JOIN)
    await let_in.send(JOIN)
    let_in.gateway.release()
    await let_in.time.settle()

    assert ("error", Error.NOT_AUTHORIZED) == let_in.told[-1]
    assert 1 == let_in.joins


async def test_client_that_left_during_a_join(let_in: Client) -> None:
    """The join goes on, its state is told; its result and what waited is told to nobody."""
    let_in.gateway.hold()
    await let_in.send(JOIN)
    await let_in.send(Packet(Command.DEVICE_INFO))
    let_in.flow.left(PHONE)
    let_in.gateway.release()
    await let_in.time.settle()

    assert [("state", State.PROVISIONING), ("state", State.PROVISIONED)] == let_in.told
    assert b"" == let_in.flow.read(PHONE, IMPROV_RESULT_UUID)


async def test_result_belongs_to_its_client(client: Client) -> None:
    """Another client does not read it, and leaving takes it along."""
    await client.send(Packet(Command.DEVICE_INFO))
    mine = client.flow.read(PHONE, IMPROV_RESULT_UUID)
    other = client.flow.read("other", IMPROV_RESULT_UUID)
    client.flow.left("other")
    still = client.flow.read(PHONE, IMPROV_RESULT_UUID)
    client.flow.left(PHONE)

    assert mine == still != other == b""
    assert b"" == client.flow.read(PHONE, IMPROV_RESULT_UUID)


async def test_bug_during_a_join(let_in: Client) -> None:
    """A mistake of ours is raised where the service sees it; the box is not stuck."""
    let_in.gateway.says("POST", "/api/wifi", ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await let_in.send(JOIN)
    let_in.gateway.says("POST", "/api/wifi", {})
    await let_in.send(JOIN)

    assert State.PROVISIONED is let_in.flow.state


@given(st.lists(st.binary(max_size=60), max_size=10), st.booleans())
async def test_no_bytes_break_the_service(writes: list[bytes], is_let_in: bool) -> None:
    """Whatever is written, and after a pause, the next command is executed."""
    client = Client()
    if is_let_in:
        client.flow.authorize()
    for each in writes:
        await client.send(each)
    await client.time.advance(SILENCE_S)
    told = await client.send(Packet(Command.DEVICE_INFO))

    assert "result" == told[-1][0]
    await client.time.advance(AUTHORIZED_S)
    assert client.time.is_quiet


async def test_a_box_without_wifi_does_not_promise_a_scan(client: Client) -> None:
    """Neither where it is read nor in the advertisement; a gateway that does not answer, or says
    nothing of it, changes nothing."""
    client.gateway.says("GET", "/api/wifi", {"available": False, "networks": []})
    client.flow.look()
    client.flow.look()
    await client.time.settle()
    without = Capability(client.read(IMPROV_CAPABILITIES_UUID))
    for answer in (GatewayAway("off"), {"available": "perhaps"}, b"?"):
        client.gateway.says("GET", "/api/wifi", answer)
        client.flow.look()
        await client.time.settle()
    kept = Capability(client.read(IMPROV_CAPABILITIES_UUID))
    client.gateway.says("GET", "/api/wifi", {"available": True})
    client.flow.look()
    await client.time.settle()
    with_wifi = Capability(client.read(IMPROV_CAPABILITIES_UUID))

    assert without == kept == with_wifi & ~Capability.SCAN_WIFI
    assert Capability.SCAN_WIFI in with_wifi
    assert [bytes([1, each, 0, 0, 0, 0]) for each in (without, with_wifi)] == client.advertised
    assert 5 == len(client.gateway.asked)
