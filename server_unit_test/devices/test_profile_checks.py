"""Registers that contradict one another are named."""

from typing import Any

from server.devices.packing import Served
from server.devices.profile_checks import contradictions
from server.devices.registers import Register, RegisterType
from server.model.device import Space


def register(address: int, **changes: Any) -> Register:
    """One word of input at wire `address`."""
    defaults: dict[str, Any] = {"space": Space.INPUT, "type": RegisterType.U16, "count": 1}
    return Register(address, address, **(defaults | changes))


def found(*registers: Register, blocks: tuple[Served, ...] = (), max_words: int = 9) -> list[str]:
    """The keys at fault; registers are called a, b, c."""
    keyed = [(chr(ord("a") + n), each) for n, each in enumerate(registers)]
    return [key for key, _ in contradictions(keyed, blocks, max_words)]


def test_neighbours_agree() -> None:
    """Registers side by side, in both spaces, one quantity each, contradict nobody."""
    registers = (
        register(1, quantity="pv_power"),
        register(2, quantity="load_power"),
        register(3, space=Space.HOLDING),
        register(1, space=Space.HOLDING, polled=False),
    )

    assert [] == found(*registers)


def test_overlaps() -> None:
    """Every register that shares a word with another is named."""
    assert ["b.at"] == found(register(1, count=2), register(2))
    assert ["b.at"] == found(register(1), register(1))


def test_one_address_in_both_spaces() -> None:
    """Only where both are polled."""
    assert ["b.at"] == found(register(1), register(1, space=Space.HOLDING))


def test_two_registers_of_one_quantity() -> None:
    """The same preference is no preference; flags join instead."""
    one, two = register(1, quantity="pv_power"), register(2, quantity="pv_power")
    better = register(2, quantity="pv_power", prefer=1)
    flags = register(1, quantity="faults"), register(2, quantity="faults")

    assert ["b.prefer"] == found(one, two)
    assert [] == found(one, better)
    assert [] == found(*flags)


def test_registers_outside_the_blocks() -> None:
    """A register lies in a block whole, and is no longer than a request."""
    blocks = (Served(Space.INPUT, 1, 4),)

    assert [] == found(register(3, count=2), blocks=blocks)
    assert ["a.at"] == found(register(4, count=2), blocks=blocks)
    assert ["a.at"] == found(register(1, count=3), max_words=2)


def test_scales_from_nowhere() -> None:
    """A scale register is one word of the profile."""
    assert ["a.scale_from"] == found(register(1, scale_from=2))
    assert ["a.scale_from"] == found(register(1, scale_from=2), register(2, count=2))
    assert [] == found(register(1, scale_from=2), register(2))
