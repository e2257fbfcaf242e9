"""The sequence that is measured is one that works."""

import asyncio

from benchmark.hci_sequences import SEQUENCE, InProcess, sequences
from virtual_radio.bare_host import status_of
from virtual_radio.radio import Radio


def test_every_command_of_the_sequence_succeeds() -> None:
    """Otherwise refusals would be measured."""

    async def main() -> list[int]:
        async with Radio() as radio:
            port = InProcess(radio.controller())
            return [status_of(await port.command(packet)) for packet in SEQUENCE]

    assert [0] * 10 == asyncio.run(main())


def test_each_sequence_is_timed() -> None:
    """As many figures as were asked for."""

    async def main() -> list[float]:
        async with Radio() as radio:
            return await sequences(InProcess(radio.controller()), 3)

    taken = asyncio.run(main())
    assert 3 == len(taken)
    assert all(each > 0 for each in taken)
