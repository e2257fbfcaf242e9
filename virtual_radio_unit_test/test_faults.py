"""What goes wrong on purpose."""

from bumble import hci

from virtual_radio.faults import HANG, FaultTable, decide, times

RESET = hci.HCI_Reset_Command()


def test_no_entry_is_no_fault() -> None:
    """A command that the table does not name goes its way."""
    assert decide({}, RESET) is None


def test_a_status_is_always_that_status() -> None:
    """A number stands for itself, again and again."""
    table: FaultTable = {RESET.op_code: 0x1F}

    assert [0x1F, 0x1F] == [decide(table, RESET), decide(table, RESET)]


def test_a_callable_sees_the_command() -> None:
    """What it returns is what happens."""
    seen: list[int] = []
    table: FaultTable = {RESET.op_code: lambda command: seen.append(command.op_code)}

    assert decide(table, RESET) is None
    assert [RESET.op_code] == seen


def test_silence_is_an_outcome() -> None:
    """HANG is handed on as it is."""
    assert decide({RESET.op_code: HANG}, RESET) is HANG


def test_a_fault_may_happen_so_often_and_no_more() -> None:
    """After two times all is well again."""
    table: FaultTable = {RESET.op_code: times(2, 0x0C)}

    assert [0x0C, 0x0C, None, None] == [decide(table, RESET) for _ in range(4)]
