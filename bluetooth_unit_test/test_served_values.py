"""What a server owes its centrals, with values that misbehave."""

import logging

import pytest

from bluetooth.errors import Refused
from bluetooth.gatt import MAX_VALUE_BYTES, AttError
from bluetooth.served_values import MAX_CLIENTS, ServedValues
from bluetooth_unit_test.contracts.peripheral import RecordedValues

UUID = "11111111-0000-4000-8000-00000000000a"
OTHER = "11111111-0000-4000-8000-00000000000b"


class Changing:
    """A value that is another one at each reading."""

    def __init__(self) -> None:
        self.readings = 0

    def read(self, client: str, uuid: str) -> bytes:
        """100 bytes of the number of this reading."""
        self.readings += 1
        return bytes((self.readings,)) * 100

    def write(self, client: str, uuid: str, value: bytes) -> None:
        """Nothing."""

    def left(self, client: str) -> None:
        """A bug."""
        raise ZeroDivisionError


def test_later_parts_come_out_of_the_first_ones_value() -> None:
    """A new read begins at offset 0, and only there."""
    served = ServedValues(Changing())

    parts = [served.read("a", UUID), served.read("a", UUID, 40), served.read("a", UUID, 100)]
    again = served.read("a", UUID)

    assert [b"\1" * 100, b"\1" * 60, b""] == parts
    assert b"\2" * 100 == again


def test_each_central_and_characteristic_has_its_own() -> None:
    """None of them sees another's."""
    served = ServedValues(Changing())
    served.read("a", UUID)
    served.read("b", UUID)
    served.read("a", OTHER)

    firsts = [served.read(*who, 99) for who in (("a", UUID), ("b", UUID), ("a", OTHER))]

    assert [b"\1", b"\2", b"\3"] == firsts


def test_a_read_that_begins_in_the_middle_is_served() -> None:
    """The protocol allows it, so it gets a snapshot of its own."""
    served = ServedValues(Changing())

    assert b"\1" * 10 == served.read("a", UUID, 90)


def test_beyond_the_end_is_an_invalid_offset() -> None:
    """One byte beyond is too far."""
    served = ServedValues(Changing())

    with pytest.raises(Refused) as refused:
        served.read("a", UUID, 101)

    assert AttError.INVALID_OFFSET == refused.value.code


def test_a_part_of_a_write_is_refused() -> None:
    """Writes come whole; half of a request must never be acted upon."""
    values = RecordedValues()

    with pytest.raises(Refused) as refused:
        ServedValues(values).write("a", UUID, b"second half", 20)

    assert AttError.INVALID_OFFSET == refused.value.code
    assert [] == values.writes


def test_a_write_may_be_as_long_as_a_value() -> None:
    """And not a byte longer."""
    values = RecordedValues()
    served = ServedValues(values)

    served.write("a", UUID, bytes(MAX_VALUE_BYTES))
    with pytest.raises(Refused) as refused:
        served.write("a", UUID, bytes(MAX_VALUE_BYTES + 1))

    assert AttError.INVALID_VALUE_LENGTH == refused.value.code
    assert [MAX_VALUE_BYTES] == [len(value) for _, _, value in values.writes]


def test_a_value_that_is_too_long_is_a_fault_of_ours() -> None:
    """It is not cut in silence."""
    served = ServedValues(RecordedValues({UUID: bytes(MAX_VALUE_BYTES + 1)}))

    with pytest.raises(Refused) as refused:
        served.read("a", UUID)

    assert AttError.UNLIKELY == refused.value.code


def test_a_fault_is_logged_once_until_it_works_again(caplog: pytest.LogCaptureFixture) -> None:
    """A phone that asks every second must not fill the log."""
    values = RecordedValues({UUID: b"x"})
    served = ServedValues(values)
    with caplog.at_level(logging.ERROR):
        for fault in (ValueError("1"), ValueError("2"), None, ValueError("3")):
            values.refused = fault
            try:
                served.read("a", UUID)
            except Refused as refused:
                assert AttError.UNLIKELY == refused.code

    assert ["1", "3"] == [str(each.exc_info[1]) for each in caplog.records if each.exc_info]


def test_what_is_refused_stays_refused() -> None:
    """With its own code and words, and without a line in the log."""
    served = ServedValues(RecordedValues(refused=Refused(AttError.WRITE_NOT_PERMITTED, "closed")))

    with pytest.raises(Refused, match="closed") as refused:
        served.write("a", UUID, b"x")

    assert AttError.WRITE_NOT_PERMITTED == refused.value.code


def test_no_more_centrals_are_kept_than_fit() -> None:
    """The longest silent is forgotten, and said to have left."""
    values = RecordedValues()
    served = ServedValues(values)
    for number in range(MAX_CLIENTS):
        served.read(str(number), UUID)
    served.read("0", UUID)

    served.read("one more", UUID)

    assert MAX_CLIENTS == len(served.clients())
    assert "1" == values.gone.get_nowait()
    assert "0" in served.clients()


def test_only_who_asked_is_said_to_leave() -> None:
    """Once; others were never heard of."""
    values = RecordedValues()
    served = ServedValues(values)
    served.write("a", UUID, b"x")

    for client in ("b", "a", "a"):
        served.left(client)

    assert "a" == values.gone.get_nowait()
    assert values.gone.empty()


def test_a_fault_in_forgetting_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """All others are forgotten too."""
    served = ServedValues(Changing())
    served.read("a", UUID)
    served.read("b", UUID)

    served.all_left()

    assert () == served.clients()
    assert 2 == len(caplog.records)
