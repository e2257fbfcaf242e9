"""The identity in a chip: the real library over an emulated bus, from the first use on."""

import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.errors import IdentityError, SignerUnavailable
from server.identity import secure_element
from server.identity.atecc608 import Atecc608
from server.identity.secure_element import (
    KNOWN_FILE,
    MAX_KNOWN_FILE_BYTES,
    SIGN_ATTEMPTS,
    ChipSilent,
    Known,
    SecureElement,
    open_element,
)
from server_unit_test.contracts.test_signer import verify
from server_unit_test.identity.emulated_atecc608 import SIGN, EmulatedAtecc608


@pytest.fixture
def emulated() -> Iterator[EmulatedAtecc608]:
    """A chip on the bus."""
    with EmulatedAtecc608().on_the_bus() as chip:
        yield chip


def opened(folder: Path) -> SecureElement:
    """The box's chip; there must be one."""
    element = open_element(folder, Atecc608())
    assert element is not None
    return element


def test_serial_and_key_are_the_chips(emulated: EmulatedAtecc608, tmp_path: Path) -> None:
    """The box is the chip."""
    element = opened(tmp_path)

    assert (emulated.serial.hex(), "") == (element.serial, element.problem)


def test_a_box_without_a_chip_has_none(tmp_path: Path, emulated: EmulatedAtecc608) -> None:
    """And nothing is written about it."""
    emulated.there = False

    assert (None, []) == (open_element(tmp_path, Atecc608()), list(tmp_path.iterdir()))


def test_a_chip_without_a_key_is_left_alone(tmp_path: Path, emulated: EmulatedAtecc608) -> None:
    """A new chip that nobody has set up does not become the identity."""
    emulated.key = None

    assert open_element(tmp_path, Atecc608()) is None


def test_one_garbled_signature_costs_a_second_attempt(
    emulated: EmulatedAtecc608, tmp_path: Path
) -> None:
    """No cloud ever sees a signature that does not hold."""
    element = opened(tmp_path)
    emulated.garbled_signatures = 1
    emulated.heard.clear()

    signature = element.sign(b"message")

    verify(element.public_key, signature, b"message")
    assert emulated.heard.count(SIGN) == 2


def test_attempts_are_bounded(emulated: EmulatedAtecc608, tmp_path: Path) -> None:
    """After SIGN_ATTEMPTS whatever is to be signed waits."""
    element = opened(tmp_path)
    emulated.garbled_signatures = 99
    emulated.heard.clear()

    with pytest.raises(SignerUnavailable, match="its signature does not hold"):
        element.sign(b"message")

    assert emulated.heard.count(SIGN) == SIGN_ATTEMPTS


def test_a_chip_that_vanishes_comes_back(emulated: EmulatedAtecc608, tmp_path: Path) -> None:
    """While it is away signing fails with a reason to try again; then it signs again."""
    element = opened(tmp_path)
    emulated.there = False
    with pytest.raises(SignerUnavailable, match="does not answer"):
        element.sign(b"message")
    emulated.there = True

    signature = element.sign(b"message")

    verify(element.public_key, signature, b"message")


def test_one_unanswered_packet_is_survived(emulated: EmulatedAtecc608, tmp_path: Path) -> None:
    """A disturbed bus is no event."""
    element = opened(tmp_path)
    emulated.silences = 1

    verify(element.public_key, element.sign(b"message"), b"message")


def test_a_start_without_the_known_chip_takes_no_other_key(
    emulated: EmulatedAtecc608, tmp_path: Path
) -> None:
    """The box stays who it is, says so, and signs once the chip is back."""
    serial = opened(tmp_path).serial
    emulated.there = False

    element = opened(tmp_path)

    assert serial == element.serial
    assert "does not answer" in element.problem
    with pytest.raises(SignerUnavailable):
        element.sign(b"message")
    emulated.there = True
    verify(element.public_key, element.sign(b"message"), b"message")


