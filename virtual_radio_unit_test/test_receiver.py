"""What a controller makes of the advertisements that it hears, as bytes."""

import asyncio

import pytest
from bumble import hci

from virtual_radio.bare_host import BareHost
from virtual_radio.clock import elapse
from virtual_radio.radio import Radio
from virtual_radio.receiver import ACCEPT_LIST_SIZE, MAX_DUPLICATES
from virtual_radio_unit_test import hci_packets as h

ADVERTISER = "F0:00:00:00:00:07"
SCANNER = "C0:00:00:00:00:01"
ADVERT = b"\x02\x01\x06"
RESPONSE = b"\x05\x09Lamp"


async def advertise(radio: Radio, kind: int = 0, interval: int = 0xA0) -> BareHost:
    """A host that advertises as bytes, at 100 ms."""
    host = BareHost(radio.controller())
    for command in (
        h.random_address(ADVERTISER),
        h.advertising_parameters(interval, interval, kind=kind),
        h.advertising_data(ADVERT),
        h.scan_response(RESPONSE),
        h.ADVERTISE,
    ):
        assert h.SUCCESS == await host.status(command)
    return host


def reports(host: BareHost) -> list[tuple[int, bytes]]:
    """Event type and data of every report, in order."""
    return [
        (each[5], each[14:-1])
        for each in host.received
        if each[:2] == b"\x04\x3e" and each[3] == hci.HCI_LE_ADVERTISING_REPORT_EVENT
    ]


async def scan(host: BareHost, seconds: float, enable: bytes = h.SCAN_ON, active: int = 1) -> None:
    """Scan for so long."""
    await host.status(h.scan_parameters(active=active))
    await host.status(enable)
    await elapse(seconds)
    await host.status(h.SCAN_OFF)


async def test_an_active_scan_brings_the_advertisers_own_response(
    radio: Radio, bare_host: BareHost
) -> None:
    """The advertisement and the scan response differ, and both arrive."""
    await advertise(radio)

    await scan(bare_host, 0.15)

    assert [(0, ADVERT), (4, RESPONSE)] == reports(bare_host)[:2]


async def test_a_passive_scan_asks_for_nothing(radio: Radio, bare_host: BareHost) -> None:
    """No scan response."""
    await advertise(radio)

    await scan(bare_host, 0.15, active=0)

    assert {(0, ADVERT)} == set(reports(bare_host))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (0, {(0, ADVERT), (4, RESPONSE)}),
        (2, {(2, ADVERT), (4, RESPONSE)}),
        (3, {(3, ADVERT)}),
        (1, set()),
    ],
)
async def test_each_kind_of_advertising_is_reported_as_it_is(
    radio: Radio, bare_host: BareHost, kind: int, expected: set[tuple[int, bytes]]
) -> None:
    """Connectable, scannable, neither; and a directed one is for its target alone."""
    await advertise(radio, kind)

    await scan(bare_host, 0.3)

    assert expected == set(reports(bare_host))


async def test_intervals_are_counted_in_units_of_625_us(radio: Radio, bare_host: BareHost) -> None:
    """Ten seconds at 1.28 s (and 5 ms of chance) hold seven or eight advertisements."""
    await advertise(radio, interval=0x0800)

    await scan(bare_host, 10.0, active=0)

    assert len(reports(bare_host)) in (7, 8)


async def test_duplicates_are_reported_once_a_scan(radio: Radio, bare_host: BareHost) -> None:
    """With the filter on, an advertiser and its response appear once; in the next scan again."""
    await advertise(radio)

    await scan(bare_host, 2.0, h.SCAN_ON_FILTERED)
    once = reports(bare_host)
    await scan(bare_host, 2.0, h.SCAN_ON_FILTERED)

    assert [(0, ADVERT), (4, RESPONSE)] == once
    assert once * 2 == reports(bare_host)


