"""The poll path beside bare pymodbus, and decoding beside the best that can be written by hand."""

import struct
import tempfile
import time
from collections.abc import Callable
from operator import mul
from pathlib import Path

from pymodbus.client import ModbusTcpClient
from pymodbus.client.mixin import ModbusClientMixin

from benchmark.bench_profile import BLOCK_WORDS, NARROW, WIDE, bench_profile
from benchmark.child import Child
from benchmark.figures import (
    Section,
    Table,
    at_most,
    median_ratio,
    micro,
    ratio,
)
from benchmark.measure import cpu_cost, interleaved, medians
from benchmark.progress import say
from server.devices.driver import Driver, Polled
from server.devices.packing import Block
from server.devices.profile import Profile, load_profiles
from server.devices.registers import compile_decoder
from server.model.device import Space
from server.model.reading import Value
from server.transports.modbus_tcp import ModbusTcp

BLOCKS = 10
POLLS = 200
DECODES = 5_000
TIMEOUT_S = 5.0
OURS, BARE, READS = "Egret `Driver.poll`", "bare pymodbus sync", "Egret `ModbusTcp.read` alone"


def _never() -> bool:
    return False


class _Line:
    """One device, asked by the gateway's own path and by a bare client, block by block."""

    def __init__(self, profile: Profile, port: int) -> None:
        self._driver = Driver(profile, 1)
        self._transport = ModbusTcp("127.0.0.1", port)
        self._client = ModbusTcpClient("127.0.0.1", port=port, timeout=TIMEOUT_S)
        if not self._client.connect():  # type: ignore[no-untyped-call]
            raise RuntimeError("the device of the benchmark takes no connection")
        self.poll_ours()
        self.blocks: tuple[Block, ...] = self._driver.plan

    def poll_ours(self) -> Polled:
        polled = self._driver.poll(self._transport, _never)
        assert isinstance(polled, Polled)
        return polled

    def read_ours(self) -> None:
        for block in self.blocks:
            self._transport.read(1, block.space, block.address, block.count)

    def read_bare(self) -> None:
        for block in self.blocks:
            answer = self._client.read_input_registers(block.address, count=block.count)
            assert len(answer.registers) == block.count

    def close(self) -> None:
        self._transport.close()
        self._client.close()  # type: ignore[no-untyped-call]


def _times(run: Callable[[], object], count: int) -> Callable[[], float]:
    def repeated() -> int:
        for _ in range(count):
            run()
        return count

    return lambda: cpu_cost(repeated, time.thread_time)


def _poll_costs(profile: Profile, port: int, quick: bool) -> tuple[dict[str, list[float]], _Line]:
    line = _Line(profile, port)
    try:
        polls = POLLS // 4 if quick else POLLS
        runs = {
            OURS: _times(line.poll_ours, polls),
            BARE: _times(line.read_bare, polls),
            READS: _times(line.read_ours, polls),
        }
        return interleaved(runs, 3 if quick else 9), line
    finally:
        line.close()


def _poll_row(what: str, costs: dict[str, list[float]], line: _Line) -> tuple[str, ...]:
    blocks = len(line.blocks)
    words = sum(block.count for block in line.blocks)
    middle = medians({name: [each / blocks for each in costs[name]] for name in costs})
    return (
        what,
        f"{blocks} × {words // blocks} words",
        micro(middle[BARE]),
        micro(middle[READS]),
        ratio(median_ratio(costs[READS], costs[BARE])),
        micro(middle[OURS]),
        ratio(median_ratio(costs[OURS], costs[BARE])),
    )


