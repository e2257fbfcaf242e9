"""Configured devices: sessions shared, drivers made, readings stamped, views drawn."""

from dataclasses import replace
from itertools import pairwise

import pytest

from server.devices.doubt import MAX_DOUBTS_PER_POLL
from server.devices.driver import Polled
from server.devices.link_table import LinkEvent
from server.devices.plant import REASK_REFUSED_S, Moment, Plant
from server.devices.profile import load_profiles
from server.errors import DeviceUnreachable
from server.model.delivery import DeviceFacts
from server.model.device import Account, Endpoint, Identity, LinkState, Space
from server.model.reading import ClockQuality, Reading
from server.model.snapshot import Refusal
from server.ports import Transport
from server_unit_test.contracts.fake_transport import FakeTransport
from server_unit_test.simulation.scenario import PROFILES
from server_unit_test.tasks.houses import ENDPOINT, config_of

NOW = 1000.0
AT_MS = 1_750_000_000_000
OTHER = Endpoint("modbus_tcp", "10.0.0.2", 502)
IDENTITY = Identity("simulated", "S1", "M1", 5, True)
MOMENT = Moment(AT_MS, 2_000, ClockQuality.SYNCED)


class Cupboard:
    """Hands out a new fake transport at each asking, and counts."""

    def __init__(self) -> None:
        self.opened: list[Endpoint] = []
        self.accounts: list[Account] = []

    def open_transport(self, endpoint: Endpoint, account: Account) -> Transport:
        """`plant.OpenTransport`."""
        self.opened.append(endpoint)
        self.accounts.append(account)
        return FakeTransport()


def plant(last_ms: dict[str, int] | None = None) -> Plant:
    """An empty plant."""
    profiles = load_profiles(PROFILES).profiles
    return Plant(profiles, Cupboard().open_transport, last_ms or {})


def polled(**values: int) -> Polled:
    """What a driver read."""
    return Polled(values=values, words={5: 6}, refused=())


def test_devices_behind_one_endpoint_share_its_session() -> None:
    """Many take a single client, so there is one connection, whatever the number of units."""
    cupboard = Cupboard()
    subject = Plant({}, cupboard.open_transport, {})

    first = subject.add(config_of("a", unit_id=1), NOW, AT_MS)
    second = subject.add(config_of("b", unit_id=2), NOW, AT_MS)
    third = subject.add(config_of("c", endpoint=OTHER), NOW, AT_MS)

    assert first.transport is second.transport is subject.session_of(ENDPOINT)
    assert third.transport is subject.session_of(OTHER) is not first.transport
    assert [ENDPOINT, OTHER] == cupboard.opened


def test_a_session_is_given_back_with_its_last_device() -> None:
    """Whoever is left goes on using it; afterwards the endpoint has none."""
    subject = plant()
    first = subject.add(config_of("a"), NOW, AT_MS)
    second = subject.add(config_of("b", unit_id=2), NOW, AT_MS)

    assert (first, None) == subject.remove("a")

    assert (second, second.transport) == subject.remove("b")
    assert subject.session_of(ENDPOINT) is None


def test_an_identified_device_has_a_driver_and_a_name() -> None:
    """The driver is of the profile found; serial and model are learned where none were known."""
    subject = plant()
    device = subject.add(config_of("a"), NOW, AT_MS)

    subject.identified(device, IDENTITY, NOW)

    assert device.driver is not None
    assert ("simulated", "S1", "M1") == (
        device.driver.profile.name,
        device.config.serial,
        device.config.model,
    )


def test_a_reconnect_keeps_what_the_driver_has_learned() -> None:
    """The same profile again is the same driver; another one is a new driver."""
    subject = plant()
    device = subject.add(config_of("a", serial="S1", model="known"), NOW, AT_MS)
    subject.identified(device, IDENTITY, NOW)
    driver = device.driver
    subject.identified(device, IDENTITY, NOW)
    kept = device.driver

    subject.identified(device, replace(IDENTITY, profile="sungrow_hybrid"), NOW)

    assert driver is kept is not device.driver
    assert "known" == device.config.model


def test_a_driver_knows_the_way_to_its_device() -> None:
    """What a door cannot know is decided by its scheme, also after the daily fresh start."""
    subject = Plant(load_profiles().profiles, Cupboard().open_transport, {})
    zeros = dict.fromkeys(range(4989, 5100), 0)
    device = subject.add(config_of("a", profile="sungrow_string"), NOW, AT_MS)
    subject.identified(device, replace(IDENTITY, profile="sungrow_string"), NOW)

    counts = []
    for now in (NOW, NOW + REASK_REFUSED_S):
        subject.reask(device, now)
        assert device.driver is not None
        reader = FakeTransport(zeros)
        result = device.driver.poll(reader, lambda: False)
        assert isinstance(result, Polled)
        counts.append(sum(count <= 2 for _, _, _, count in reader.requests))

    assert all(count >= MAX_DOUBTS_PER_POLL for count in counts)


