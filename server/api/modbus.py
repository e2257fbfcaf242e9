"""GET inverter/modbus reads words of a device, POST writes them where the owner allows it.

A GET never writes: the function codes that would are refused. A POST writes only while the setting
`control.raw_writes` is on.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, cast

import msgspec

from server.api.addressing import device_named
from server.api.asking import ask
from server.api.call import Call, Nothing, Reply, answer
from server.api.refusals import BadRequest, Failed, NotFound
from server.api.words import MAX_READ_WORDS, Decoded, count_of, decode
from server.model.device import Space
from server.model.request import PauseStep, ReadRegisters, WriteRegisters, WriteStep

MAX_WRITE_WORDS = 123
"""Modbus: the most words of one write."""
MAX_WRITE_STEPS = 32
"""Steps of one request; each costs the device's lane a round trip."""
MAX_PAUSE_MS = 5_000
"""All pauses of one request together: the lane polls nothing meanwhile."""
MAX_ADDRESS = 0xFFFF
"""Modbus: an address has 16 bits."""

MAX_NUMBER_CHARACTERS = 40
"""Of a number as text: more than any register needs, in binary as well. Longer ones are refused,
never cut: a cut number is another register or another value."""

_READS = {3: Space.HOLDING, 4: Space.INPUT}
_WRITES = (5, 6, 15, 16, 22, 23)


class PathRead(msgspec.Struct, frozen=True):
    """How to read: `size` in words; `type` is one of uint, int, float, ascii, utf16, none.

    The later names U16, I16, U32, I32, U64, I64, F32, F64 and STR are taken as well. A size of 1,
    the default, means the type's own; another that the type does not have is refused. `endianess`
    is the order of words; bytes within a word are always as Modbus has them.
    """

    size: int = 1
    type: str = "none"
    endianess: str = "little"
    device_id: str = ""


class QueryRead(msgspec.Struct, frozen=True):
    """What to read: function code 3 (holding) or 4 (input)."""

    address: int
    device_id: str = ""
    function_code: int = 4
    size: int = 1
    type: str = "U16"
    endianess: str = "big"
    scale_factor: float = 1


class RegisterValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was read. `raw_value` is in hexadecimal as it came, `swapped_value` with its words
    reversed. Integers beyond 2^53 come as text, because JSON numbers lose them."""

    register: int
    size: int
    raw_value: str
    swapped_value: str
    value: int | float | str | None = None


class Command(msgspec.Struct, frozen=True):
    """`write` puts `values` (numbers, or text like 0x1F or 0b101) from `startingAddress` on;
    `pause` waits `duration` milliseconds."""

    type: str
    startingAddress: int | str | None = None  # noqa: N815  # The contract's spelling.
    values: tuple[int | str, ...] = ()
    duration: int = 0


class Commands(msgspec.Struct, frozen=True):
    """Steps to take in order, on the first device unless one is named."""

    commands: tuple[Command, ...]
    device_id: str = ""


class Written(msgspec.Struct, frozen=True):
    """Everything was written."""

    status: str


async def read_path(call: Call[PathRead, Nothing]) -> Reply:
    """Read by /inverter/modbus/{space}/{address}."""
    space, address = call.path["space"], call.path["address"]
    if space not in ("holding", "input"):
        raise BadRequest(f"read holding or input registers, not {space[:40]!r}")
    if not (address.isascii() and address.isdecimal()) or len(address) > MAX_NUMBER_CHARACTERS:
        raise BadRequest(f"address: use 0 to {MAX_ADDRESS}, not {address[:40]!r}")
    query = call.query
    wanted = QueryRead(
        address=int(address),
        device_id=query.device_id,
        function_code=3 if space == "holding" else 4,
        size=query.size,
        type=query.type,
        endianess=query.endianess,
    )
    return await _read(call, wanted)


async def read_query(call: Call[QueryRead, Nothing]) -> Reply:
    """Read by /inverter/modbus?address=..."""
    return await _read(call, call.query)


async def _read(
    call: Call[PathRead, Nothing] | Call[QueryRead, Nothing], wanted: QueryRead
) -> Reply:
    if wanted.function_code in _WRITES:
        raise PermissionError("a GET never writes: POST the commands to /api/inverter/modbus")
    space = _READS.get(wanted.function_code)
    if space is None:
        raise BadRequest("function_code: use 3 (holding) or 4 (input)")
    if not 1 <= wanted.size <= MAX_READ_WORDS:
        raise BadRequest(f"size: use 1 to {MAX_READ_WORDS} words, not {wanted.size}")
    count = count_of(wanted.type, wanted.size)
    if not 0 <= wanted.address <= MAX_ADDRESS + 1 - count:
        raise BadRequest(f"address: {count} words from {wanted.address} end beyond {MAX_ADDRESS}")
    if wanted.endianess not in ("little", "big"):
        raise BadRequest(f"endianess: use little or big, not {wanted.endianess[:40]!r}")
    device_id = _device_id(call, wanted.device_id)
    request = ReadRegisters(device_id, space, wanted.address, count)
    words = cast(Sequence[int], await ask(call.context.desk, request))
    return answer(_shown(wanted, words))


def _device_id(call: Call[Any, Any], wanted: str) -> str:
    """The device that is meant; the contract answers 400, not 404, when there is none."""
    try:
        return device_named(call.snapshot, wanted).config.device_id
    except NotFound as error:
        raise BadRequest(str(error)) from None


def _shown(wanted: QueryRead, words: Sequence[int]) -> RegisterValue:
    decoded: Decoded = decode(words, wanted.type, wanted.endianess == "little")
    if wanted.scale_factor != 1 and isinstance(decoded, (int, float)):
        decoded = decoded * wanted.scale_factor
    return RegisterValue(
        register=wanted.address,
        size=len(words),
        raw_value=_hex(words),
        swapped_value=_hex(words[::-1]),
        value=exact(decoded),
    )


def exact(value: Decoded) -> Decoded:
    """Integers that JSON numbers would round, as text."""
    if isinstance(value, int) and abs(value) > 2**53:
        return str(value)
    return value


def _hex(words: Sequence[int]) -> str:
    return "".join(f"{word:04x}" for word in words)


async def write(call: Call[Nothing, Commands]) -> Reply:
    """Write, step by step."""
    if not call.snapshot.configuration.control.raw_writes:
        raise PermissionError(
            "raw register writes are off: the setting control.raw_writes turns them on"
        )
    device_id = _device_id(call, call.body.device_id)
    request = WriteRegisters(device_id, steps_of(call.body.commands))
    await ask(call.context.desk, request)
    return answer(Written("ok"), HTTPStatus.OK)


def steps_of(commands: Sequence[Command]) -> tuple[WriteStep | PauseStep, ...]:
    """The commands as steps; raises BadRequest naming the first that cannot be taken.

    A command of an unknown type is answered with 500, as the contract has it.
    """
    if not 1 <= len(commands) <= MAX_WRITE_STEPS:
        raise BadRequest(f"commands: give 1 to {MAX_WRITE_STEPS}")
    steps = tuple(_step(index, each) for index, each in enumerate(commands))
    if sum(each.duration_ms for each in steps if isinstance(each, PauseStep)) > MAX_PAUSE_MS:
        raise BadRequest(f"commands: pauses may take {MAX_PAUSE_MS} ms together")
    return steps


def _step(index: int, command: Command) -> WriteStep | PauseStep:
    if command.type == "pause":
        if command.duration < 0:
            raise BadRequest(f"commands[{index}].duration: milliseconds, not below zero")
        return PauseStep(command.duration)
    if command.type != "write":
        raise Failed(f"commands[{index}].type: use write or pause")
    address = _number(command.startingAddress, f"commands[{index}].startingAddress", MAX_ADDRESS)
    if not 1 <= len(command.values) <= MAX_WRITE_WORDS:
        raise BadRequest(f"commands[{index}].values: give 1 to {MAX_WRITE_WORDS} words")
    words = tuple(_number(each, f"commands[{index}].values", 0xFFFF) for each in command.values)
    if address + len(words) > MAX_ADDRESS + 1:
        raise BadRequest(f"commands[{index}]: the values end beyond address {MAX_ADDRESS}")
    return WriteStep(address, words)


def _number(value: int | str | None, key: str, most: int) -> int:
    if isinstance(value, str):
        number = _parsed(value)
    else:
        number = value
    if number is None or not 0 <= number <= most:
        raise BadRequest(f"{key}: use 0 to {most}, as a number or as text like 0x1F or 0b101")
    return number


def _parsed(text: str) -> int | None:
    if len(text) > MAX_NUMBER_CHARACTERS:
        return None
    try:
        return int(text, 0)
    except ValueError:
        return None
