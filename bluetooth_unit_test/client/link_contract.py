"""What every `link.Link` keeps to: inherit, and add a fixture `stage`."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import pytest

from bluetooth.client.errors import AttRefused, ClientError, LinkLost, NoAnswer, NotLetIn
from bluetooth.client.link import Link
from bluetooth.gatt import (
    DOOR_STATE_UUID,
    REQUEST_UUID,
    RESPONSE_UUID,
    SERVICES,
    AttError,
)

ANSWER_TIMEOUT_S = 20.0
NOWHERE = "00000000-0000-4000-8000-000000000000"


class Stage(Protocol):
    """A link, and the box at its other end."""

    link: Link
    written: list[tuple[str, bytes]]

    def hold(self, uuid: str, value: bytes) -> None:
        """From now on this is read."""
        ...

    def refuse(self, uuid: str, code: AttError) -> None:
        """Reads and writes are answered with this."""
        ...

    async def notify(self, uuid: str, value: bytes) -> None:
        """The box notifies."""
        ...

    async def end(self) -> None:
        """The box ends the connection."""
        ...


async def soon(work: Callable[[], bool]) -> None:
    """Until it is so."""
    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        while not work():
            turn = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_soon(turn.set_result, None)
            await turn


@pytest.mark.anyio
class LinkContract:
    """The seam of the phone's side."""

    async def test_it_has_the_services(self, stage: Stage) -> None:
        """All three."""
        assert {each.uuid for each in SERVICES} <= stage.link.service_uuids

    async def test_a_value_is_read_whole(self, stage: Stage) -> None:
        """Up to the longest there is."""
        stage.hold(RESPONSE_UUID, bytes(range(256)) * 2)

        assert bytes(range(256)) * 2 == await stage.link.read(RESPONSE_UUID)

    async def test_a_write_arrives(self, stage: Stage) -> None:
        """As it is, before `write` returns."""
        await stage.link.write(REQUEST_UUID, b"x" * stage.link.write_bytes)

        assert [(REQUEST_UUID, b"x" * stage.link.write_bytes)] == stage.written

    @pytest.mark.parametrize(
        "code", [AttError.INSUFFICIENT_AUTHORIZATION, AttError.WRITE_NOT_PERMITTED]
    )
    async def test_a_refusal_has_its_code(self, stage: Stage, code: AttError) -> None:
        """For reads and writes."""
        stage.refuse(RESPONSE_UUID, code)
        stage.refuse(REQUEST_UUID, code)

        with pytest.raises(AttRefused) as read:
            await stage.link.read(RESPONSE_UUID)
        with pytest.raises(AttRefused) as written:
            await stage.link.write(REQUEST_UUID, b"x")

        assert (code, code) == (read.value.att_code, written.value.att_code)

    async def test_a_box_that_has_another_phone_says_so(self, stage: Stage) -> None:
        """That refusal is one in words."""
        stage.refuse(DOOR_STATE_UUID, AttError.INSUFFICIENT_RESOURCES)

        with pytest.raises(NotLetIn, match="another phone"):
            await stage.link.read(DOOR_STATE_UUID)

    async def test_notifications_arrive_cut(self, stage: Stage) -> None:
        """In order, each to what the connection carries."""
        heard: list[bytes] = []
        await stage.link.subscribe(RESPONSE_UUID, heard.append)
        room = stage.link.write_bytes

        for each in (b"first", b"y" * (room + 50)):
            await stage.notify(RESPONSE_UUID, each)
        await soon(lambda: len(heard) == 2)

        assert b"first" == heard[0]
        assert room <= len(heard[1]) < room + 50

    async def test_what_is_not_there_is_said_to_be_none_of_ours(self, stage: Stage) -> None:
        """For every call."""
        for call in (
            stage.link.read(NOWHERE),
            stage.link.write(NOWHERE, b""),
            stage.link.subscribe(NOWHERE, lambda value: None),
        ):
            with pytest.raises(NoAnswer, match="none of ours"):
                await call

    async def test_a_connection_that_ends_is_noticed(self, stage: Stage) -> None:
        """By whoever waits for it, and by every later call."""
        await stage.end()
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await stage.link.wait_gone()

        with pytest.raises(LinkLost):
            await stage.link.read(RESPONSE_UUID)
        with pytest.raises(ClientError):
            await stage.link.write(REQUEST_UUID, b"x")

    async def test_closing_twice_is_closing_once(self, stage: Stage) -> None:
        """And then it is gone."""
        await stage.link.close()
        await stage.link.close()

        await stage.link.wait_gone()
        with pytest.raises(LinkLost):
            await stage.link.read(RESPONSE_UUID)