def measure(quick: bool) -> Section:
    """Both halves."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ten = bench_profile(folder, "bench10", BLOCKS)
        one = bench_profile(folder, "bench1", 1)
        hybrid = load_profiles().profiles["sungrow_hybrid"]
        rows: list[tuple[str, ...]] = []
        say("poll path, ten blocks")
        with Child(["benchmark.doors", "modbus"], folder / "door.log") as door:
            costs, line = _poll_costs(ten, door.hello["ports"][0], quick)
            rows.append(_poll_row("Ten blocks of 100 words, 79 values", costs, line))
        say("poll path, SH10RT")
        arguments = ["benchmark.doors", "modbus", "--device", "sh10rt"]
        with Child(arguments, folder / "plant.log") as door:
            hybrid_costs, line = _poll_costs(hybrid, door.hello["ports"][0], quick)
            rows.append(_poll_row("Sungrow SH10RT, its own profile", hybrid_costs, line))
        say("decoding")
        decode_table, decode_ratio = _decode(one, quick)
    head = (
        "CPU a block",
        "blocks",
        BARE,
        READS,
        "ratio",
        OURS,
        "ratio",
    )
    poll_ratio = median_ratio(costs[OURS], costs[BARE])
    return Section(
        "Modbus: polling and decoding",
        _TEXT,
        (Table(head, tuple(rows)), decode_table),
        (
            at_most("Poll path, ten blocks", poll_ratio, 1.15, " × bare pymodbus sync"),
            at_most("Decode, 100 registers to 60 values", decode_ratio, 1.5, " × best `struct`"),
        ),
    )


_LAYOUT = struct.Struct(f">{WIDE}I{NARROW}H")
_WORDS = struct.Struct(f">{BLOCK_WORDS}H")


class _Decoders:
    """The same block decoded in several ways."""

    def __init__(self, profile: Profile) -> None:
        registers = tuple(sorted(profile.registers, key=lambda each: each.address))
        self._names = tuple(each.quantity for each in registers)
        self._scales = (0.1,) * len(self._names)
        self._unavailable = (0xFFFFFFFF,) * WIDE + (0xFFFF,) * NARROW
        self._decode = compile_decoder(registers, 0, BLOCK_WORDS)
        self.words = tuple((7 * address + 11) % 10_000 for address in range(BLOCK_WORDS))
        self.data = _WORDS.pack(*self.words)

    def ours(self) -> dict[str, Value]:
        """Values and raw words; what is unavailable is in neither."""
        values: dict[str, Value] = {}
        self._decode(self.words, values, {})
        return values

    def best_struct(self) -> dict[str, float]:
        """Bytes to scaled values by name, and nothing else."""
        return dict(
            zip(self._names, map(mul, _LAYOUT.unpack(self.data), self._scales))
        )  # noqa: B905

    def same_work(self) -> tuple[dict[str, float], dict[int, int]]:
        """What a careful person writes for what ours does: unavailable left out, words kept."""
        numbers = _LAYOUT.unpack(self.data)
        raw = dict(enumerate(_WORDS.unpack(self.data)))
        values = {
            name: number / 10
            for name, number, missing in zip(self._names, numbers, self._unavailable)  # noqa: B905
            if number != missing
        }
        return values, raw

    def pymodbus(self) -> dict[str, float]:
        """`convert_from_registers`, register by register."""
        convert, kinds = ModbusClientMixin.convert_from_registers, ModbusClientMixin.DATATYPE
        words = list(self.words)
        values: dict[str, float] = {}
        for index, name in enumerate(self._names):
            if index < WIDE:
                part, kind = words[2 * index : 2 * index + 2], kinds.UINT32
            else:
                at = WIDE + index
                part, kind = words[at : at + 1], kinds.UINT16
            number = convert(part, kind)
            assert isinstance(number, int)
            values[name] = number * 0.1
        return values


def _decode(profile: Profile, quick: bool) -> tuple[Table, float]:
    ways = _Decoders(profile)
    assert all(register.space is Space.INPUT for register in profile.registers)
    expected = ways.same_work()[0]
    if ways.ours() != expected:
        raise RuntimeError("the decoders do not agree")
    count = DECODES // 5 if quick else DECODES
    runs = {
        "Egret, compiled from the profile": _times(ways.ours, count),
        "best `struct` by hand": _times(ways.best_struct, count),
        "by hand, the same work": _times(ways.same_work, count),
        "pymodbus `convert_from_registers`": _times(ways.pymodbus, max(1, count // 10)),
    }
    costs = interleaved(runs, 3 if quick else 15)
    ours, best, *_ = costs.values()
    rows = tuple(
        (name, micro(cost), ratio(median_ratio(costs[name], best)))
        for name, cost in medians(costs).items()
    )
    head = ("100 registers to 60 values", "CPU", "× best `struct`")
    return Table(head, rows), median_ratio(ours, best)


_TEXT = f"""
CPU time of the client's thread against a device in another process that answers from memory.
`Driver.poll` does everything between a beat and a reading: {BLOCKS} requests, matching each
answer to its request, refusals, preemption between frames, decoding, raw words. Bare pymodbus
makes the same requests and throws the answers away. The best `struct` turns bytes into a mapping
of scaled values and stops there; *the same work* also leaves out unavailable values and keeps the
raw words, as Egret does.
"""
