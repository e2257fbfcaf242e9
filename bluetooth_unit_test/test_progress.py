"""Progress of a join: each change once, old results not at all."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bluetooth.errors import GatewayAway
from bluetooth.gatt import MAX_VALUE_BYTES
from bluetooth.progress import (
    BEGIN_LIMIT_S,
    FOLLOW_LIMIT_S,
    LONGEST_ESCAPE_BYTES,
    MAX_NUMBER,
    MAX_SSID_CHARACTERS,
    MAX_WORD_CHARACTERS,
    POLL_INTERVAL_S,
    POLL_TIMEOUT_S,
    Progress,
    encode,
    parse,
)
from bluetooth_unit_test.fake_gateway import FakeGateway
from bluetooth_unit_test.virtual_time import VirtualTime

pytestmark = pytest.mark.anyio

PATH = "/api/wifi/progress"


def report(number: int, step: str, reason: str | None = None, message: str = "") -> dict[str, Any]:
    """What the gateway says."""
    return {"number": number, "ssid": "home", "step": step, "reason": reason, "message": message}


class Followed:
    """A progress, and what it told."""

    def __init__(self) -> None:
        self.time = VirtualTime()
        self.gateway = FakeGateway()
        self.told: list[dict[str, Any]] = []
        self.progress = Progress(
            self.gateway,
            self.time,
            self.time.spawn,
            self.time.wait,
            lambda value: self.told.append(json.loads(value)),
        )

    @property
    def steps(self) -> list[str]:
        return [each["step"] for each in self.told]

    async def says(self, number: int, step: str, reason: str | None = None) -> None:
        """The gateway's report changes, and is polled."""
        self.gateway.says("GET", PATH, report(number, step, reason))
        await self.time.advance(POLL_INTERVAL_S)

    async def looked(self, number: int = 7, step: str = "failed") -> None:
        """A phone connected while this was the last report."""
        self.gateway.says("GET", PATH, report(number, step))
        self.progress.look()
        await self.time.settle()


async def test_each_change_is_told_once() -> None:
    """From the first step to the last, in order, however often the gateway is asked."""
    followed = Followed()
    await followed.looked(7, "failed")
    followed.progress.follow()
    for number, step in enumerate(("scanning", "connecting", "authenticating", "connected"), 8):
        await followed.says(number, step)
        await followed.time.advance(POLL_INTERVAL_S * 3)

    assert ["scanning", "connecting", "authenticating", "connected"] == followed.steps
    assert followed.time.is_quiet


async def test_failure_is_told_with_its_reason() -> None:
    """The phone hears why, in words, and can read it as well."""
    followed = Followed()
    await followed.looked(7, "connected")
    followed.progress.follow()
    await followed.says(8, "failed", "wrong_password")

    assert [report(8, "failed", "wrong_password")] == followed.told
    assert report(8, "failed", "wrong_password") == json.loads(followed.progress.value)


async def test_old_result_is_not_told() -> None:
    """What stood there when the phone connected is no news, before and while something begins."""
    followed = Followed()
    await followed.looked(7, "failed")
    followed.progress.follow()
    await followed.time.advance(POLL_INTERVAL_S * 4)

    assert [] == followed.told
    assert "failed" == json.loads(followed.progress.value)["step"]


async def test_old_result_without_a_look() -> None:
    """When nobody looked before, the first report of an end is the old one."""
    followed = Followed()
    followed.gateway.says("GET", PATH, report(7, "failed"))
    followed.progress.follow()
    await followed.time.settle()
    await followed.says(8, "connecting")
    await followed.says(9, "connected")

    assert ["connecting", "connected"] == followed.steps


async def test_late_end_of_what_ran_before() -> None:
    """A scan ends after the last look at it: the join that follows is told all the same."""
    followed = Followed()
    await followed.looked(7, "scanning")
    followed.progress.follow()
    await followed.says(8, "idle")
    for number, step in enumerate(("connecting", "failed"), 9):
        await followed.says(number, step)

    assert ["idle", "connecting", "failed"] == followed.steps
    assert followed.time.is_quiet


async def test_gateway_that_began_to_count_anew() -> None:
    """A lower number after the gateway's restart is a change like others."""
    followed = Followed()
    await followed.looked(70, "connected")
    followed.progress.follow()
    await followed.says(1, "connecting")
    await followed.says(2, "connected")

    assert ["connecting", "connected"] == followed.steps


async def test_value_before_anything() -> None:
    """Reading gives idle until something is known."""
    assert "idle" == json.loads(Followed().progress.value)["step"]


async def test_nothing_begins() -> None:
    """A join that was refused is not waited for longer than BEGIN_LIMIT_S."""
    followed = Followed()
    await followed.looked()
    followed.progress.follow()
    await followed.time.advance(BEGIN_LIMIT_S)

    assert followed.time.is_quiet
    assert len(followed.gateway.asked) <= BEGIN_LIMIT_S / POLL_INTERVAL_S + 2


