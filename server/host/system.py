"""What the operating system says about the machine, read from its files.

Owns the parsing of /proc and of the thermal zone. Knows nothing of the gateway: a file that is
missing or that cannot be understood makes its figure absent, never zero and never an error.
"""

from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")
_KIB = 1024


@dataclass(frozen=True, slots=True)
class SystemFigures:
    """The machine at one moment; None is what the machine does not say."""

    uptime_s: float | None
    load: tuple[float, float, float] | None
    """Average number of runnable processes over 1, 5 and 15 minutes."""
    memory_total_bytes: int | None
    memory_available_bytes: int | None
    memory_free_bytes: int | None
    temperature_c: float | None


def read_system(proc: Path = PROC, thermal: Path = THERMAL) -> SystemFigures:
    """Read all figures once; a few microseconds, no waiting."""
    memory = _memory(_text(proc / "meminfo"))
    return SystemFigures(
        uptime_s=_uptime(_text(proc / "uptime")),
        load=_load(_text(proc / "loadavg")),
        memory_total_bytes=memory.get("MemTotal"),
        memory_available_bytes=memory.get("MemAvailable"),
        memory_free_bytes=memory.get("MemFree"),
        temperature_c=_temperature(_text(thermal)),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _uptime(text: str) -> float | None:
    words = text.split()
    return _number(words[0]) if words else None


def _load(text: str) -> tuple[float, float, float] | None:
    numbers = [_number(word) for word in text.split()[:3]]
    if len(numbers) != 3:
        return None
    one, five, fifteen = numbers
    if one is None or five is None or fifteen is None:
        return None
    return one, five, fifteen


def _memory(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            found[name] = int(words[0]) * _KIB
    return found


def _temperature(text: str) -> float | None:
    millidegrees = _number(text.strip())
    return None if millidegrees is None else millidegrees / 1000


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
