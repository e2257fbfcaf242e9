"""The words of BlueZ."""

import pytest

from bluetooth.bluez.words import ERROR_OF, short_uuid
from bluetooth.gatt import IMPROV_DATA_UUID, NATIVE, AttError


@pytest.mark.parametrize(
    ("uuid", "expected"),
    [
        (IMPROV_DATA_UUID, "4677"),
        (NATIVE.uuid, NATIVE.uuid),
        ("00010000-0000-1000-8000-00805f9b34fb", "00010000-0000-1000-8000-00805f9b34fb"),
    ],
)
def test_only_a_16_bit_uuid_is_shortened(uuid: str, expected: str) -> None:
    """Two bytes of the air instead of sixteen; anything else stays what it is."""
    assert expected == short_uuid(uuid)


def test_every_error_has_a_name() -> None:
    """No code of ours is left to chance."""
    assert set(AttError) == set(ERROR_OF)
