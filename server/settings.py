"""The gateway's settings: read in layers, changed, kept.

The command line counts before the environment, that before `settings.json`, that before the
defaults. Nothing here is fatal at start: what cannot be used is a problem in words, and the
layer beneath counts. Only the file's own layer is ever written back, so what came from the
environment or the command line stays there.

A file that is no JSON object is moved aside whole. One with a wrong key or value keeps all that
is right, item by item in lists, and a copy of it is set aside before anything is lost. What a newer
version wrote and this one does not know goes back into the file (`model.newer_setting`).

This is the only reader of the process environment. It knows what a setting may be from
`model.setting`, and nothing of who uses it.
"""

import dataclasses
import difflib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from server import durable_file
from server.errors import SettingsError
from server.model.configuration import CONFIGURATION_VERSION, Configuration
from server.model.device import DeviceConfig
from server.model.newer_setting import Unknown, set_apart
from server.model.setting import (
    ENVIRONMENT_PREFIX,
    SECTIONS,
    SETTINGS,
    Setting,
    configuration_of,
    device_document,
)
from server.model.setting_rule import Flag, ListOf, Number, Whole, shown

SETTINGS_FILE = "settings.json"

NOTIFY_VARIABLE = "NOTIFY_SOCKET"
DATA_VARIABLE = "EGRET_DATA"
"""The data folder; a variable that is no setting, because settings lie in that folder."""

DOOR_VARIABLE = "EGRET_DOOR"
"""The folder shared with the Bluetooth service; no setting either, for it holds secrets."""

DEFAULT_DATA = "data"

MAX_SETTINGS_BYTES = 2 * 1024**2
"""Largest settings file: a thousand devices take a third of it; more is not read into memory."""

MAX_BROKEN_SETTINGS = 5
"""Broken settings files kept; the oldest goes first."""

MAX_PROBLEMS = 50
"""Problems told one by one; a file of rubbish must not fill the log and the page."""

COMMAND_LINE = "the command line"

_FOLDERS = (DATA_VARIABLE, DOOR_VARIABLE)
_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")

Layer = Mapping[str, Any]
"""Values as JSON has them, by path: {"api.port": 8080}. Every value in it has been checked."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that stands above the file, and where it was given."""

    value: Any
    by: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All layers at one moment. Immutable: every change returns a new one."""

    path: Path
    file_layer: Layer
    """What `save` writes."""
    fixed: Mapping[str, Fixed]
    """What environment and command line have settled, by path; it cannot be changed here."""
    problems: tuple[str, ...]
    """What was found wrong at start, in words."""
    taken: Mapping[str, Any]
    """What is not at its default, by path, as the configuration holds it."""
    configuration: Configuration
    """What counts."""
    unread: set[Path] = field(default_factory=set, compare=False)
    """Files that could not be read, until `save` has set them aside; one for all changes."""
    unknown: Unknown = Unknown()
    """What a newer version wrote; `save` writes it too."""

    @classmethod
    def load(
        cls,
        data: Path,
        environ: Mapping[str, str],
        overrides: Mapping[str, Any],
        look_only: bool = False,
    ) -> "Settings":
        """Read every layer. Never raises.

        `overrides` is the command line, nested as settings.json is; None stands for not given.
        With `look_only` a broken file stays where it is, for the gateway itself to set aside.
        """
        path = data / SETTINGS_FILE
        file_layer, file_problems, unread, unknown = _read_file(path, look_only)
        fixed, problems = _fixed_layers(environ, overrides)
        counts = {**file_layer, **{path: each.value for path, each in fixed.items()}}
        taken = {path: _take(path, value) for path, value in counts.items()}
        return cls(
            path=path,
            file_layer=MappingProxyType(file_layer),
            fixed=fixed,
            problems=_bounded([*file_problems, *problems]),
            taken=MappingProxyType(taken),
            configuration=configuration_of(taken),
            unread={path} if unread else set(),
            unknown=unknown,
        )

    def changed(self, changes: Mapping[str, Any]) -> "Settings":
        """Merge `changes`, nested as settings.json is; a null takes a setting back to its default.

        Lists are replaced as a whole. Raises SettingsError naming the key; then nothing changes.
        """
        layer, taken = dict(self.file_layer), dict(self.taken)
        for path, value in _flat(changes):
            if isinstance(value, _Misfit):
                raise SettingsError(value.problem)
            if path in self.fixed:
                self._check_same(path, value)
            elif value is None:
                layer.pop(path, None)
                taken.pop(path, None)
            else:
                taken[path] = _take(path, value)
                layer[path] = value
        return dataclasses.replace(
            self,
            file_layer=MappingProxyType(layer),
            taken=MappingProxyType(taken),
            configuration=configuration_of(taken),
        )

    def with_devices(self, devices: Iterable[DeviceConfig]) -> "Settings":
        """Replace the devices; raises SettingsError as `changed` does."""
        return self.changed({"devices": [device_document(device) for device in devices]})

    def save(self) -> None:
        """Write the file's layer: whole or not at all, mode 0600. Blocks; raises SettingsError."""
        try:
            keep_old = MAX_BROKEN_SETTINGS if self.unread else 0
            durable_file.write(self.path, self.document(), keep_old=keep_old)
        except OSError as error:
            raise SettingsError(
                f"the settings cannot be saved to {self.path} ({error.strerror or error}):"
                " check the disk and that the folder belongs to this program"
            ) from error
        self.unread.clear()

    def document(self) -> bytes:
        """The file that `save` writes."""
        nested: dict[str, Any] = {"version": self.unknown.version}
        for path in SETTINGS:
            if path in self.file_layer:
                section, _, key = path.rpartition(".")
                home = nested.setdefault(section, {}) if section else nested
                home[key] = self.file_layer[path]
        whole = self.unknown.put_back(nested)
        return json.dumps(whole, indent=2, ensure_ascii=False).encode() + b"\n"

    def _check_same(self, path: str, value: Any) -> None:
        """A whole document may be sent back, so the value that counts anyway is no change."""
        fixed = self.fixed[path]
        if value is None or _take(path, value) != self.taken[path]:
            raise SettingsError(f"{path} is fixed by {fixed.by}; change it there")


