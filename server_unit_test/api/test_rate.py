"""How often one client may ask."""

import pytest

from server.api.rate import MAX_CLIENTS, REQUEST_BURST, REQUESTS_PER_S, RateLimit, source_of


def test_a_burst_is_answered_and_then_the_rate() -> None:
    """REQUEST_BURST at once; one more each 1 / REQUESTS_PER_S."""
    limit = RateLimit()
    burst = [limit.wait_s("a", 0.0) for _ in range(int(REQUEST_BURST))]

    waits = [limit.wait_s("a", at) for at in (0.0, 0.5 / REQUESTS_PER_S, 1 / REQUESTS_PER_S)]

    assert {0.0} == set(burst)
    assert pytest.approx([1 / REQUESTS_PER_S, 0.5 / REQUESTS_PER_S, 0.0]) == waits


def test_a_pause_fills_the_bucket_and_no_more() -> None:
    """A quiet day saves nothing up."""
    limit = RateLimit()
    limit.wait_s("a", 0.0)

    answered = sum(limit.wait_s("a", 1e6) == 0 for _ in range(int(REQUEST_BURST) * 2))

    assert REQUEST_BURST == answered


def test_the_table_is_bounded_and_keeps_who_asks() -> None:
    """MAX_CLIENTS; the one that asks all the time is never the one that is forgotten."""
    limit = RateLimit()
    busy = [limit.wait_s("busy", 0.0) for _ in range(int(REQUEST_BURST))]
    waits = []
    for number in range(MAX_CLIENTS * 2):
        limit.wait_s(str(number), 0.0)
        waits.append(limit.wait_s("busy", 0.0))

    assert {0.0} == set(busy) and min(waits) > 0
    assert MAX_CLIENTS == len(limit)


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no address", "no address"),
        ("", ""),
    ],
)
def test_a_house_counts_once(address: str, source: str) -> None:
    """One that has a whole network of addresses as well."""
    assert source == source_of(address)
