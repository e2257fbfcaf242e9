"""A Sungrow inverter as its registers show it: words out, writes in, refusals.

It packs what `sungrow_tables` says the model shows of one `Moment`, and keeps the holding
registers. Wire address = document address - 1, translated here and nowhere else. Words are
big-endian, 32-bit values low word first, strings high byte first and NUL padded.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from simulator.behaviour import Condition
from simulator.modbus_pdu import ILLEGAL_ADDRESS, ILLEGAL_VALUE, Refused
from simulator.models import Model
from simulator.physics import Moment, Orders
from simulator.sungrow_settings import (
    EXPORT_LIMIT_AT,
    EXPORT_SWITCH_AT,
    HEARTBEAT_AT,
    SIGNS_OF_LIFE,
    START_DELAY_S,
    START_STOP_AT,
    orders_of,
    settings_of,
    twin_of,
)
from simulator.sungrow_tables import (
    CLOCK_AT,
    CLOCK_WORDS,
    EMS_EXTERNAL,
    EMS_SELF,
    EMS_VPP,
    FIRMWARE,
    FIRMWARE_WORDS,
    ON,
    SERIAL_AT,
    SERIAL_WORDS,
    SHOWN_IN_THE_DARK,
    STOP,
    Kind,
    Scene,
    holding_spans,
    input_rows,
    input_spans,
)
from simulator.trouble import Quirk

UNAVAILABLE: dict[Kind, int] = {
    "u16": 0xFFFF,
    "s16": 0x7FFF,
    "u32": 0xFFFF_FFFF,
    "s32": 0x7FFF_FFFF,
}
"""What a model shows for what it lacks, by type; reserved addresses show the first."""

_BOUNDS: dict[Kind, tuple[int, int]] = {
    "u16": (0, 0xFFFE),
    "s16": (-0x8000, 0x7FFE),
    "u32": (0, 0xFFFF_FFFE),
    "s32": (-0x8000_0000, 0x7FFF_FFFE),
}


def encode(kind: Kind, count: int | None) -> tuple[int, ...]:
    """The words of one value, low word first; counts beyond the type stop at its end."""
    if count is None:
        raw = UNAVAILABLE[kind]
    else:
        low, high = _BOUNDS[kind]
        raw = max(low, min(high, count))
    if kind in ("u16", "s16"):
        return (raw & 0xFFFF,)
    return (raw & 0xFFFF, (raw >> 16) & 0xFFFF)


def encode_text(text: str, words: int) -> tuple[int, ...]:
    """The words of a string, high byte first, NUL padded, cut where it does not fit."""
    raw = text.encode()[: 2 * words].ljust(2 * words, b"\0")
    return tuple(raw[i] << 8 | raw[i + 1] for i in range(0, 2 * words, 2))


class InputImage:
    """The input registers as one scene shows them, packed once for each moment."""

    def __init__(self, model: Model, serial: str) -> None:
        self._rows = input_rows(model)
        self._constant = dict(enumerate(encode_text(serial, SERIAL_WORDS), start=SERIAL_AT))
        for at, text in FIRMWARE:
            self._constant |= enumerate(encode_text(text, FIRMWARE_WORDS), start=at)
        self._words: dict[int, int] = {}
        self._shown: Moment | None = None

    def forget(self) -> None:
        """What is shown has changed though the moment has not."""
        self._shown = None

    def shows(self, moment: Moment) -> bool:
        """Whether this moment is packed already."""
        return self._shown is moment

    def pack(self, scene: Scene) -> None:
        """Show this scene from now on."""
        image = dict(self._constant)
        blank = scene.condition.blank(scene.moment)
        for row in self._rows:
            dark = blank and row.at not in SHOWN_IN_THE_DARK
            value = None if dark else row.value(scene)
            count = None if value is None else round(value * row.per_unit)
            for place, word in enumerate(encode(row.kind, count)):
                image[row.at + place] = word
        self._words, self._shown = image, scene.moment

    def words(self, at: int, count: int) -> list[int]:
        """By document address; what no row names is unavailable."""
        return [self._words.get(each, UNAVAILABLE["u16"]) for each in range(at, at + count)]


class SungrowInverter:
    """One inverter. `moment` gives the plant now; `obey` hands it what has been ordered."""

    def __init__(
        self,
        model: Model,
        serial: str,
        moment: Callable[[], Moment],
        obey: Callable[[Orders], None],
        has: Callable[[Quirk], bool] = lambda _: False,
        condition: Callable[[], Condition] = Condition,
    ) -> None:
        self.model = model
        self.serial = serial
        self._moment = moment
        self._obey = obey
        self._has = has
        self._condition = condition
        self._image = InputImage(model, serial)
        self._settings = {setting.at: setting for setting in settings_of(model)}
        self._words = {at: setting.initial for at, setting in self._settings.items()}
        self._clock_shift_s = 0
        self._alive_at_s = 0
        self._starting_until_s: int | None = None
        obey(self._orders(EMS_SELF))

    def read_input(self, first: int, count: int) -> Sequence[int]:
        """Input registers by wire address, all from one moment."""
        _inside(input_spans(self.model), first + 1, count)
        moment = self._watched_moment()
        if not self._image.shows(moment):
            self._image.pack(self._scene(moment))
        return self._image.words(first + 1, count)

    def read_holding(self, first: int, count: int, wrong_by_s: float = 0.0) -> Sequence[int]:
        """Holding registers by wire address; the clock may be wrong by some seconds."""
        _inside(holding_spans(self.model), first + 1, count)
        image = dict(self._words)
        shown = self._local_time(self._watched_moment()) + timedelta(seconds=int(wrong_by_s))
        for place, word in enumerate(_clock_words(shown)):
            image[CLOCK_AT + place] = word
        return [image.get(at, UNAVAILABLE["u16"]) for at in range(first + 1, first + 1 + count)]

    def write(self, first: int, words: Sequence[int]) -> None:
        """Write holding registers by wire address: all of them, or none and a refusal."""
        moment = self._watched_moment()
        wanted = self._as_firmware_takes(dict(enumerate(words, start=first + 1)))
        clock = range(CLOCK_AT, CLOCK_AT + CLOCK_WORDS)
        if any(at not in self._settings and at not in clock for at in wanted):
            raise Refused(ILLEGAL_ADDRESS)
        settings = {at: word for at, word in wanted.items() if at not in clock}
        if any(word not in self._settings[at].accepts for at, word in settings.items()):
            raise Refused(ILLEGAL_VALUE)
        if len(settings) < len(wanted):
            self._set_clock(moment, {at: word for at, word in wanted.items() if at in clock})
        self._apply(moment, settings)

    def tick(self) -> None:
        """Notice what time alone changes: an external EMS that has fallen silent."""
        self._watched_moment()

    def reconsider(self) -> None:
        """Order and show what follows from settings and condition: one of them has changed."""
        self._image.forget()
        self._obey(self._orders(self._words.get(13050, EMS_SELF)))

    def due_s(self) -> int | None:
        """When time alone will change something next, in plant time; None for never."""
        due = [] if self._starting_until_s is None else [self._starting_until_s]
        if self._words.get(13050) in (EMS_EXTERNAL, EMS_VPP):
            due.append(self._alive_at_s + self._words[HEARTBEAT_AT] + 1)
        return min(due, default=None)

    def pass_time(self, moment: Moment) -> None:
        """Do what is due: end the start, or an external control that has fallen silent."""
        due = self.due_s()
        if due is None or moment.time_s < due:
            return
        if self._starting_until_s is not None and moment.time_s >= self._starting_until_s:
            self._starting_until_s = None
        else:
            self._words[13050] = EMS_SELF
        self.reconsider()

    def _watched_moment(self) -> Moment:
        moment = self._moment()
        self.pass_time(moment)
        return moment

    def _as_firmware_takes(self, wanted: dict[int, int]) -> dict[int, int]:
        """What becomes of a write on its way in: quirks (h) and (g)."""
        if EXPORT_LIMIT_AT not in wanted or self.model.family != "hybrid":
            return wanted
        if self._has(Quirk.LIMIT_NEEDS_SWITCH) and self._words[EXPORT_SWITCH_AT] != ON:
            return wanted | {EXPORT_LIMIT_AT: self._words[EXPORT_LIMIT_AT]}
        if self._has(Quirk.LIMIT_TIMES_TEN):
            return wanted | {EXPORT_LIMIT_AT: wanted[EXPORT_LIMIT_AT] * 10}
        return wanted

    def _apply(self, moment: Moment, settings: dict[int, int]) -> None:
        for at, word in settings.items():
            if at in START_STOP_AT:
                self._switch(moment, self._words[at], word)
            self._words[at] = word
            twin = twin_of(self.model, at, word)
            if twin is not None:
                self._words[twin[0]] = twin[1]
        if SIGNS_OF_LIFE & settings.keys():
            self._alive_at_s = moment.time_s
        if settings:
            self.reconsider()

    def _switch(self, moment: Moment, before: int, word: int) -> None:
        """Starting takes a while, stopping does not."""
        if word == STOP:
            self._starting_until_s = None
        elif before == STOP:
            self._starting_until_s = moment.time_s + START_DELAY_S

    def _orders(self, ems_mode: int) -> Orders:
        orders = orders_of(self.model, self._words, ems_mode)
        return orders if self._starting_until_s is None else replace(orders, running=False)

    def _scene(self, moment: Moment) -> Scene:
        return Scene(
            model=self.model,
            moment=moment,
            ems_mode=self._words.get(13050, EMS_SELF),
            condition=self._condition(),
            starting=self._starting_until_s is not None,
        )

    def _local_time(self, moment: Moment) -> datetime:
        return datetime.fromtimestamp(moment.time_s + self._clock_shift_s, UTC)

    def _set_clock(self, moment: Moment, words: dict[int, int]) -> None:
        fields = list(_clock_words(self._local_time(moment)))
        for at, word in words.items():
            fields[at - CLOCK_AT] = word
        year, month, day, hour, minute, second = fields
        try:
            if not 2000 <= year < 2100:
                raise ValueError("the year is out of range")
            wanted = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            raise Refused(ILLEGAL_VALUE) from None
        shift = wanted - datetime.fromtimestamp(moment.time_s, UTC)
        self._clock_shift_s = shift // timedelta(seconds=1)


def _clock_words(now: datetime) -> tuple[int, ...]:
    return (now.year, now.month, now.day, now.hour, now.minute, now.second)


def _inside(spans: tuple[tuple[int, int], ...], first: int, count: int) -> None:
    """Refuse unless one span holds them all."""
    if not any(low <= first and first + count - 1 <= high for low, high in spans):
        raise Refused(ILLEGAL_ADDRESS)
