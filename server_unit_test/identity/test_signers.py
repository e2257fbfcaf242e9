"""Which key a box is."""

from pathlib import Path

from server.identity.atecc608 import Atecc608
from server.identity.signers import open_signer
from server_unit_test.identity.emulated_atecc608 import EmulatedAtecc608


def test_a_chip_that_answers_is_the_box(tmp_path: Path) -> None:
    """Without being asked for in any setting."""
    with EmulatedAtecc608().on_the_bus() as emulated:
        opened = open_signer(tmp_path, Atecc608(), tmp_path)

    assert ("secure element", emulated.serial.hex(), "", "") == (
        opened.key_name,
        opened.signer.serial,
        opened.problem,
        opened.remark,
    )


def test_a_machine_without_a_bus_uses_a_file_without_a_word(tmp_path: Path) -> None:
    """A laptop is nothing to remark upon."""
    opened = open_signer(tmp_path, Atecc608(bus=250), tmp_path)

    assert ("software", "", "") == (opened.key_name, opened.problem, opened.remark)


def test_a_bus_without_a_chip_is_remarked_upon(tmp_path: Path) -> None:
    """It may be a gateway whose chip is not wired."""
    (tmp_path / "i2c-1").touch()

    opened = open_signer(tmp_path, Atecc608(bus=250), tmp_path)

    assert "software" == opened.key_name
    assert "so the key of this box is a file" in opened.remark


def test_a_chip_that_is_away_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    """The box stays who it was; no key file is made."""
    with EmulatedAtecc608().on_the_bus() as emulated:
        before = open_signer(tmp_path, Atecc608(), tmp_path)
        emulated.there = False
        after = open_signer(tmp_path, Atecc608(), tmp_path)

    assert before.signer.serial == after.signer.serial
    assert "does not answer" in after.problem
    assert not (tmp_path / "key.pem").exists()
