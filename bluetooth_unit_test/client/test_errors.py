"""Every error has a code of its own kind."""

import pytest

from bluetooth.client import errors
from bluetooth.client.errors import AttRefused, ClientError, Exit, NotLetIn, att_refused
from bluetooth.gatt import AttError


def test_every_code_but_the_ends_is_some_errors() -> None:
    """Done, interrupted and a box's no come about otherwise."""
    kinds = [each for each in vars(errors).values() if isinstance(each, type)]
    codes = {each.code for each in kinds if issubclass(each, ClientError)}

    assert set(Exit) - {Exit.DONE, Exit.SAID_NO, Exit.INTERRUPTED} == codes


@pytest.mark.parametrize("code", AttError)
def test_att_errors(code: AttError) -> None:
    """No room means that another phone has it; the others are what they are."""
    error = att_refused(code)

    is_full = code is AttError.INSUFFICIENT_RESOURCES
    assert (NotLetIn if is_full else AttRefused) is type(error)
    assert "another phone" in str(error) or f"0x{code:02X}" in str(error)