def test_another_chip_is_refused_at_the_start(emulated: EmulatedAtecc608, tmp_path: Path) -> None:
    """Nothing goes out under two names; the text says what to do."""
    opened(tmp_path)
    emulated.serial = bytes.fromhex("0123ffffffffffffee")

    with pytest.raises(IdentityError, match="put the old one back, or remove"):
        open_element(tmp_path, Atecc608())


def test_another_chip_is_refused_while_running(emulated: EmulatedAtecc608, tmp_path: Path) -> None:
    """Somebody changed it under power."""
    element = opened(tmp_path)
    emulated.there = False
    with pytest.raises(SignerUnavailable):
        element.sign(b"message")
    emulated.there, emulated.serial = True, bytes.fromhex("0123ffffffffffffee")

    with pytest.raises(SignerUnavailable, match="another secure element"):
        element.sign(b"message")


def test_a_known_chip_that_lost_its_key_is_said(emulated: EmulatedAtecc608, tmp_path: Path) -> None:
    """No new identity by accident."""
    opened(tmp_path)
    emulated.key = None

    with pytest.raises(IdentityError, match="has lost its key"):
        open_element(tmp_path, Atecc608())


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"serial": 5}', b'{"serial": "00", "public_key": "00"}', b"\xff"],
)
def test_a_broken_memory_without_a_chip_is_an_error(
    content: bytes, tmp_path: Path, emulated: EmulatedAtecc608
) -> None:
    """Beginning with a file's key here would be a second identity."""
    (tmp_path / KNOWN_FILE).write_bytes(content)
    emulated.there = False

    with pytest.raises(IdentityError, match="is broken: connect"):
        open_element(tmp_path, Atecc608())


def test_a_broken_memory_is_written_anew_by_the_chip(
    tmp_path: Path, emulated: EmulatedAtecc608
) -> None:
    """The chip itself is the better witness."""
    (tmp_path / KNOWN_FILE).write_bytes(b"{")

    opened(tmp_path)

    told = json.loads((tmp_path / KNOWN_FILE).read_bytes())
    assert emulated.serial.hex() == told["serial"]


def test_a_huge_memory_is_not_read_whole(tmp_path: Path, emulated: EmulatedAtecc608) -> None:
    """MAX_KNOWN_FILE_BYTES and no more."""
    (tmp_path / KNOWN_FILE).write_bytes(b" " * (MAX_KNOWN_FILE_BYTES + 1) + b"{}")
    emulated.there = False

    with pytest.raises(IdentityError):
        open_element(tmp_path, Atecc608())


def test_an_unwritable_folder_is_said(emulated: EmulatedAtecc608, tmp_path: Path) -> None:
    """Without the memory the next start might begin with another key."""
    (tmp_path / "data").write_text("a file, no folder")

    with pytest.raises(IdentityError, match="cannot be"):
        open_element(tmp_path / "data", Atecc608())


def test_a_waiting_lane_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """TURN_TIMEOUT_S bounds the wait for others' signatures."""
    monkeypatch.setattr(secure_element, "TURN_TIMEOUT_S", 0.01)
    chip = HangingChip()
    element = SecureElement(chip, Known(bytes(9), BASE_POINT))
    hanging = threading.Thread(target=lambda: pytest.raises(SignerUnavailable, element.sign, b""))
    hanging.start()
    chip.asked.wait(5)

    with pytest.raises(SignerUnavailable, match="busy"):
        element.sign(b"message")

    chip.go_on.set()
    hanging.join(5)


BASE_POINT = bytes.fromhex(
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
"""The base point of P-256: some point that is on the curve."""


class HangingChip:
    """A bus that holds its caller until it is let go, and then has no signature."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go_on = threading.Event()

    def reach(self) -> bytes:
        """Found."""
        return bytes(9)

    def public_key(self) -> bytes:
        """Some point."""
        return BASE_POINT

    def sign(self, digest: bytes) -> bytes:
        """Hangs."""
        self.asked.set()
        self.go_on.wait(5)
        raise ChipSilent(hashlib.sha256(digest).hexdigest())
