"""The battery (SBR) as it shows itself on a unit of its own: input registers only.

Sources: Sungrow's battery answers at unit 200 of the inverter's own port and at unit 2 through a
dongle. Wire address = document address - 1; voltage, current, temperature and charge in tenths.
"""

from collections.abc import Callable, Sequence

from simulator.face import INPUT
from simulator.modbus_pdu import ILLEGAL_ADDRESS, Refused
from simulator.models import Model
from simulator.physics import Moment
from simulator.sungrow import UNAVAILABLE, encode, encode_text
from simulator.sungrow_tables import Scene

BATTERY_UNIT = 200
"""On the inverter's own port."""

WINET_BATTERY_UNIT = 2
"""Through a dongle."""

SPAN = (10711, 10744)
SERIAL_AT = 10711
SERIAL_WORDS = 10
VOLTAGE_AT = 10741


def battery_serial(inverter_serial: str) -> str:
    """The battery's own serial number: another box than the inverter, known by its letters."""
    return "S" + inverter_serial[1:]


class Battery:
    """One battery; it shows and takes no orders."""

    def __init__(self, model: Model, inverter_serial: str, moment: Callable[[], Moment]) -> None:
        self._model = model
        self._moment = moment
        self.serial = battery_serial(inverter_serial)

    def read(self, space: str, first: int, count: int) -> Sequence[int]:
        """Words by wire address; raises Refused."""
        low, high = SPAN
        if space != INPUT or first + 1 < low or first + count > high:
            raise Refused(ILLEGAL_ADDRESS)
        image = self._paint()
        return [image.get(at, UNAVAILABLE["u16"]) for at in range(first + 1, first + 1 + count)]

    def _paint(self) -> dict[int, int]:
        moment = self._moment()
        volts = Scene(model=self._model, moment=moment).battery_v
        image = dict(enumerate(encode_text(self.serial, SERIAL_WORDS), start=SERIAL_AT))
        shown = (
            encode("u16", round(volts * 10)),
            encode("s16", round(moment.flow.battery_w / volts * 10)),
            encode("s16", round(moment.battery_c * 10)),
            encode("u16", round(moment.soc * 1000)),
        )
        for place, words in enumerate(shown):
            image[VOLTAGE_AT + place] = words[0]
        return image
