"""What the process is told at its start."""

from pathlib import Path

import pytest

from bluetooth import settings
from bluetooth.errors import SettingWrong
from bluetooth.settings import CHOICES, MAX_NAME_BYTES, MAX_PIN, NO_BUTTON, Settings, load
from bluetooth.window import MAX_WINDOW_S, MIN_WINDOW_S


def test_without_a_word_the_defaults_count() -> None:
    """The gateway of this machine, the first adapter, no button."""
    assert Settings() == load({}, {})
    assert NO_BUTTON == Settings().button_pin


def test_the_command_line_stands_above_the_environment() -> None:
    """Each is read by the same rule."""
    environ = {"EGRET_BUTTON_PIN": "7", "EGRET_BLUETOOTH_NAME": "Attic", "EGRET_DATA": "/srv/egret"}
    found = load({"button_pin": "17", "name": None}, environ)

    assert (17, "Attic", Path("/srv/egret")) == (found.button_pin, found.name, found.data)


def test_every_choice_can_be_given_both_ways() -> None:
    """A field, an option and a variable each, and the token by its variable alone."""
    good = {
        "api_url": "http://10.0.0.2:8080",
        "name": "Box",
        "adapter": "hci1",
        "button_pin": "5",
        "led_pin": "6",
        "window_s": "60",
        "log_level": "debug",
        "data": "d",
        "token_file": "/run/token",
        "radio": "bless",
    }
    by_option = load(good, {})
    by_variable = load({}, {each.variable: good[each.field] for each in CHOICES})

    assert by_option == by_variable
    assert set(good) == {each.field for each in CHOICES}
    assert ("DEBUG", 60.0, "--window") == (by_option.log_level, by_option.window_s, "--window")
    assert "t" == load({}, {settings.TOKEN_VARIABLE: "t"}).token


@pytest.mark.parametrize("text", ["-1", "none", " None "])
def test_a_box_without_a_button_says_so(text: str) -> None:
    """In either spelling."""
    assert NO_BUTTON == load({"button_pin": text}, {}).button_pin


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("button_pin", "x"),
        ("button_pin", str(MAX_PIN + 1)),
        ("button_pin", "-2"),
        ("window_s", "soon"),
        ("window_s", "nan"),
        ("window_s", str(MIN_WINDOW_S - 1)),
        ("window_s", str(MAX_WINDOW_S + 1)),
        ("name", "x" * (MAX_NAME_BYTES + 1)),
        ("name", "a\nb"),
        ("log_level", "LOUD"),
        ("radio", "am"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(field: str, text: str) -> None:
    """The option or the variable is named, and what would be right."""
    choice = next(each for each in CHOICES if each.field == field)

    with pytest.raises(SettingWrong, match=rf"^{choice.option}: use "):
        load({field: text}, {})
    with pytest.raises(SettingWrong, match=rf"^{choice.variable}: use "):
        load({}, {choice.variable: text})


def test_the_token_is_not_shown() -> None:
    """Settings can be logged."""
    assert "hunter2" not in repr(load({}, {settings.TOKEN_VARIABLE: "hunter2"}))


def test_the_environment_is_the_processs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read here and nowhere else."""
    monkeypatch.setenv("EGRET_BLUETOOTH_NAME", "From outside")

    assert "From outside" == load({}, settings.environment()).name
