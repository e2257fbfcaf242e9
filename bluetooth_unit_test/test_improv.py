"""Improv Wi-Fi on the wire, byte by byte, from both ends."""

from enum import IntEnum

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bluetooth.improv import (
    MAX_DATA_BYTES,
    MAX_LABEL_CHARACTERS,
    MAX_PACKET_BYTES,
    MAX_SSID_BYTES,
    BadPacket,
    Capability,
    Command,
    Credentials,
    Error,
    Network,
    Packet,
    PacketAssembler,
    State,
    is_hostname,
    join_strings,
    parse_credentials,
    parse_name,
    parse_packet,
    parse_scan,
    result,
    scan_result,
    service_data,
    split_strings,
)

packets = st.builds(Packet, st.integers(0, 255), st.binary(max_size=MAX_DATA_BYTES))
names = st.text(max_size=MAX_SSID_BYTES).filter(lambda text: len(text.encode()) <= MAX_SSID_BYTES)
networks = st.builds(
    Network, names, st.integers(-100, -20), st.sampled_from(("NO", "WPA2", "WPA2 EAP", "WPA2/WPA3"))
)


def test_vector_of_the_specification() -> None:
    """Send Wi-Fi settings, as the specification writes it down."""
    vector = b"\x01\x1e\x0cMyWirelessAP\x10mysecurepassword\xc0"
    credentials = Credentials("MyWirelessAP", "mysecurepassword")

    assert vector == credentials.packet().encode()
    assert credentials == parse_credentials(parse_packet(vector).data)


@pytest.mark.parametrize(
    ("command", "packet"),
    (
        (Command.IDENTIFY, "02 00 02"),
        (Command.DEVICE_INFO, "03 00 03"),
        (Command.SCAN_WIFI, "04 00 04"),
        (Command.HOSTNAME, "05 00 05"),
        (Command.DEVICE_NAME, "06 00 06"),
    ),
)
def test_commands_without_data(command: Command, packet: str) -> None:
    """Command, no data, checksum."""
    assert bytes.fromhex(packet) == Packet(command).encode()
    assert Packet(command) == parse_packet(bytes.fromhex(packet))


def test_set_hostname_as_the_specification_writes_it() -> None:
    """The name stands there bare: 05, its length, its bytes, checksum."""
    packet = parse_packet(b"\x05\x06cellar\x7e")

    assert (Command.HOSTNAME, "cellar") == (packet.command, parse_name(packet.data))


def test_set_name_with_a_second_length() -> None:
    """A widespread client writes the length twice; the name is the same."""
    assert "cellar" == parse_name(join_strings(["cellar"]))
    assert "C" * 40 == parse_name(join_strings(["C" * 40]))


@pytest.mark.parametrize(
    ("kind", "members"),
    (
        (State, {1, 2, 3, 4}),
        (Error, {0, 1, 2, 3, 4, 5, 0xFF}),
        (Command, {1, 2, 3, 4, 5, 6}),
    ),
)
def test_numbers_of_the_specification(kind: type[IntEnum], members: set[int]) -> None:
    """The tables have these values and no others."""
    assert members == {int(each) for each in kind}


def test_bits_of_the_capabilities() -> None:
    """Four bits of the specification and the one that clients know beside them."""
    assert [1, 2, 4, 8, 16] == [int(each) for each in Capability]


def test_service_data() -> None:
    """State, capabilities, four bytes in reserve."""
    capabilities = Capability.IDENTIFY | Capability.SCAN_WIFI

    assert b"\x02\x05\0\0\0\0" == service_data(State.AUTHORIZED, capabilities)


@given(packets)
def test_packet_round_trip(packet: Packet) -> None:
    """What is encoded is what is read."""
    assert packet == parse_packet(packet.encode())
    assert len(packet.encode()) <= MAX_PACKET_BYTES


@given(st.data(), packets)
def test_any_split_of_a_packet_equals_the_whole(data: st.DataObject, packet: Packet) -> None:
    """Wherever its writes are cut, the command is complete with the last one only."""
    whole = packet.encode()
    at = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=20)))
    writes = [whole[a:b] for a, b in zip([0, *at], [*at, len(whole)], strict=True)]
    assembler = PacketAssembler()

    assert [None] * (len(writes) - 1) + [packet] == [assembler.feed(each) for each in writes]
    assert not assembler.waits


@given(st.lists(st.binary(max_size=512), max_size=8))
@example([b"\x02\x00\x03"])
@example([b"\x02\x00\x02\x02"])
def test_no_bytes_break_the_assembler(writes: list[bytes]) -> None:
    """Whatever is written, there is a packet, an error or a wait; then the next one is read."""
    assembler = PacketAssembler()
    for each in writes:
        try:
            assembler.feed(each)
        except BadPacket:
            assert not assembler.waits
    assembler.reset()

    assert Packet(Command.IDENTIFY) == assembler.feed(b"\x02\x00\x02")


