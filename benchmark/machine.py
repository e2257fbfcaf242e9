"""The machine a run was made on, in words."""

import os
import platform
import sqlite3
import time
from importlib.metadata import version
from pathlib import Path

PEERS = (
    "pymodbus",
    "APScheduler",
    "schedule",
    "starlette",
    "uvicorn",
    "msgspec",
    "cryptography",
    "bumble",
)


def describe() -> str:
    """Processor, cores, memory, kernel, versions, and how busy it was."""
    packages = ", ".join(f"{name} {version(name)}" for name in PEERS)
    return (
        f"{os.cpu_count()} cores of {_processor()}, {_memory_gb()} GB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}"
    )


def load() -> str:
    """What waits for the processor, on average over the last one, five and fifteen minutes."""
    return " ".join(f"{each:.1f}" for each in os.getloadavg())


def today() -> str:
    """The date, UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gb() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
