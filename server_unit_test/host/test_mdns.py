"""The announcement, without a network; system_test/test_mdns.py listens to it."""

from typing import cast

import pytest
from zeroconf import ServiceInfo, Zeroconf

from server.host import mdns
from server.host.mdns import (
    LOOK_EVERY_S,
    MAX_ADDRESSES,
    MAX_LABEL_BYTES,
    STOP_TIMEOUT_S,
    TYPES,
    Advertiser,
    Sign,
    label,
)

SIGN = Sign("calm otter lagoon", "egret-ef01", 8080, {"version": "1.2.3", "serial": "0123"})


def test_a_machine_where_it_fails_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One line for the whole streak, and another try each time."""
    monkeypatch.setattr(mdns, "LOOK_EVERY_S", 0.01)
    tries = [0]
    enough = mdns.threading.Event()

    def refuse(found: list[str]) -> Zeroconf:
        tries[0] += 1
        if tries[0] > 3:
            enough.set()
        raise OSError("no multicast here")

    advertiser = Advertiser(SIGN, lambda: ["127.0.0.1"], refuse)
    advertiser.start()
    enough.wait(5)
    advertiser.stop()

    assert ["the box cannot be announced"] == [each.message for each in caplog.records]


def test_stopping_is_quick_and_may_be_repeated() -> None:
    """Also before it has begun."""
    advertiser = Advertiser(SIGN, lambda: [])

    advertiser.stop()
    advertiser.stop()

    assert LOOK_EVERY_S > STOP_TIMEOUT_S


def test_a_machine_of_many_addresses_tells_some() -> None:
    """MAX_ADDRESSES."""
    opened: list[list[str]] = []

    def note(found: list[str]) -> Zeroconf:
        opened.append(found)
        raise OSError("enough")

    advertiser = Advertiser(SIGN, lambda: [f"10.0.0.{each}" for each in range(50)], note)
    advertiser.start()
    advertiser.stop()

    assert [MAX_ADDRESSES] == [len(each) for each in opened]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("calm otter lagoon", "calm otter lagoon"),
        ("a.b", "a b"),
        ("", "egret"),
        ("...", "egret"),
        ("ä" * 40, "ä" * 31),
        ("x" * 80, "x" * MAX_LABEL_BYTES),
    ],
)
def test_any_name_makes_a_label(text: str, shown: str) -> None:
    """Owners may call a box anything."""
    assert shown == label(text)


class Silent:
    """A zeroconf that sends nothing."""

    def __init__(self, found: list[str]) -> None:
        self.kinds: list[str] = []

    def register_service(self, info: ServiceInfo, allow_name_change: bool) -> None:
        """Noted."""
        self.kinds.append(info.type)

    def unregister_all_services(self) -> None:
        """Nothing to take back."""

    def close(self) -> None:
        """Nothing was open."""


def test_the_announcement_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """With the box's name and its addresses."""
    caplog.set_level("INFO")
    opened = Silent([])
    dns = cast(Zeroconf, opened)  # The part of it that is used.
    advertiser = Advertiser(SIGN, lambda: ["10.0.0.1"], lambda _: dns)

    advertiser.start()
    advertiser.told.wait(5)
    advertiser.stop()

    assert [*TYPES] == opened.kinds
    assert "calm otter lagoon" in str(vars(caplog.records[0]))
