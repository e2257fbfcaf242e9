"""The settings as data: each starts within its range, twins agree, reserve guards the battery."""

import pytest

from simulator.models import MODELS, model_named
from simulator.sungrow_settings import orders_of, settings_of, twin_of
from simulator.sungrow_tables import ON, holding_spans


@pytest.mark.parametrize("name", MODELS)
def test_initial_words_are_acceptable(name: str) -> None:
    """What a device is delivered with could also be written, at an address it serves."""
    model = MODELS[name]
    wrong = [
        setting.at
        for setting in settings_of(model)
        if setting.initial not in setting.accepts
        or not any(low <= setting.at <= high for low, high in holding_spans(model))
    ]

    assert [] == wrong


@pytest.mark.parametrize(
    ("name", "at", "word", "twin"),
    [
        ("sh10rt", 13074, 2500, (13088, 250)),
        ("sh10rt", 13088, 250, (13074, 2500)),
        ("sg5.0rt", 5011, 250, (5015, 500)),
        ("sg5.0rt", 5015, 500, (5011, 250)),
        ("sg5.0rt", 5008, 500, (5039, 25)),
        ("sg5.0rt", 5039, 25, (5008, 500)),
        ("sh10rt", 13050, 2, None),
    ],
)
def test_twins(name: str, at: int, word: int, twin: tuple[int, int] | None) -> None:
    """A limit in watts and the same limit as a share follow each other."""
    assert twin == twin_of(model_named(name), at, word)


def test_reserve_guards_the_battery_only_with_backup() -> None:
    """The reserve for outages is kept when backup is on."""
    model = model_named("sh10rt")
    words = {setting.at: setting.initial for setting in settings_of(model)} | {13100: 300}

    off, on = (orders_of(model, words | switch, 0).soc_min for switch in ({}, {13075: ON}))

    assert (0.05, 0.3) == (off, on)