async def test_nothing_ends() -> None:
    """A join without an end is not followed longer than FOLLOW_LIMIT_S."""
    followed = Followed()
    await followed.looked()
    followed.progress.follow()
    await followed.says(8, "connecting")
    await followed.time.advance(FOLLOW_LIMIT_S)

    assert ["connecting"] == followed.steps
    assert followed.time.is_quiet


async def test_join_that_begins_while_another_is_followed() -> None:
    """The time starts anew and there is one follower."""
    followed = Followed()
    await followed.looked()
    followed.progress.follow()
    await followed.time.advance(BEGIN_LIMIT_S - POLL_INTERVAL_S)
    followed.progress.follow()
    await followed.time.advance(BEGIN_LIMIT_S - POLL_INTERVAL_S)
    still = not followed.time.is_quiet
    await followed.time.advance(POLL_INTERVAL_S)

    assert still
    assert followed.time.is_quiet


async def test_stop() -> None:
    """After stop nothing is told any more, and nothing stays behind."""
    followed = Followed()
    await followed.looked()
    followed.progress.follow()
    await followed.says(8, "connecting")
    followed.gateway.hold()
    await followed.says(9, "connected")
    followed.progress.stop()
    followed.gateway.release()
    await followed.time.advance(POLL_INTERVAL_S)

    assert ["connecting"] == followed.steps
    assert followed.time.is_quiet


@pytest.mark.parametrize("value", (GatewayAway("away"), b"<html>", {"step": 1}))
async def test_gateway_that_says_nothing_useful(value: object) -> None:
    """A gateway that is away for a moment, or talks nonsense, is asked again."""
    followed = Followed()
    await followed.looked()
    followed.progress.follow()
    followed.gateway.says("GET", PATH, value)
    await followed.time.advance(POLL_INTERVAL_S * 2)
    await followed.says(8, "connecting")
    await followed.says(9, "connected")

    assert ["connecting", "connected"] == followed.steps


async def test_gateway_without_progress() -> None:
    """A status of an error is no report."""
    followed = Followed()
    followed.gateway.says("GET", PATH, report(3, "connecting"), 503)
    followed.progress.follow()
    await followed.time.advance(POLL_INTERVAL_S)

    assert [] == followed.told
    followed.progress.stop()
    await followed.time.advance(POLL_INTERVAL_S)


async def test_each_question_is_bounded() -> None:
    """The gateway has POLL_TIMEOUT_S for an answer."""
    followed = Followed()
    await followed.looked()

    assert [POLL_TIMEOUT_S] == followed.gateway.timeouts_s


@given(st.binary(max_size=300))
@example(b'{"step": "idle", "number": true}')
@example(b'{"step": "idle", "number": 1e999}')
@example(b"[" * 300)
@example(b'{"step": "idle", "number": %d}' % (MAX_NUMBER + 1))
def test_no_bytes_break_the_parser(body: bytes) -> None:
    """Whatever the gateway says, it is a report or none."""
    assert (parsed := parse(body)) is None or encode(parsed)


@given(
    st.integers(-MAX_NUMBER, MAX_NUMBER),
    st.text(max_size=MAX_SSID_CHARACTERS + 1),
    st.text(max_size=2000),
)
@example(MAX_NUMBER, "\x00" * MAX_SSID_CHARACTERS, "\x00" * 1000)
@example(-MAX_NUMBER, "\U0001f50b" * MAX_SSID_CHARACTERS, "\U0001f50b" * 1000)
def test_every_value_fits(number: int, ssid: str, message: str) -> None:
    """A value has at most 512 bytes, is JSON, and only its message is cut."""
    word = "w" * MAX_WORD_CHARACTERS
    parsed = parse(
        json.dumps(
            {"number": number, "ssid": ssid, "step": word, "reason": word, "message": message}
        ).encode()
    )
    assert parsed is not None
    value = encode(parsed)
    told = json.loads(value)

    assert len(value) <= MAX_VALUE_BYTES
    assert message.startswith(told.pop("message"))
    shown = ssid if len(ssid) <= MAX_SSID_CHARACTERS else None
    assert {"number": number, "ssid": shown, "step": word, "reason": word} == told


def test_long_message_is_cut_little() -> None:
    """As much of the message as fits is told, but for what one escape needs."""
    value = encode(report(1, "failed", None, "m" * 1000))

    assert MAX_VALUE_BYTES - LONGEST_ESCAPE_BYTES <= len(value) <= MAX_VALUE_BYTES


@pytest.mark.parametrize("step", ("", "UPPER", "with space", "w" * (MAX_WORD_CHARACTERS + 1), None))
def test_step_is_a_word(step: str | None) -> None:
    """A report without a step that apps could know is none."""
    assert parse(json.dumps({"number": 1, "step": step}).encode()) is None


async def test_looking_is_one_question_at_a_time() -> None:
    """Phones that come and go in haste do not fill the line to the gateway."""
    followed = Followed()
    followed.gateway.hold()
    for _ in range(1000):
        followed.progress.look()
    await followed.time.settle()
    asked = len(followed.gateway.asked)
    followed.gateway.release()
    await followed.time.settle()
    followed.progress.look()
    await followed.time.settle()

    assert (1, 2, True) == (asked, len(followed.gateway.asked), followed.time.is_quiet)
