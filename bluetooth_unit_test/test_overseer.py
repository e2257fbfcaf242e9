"""What the service and the gateway tell each other about the door."""

import json
import logging
from typing import Any

import pytest

from bluetooth.door import Policy
from bluetooth.errors import GatewayAway
from bluetooth.overseer import (
    MAX_TEXT_CHARACTERS,
    POLL_TIMEOUT_S,
    REPORT_S,
    Overseer,
    Report,
)
from bluetooth_unit_test.fake_gateway import FakeGateway
from bluetooth_unit_test.virtual_time import VirtualTime

pytestmark = pytest.mark.anyio

CLOSED = Report("closed", None, "Egret 1", "hci0", "")
DOOR = "/api/bluetooth"
STATE = "/api/bluetooth/state"


class Line:
    """An overseer, its gateway, and what it was told to do."""

    def __init__(self) -> None:
        self.time = VirtualTime()
        self.gateway = FakeGateway()
        self.gateway.says("POST", STATE, {"status": "ok"})
        self.policies: list[Policy] = []
        self.orders: list[bool] = []
        self.now = CLOSED
        self.overseer = Overseer(self.gateway, self.time, self, lambda: self.now)

    def obey(self, policy: Policy) -> None:
        """See Orders."""
        self.policies.append(policy)

    def order(self, is_open: bool) -> None:
        """See Orders."""
        self.orders.append(is_open)

    def says(self, number: Any, is_open: Any, **more: Any) -> None:
        """What the gateway says."""
        window = {"number": number, "open": is_open}
        values = {"legacy_apps": False, "window_s": 60.0, "configured": True}
        self.gateway.says("GET", DOOR, {"window": window, **values, **more})

    async def hear(self, number: Any, is_open: Any) -> list[bool]:
        """One round in which the gateway says this; the orders that followed."""
        self.says(number, is_open)
        self.orders.clear()
        await self.overseer.exchange()
        return list(self.orders)

    def reported(self) -> list[dict[str, Any]]:
        """Bodies of the reports."""
        return [json.loads(body) for method, _, body in self.gateway.asked if method == "POST"]


async def test_only_a_new_number_is_an_order() -> None:
    """Not the one found at the start, not the same again."""
    line = Line()

    assert [] == await line.hear(4, True)
    assert [] == await line.hear(4, True)
    assert [True] == await line.hear(5, True)
    assert [] == await line.hear(5, True)
    assert [False] == await line.hear(6, False)


async def test_a_gateway_that_began_anew_gives_no_order_by_that() -> None:
    """Its numbers begin at 0 again; an owner who asked since is heard all the same."""
    line = Line()
    await line.hear(4, False)

    assert [] == await line.hear(0, False)
    assert [True] == await line.hear(1, True)
    assert [True] == await line.hear(0, True)


async def test_the_doors_settings_are_handed_on() -> None:
    """Each time, and from then on the gateway counts as heard."""
    line = Line()
    before = line.overseer.heard
    await line.hear(0, False)

    assert [Policy(True, False, 60.0)] == line.policies
    assert (False, True) == (before, line.overseer.heard)


@pytest.mark.parametrize(
    "found",
    [b"", b"[]", b"null", b"[" * 10_000, b'{"window":5}', b'{"window":{"number":"1","open":1}}'],
)
async def test_a_gateway_that_says_nonsense_is_not_obeyed(found: bytes) -> None:
    """The door stays as it is, and the report is made all the same."""
    line = Line()
    await line.hear(0, False)
    line.policies.clear()
    line.gateway.says("GET", DOOR, found)
    await line.overseer.exchange()

    assert ([], []) == (line.policies, line.orders)
    assert 1 == len(line.reported())


async def test_a_report_is_made_at_each_change_and_now_and_then() -> None:
    """Time that runs down as expected is no change."""
    line = Line()
    await line.overseer.report()
    await line.overseer.report()
    line.now = Report("open", 100.0, "Egret 1", "hci0", "")
    await line.overseer.report()
    line.now = Report("open", 99.0, "Egret 1", "hci0", "")
    await line.overseer.report()
    await line.time.advance(REPORT_S)
    await line.overseer.report()

    assert ["closed", "open", "open"] == [each["state"] for each in line.reported()]
    assert {
        "state": "open",
        "until_s": 99.0,
        "name": "Egret 1",
        "adapter": "hci0",
        "problem": "",
    } == (line.reported()[-1])


async def test_a_report_that_was_not_taken_is_made_again() -> None:
    """Until it is."""
    line = Line()
    line.gateway.says("POST", STATE, {"error": "starting"}, status=503)
    await line.overseer.report()
    line.gateway.says("POST", STATE, {"status": "ok"})
    await line.overseer.report()
    await line.overseer.report()

    assert 2 == len(line.reported())


async def test_a_gateway_that_is_away_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """One line when it goes, one when it is back."""
    caplog.set_level(logging.INFO)
    line = Line()
    line.gateway.says("GET", DOOR, GatewayAway("the gateway is not there"))
    line.gateway.says("POST", STATE, GatewayAway("the gateway is not there"))
    for _ in range(5):
        await line.overseer.exchange()
    line.gateway.says("POST", STATE, {"status": "ok"})
    await line.hear(0, False)

    assert ["the gateway does not take part", "the gateway takes part again"] == [
        each.getMessage() for each in caplog.records
    ]
    assert {POLL_TIMEOUT_S} == set(line.gateway.timeouts_s)


async def test_texts_are_cut_to_what_the_gateway_takes() -> None:
    """A long reason is better cut than refused."""
    line = Line()
    line.now = Report("no_adapter", None, "n", "hci0", "x" * 1000)
    await line.overseer.report()

    assert MAX_TEXT_CHARACTERS == len(line.reported()[0]["problem"])
