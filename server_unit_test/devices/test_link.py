"""The life of one link: its pauses, what is remembered of failures, and what is logged."""

import logging

import pytest

from server.devices.link import (
    ASLEEP_RETRY_S,
    BREAKER_FAILURES,
    ERROR_CHARACTERS_MAX,
    LINK_BACKOFF,
    Link,
)
from server.devices.link_table import LinkEvent
from server.engine.machine import UnknownTransition
from server.model.device import LinkState

NOW = 1000.0
AT_MS = 1_750_000_000_000


@pytest.fixture
def link() -> Link:
    """A link that was never tried."""
    return Link("a", NOW, AT_MS)


def fail(link: Link, times: int, now: float = NOW) -> float:
    """Try and fail; when the next try is due."""
    retry_at = now
    for _ in range(times):
        if link.state is not LinkState.ONLINE:
            link.happened(LinkEvent.TRY, now, AT_MS)
        retry_at = link.failed(now, AT_MS, "no answer", 0.5)
    return retry_at


def test_a_new_link_has_failed_at_nothing(link: Link) -> None:
    """It is new since it was made, and due whenever somebody tries it."""
    assert (LinkState.NEW, NOW, AT_MS) == (link.state, link.since, link.since_ms)
    assert (0, "", None) == (link.failures, link.error, link.retry_at)


def test_a_move_remembers_when_it_happened(link: Link) -> None:
    """On both clocks: one for arithmetic, one for the page."""
    link.happened(LinkEvent.TRY, NOW + 1, AT_MS + 1000)

    assert (LinkState.CONNECTING, NOW + 1, AT_MS + 1000) == (link.state, link.since, link.since_ms)


def test_pauses_grow_with_failures_up_to_sleep(link: Link) -> None:
    """After enough failures in a row the device is asleep and tried at a steady, slow pace."""
    states, pauses = [], []
    for _ in range(BREAKER_FAILURES + 2):
        pauses.append(fail(link, 1) - NOW)
        states.append(link.state)

    awake, asleep = BREAKER_FAILURES - 1, 3
    assert [LinkState.RETRYING] * awake + [LinkState.ASLEEP] * asleep == states
    assert sorted(pauses) == pauses
    assert [LINK_BACKOFF.delay_s(each, 0.5) for each in range(1, BREAKER_FAILURES + 3)] == pauses
    assert all(ASLEEP_RETRY_S <= each <= ASLEEP_RETRY_S * 1.1 for each in pauses[-asleep:])


def test_only_a_reading_ends_a_streak(link: Link) -> None:
    """A device that says who it is and then fails every poll is tried ever more slowly."""
    fail(link, BREAKER_FAILURES)
    link.happened(LinkEvent.TRY, NOW, AT_MS)

    link.happened(LinkEvent.CONNECTED, NOW, AT_MS)
    connected = (link.state, link.failures)
    link.proved()

    assert (LinkState.ONLINE, BREAKER_FAILURES) == connected
    assert (0, "", None) == (link.failures, link.error, link.retry_at)
    assert NOW + LINK_BACKOFF.delay_s(1, 0.5) == fail(link, 1)


def test_the_error_stays_while_it_is_tried_again(link: Link) -> None:
    """The page goes on saying why; the time of the next try is over once it has begun."""
    retry_at = fail(link, 1)
    before = link.retry_at

    link.happened(LinkEvent.TRY, retry_at, AT_MS)

    assert (retry_at, "no answer", None) == (before, link.error, link.retry_at)


def test_a_long_error_is_cut(link: Link) -> None:
    """It came from outside, and may be of any length."""
    link.happened(LinkEvent.TRY, NOW, AT_MS)

    link.failed(NOW, AT_MS, "x" * (ERROR_CHARACTERS_MAX + 1), 0.5)

    assert "x" * ERROR_CHARACTERS_MAX == link.error


def test_what_is_not_in_the_table_is_refused(link: Link) -> None:
    """A link that was not tried cannot have connected; it stays where it was."""
    with pytest.raises(UnknownTransition):
        link.happened(LinkEvent.CONNECTED, NOW, AT_MS)

    assert LinkState.NEW is link.state


def test_a_streak_is_told_when_it_begins_falls_asleep_and_ends(
    link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    """Nights are long: the tries in between are silent."""
    with caplog.at_level(logging.INFO, "server.devices.link"):
        link.happened(LinkEvent.TRY, NOW, AT_MS)
        link.happened(LinkEvent.CONNECTED, NOW, AT_MS)
        link.proved()
        fail(link, 500)
        link.happened(LinkEvent.TRY, NOW, AT_MS)
        link.happened(LinkEvent.CONNECTED, NOW, AT_MS)
        link.proved()

    said = [(each.message, each.__dict__.get("state", "")) for each in caplog.records]
    assert [
        ("link changed", "connecting"),
        ("link changed", "online"),
        ("link changed", "retrying"),
        ("link changed", "connecting"),
        ("link changed", "asleep"),
        ("link is back", ""),
    ] == said
    assert {"a"} == {each.__dict__["device"] for each in caplog.records}