@given(st.binary(max_size=MAX_PACKET_BYTES))
def test_no_bytes_break_the_parsers(data: bytes) -> None:
    """Every parser reads its bytes or says that they are bad."""
    for parser in (parse_packet, parse_credentials, parse_name, split_strings, parse_scan):
        try:
            parser(data)
        except BadPacket as error:
            assert str(error)


def test_wrong_checksum() -> None:
    """A packet that was damaged is refused."""
    with pytest.raises(BadPacket, match="checksum"):
        parse_packet(b"\x02\x00\x03")


@pytest.mark.parametrize(
    "data",
    (
        b"",
        b"\x04home",
        b"\x00\x04pass",
        b"\x04home\x09pass",
        b"\x04home\x04pass\x01x",
        b"\x21" + b"s" * 33 + b"\x00",
        b"\x02\xff\xfe\x00",
    ),
    ids=("nothing", "no password", "no name", "too short", "more", "long name", "no text"),
)
def test_credentials_that_are_none(data: bytes) -> None:
    """An SSID of 1 to MAX_SSID_BYTES and a password, in UTF-8, and nothing else."""
    with pytest.raises(BadPacket):
        parse_credentials(data)


def test_longest_credentials() -> None:
    """The longest SSID and password fit a packet."""
    credentials = Credentials("\u20ac" * 10 + "ab", "p" * 64)

    assert MAX_SSID_BYTES == len(credentials.ssid.encode())
    assert credentials == parse_credentials(parse_packet(credentials.packet().encode()).data)


def test_password_is_not_shown() -> None:
    """Printing credentials shows no password."""
    assert "secret99" not in repr(Credentials("home", "secret99"))


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_strings_round_trip(strings: list[bytes]) -> None:
    """A list of strings comes back, the empty list and empty strings too."""
    assert strings == split_strings(join_strings(strings))


def test_result_with_a_url() -> None:
    """The result of a join, and that of one without a URL."""
    assert b"\x01\x05\x04http\xca" == result(Command.WIFI_SETTINGS, ["http"])
    assert b"\x01\x00\x01" == result(Command.WIFI_SETTINGS, [])


def test_result_that_does_not_fit() -> None:
    """More than MAX_DATA_BYTES is refused, not cut or wrapped around."""
    assert MAX_PACKET_BYTES == len(result(Command.DEVICE_NAME, ["x" * (MAX_DATA_BYTES - 1)]))
    for strings in (["x" * MAX_DATA_BYTES], ["x" * (MAX_DATA_BYTES + 1)], ["x" * 200] * 2):
        with pytest.raises(BadPacket):
            result(Command.DEVICE_NAME, strings)


@given(st.lists(networks, max_size=40))
def test_scan_fits_and_tells_the_strongest(sight: list[Network]) -> None:
    """However many networks there are, the result fits, and what is left out is not stronger."""
    packet = parse_packet(scan_result(sight))
    told = parse_scan(packet.data)
    missing = list(sight)
    for each in told:
        missing.remove(each)

    assert Command.SCAN_WIFI == packet.command
    assert told == sorted(told, key=lambda network: -network.rssi_dbm)
    assert not told or all(each.rssi_dbm <= told[-1].rssi_dbm for each in missing)
    assert told or not sight


def test_scan_as_the_specification_writes_it() -> None:
    """Three strings for each network; none at all when none was found."""
    packet = parse_packet(scan_result([Network("MyWirelessNetwork", -60, "WPA2")]))

    assert [b"MyWirelessNetwork", b"-60", b"WPA2"] == split_strings(packet.data)
    assert b"\x04\x00\x04" == scan_result([])


@pytest.mark.parametrize("data", (join_strings(["a", "-60"]), join_strings(["a", "x", "NO"])))
def test_scan_that_is_none(data: bytes) -> None:
    """A phone does not make up networks."""
    with pytest.raises(BadPacket):
        parse_scan(data)


@pytest.mark.parametrize(
    ("name", "good"),
    (
        ("egret-1", True),
        ("0", True),
        ("a" * MAX_LABEL_CHARACTERS, True),
        ("a" * (MAX_LABEL_CHARACTERS + 1), False),
        ("", False),
        ("-a", False),
        ("a-", False),
        ("a.b", False),
        ("a_b", False),
        ("a b", False),
        ("gr\u00fcn", False),
        ("a\n", False),
    ),
)
def test_hostnames(name: str, good: bool) -> None:
    """Letters, digits and hyphens within, as one label."""
    assert good == is_hostname(name)