def environment() -> Mapping[str, str]:
    """The variables of this process that are ours."""
    return {name: each for name, each in os.environ.items() if name.startswith(ENVIRONMENT_PREFIX)}


def notify_socket() -> str:
    """Where a service manager listens, as sd_notify(3) names it; "" for nobody."""
    return os.environ.get(NOTIFY_VARIABLE, "")


def data_folder(option: str | None, environ: Mapping[str, str]) -> Path:
    """Where everything is kept: the command line's word, else EGRET_DATA, else `data`."""
    return Path(option or environ.get(DATA_VARIABLE, "") or DEFAULT_DATA)


def door_folder(option: str | None, environ: Mapping[str, str]) -> Path | None:
    """Where label and token of the phone's door lie; None: in the data folder."""
    chosen = option or environ.get(DOOR_VARIABLE, "")
    return Path(chosen) if chosen else None


def _take(path: str, value: Any) -> Any:
    """The checked value; a ValueError of the rule becomes a SettingsError."""
    try:
        return SETTINGS[path].rule.take(value, path)
    except ValueError as error:
        raise SettingsError(str(error)) from error


@dataclass(frozen=True, slots=True)
class _Misfit:
    """A place in a document where no setting is."""

    problem: str


def _flat(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Paths and values of a nested document; what fits nowhere comes as a _Misfit."""
    for key, value in document.items():
        if key in SECTIONS:
            yield from _flat_section(key, value)
        elif key == "version":
            if value != CONFIGURATION_VERSION:
                yield key, _Misfit(
                    f"version should be {CONFIGURATION_VERSION}, not {shown(value)}: the settings"
                    " of another Egret; what is known of them is used"
                )
        elif key in SETTINGS:
            yield key, value
        else:
            yield key, _Misfit(_unknown(key))


def _flat_section(section: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        problem = f"{section} should be an object of settings, not {shown(value)}"
        yield section, _Misfit(problem)
        return
    for key, each in value.items():
        path = f"{section}.{key}"
        yield path, each if path in SETTINGS else _Misfit(_unknown(path))


def _unknown(path: str) -> str:
    return f"{_shown_name(path)} is not a setting{_did_you_mean(path, SETTINGS)}"


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name[:100], list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _shown_name(name: str) -> str:
    """A name from outside, as an error may show it: bare when it is harmless."""
    return name if name.isprintable() and len(name) < 100 else shown(name)


def _read_file(path: Path, look_only: bool) -> tuple[dict[str, Any], list[str], bool, Unknown]:
    """The file's layer, what is wrong with the file, whether it could not be read at all, and
    what only a newer version knows."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SETTINGS_BYTES + 1)
    except FileNotFoundError:
        return {}, [], False, Unknown()
    except OSError as error:
        said = f"{path} cannot be read ({error.strerror}); the defaults are used"
        return {}, [said], True, Unknown()
    try:
        document = _parse(content)
    except ValueError as error:
        what = "the defaults are used" if look_only else _moved(path)
        return {}, [f"{path.name} is broken: {error}; {what}"], False, Unknown()
    document, unknown = set_apart(document)
    layer, problems = _salvaged(document)
    problems = [each for each in (unknown.problem, *problems) if each]
    if problems:
        problems = [f"{path.name}: {each}" for each in problems]
        problems += [] if look_only else [_copied(path, content)]
    return layer, problems, False, unknown


def _parse(content: bytes) -> Mapping[str, Any]:
    """The JSON object in `content`; raises ValueError in words, with line and column."""
    if len(content) > MAX_SETTINGS_BYTES:
        raise ValueError(f"it is larger than {MAX_SETTINGS_BYTES} bytes")
    try:
        document = json.loads(content)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is no UTF-8") from error
    except RecursionError as error:
        raise ValueError("its brackets are nested too deeply") from error
    if not isinstance(document, dict):
        raise ValueError("it should be a JSON object")
    return document


def _moved(path: Path) -> str:
    try:
        aside = durable_file.set_aside(path, MAX_BROKEN_SETTINGS)
    except OSError as error:
        return f"it cannot be moved aside ({error.strerror}); the defaults are used"
    return f"it was moved to {aside.name} and the defaults are used"


def _copied(path: Path, content: bytes) -> str:
    try:
        aside = durable_file.copy_aside(path, content, MAX_BROKEN_SETTINGS)
    except OSError as error:
        return f"{path.name} cannot be copied aside ({error.strerror})"
    return f"{path.name} was copied to {aside.name} as it was; the rest of it is used"


def _salvaged(document: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """All that is right in a document, and what is wrong with the rest."""
    layer: dict[str, Any] = {}
    problems: list[str] = []
    for path, value in _flat(document):
        if isinstance(value, _Misfit):
            problems.append(value.problem)
            continue
        rule = SETTINGS[path].rule
        if isinstance(rule, ListOf) and isinstance(value, list):
            _, errors, value = rule.salvage(value, path)
            problems += [str(error) for error in errors]
        try:
            rule.take(value, path)
        except ValueError as error:
            problems.append(str(error))
        else:
            layer[path] = value
    return layer, problems


def _fixed_layers(
    environ: Mapping[str, str], overrides: Mapping[str, Any]
) -> tuple[Mapping[str, Fixed], list[str]]:
    """What stands above the file: the environment, and upon it the command line."""
    fixed: dict[str, Fixed] = {}
    problems: list[str] = []
    variables = {setting.variable: setting for setting in SETTINGS.values()}
    for name, text in environ.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or name in _FOLDERS or not text.strip():
            continue
        if name not in variables:
            known = [*variables, *_FOLDERS]
            problems.append(f"{_shown_name(name)} is not a setting{_did_you_mean(name, known)}")
            continue
        try:
            setting = variables[name]
            value, errors = _from_text(setting, text.strip())
            fixed[setting.path] = Fixed(value, name)
            problems += [f"{name}: {error}; the rest of it is used" for error in errors]
        except ValueError as error:
            problems.append(f"{name}: {error}; it is ignored")
    layer, wrong = _salvaged(_given(overrides))
    fixed |= {path: Fixed(value, COMMAND_LINE) for path, value in layer.items()}
    return MappingProxyType(fixed), problems + [f"{COMMAND_LINE}: {each}" for each in wrong]


def _given(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Without what was not given on the command line, which is None there."""
    return {
        key: _given(value) if isinstance(value, Mapping) else value
        for key, value in overrides.items()
        if value is not None
    }


def _from_text(setting: Setting, text: str) -> tuple[Any, list[ValueError]]:
    """A variable's text as JSON would have it, and what is wrong with items of a list.

    Raises ValueError when nothing of it can be used.
    """
    value: Any = text
    rule = setting.rule
    if isinstance(rule, Flag):
        value = _flag(text)
    elif isinstance(rule, (Whole, Number)):
        value = _number(text, whole=isinstance(rule, Whole))
    elif isinstance(rule, ListOf):
        value = _list(text)
        _, errors, good = rule.salvage(value, setting.path)
        if errors and not good:
            raise errors[0]
        return good, errors
    rule.take(value, setting.path)
    return value, []


def _flag(text: str) -> bool | str:
    return text.lower() in _TRUE if text.lower() in (*_TRUE, *_FALSE) else text


def _number(text: str, whole: bool) -> int | float | str:
    """The number, or the text itself, which the rule then refuses in its own words."""
    try:
        return int(text) if whole else float(text)
    except ValueError:
        return text


def _list(text: str) -> Any:
    if not text.startswith("["):
        return [item.strip() for item in text.split(",") if item.strip()]
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise ValueError("its brackets are nested too deeply") from error


def _bounded(problems: list[str]) -> tuple[str, ...]:
    if len(problems) <= MAX_PROBLEMS:
        return tuple(problems)
    more = len(problems) - MAX_PROBLEMS + 1
    return (*problems[: MAX_PROBLEMS - 1], f"{more} more problems of this kind")
