"""How one answer is put on the wire: whole and at once, or as a trouble wants it.

It decides on bytes and times and touches no socket. Rules. A request that is dropped, cut off,
refused, or met by a busy or locked dongle never reaches the device; one whose answer is late, short
or garbled does, so that a write may have happened though nobody heard of it.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from simulator import winet_rtu
from simulator.trouble import Order, Trouble
from simulator.winet_replies import LOCKED, READ_FAILED, Reply, failure, success

SLAVE_DEVICE_FAILURE = 4
"""The exception code where the order names none."""

_HEX_KEYS = ("param_value", "data")


@dataclass(frozen=True, slots=True)
class Question:
    """One request: how the dongle would answer it, and what its answer must name."""

    answer: Callable[[], Reply | str]
    service: str = ""
    frame: bytes = b""
    """The RTU frame that it carries, if any."""


@dataclass(frozen=True, slots=True)
class Act:
    """How the answer goes out."""

    body: bytes = b""
    is_json: bool = True
    silent: bool = False
    """Nothing comes, and the connection stays."""
    close: bool = False
    """Nothing comes, and the connection is closed."""
    delay_s: float = 0.0
    late: bool = False
    """Whether what is asked meanwhile is answered before."""
    sent_bytes: int | None = None
    """How much of the body comes; nothing follows. None is all of it."""
    drip_s: float = 0.0
    """The time over which the body comes byte by byte."""


def act(question: Question, order: Order | None, dice: random.Random) -> Act:
    """What becomes of this request under this trouble."""
    trouble = None if order is None else order.trouble
    value = 0.0 if order is None else order.value
    if trouble is Trouble.DROP:
        return Act(silent=True)
    if trouble is Trouble.CLOSE:
        return Act(close=True)
    refused = _refused(question, trouble, value)
    if refused is not None:
        return _whole(refused)
    reply = question.answer()
    plain = _whole(reply)
    if trouble in (Trouble.LATENCY, Trouble.LATE_REPLY):
        return replace(plain, delay_s=value, late=trouble is Trouble.LATE_REPLY)
    if trouble is Trouble.SLOW_DRIP:
        return replace(plain, drip_s=value)
    if trouble is Trouble.SHORT_FRAME:
        return _shortened(reply, plain, dice)
    if trouble is Trouble.GARBLE:
        return _garbled(question, reply, plain, dice)
    if trouble is Trouble.WRONG_TRANSACTION and isinstance(reply, dict):
        return _whole(_misnumbered(question, reply))
    return plain


def _refused(question: Question, trouble: Trouble | None, value: float) -> Reply | None:
    if trouble is Trouble.BUSY:
        return failure(READ_FAILED, question.service)
    if trouble is Trouble.LOCKED:
        return failure(LOCKED, question.service)
    if trouble is not Trouble.EXCEPTION:
        return None
    if not question.frame:
        return failure(READ_FAILED, question.service)
    code = int(value) or SLAVE_DEVICE_FAILURE
    return success(data=winet_rtu.refusal(question.frame, code).hex().upper())


def _whole(reply: Reply | str) -> Act:
    if isinstance(reply, str):
        return Act(reply.encode(), is_json=False)
    return Act(json.dumps(reply, ensure_ascii=False).encode())


def _hex_of(reply: Reply | str) -> tuple[str, str] | None:
    """The key and the hex digits of registers in a reply."""
    data: Any = reply.get("result_data") if isinstance(reply, dict) else None
    for key in _HEX_KEYS:
        if isinstance(data, dict) and isinstance(data.get(key), str):
            return key, data[key]
    return None


def _with_hex(reply: Reply | str, key: str, digits: str) -> Act:
    assert isinstance(reply, dict)
    return _whole({**reply, "result_data": {**reply["result_data"], key: digits}})


def _shortened(reply: Reply | str, plain: Act, dice: random.Random) -> Act:
    """Half of the time the registers are too few in a sound answer, else the answer breaks off."""
    registers = _hex_of(reply)
    at_registers = dice.random() < 0.5
    if registers is not None and at_registers:
        key, digits = registers
        return _with_hex(reply, key, digits[: dice.randrange(max(1, len(digits) - 1))])
    return replace(plain, sent_bytes=dice.randrange(max(1, len(plain.body) - 1)))


def _garbled(question: Question, reply: Reply | str, plain: Act, dice: random.Random) -> Act:
    """A wrong digit, a wrong bit under a checksum, or broken JSON, as the dice fall."""
    registers = _hex_of(reply)
    kind = dice.choice(("json", "hex", "bit"))
    if registers is None or not registers[1] or kind == "json":
        return replace(plain, body=_broken_json(plain.body))
    key, digits = registers
    if kind == "bit" and question.frame:
        frame = bytearray.fromhex(digits)
        frame[dice.randrange(len(frame))] ^= 1 << dice.randrange(8)
        return _with_hex(reply, key, frame.hex().upper())
    at = dice.randrange(len(digits))
    return _with_hex(reply, key, f"{digits[:at]}G{digits[at + 1 :]}")


def _broken_json(body: bytes) -> bytes:
    """A stray closing brace behind the first key, where no object may have one."""
    colon = max(0, body.find(b":"))
    return body[:colon] + b"}" + body[colon:]


def _misnumbered(question: Question, reply: Reply) -> Reply:
    """The answer to something else: another unit's frame, another service's name."""
    registers = _hex_of(reply)
    if question.frame and registers is not None:
        key, digits = registers
        body = bytearray.fromhex(digits)[: -winet_rtu.CRC_BYTES]
        body[0] ^= 0x10
        other = winet_rtu.sealed(bytes(body)).hex().upper()
        return {**reply, "result_data": {**reply["result_data"], key: other}}
    if not question.service:
        return reply
    other = "state" if question.service != "state" else "statistics"
    return {**reply, "result_data": {**reply.get("result_data", {}), "service": other}}
