"""Profiles of devices that do not exist: as many blocks, words and values as a measurement asks."""

from pathlib import Path

from server.devices.profile import Profile, load_profiles
from server.model.quantity import QUANTITIES, Kind

BLOCK_STRIDE = 200
"""Wire addresses from one block to the next: further apart than any gap worth bridging."""

WIDE, NARROW = 40, 20
"""32-bit and 16-bit registers of one block: 100 words."""

BLOCK_WORDS = 2 * WIDE + NARROW
BLOCK_VALUES = WIDE + NARROW

_NUMERIC = tuple(
    name for name, each in QUANTITIES.items() if each.kind in (Kind.GAUGE, Kind.COUNTER, Kind.DAILY)
)


def profile_text(name: str, blocks: int) -> str:
    """A profile of `blocks` blocks, each of 100 words in 60 registers.

    One block has 60 values. Of more blocks as many registers as there are quantities are spread
    evenly and carry values; the rest are read, checked and kept as raw words.
    """
    total = blocks * BLOCK_VALUES
    named = BLOCK_VALUES if blocks == 1 else min(total, len(_NUMERIC))
    lines: list[str] = []
    used = 0
    for number in range(total):
        block, place = divmod(number, BLOCK_VALUES)
        wide = place < WIDE
        offset = 2 * place if wide else WIDE + place
        quantity = ""
        if (number + 1) * named // total > used:
            name_of = _NUMERIC[used]
            unit = QUANTITIES[name_of].unit
            quantity = f', scale = 0.1, unit = "{unit}", is = "{name_of}"'
            used += 1
        kind = "u32" if wide else "u16"
        lines.append(f'    {{ at = {block * BLOCK_STRIDE + offset}, as = "{kind}"{quantity} }},')
    registers = "\n".join(lines)
    return f"""name = "{name}"
maker = "Nobody"
title = "Benchmark, {blocks} blocks"
document = "benchmark/bench_profile.py"
first_address = 0

[limits]
max_words = {BLOCK_WORDS}
max_gap = 4

[unavailable]
u16 = 0xFFFF
u32 = 0xFFFFFFFF

[registers]
input = [
{registers}
]
"""


def write_profile(folder: Path, name: str, blocks: int) -> None:
    """Put it where a gateway with this data folder finds it."""
    profiles = folder / "profiles"
    profiles.mkdir(parents=True, exist_ok=True)
    (profiles / f"{name}.toml").write_text(profile_text(name, blocks), encoding="utf-8")


def bench_profile(folder: Path, name: str, blocks: int) -> Profile:
    """The same, loaded as the gateway loads it."""
    write_profile(folder, name, blocks)
    loaded = load_profiles(folder / "profiles")
    if loaded.problems:
        raise RuntimeError(f"the benchmark's own profile is wrong: {loaded.problems}")
    return loaded.profiles[name]