async def test_the_duplicates_filter_has_an_end(radio: Radio, bare_host: BareHost) -> None:
    """What it cannot remember it reports again: more reports than advertisers."""
    radio.advertisers(MAX_DUPLICATES + 1)

    await scan(bare_host, 1.0, h.SCAN_ON_FILTERED, active=0)

    assert len(reports(bare_host)) > MAX_DUPLICATES + 1


async def test_without_the_filter_every_advertisement_counts(
    radio: Radio, bare_host: BareHost
) -> None:
    """Two seconds at 100 ms and 5 ms of chance: 19 advertisements."""
    await advertise(radio)

    await scan(bare_host, 2.0, active=0)

    assert len(reports(bare_host)) in (18, 19, 20)


async def test_the_accept_list_filters_a_scan(radio: Radio, bare_host: BareHost) -> None:
    """With filter policy 1 only those on the list are reported."""
    await advertise(radio)
    radio.advertisers(3)
    await bare_host.status(h.accept_list(ADVERTISER))
    await bare_host.status(h.scan_parameters(active=0, policy=1))

    await bare_host.status(h.SCAN_ON)
    await elapse(1.0)

    assert {(0, ADVERT)} == set(reports(bare_host))


async def test_the_accept_list_is_bounded(bare_host: BareHost) -> None:
    """It holds as many as announced; the same one twice takes one place; one more is too many."""
    statuses = [
        await bare_host.status(h.accept_list(f"F0:00:00:00:00:{number % 256:02X}"))
        for number in (*range(ACCEPT_LIST_SIZE), 0, ACCEPT_LIST_SIZE)
    ]

    assert [0x00] * (ACCEPT_LIST_SIZE + 1) + [0x07] == statuses


async def test_the_accept_list_connects(radio: Radio, bare_host: BareHost) -> None:
    """With filter policy 1 the first one on the list that advertises is connected to."""
    await advertise(radio)
    await bare_host.status(h.random_address(SCANNER))
    await bare_host.status(h.accept_list(ADVERTISER))
    complete = asyncio.ensure_future(bare_host.event(hci.HCI_LE_META_EVENT, 0x01))
    await elapse(0)

    await bare_host.status(h.create_connection("00:00:00:00:00:00", policy=1))

    event = await complete
    assert 0x00 == event[4]
    assert bytes.fromhex(ADVERTISER.replace(":", ""))[::-1] == event[9:15]


async def test_both_sides_learn_the_same_parameters(radio: Radio, bare_host: BareHost) -> None:
    """Interval, latency and supervision timeout are what the central asked for."""
    peer = await advertise(radio)
    await bare_host.status(h.random_address(SCANNER))

    await bare_host.status(h.create_connection(ADVERTISER, interval=24, timeout=100))
    await elapse(0.5)

    found = [
        each[15:21]
        for host in (bare_host, peer)
        for each in host.received
        if each[:2] == b"\x04\x3e" and each[3] == 0x01
    ]
    assert [b"\x18\x00\x00\x00\x64\x00"] * 2 == found


@pytest.mark.parametrize("kind", [2, 3])
async def test_nobody_connects_to_what_is_not_connectable(
    radio: Radio, bare_host: BareHost, kind: int
) -> None:
    """A scannable or a plain advertisement is no invitation."""
    await advertise(radio, kind)
    await bare_host.status(h.create_connection(ADVERTISER))

    await elapse(2.0)

    assert bare_host.controller.initiating


async def test_a_controller_that_does_not_listen_hears_nothing(
    radio: Radio, bare_host: BareHost
) -> None:
    """Advertisements cost nothing where nobody scans."""
    await advertise(radio)

    await elapse(2.0)

    assert [] == reports(bare_host)


async def test_strength_is_what_the_test_says(radio: Radio, bare_host: BareHost) -> None:
    """The last byte of a report is the RSSI."""
    await advertise(radio)
    radio.hear_at(ADVERTISER, -87)

    await scan(bare_host, 0.15)

    assert {-87} == {
        int.from_bytes(each[-1:], "little", signed=True)
        for each in bare_host.received
        if each[:2] == b"\x04\x3e"
    }
