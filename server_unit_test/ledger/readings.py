"""Readings and clocks as the ledger's tests need them."""

from server.model.reading import ClockQuality, Reading

START_MS = 1_750_000_000_000


def reading(
    number: int = 0, device: str = "a", clock: ClockQuality = ClockQuality.SYNCED
) -> Reading:
    """The `number`-th reading of a device, one second after the one before."""
    return Reading(
        device=device,
        taken_at_ms=START_MS + number * 1000,
        uptime_ms=number * 1000,
        clock=clock,
        values={"pv_power": number},
        words={5016: number},
    )
