"""Devices as recorded in fixtures/<family>/<model>_<firmware>.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.model.reading import Value
from server_unit_test.contracts.fake_transport import FakeTransport

FOLDER = Path(__file__).parents[1] / "fixtures"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One device: what it serves, what it is, and the values a person reads from it."""

    name: str
    model: str
    source: str
    unit_id: int
    identity: Mapping[str, Any]
    input: Mapping[int, int]
    holding: Mapping[int, int]
    expect: Mapping[str, Value]

    def device(self) -> FakeTransport:
        """The device in memory, behind a transport."""
        fake = FakeTransport(dict(self.input), dict(self.holding))
        fake.units = (self.unit_id,)
        return fake


def recorded() -> list[Recorded]:
    """Every fixture there is, by name."""
    return [_read(path) for path in sorted(FOLDER.glob("*/*_*.json"))]


def _read(path: Path) -> Recorded:
    data = json.loads(path.read_text(encoding="utf-8"))
    return Recorded(
        name=f"{path.parent.name}/{path.stem}",
        model=data["model"],
        source=data["source"],
        unit_id=data["unit_id"],
        identity=data["identity"],
        input={int(address): word for address, word in data["input"].items()},
        holding={int(address): word for address, word in data["holding"].items()},
        expect=data["expect"],
    )