def test_a_reading_carries_what_was_read_and_when() -> None:
    """All three clocks, the values and the raw words; it is the device's latest from then on."""
    subject = plant()
    device = subject.add(config_of("a"), NOW, AT_MS)
    refusal = Refusal(Space.INPUT, 5, 1, 2, AT_MS)

    reading = subject.accept(device, replace(polled(pv_power=3), refused=(refusal,)), MOMENT)

    expected = Reading("a", AT_MS, 2_000, ClockQuality.SYNCED, {"pv_power": 3}, {5: 6})
    assert expected == reading is device.latest
    assert (1, (refusal,)) == (device.polls, device.refused)


def test_two_readings_in_a_row_never_share_a_millisecond() -> None:
    """Also not when the wall clock stood still, nor right after a restart."""
    subject = plant({"a": AT_MS})
    device = subject.add(config_of("a"), NOW, AT_MS)

    stamps = [subject.accept(device, polled(), MOMENT).taken_at_ms for _ in range(3)]

    assert all(before != after for before, after in pairwise([AT_MS, *stamps]))
    assert all(0 <= each - AT_MS <= 1 for each in stamps)


def test_a_name_is_taken_once() -> None:
    """Two devices under one id would share their readings."""
    subject = plant()
    subject.add(config_of("a"), NOW, AT_MS)

    with pytest.raises(KeyError):
        subject.add(config_of("a", endpoint=OTHER), NOW, AT_MS)


def test_what_a_device_says_of_itself_is_learned_once() -> None:
    """It is to be remembered when it is new, and outlives the removal of the device."""
    subject = plant()
    device = subject.add(config_of("a", serial="S0", model="M0", name="Roof"), NOW, AT_MS)
    before = subject.facts

    learned = subject.identified(device, IDENTITY, NOW)
    again = subject.identified(device, IDENTITY, NOW)
    subject.remove("a")

    assert DeviceFacts("a", "Roof", "simulated", "S1", "M1") == learned
    assert again is None
    assert ({}, {"a": learned}) == (before, subject.facts)


def test_a_session_that_was_given_back_is_never_opened_again() -> None:
    """A poll or probe that was queued before the removal gets an error instead."""
    subject = plant()
    device = subject.add(config_of("a"), NOW, AT_MS)
    device.transport.open()
    _, session = subject.remove("a")
    assert session is not None
    session.close()

    for call in (
        session.open,
        lambda: session.read(1, Space.INPUT, 0, 1),
        lambda: session.write(1, 0, (1,)),
    ):
        with pytest.raises(DeviceUnreachable, match="removed"):
            call()


def test_a_refused_register_is_asked_for_again_after_a_day() -> None:
    """It may have been refused while the inverter woke up; before that it is left alone."""
    subject = plant()
    device = subject.add(config_of("a"), NOW, AT_MS)
    subject.identified(device, IDENTITY, NOW)
    driver = device.driver
    device.refused = (Refusal(Space.INPUT, 105, 1, 2, AT_MS),)

    subject.reask(device, NOW + REASK_REFUSED_S - 1)
    kept = device.driver
    subject.reask(device, NOW + REASK_REFUSED_S)

    assert driver is kept is not device.driver
    assert device.driver is not None
    assert () == device.driver.refused


def test_the_view_says_when_it_is_tried_again() -> None:
    """In wall-clock time; a try that is overdue is due now."""
    device = plant().add(config_of("a"), NOW, AT_MS)
    untried = device.view(NOW, AT_MS)
    device.link.happened(LinkEvent.TRY, NOW, AT_MS)
    retry_at = device.link.failed(NOW, AT_MS, "no answer", 0.5)

    waiting, overdue = device.view(NOW, AT_MS), device.view(retry_at + 5, AT_MS + 9_000)

    assert (LinkState.NEW, None) == (untried.state, untried.retry_at_ms)
    assert (LinkState.RETRYING, "no answer") == (waiting.state, waiting.error)
    assert AT_MS + round((retry_at - NOW) * 1000) == waiting.retry_at_ms
    assert AT_MS + 9_000 == overdue.retry_at_ms


def test_what_was_learned_is_shown_while_it_is_silent() -> None:
    """After a restart, and with another account: the settings need not know it."""
    known = {"a": DeviceFacts("a", "Roof", "simulated", "S1", "M1")}
    subject = Plant({}, Cupboard().open_transport, {}, known)

    seen = subject.add(config_of("a"), NOW, AT_MS).config
    own = subject.add(config_of("b", serial="S2"), NOW, AT_MS).config

    assert [("S1", "M1"), ("S2", "")] == [(each.serial, each.model) for each in (seen, own)]


def test_a_session_has_the_account_of_its_endpoint() -> None:
    """The device's own, unless one is given for all that is behind the endpoint."""
    cupboard = Cupboard()
    subject = Plant({}, cupboard.open_transport, {})

    subject.add(config_of("a", password="own"), NOW, AT_MS)
    subject.add(config_of("b", endpoint=OTHER), NOW, AT_MS, Account("", "shared"))

    assert [Account("", "own"), Account("", "shared")] == cupboard.accounts
