"""`python -m deploy.bill_of_materials IMAGE...`: what is in an image, as CycloneDX and as a list.

Asks the image itself, by running its own Python and its own dpkg: what is not installed there does
not count, and what is cannot be forgotten. Writes sbom-<image>.json (CycloneDX 1.6) and
licences-<image>.md beside each other.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

DOCKER = "docker"
ASK_TIMEOUT_S = 120.0
"""Reading a few hundred metadata files from a cold disk."""

MAX_LICENCE = 60
"""Characters of a licence's name; some packages put the whole text there."""

_PYTHON = """
import importlib.metadata, json
told = []
for each in importlib.metadata.distributions():
    meta = each.metadata
    kinds = [c for c in meta.get_all("Classifier") or () if c.startswith("License")]
    kinds = [c.split(" :: ")[-1] for c in kinds]
    licence = meta.get("License-Expression") or (kinds[0] if kinds else meta.get("License") or "")
    told.append([meta["Name"], each.version, licence])
print(json.dumps(told))
"""
_DEBIAN = ["dpkg-query", "--show", "--showformat", "${Package}\\t${Version}\\t${Architecture}\\n"]


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One package. `kind` is deb or pypi, as in a package URL."""

    kind: str
    name: str
    version: str
    licence: str = ""


def parts_of(image: str, docker: str = DOCKER) -> list[Part]:
    """Everything that is installed in an image. Raises RuntimeError when it cannot be asked."""
    told = json.loads(_inside(docker, image, ["/opt/egret/bin/python", "-c", _PYTHON]))
    python = {Part("pypi", name, version, _short(licence)) for name, version, licence in told}
    lines = _inside(docker, image, _DEBIAN).splitlines()
    debian = {Part("deb", *line.split("\t")[:2]) for line in lines if line}
    return sorted(python | debian)


def bill(image: str, version: str, parts: Iterable[Part]) -> str:
    """The parts as CycloneDX 1.6, in JSON."""
    bom = Bom()
    bom.metadata.component = Component(
        name=image, version=version, type=ComponentType.CONTAINER, bom_ref=f"{image}@{version}"
    )
    for part in parts:
        space = "debian" if part.kind == "deb" else None
        url = PackageURL(part.kind, space, part.name, part.version)
        component = Component(
            name=part.name,
            version=part.version,
            type=ComponentType.LIBRARY,
            purl=url,
            bom_ref=url.to_string(),
            licenses=[DisjunctiveLicense(name=part.licence)] if part.licence else (),
        )
        bom.components.add(component)
        bom.register_dependency(bom.metadata.component, [component])
    return JsonV1Dot6(bom).output_as_string(indent=1)


def licences(image: str, parts: Iterable[Part]) -> str:
    """The parts as a table for people."""
    rows = [
        f"| {part.name} | {part.version} | {part.licence or _where(part)} |\n" for part in parts
    ]
    return f"# What {image} is made of\n\n| part | version | licence |\n|---|---|---|\n" + "".join(
        rows
    )


def main(arguments: list[str] | None = None) -> int:
    """Write both files for each image; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.bill_of_materials", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("image", nargs="+", help="an image that the engine has")
    parser.add_argument("--version", required=True, help="the version of the release")
    parser.add_argument("--to", type=Path, default=Path("artifacts"), help="folder (artifacts)")
    options = parser.parse_args(arguments)
    options.to.mkdir(parents=True, exist_ok=True)
    for image in options.image:
        try:
            parts = parts_of(image)
        except RuntimeError as error:
            print(f"{image}: {error}", file=sys.stderr)
            return 1
        name = image.replace("/", "-").replace(":", "-")
        (options.to / f"sbom-{name}.json").write_text(bill(image, options.version, parts))
        (options.to / f"licences-{name}.md").write_text(licences(image, parts))
        print(f"{image}: {len(parts)} parts, in {options.to}/sbom-{name}.json")
    return 0


def _inside(docker: str, image: str, command: list[str]) -> str:
    words = [docker, "run", "--rm", "--network", "none", "--entrypoint", command[0], image]
    try:
        done = subprocess.run(
            words + command[1:], capture_output=True, text=True, timeout=ASK_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        raise RuntimeError(f"it cannot be asked what is in it: {said.strip()[-500:]}") from error
    return done.stdout


def _short(licence: str) -> str:
    first = " ".join(licence.split("\n", 1)[0].split())
    return first if len(first) <= MAX_LICENCE else "see the package"


def _where(part: Part) -> str:
    return f"/usr/share/doc/{part.name}/copyright" if part.kind == "deb" else "see the package"


if __name__ == "__main__":
    sys.exit(main())
