"""GET system: the machine that the gateway runs on. What it does not say is null."""

import msgspec

from server.api.call import Call, Nothing, Reply, answer
from server.host.system import SystemFigures

_MB = 1_000_000


class Averages(msgspec.Struct, frozen=True):
    """Average number of runnable processes."""

    last_1min: float | None = None
    last_5min: float | None = None
    last_15min: float | None = None


class Memory(msgspec.Struct, frozen=True):
    """Megabytes; `used` is what is neither free nor given back on demand."""

    total: float | None
    available: float | None
    free: float | None
    used: float | None
    percent_used: float | None


class System(msgspec.Struct, frozen=True):
    """The machine."""

    time_utc_sec: int
    temperature_celsius: float | None
    processes_average: Averages
    uptime_seconds: float | None
    memory_MB: Memory  # noqa: N815  # The contract's spelling.


def show(call: Call[Nothing, Nothing]) -> Reply:
    """The machine's figures."""
    services = call.context.services
    figures = services.system()
    return answer(
        System(
            time_utc_sec=services.clock.utc_ms() // 1000,
            temperature_celsius=figures.temperature_c,
            processes_average=Averages(*(figures.load or ())),
            uptime_seconds=figures.uptime_s,
            memory_MB=_memory(figures),
        )
    )


def _memory(figures: SystemFigures) -> Memory:
    total, available = figures.memory_total_bytes, figures.memory_available_bytes
    used = total - available if total is not None and available is not None else None
    return Memory(
        total=_megabytes(total),
        available=_megabytes(available),
        free=_megabytes(figures.memory_free_bytes),
        used=_megabytes(used),
        percent_used=round(100 * used / total, 1) if used is not None and total else None,
    )


def _megabytes(size: int | None) -> float | None:
    return None if size is None else round(size / _MB, 1)
