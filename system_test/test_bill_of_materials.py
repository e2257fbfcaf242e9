"""What a release is accompanied by; system_test/test_compose.py asks a real image."""

import json
from pathlib import Path

import pytest

from deploy import bill_of_materials
from deploy.bill_of_materials import (
    ASK_TIMEOUT_S,
    MAX_LICENCE,
    Part,
    bill,
    licences,
    main,
    parts_of,
)

PARTS = [
    Part("deb", "python3.11", "3.11.2-6"),
    Part("pypi", "cryptography", "50.0.2", "Apache-2.0 OR BSD-3-Clause"),
]


def stub(tmp_path: Path, script: str) -> str:
    """A program in the place of docker."""
    program = tmp_path / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


def test_every_part_has_its_package_url() -> None:
    """By which scanners find what is known of it."""
    told = json.loads(bill("egret/gateway", "1.2.3", PARTS))

    assert ("CycloneDX", "1.6") == (told["bomFormat"], told["specVersion"])
    assert {"pkg:deb/debian/python3.11@3.11.2-6", "pkg:pypi/cryptography@50.0.2"} == {
        each["purl"] for each in told["components"]
    }
    assert "egret/gateway" == told["metadata"]["component"]["name"]


def test_the_list_for_people_names_every_licence() -> None:
    """Or where it stands."""
    told = licences("egret/gateway", PARTS)

    assert "| cryptography | 50.0.2 | Apache-2.0 OR BSD-3-Clause |" in told
    assert "| python3.11 | 3.11.2-6 | /usr/share/doc/python3.11/copyright |" in told


def test_a_licence_that_is_a_whole_text_is_not_copied(tmp_path: Path) -> None:
    """MAX_LICENCE characters."""
    text = json.dumps([["a", "1", "x" * (MAX_LICENCE + 1)], ["b", "2", "MIT\nLong text"]])
    (tmp_path / "told").write_text(text)
    docker = stub(tmp_path, f"case $* in *dpkg*) ;; *) cat {tmp_path}/told;; esac")

    assert [Part("pypi", "a", "1", "see the package"), Part("pypi", "b", "2", "MIT")] == parts_of(
        "image", docker
    )


def test_an_image_that_cannot_be_asked_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the engine's own words; nothing is written. It has ASK_TIMEOUT_S."""
    assert ASK_TIMEOUT_S >= 60
    docker = stub(tmp_path, "echo no such image >&2; exit 125")
    monkeypatch.setattr(bill_of_materials, "parts_of", lambda image: parts_of(image, docker))

    code = main(["nothing", "--version", "1", "--to", str(tmp_path / "to")])

    assert (1, []) == (code, list((tmp_path / "to").iterdir()))
    assert "no such image" in capsys.readouterr().err
