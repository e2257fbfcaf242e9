"""Writes docs/devices.md: which devices are known, what is read from each, what was recorded.

`--check` fails when the page is not current. Made from the bundled profiles and the fixtures, so
the page says what the program does.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from server.devices.driver import Driver
from server.devices.profile import Capability, Profile, load_profiles
from server.devices.profile_doors import Child
from server.devices.registers import Register, RegisterType
from server.model.quantity import QUANTITIES

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "devices.md"
FIXTURES = ROOT / "server_unit_test" / "fixtures"

HEAD = """# Devices

Made from the profiles in `server/devices/profiles/` and the fixtures by `make docs`; change those,
not this page. [profiles.md](profiles.md) says how to add a family of your own.

A device whose type code is in no table is not refused: what it answers decides which family
serves it, and it is shown as not verified. A register that a device refuses is found, left out
and shown; everything else is read.
"""


def page() -> str:
    """The whole page."""
    profiles = load_profiles().profiles.values()
    rows = [HEAD, "| profile | devices | models | requests a poll |", "|---|---|---|---|"]
    for profile in profiles:
        plan = Driver(profile, 1).plan
        names = ", ".join(f"`{name}`" for name in (profile.name, *profile.aliases))
        rows.append(f"| {names} | {profile.title} | {len(profile.models)} | {len(plan)} |")
    for profile in profiles:
        rows += ["", *_family(profile)]
    return "\n".join(rows) + "\n"


def _family(profile: Profile) -> Iterator[str]:
    yield f"## {profile.title}"
    yield ""
    yield f"Profile `{profile.name}`, from: {profile.document}."
    yield ""
    yield "### Models"
    yield ""
    yield from _models(profile)
    yield ""
    if profile.children:
        yield "### What may sit behind it"
        yield ""
        yield from (_child(each) for each in profile.children)
        yield ""
    if profile.doors:
        yield "### What a door may not know"
        yield ""
        yield from (_door(profile, scheme) for scheme in sorted(profile.doors))
        yield ""
    yield "### What is read"
    yield ""
    yield "| register | type | quantity | unit | one count is | what it is |"
    yield "|---|---|---|---|---|---|"
    for register in profile.registers:
        yield _row(profile, register)
    yield ""
    yield "Addresses are those of the vendor's document."
    if profile.capabilities:
        yield ""
        yield "### What could be written"
        yield ""
        yield "Nothing is written yet; these are the limits that control will keep to."
        yield ""
        yield "| register | name | range | needs |"
        yield "|---|---|---|---|"
        yield from (_capability(each) for each in profile.capabilities)
    yield ""
    yield "### What it is tested with"
    yield ""
    yield from _fixtures(profile)


def _models(profile: Profile) -> Iterator[str]:
    """One line per model: the codes that say so."""
    if not profile.models:
        yield "It has no type codes: what it answers says what it is."
        return
    codes: dict[str, list[int]] = {}
    for code, model in profile.models.items():
        codes.setdefault(model, []).append(code)
    yield "| model | type codes |"
    yield "|---|---|"
    for model, found in codes.items():
        yield f"| {model} | {', '.join(f'`0x{code:04X}`' for code in sorted(found))} |"


def _child(child: Child) -> str:
    units = " or ".join(str(unit) for unit in child.units)
    return f"- `{child.profile}`, on unit {units}: a device of its own, added along with it"


def _door(profile: Profile, scheme: str) -> str:
    door = profile.doors[scheme]
    unknown = sorted(
        register.at
        for register in profile.registers
        if (register.space, register.address) in door.unknown
    )
    said = [f"`{scheme}`"]
    if door.doubts_zeros:
        said.append("a 0 is believed once its register answers alone")
    if unknown:
        said.append("never believed to be 0: " + ", ".join(str(at) for at in unknown))
    return "- " + "; ".join(said)


def _row(profile: Profile, register: Register) -> str:
    kind = register.type.value
    if register.type is RegisterType.STR:
        kind = f"str, {register.count} words"
    cells = [f"{register.space} {register.at}", kind]
    quantity = QUANTITIES.get(register.quantity)
    if quantity is None:
        return "| " + " | ".join([*cells, "", "", "", ""]) + " |"
    title = quantity.title
    if quantity.sign:
        title += f", + is {quantity.sign}"
    if register.labels:
        title += f": {_listed(register.labels)}"
    if register.bits:
        title += f": {', '.join(label for _, label in register.bits)}"
    if register is not profile.register(register.quantity) and not register.bits:
        title += " (where the better register is missing)"
    scale = _number(register.scale) if quantity.unit or register.scale != 1 else ""
    return "| " + " | ".join([*cells, f"`{quantity.name}`", quantity.unit, scale, title]) + " |"


def _listed(labels: tuple[tuple[int, str], ...]) -> str:
    return ", ".join(
        f"{value:#x} {label}" if value > 9 else f"{value} {label}" for value, label in labels
    )


def _number(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):g}"


def _capability(each: Capability) -> str:
    if each.choices:
        limits = ", ".join(f"{name} ({raw:#x})" for name, raw in each.choices.items())
    elif each.least is not None and each.most is not None:
        limits = f"{_number(each.least)} to {_number(each.most)} {each.unit}"
    else:
        limits = ""
    needs = ". ".join(filter(None, (each.needs and f"`{each.needs}`", each.note)))
    return f"| holding {each.at} | `{each.name}` | {limits} | {needs} |"


def _fixtures(profile: Profile) -> Iterator[str]:
    yield "| fixture | values | where it is from |"
    yield "|---|---|---|"
    for path in sorted(FIXTURES.glob("*/*_*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["identity"]["profile"] == profile.name:
            name = path.relative_to(FIXTURES).as_posix()
            yield f"| `{name}` | {len(data['expect'])} | {data['source']} |"


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="fail if the page is not current")
    if parser.parse_args().check:
        current = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        if current != page():
            print(f"{PAGE.relative_to(ROOT)} is not current; run: make docs", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
