"""Joining a Wi-Fi is told step by step, as it happens, to whoever may know it."""

import itertools
import json
from typing import Any

import pytest

from ble_rest_test.stand import LABEL, LocalStand
from ble_rest_test.words import held_back, say
from bluetooth.client.errors import AttRefused
from bluetooth.door import Policy
from bluetooth.gatt import PROGRESS_UUID
from bluetooth.improv import Credentials
from bluetooth_unit_test.http_gateway import Handler, HttpGateway

pytestmark = pytest.mark.real_time

STEPS = ("scanning", "connecting", "authenticating", "getting_address", "connected")
BODY = {"ssid": "HomeNet", "psk": "home-password"}
JOINED = {"status": "ok", "message": "", "ip": "10.0.0.7"}


class Joining:
    """A gateway that goes one step on whenever it is asked how far it is, and answers the join
    at the last."""

    def __init__(self, stub: HttpGateway, let_go: Any, steps: tuple[str, ...] = STEPS) -> None:
        self._let_go = let_go
        self._numbers = itertools.count(1)
        self._steps = steps
        stub.says("GET", "/api/wifi/progress", self.progress)

    def progress(self, handler: Handler) -> None:
        """The next step, once a join has begun."""
        begun = any(method == "POST" and "wifi" in path for method, path, _ in handler.server.asked)
        number = next(self._numbers) if begun else 0
        step = self._steps[min(number, len(self._steps)) - 1] if number else "idle"
        failed = step == "failed"
        report = {
            "number": min(number, len(self._steps)),
            "ssid": "HomeNet" if number else None,
            "step": step,
            "reason": "wrong_password" if failed else None,
            "message": f"HomeNet: {step}",
        }
        say(handler, report)
        if number >= len(self._steps):
            self._let_go.set()


@pytest.mark.parametrize(("label", "mtu"), [(LABEL, 247), (LABEL, 23), (None, 247)])
async def test_each_step_is_told(box: LocalStand, stub: HttpGateway, label: Any, mtu: int) -> None:
    """In order, each once, before the answer; inside the session, or in the clear."""
    told: list[dict[str, Any]] = []

    with held_back(stub, "POST", "/api/wifi", JOINED) as let_go:
        Joining(stub, let_go)
        async with box.phone(label, mtu=mtu) as phone:
            await phone.follow(told.append)
            reply = await phone.post("/api/wifi", BODY)
            value = {} if label else json.loads(await phone.link.read(PROGRESS_UUID))

    assert 200 == reply.status
    assert list(STEPS[:-1]) == [each["step"] for each in told][: len(STEPS) - 1]
    assert len(told) == len({each["number"] for each in told})
    assert {"HomeNet"} == {each["ssid"] for each in told}
    assert ({} if label else "connected") == value.get("step", {})


async def test_in_the_smallest_connection_each_notification_is_read(
    box: LocalStand, stub: HttpGateway
) -> None:
    """Twenty bytes tell nothing: the value is read, and steps between two reads are passed over."""
    told: list[dict[str, Any]] = []

    with held_back(stub, "POST", "/api/wifi", JOINED) as let_go:
        Joining(stub, let_go)
        async with box.phone(mtu=23) as phone:
            await phone.follow(told.append)
            await phone.post("/api/wifi", BODY)

    numbers = [each["number"] for each in told]
    assert numbers and sorted(numbers) == numbers


async def test_improv_is_told_too(box: LocalStand, stub: HttpGateway) -> None:
    """Its own states say little; the words come beside them."""
    told: list[dict[str, Any]] = []
    stub.says("GET", "/api/network/address", {"ip": "10.0.0.7", "port": 80})

    with held_back(stub, "POST", "/api/wifi", JOINED) as let_go:
        Joining(stub, let_go)
        async with box.phone() as phone:
            await phone.follow(told.append)
            url = await (await phone.improv()).join(Credentials("HomeNet", "home-password"))

    assert "http://10.0.0.7/" == url
    assert ["scanning", "connecting"] == [each["step"] for each in told][:2]


async def test_a_wrong_password_is_told_as_it_happens(box: LocalStand, stub: HttpGateway) -> None:
    """With its reason, beside the answer."""
    told: list[dict[str, Any]] = []
    failed = {"status": "error", "message": "wrong password", "reason": "wrong_password"}

    with held_back(stub, "POST", "/api/wifi", failed) as let_go:
        Joining(stub, let_go, ("scanning", "authenticating", "failed"))
        async with box.phone(LABEL) as phone:
            await phone.follow(told.append)
            reply = await phone.post("/api/wifi", BODY)
            await phone.get("/api/hello")

    assert "wrong_password" == reply.json()["reason"]
    assert ("failed", "wrong_password") == (told[-1]["step"], told[-1]["reason"])


@pytest.mark.parametrize("policy", [Policy(configured=False)], ids=["new"])
async def test_in_the_clear_nothing_is_told_while_the_door_is_shut(
    closed_box: LocalStand, stub: HttpGateway
) -> None:
    """A neighbour who may not ask may not listen either."""
    async with closed_box.phone() as phone:
        with pytest.raises(AttRefused) as refused:
            await phone.link.read(PROGRESS_UUID)

    assert 0x08 == refused.value.att_code
