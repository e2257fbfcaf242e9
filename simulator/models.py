"""The inverters that can be simulated: one line each. Adding one is adding a line.

Type codes: Sungrow string inverter protocol V1.1.80, Sungrow hybrid protocol V1.1.16.
"""

import random
from dataclasses import dataclass
from typing import Literal

from simulator.physics import Site
from simulator.sky import Roof

SINGLE_PHASE = 0
THREE_PHASE_FOUR_WIRE = 1
THREE_PHASE_THREE_WIRE = 2
"""No neutral: the voltages that are shown are those between two lines. The documents do not say
which models feed so; none of these does, and `dataclasses.replace` makes one that does."""


@dataclass(frozen=True, slots=True)
class Model:
    """What tells one model from another."""

    key: str
    name: str
    family: Literal["string", "hybrid"]
    type_code: int
    nominal_power_w: int
    output_type: int
    mppts: int
    battery_capacity_wh: int = 0
    battery_power_w: int = 0
    meter: bool = True
    """Whether a Sungrow meter reports through it (string SG-RS and SG-RT; hybrids always)."""

    @property
    def phases(self) -> int:
        """Phases it feeds."""
        return 1 if self.output_type == SINGLE_PHASE else 3

    def site(self, latitude_deg: float) -> Site:
        """The house that such an inverter would be found in."""
        share = self.nominal_power_w * 1.15 / self.mppts
        roofs = tuple(Roof(share, 30.0, 90.0 * (index % 2)) for index in range(self.mppts))
        return Site(
            roofs=roofs,
            inverter_power_w=self.nominal_power_w,
            battery_capacity_wh=self.battery_capacity_wh,
            battery_power_w=self.battery_power_w,
            load_factor=max(1.0, self.nominal_power_w / 12_000),
            latitude_deg=latitude_deg,
        )

    def serial(self, seed: int) -> str:
        """A serial of eleven characters, as these devices carry; the seed decides it."""
        number = random.Random(f"{self.key}/{seed}").randrange(10**8)
        return f"A22{number:08d}"


_WIRES = THREE_PHASE_FOUR_WIRE

# fmt: off
MODELS: dict[str, Model] = {
    model.key: model
    for model in (
        #     key         name        family    code    nominal phases    mppts  battery
        Model("sg5.0rs",  "SG5.0RS",  "string", 0x2606,   5_000, SINGLE_PHASE, 2),
        Model("sg8.0rs",  "SG8.0RS",  "string", 0x2608,   8_000, SINGLE_PHASE, 3),
        Model("sg5.0rt",  "SG5.0RT",  "string", 0x2430,   5_000, _WIRES,       2),
        Model("sg10rt",   "SG10RT",   "string", 0x2433,  10_000, _WIRES,       2),
        Model("sg33cx",   "SG33CX",   "string", 0x2C00,  33_000, _WIRES,       3, meter=False),
        Model("sg110cx",  "SG110CX",  "string", 0x2C06, 110_000, _WIRES,       9, meter=False),
        Model("sh5.0rs",  "SH5.0RS",  "hybrid", 0x0D0F,   5_000, SINGLE_PHASE, 2,  9_600, 5_000),
        Model("sh10rs",   "SH10RS",   "hybrid", 0x0D1B,  10_000, SINGLE_PHASE, 2, 12_800, 10_000),
        Model("sh8.0rt",  "SH8.0RT",  "hybrid", 0x0E02,   8_000, _WIRES,       2,  9_600,  8_000),
        Model("sh10rt",   "SH10RT",   "hybrid", 0x0E03,  10_000, _WIRES,       2, 12_800, 10_000),
        Model("sh25t",    "SH25T",    "hybrid", 0x0E28,  25_000, _WIRES,       3, 25_600, 25_000),
    )
}
# fmt: on


def model_named(name: str) -> Model:
    """The model of that name, however it is capitalised."""
    model = MODELS.get(name.lower())
    if model is None:
        raise ValueError(f"no model {name!r}; there are: {', '.join(MODELS)}")
    return model
