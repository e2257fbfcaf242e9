"""The chip as the real cryptoauthlib reaches it, over an emulated bus."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from server.identity import atecc608
from server.identity.atecc608 import ADDRESSES, Atecc608
from server.identity.secure_element import ChipBlank, ChipSilent
from server_unit_test.identity.emulated_atecc608 import EmulatedAtecc608


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_is_found_at_each_address(address: int) -> None:
    """Gateways carry chips that were set up for either."""
    with EmulatedAtecc608(address=address).on_the_bus() as emulated:
        serial = Atecc608().reach()

    assert emulated.serial == serial


def test_the_public_key_is_that_of_slot_0() -> None:
    """x then y, 32 bytes each."""
    with EmulatedAtecc608().on_the_bus() as emulated:
        chip = Atecc608()
        chip.reach()
        point = chip.public_key()

    assert isinstance(emulated.key, ec.EllipticCurvePrivateKey)
    numbers = emulated.key.public_key().public_numbers()
    assert (numbers.x, numbers.y) == (
        int.from_bytes(point[:32], "big"),
        int.from_bytes(point[32:], "big"),
    )


def test_nobody_on_the_bus_is_silence() -> None:
    """No chip is nothing special: most machines have none."""
    emulated = EmulatedAtecc608()
    emulated.there = False

    with emulated.on_the_bus(), pytest.raises(ChipSilent, match="no chip answers on I2C bus 1"):
        Atecc608().reach()


def test_a_machine_without_the_bus_is_silence() -> None:
    """The library's own driver, on a bus that no machine has."""
    with pytest.raises(ChipSilent, match="bus 250"):
        Atecc608(bus=250).reach()


def test_a_machine_without_the_library_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra; a laptop does without."""

    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(atecc608.importlib, "import_module", missing)

    with pytest.raises(ChipSilent, match="cryptoauthlib is not installed"):
        Atecc608().reach()


def test_a_chip_that_was_never_set_up_is_blank() -> None:
    """An open chip would sign with a key that anybody may replace."""
    emulated = EmulatedAtecc608()
    emulated.locked = False

    with emulated.on_the_bus():
        chip = Atecc608()
        chip.reach()
        with pytest.raises(ChipBlank, match="configuration zone has not been locked"):
            chip.public_key()


def test_a_locked_chip_without_a_key_is_blank() -> None:
    """It answers with an execution error."""
    emulated = EmulatedAtecc608()
    emulated.key = None

    with emulated.on_the_bus():
        chip = Atecc608()
        chip.reach()
        with pytest.raises(ChipBlank, match="slot 0 holds no key"):
            chip.public_key()


def test_a_failed_signature_names_its_status() -> None:
    """Whoever looks for the cause finds the library's code."""
    with EmulatedAtecc608().on_the_bus() as emulated:
        chip = Atecc608()
        chip.reach()
        emulated.key = None
        with pytest.raises(ChipSilent, match="status 0xf4"):
            chip.sign(bytes(32))
