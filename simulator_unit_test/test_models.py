"""The table of models: codes are unique, names are found, serials look real."""

import pytest

from simulator.models import MODELS, Model, model_named


def test_type_codes_are_unique() -> None:
    """No two models answer with one code."""
    assert len(MODELS) == len({model.type_code for model in MODELS.values()})


def test_names_are_found_however_written() -> None:
    """Capitals do not matter."""
    assert "SH10RT" == model_named("Sh10RT").name


def test_unknown_name() -> None:
    """A model that is not there is refused with those that are."""
    with pytest.raises(ValueError, match="no model 'sh99'; there are: sg5.0rs, "):
        model_named("sh99")


def test_serials() -> None:
    """Eleven characters, of the seed, and different for each model."""
    serials = [model.serial(seed=1) for model in MODELS.values()]

    assert ({11}, len(MODELS)) == ({len(serial) for serial in serials}, len(set(serials)))


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_only_hybrids_have_batteries(model: Model) -> None:
    """A string inverter's house has no battery, a hybrid's has."""
    capacity_wh = model.site(48.0).battery_capacity_wh

    assert (model.family == "hybrid") == (capacity_wh > 0)
