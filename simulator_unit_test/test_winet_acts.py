"""What each trouble makes of an answer, before it meets a socket."""

import json
import random
from typing import Any

import pytest

from simulator import winet_rtu
from simulator.trouble import Order, Trouble
from simulator.winet_acts import SLAVE_DEVICE_FAILURE, Act, Question, act
from simulator.winet_replies import Reply, failure, success

READ = winet_rtu.sealed(bytes.fromhex("0104 1387 0002"))
WORDS = winet_rtu.sealed(bytes.fromhex("010404 0E03 0064")).hex().upper()
SEEDS = range(40)


class Asked:
    """A question that counts how often it reached the dongle."""

    def __init__(self, reply: Reply | str) -> None:
        self.reached = 0
        self._reply = reply

    def answer(self) -> Reply | str:
        self.reached += 1
        return self._reply


def acted(
    asked: Asked, trouble: Trouble | None, value: float = 0.0, seed: int = 0, **named: Any
) -> Act:
    order = None if trouble is None else Order(trouble, value=value)
    return act(Question(asked.answer, **named), order, random.Random(seed))


def parsed(answer: Act) -> Any:
    return json.loads(answer.body)


def test_without_trouble_the_answer_is_whole_and_at_once() -> None:
    """Units keep their signs: the text is UTF-8."""
    answer = acted(Asked(success(unit="℃")), None)

    assert success(unit="℃") == parsed(answer)
    assert "℃".encode() in answer.body


@pytest.mark.parametrize(
    ("trouble", "reached"),
    [
        (Trouble.DROP, 0),
        (Trouble.CLOSE, 0),
        (Trouble.BUSY, 0),
        (Trouble.LOCKED, 0),
        (Trouble.EXCEPTION, 0),
        (Trouble.LATENCY, 1),
        (Trouble.LATE_REPLY, 1),
        (Trouble.GARBLE, 1),
        (Trouble.SHORT_FRAME, 1),
        (Trouble.SLOW_DRIP, 1),
        (Trouble.WRONG_TRANSACTION, 1),
    ],
)
def test_a_request_reaches_the_device_or_does_not(trouble: Trouble, reached: int) -> None:
    """A write under a late or broken answer has happened; one that was refused has not."""
    asked = Asked(success(data=WORDS))
    acted(asked, trouble, frame=READ)

    assert reached == asked.reached


def test_busy_is_301_and_locked_is_114() -> None:
    """With the service's name where one was asked for."""
    busy = acted(Asked(success()), Trouble.BUSY, service="real")
    locked = acted(Asked(success()), Trouble.LOCKED)

    assert failure(301, "real") == parsed(busy)
    assert failure(114) == parsed(locked)


@pytest.mark.parametrize(("value", "code"), [(0.0, SLAVE_DEVICE_FAILURE), (2.0, 2)])
def test_an_exception_is_a_frame_where_frames_travel(value: float, code: int) -> None:
    """The exception frame carries unit, function and a right checksum."""
    answer = acted(Asked(success()), Trouble.EXCEPTION, value, frame=READ)
    frame = winet_rtu.sealed(bytes([0x01, 0x84, code]))

    assert success(data=frame.hex().upper()) == parsed(answer)


def test_an_exception_is_301_where_none_travels() -> None:
    """Registers by address have no exception frames."""
    assert failure(301) == parsed(acted(Asked(success()), Trouble.EXCEPTION))


def test_times_go_into_the_act() -> None:
    """Late, merely slow, and dripping are three things."""
    asked = Asked(success())
    slow = acted(asked, Trouble.LATENCY, 1.5)
    late = acted(asked, Trouble.LATE_REPLY, 2.5)
    drip = acted(asked, Trouble.SLOW_DRIP, 3.5)

    assert [(1.5, False), (2.5, True)] == [(each.delay_s, each.late) for each in (slow, late)]
    assert 3.5 == drip.drip_s


def test_dropped_is_silent_and_closed_is_closed() -> None:
    """Neither sends a byte."""
    asked = Asked(success())

    assert Act(silent=True) == acted(asked, Trouble.DROP)
    assert Act(close=True) == acted(asked, Trouble.CLOSE)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_garbled_frame_can_always_be_told(seed: int) -> None:
    """Broken JSON, a digit that is none, or a checksum that does not fit: never a wrong value."""
    answer = acted(Asked(success(data=WORDS)), Trouble.GARBLE, seed=seed, frame=READ)
    try:
        digits = parsed(answer)["result_data"]["data"]
        frame = bytes.fromhex(digits)
    except ValueError:
        return

    assert winet_rtu.crc(frame[:-2]) != frame[-2:]


def test_every_kind_of_garble_comes() -> None:
    """JSON, digits and checksums are all broken now and then."""
    kinds = set()
    for seed in SEEDS:
        answer = acted(Asked(success(data=WORDS)), Trouble.GARBLE, seed=seed, frame=READ)
        try:
            digits = parsed(answer)["result_data"]["data"]
        except ValueError:
            kinds.add("json")
            continue
        kinds.add("hex" if "G" in digits else "checksum")

    assert {"json", "hex", "checksum"} == kinds


@pytest.mark.parametrize("seed", SEEDS)
def test_garbled_registers_without_a_checksum_are_never_wrong_values(seed: int) -> None:
    """What no client could notice is not done: the answer is no JSON, or no hex."""
    answer = acted(Asked(success(param_value="0E 03 00 64 ")), Trouble.GARBLE, seed=seed)

    with pytest.raises(ValueError, match="."):
        bytes.fromhex(parsed(answer)["result_data"]["param_value"])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("data", [{"data": WORDS}, {"param_value": "0E 03 00 64 "}, {}])
def test_a_short_answer_is_short(seed: int, data: dict[str, str]) -> None:
    """The registers are too few, or the text ends in its middle."""
    answer = acted(Asked(success(**data)), Trouble.SHORT_FRAME, seed=seed, frame=READ)
    if answer.sent_bytes is not None:
        assert 0 <= answer.sent_bytes < len(answer.body) - 1
        return

    ((key, whole),) = data.items()
    assert len(parsed(answer)["result_data"][key]) < len(whole) - 1


def test_a_wrong_transaction_names_another_unit_or_service() -> None:
    """The frame is sound but not ours; the message answers another service."""
    frame = acted(Asked(success(data=WORDS)), Trouble.WRONG_TRANSACTION, frame=READ)
    message = acted(Asked(success("real")), Trouble.WRONG_TRANSACTION, service="real")
    other = bytes.fromhex(parsed(frame)["result_data"]["data"])

    assert 0x11 == other[0]
    assert winet_rtu.crc(other[:-2]) == other[-2:]
    assert "state" == parsed(message)["result_data"]["service"]


def test_a_page_of_text_is_text_and_can_be_broken_too() -> None:
    """The labels are no JSON; garbling them changes them."""
    whole = acted(Asked("A=1\n"), None)
    broken = acted(Asked("A=1\n"), Trouble.GARBLE)

    assert Act(b"A=1\n", is_json=False) == whole
    assert b"A=1\n" != broken.body


def test_the_same_seed_breaks_alike() -> None:
    """A run can be repeated to the byte."""
    asked = Asked(success(data=WORDS))
    bodies = [acted(asked, Trouble.GARBLE, seed=7, frame=READ).body for _ in range(2)]

    assert bodies[0] == bodies[1]
