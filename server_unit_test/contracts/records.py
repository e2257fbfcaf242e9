"""Records as tests need them: small, and different from one another."""

from collections.abc import Mapping

from server.model.delivery import Batch, DeviceFacts
from server.model.reading import ClockQuality, Reading, Record, Stored

START_MS = 1_750_000_000_000
BOOT = 0x0123456789ABCDEF
DEVICE = DeviceFacts("A2340", "Roof", "sungrow_hybrid", "A2340123456", "SH10RT")


def stored(
    position: int,
    boot: int = BOOT,
    at_ms: int | None = None,
    words: Mapping[int, int] | None = None,
    clock: ClockQuality = ClockQuality.SYNCED,
) -> Stored:
    """The record at `position`, whose sequence is its position, a second after the one before."""
    reading = Reading(
        device=DEVICE.device_id,
        taken_at_ms=START_MS + 1000 * position if at_ms is None else at_ms,
        uptime_ms=1000 * position,
        clock=clock,
        values={"active_power": 1000.0 + position},
        words={5000: position, 13000: 65535} if words is None else words,
    )
    return Stored(position, Record(boot, position, reading))


def batch(*records: Stored) -> Batch:
    """A batch of DEVICE; by default of three records of one boot."""
    return Batch(DEVICE, records or (stored(1), stored(2), stored(3)))
