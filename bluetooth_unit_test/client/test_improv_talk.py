"""Improv on a phone's side: results, errors, and what is no Improv."""

import asyncio
from collections.abc import Callable

import pytest

from bluetooth import improv
from bluetooth.client.errors import Exit, NoAnswer, NotLetIn, TooSlow
from bluetooth.client.improv_talk import (
    ANSWER_MARGIN_S,
    COMMAND_TIMEOUT_S,
    IDENTIFY_GRACE_S,
    ImprovRefused,
    ImprovTalk,
)
from bluetooth.gatt import (
    IMPROV_CAPABILITIES_UUID,
    IMPROV_COMMAND_UUID,
    IMPROV_ERROR_UUID,
    IMPROV_RESULT_UUID,
    IMPROV_STATE_UUID,
)
from bluetooth.improv import (
    Capability,
    Command,
    Credentials,
    Error,
    Network,
    Packet,
    PacketAssembler,
    State,
)
from bluetooth.paths import JOIN_TIMEOUT_S, SCAN_TIMEOUT_S
from bluetooth_unit_test.client.fake_link import FakeLink
from bluetooth_unit_test.client.test_plain_channel import LoopClock

HOME = Credentials("Home", "password")


class ImprovBox:
    """Improv's other side, as a test says."""

    def __init__(self, link: FakeLink) -> None:
        self.link = link
        self.commands: list[Packet] = []
        self.answer: Callable[[Packet], None] = lambda packet: None
        self._assembler = PacketAssembler()
        link.values[IMPROV_STATE_UUID] = bytes([State.AUTHORIZED])
        link.values[IMPROV_ERROR_UUID] = b"\x00"
        link.on_write = self.written

    def written(self, uuid: str, value: bytes) -> None:
        """A phone wrote."""
        packet = self._assembler.feed(value)
        if uuid == IMPROV_COMMAND_UUID and packet is not None:
            self.commands.append(packet)
            self.answer(packet)

    def result(self, strings: list[str]) -> Callable[[Packet], None]:
        """Answers with these."""
        return lambda packet: self.link.tell(
            IMPROV_RESULT_UUID, improv.result(packet.command, strings)
        )

    def error(self, error: int) -> Callable[[Packet], None]:
        """Answers with this."""
        return lambda packet: self.link.tell(IMPROV_ERROR_UUID, bytes([error]))


async def talking(link: FakeLink) -> ImprovTalk:
    """Subscribed."""
    return await ImprovTalk.open(link, LoopClock())


@pytest.mark.parametrize("write_bytes", [20, 244])
async def test_a_result_arrives_whole(
    radio_loop: asyncio.AbstractEventLoop, write_bytes: int
) -> None:
    """A notification that was cut is read."""
    link = FakeLink(write_bytes)
    box = ImprovBox(link)
    box.answer = box.result(["Egret", "1.2.3", "Raspberry Pi 4 Model B", "Cellar"])

    info = await (await talking(link)).info()

    assert ["Egret", "1.2.3", "Raspberry Pi 4 Model B", "Cellar"] == info
    assert all(len(value) <= write_bytes for _, value in link.written)


async def test_each_command_asks_as_the_specification_says(
    radio_loop: asyncio.AbstractEventLoop,
) -> None:
    """Command byte and data of all of them."""
    link = FakeLink()
    box = ImprovBox(link)
    talk = await talking(link)
    box.answer = box.result(["x"])
    await talk.info()
    await talk.name()
    await talk.name("Cellar")
    await talk.hostname("cellar")
    await talk.join(HOME)
    box.answer = box.result([])
    await talk.scan()
    box.answer = lambda packet: None
    await talk.identify()

    assert [
        Packet(Command.DEVICE_INFO),
        Packet(Command.DEVICE_NAME),
        Packet(Command.DEVICE_NAME, b"Cellar"),
        Packet(Command.HOSTNAME, b"cellar"),
        Packet(Command.WIFI_SETTINGS, b"\x04Home\x08password"),
        Packet(Command.SCAN_WIFI),
        Packet(Command.IDENTIFY),
    ] == box.commands


async def test_a_scan_is_a_list_of_networks(radio_loop: asyncio.AbstractEventLoop) -> None:
    """With signal and security."""
    link = FakeLink()
    box = ImprovBox(link)
    networks = [Network("Home", -50, "WPA2"), Network("Café", -70, "NO")]
    box.answer = lambda packet: link.tell(IMPROV_RESULT_UUID, improv.scan_result(networks))

    assert networks == await (await talking(link)).scan()


async def test_joining_tells_each_state(radio_loop: asyncio.AbstractEventLoop) -> None:
    """Then the address of the page, or none."""
    link = FakeLink()
    box = ImprovBox(link)
    moved: list[State] = []

    def join(packet: Packet) -> None:
        link.tell(IMPROV_ERROR_UUID, b"\x00")
        link.tell(IMPROV_STATE_UUID, bytes([State.PROVISIONING]))
        link.tell(IMPROV_RESULT_UUID, improv.result(Command.SCAN_WIFI, []))
        link.tell(IMPROV_RESULT_UUID, improv.result(packet.command, urls))
        link.tell(IMPROV_STATE_UUID, bytes([State.PROVISIONED]))

    box.answer = join
    talk = await talking(link)
    urls = ["http://10.0.0.7/"]
    url = await talk.join(HOME, moved.append)
    urls = []
    nowhere = await talk.join(HOME)

    assert ("http://10.0.0.7/", "") == (url, nowhere)
    assert [State.PROVISIONING] == moved


@pytest.mark.parametrize("error", [each for each in Error if each is not Error.NONE])
async def test_every_error_has_words(radio_loop: asyncio.AbstractEventLoop, error: Error) -> None:
    """And an exit code: a box that said no, or lets nobody in."""
    link = FakeLink()
    box = ImprovBox(link)
    box.answer = box.error(error)

    with pytest.raises(NoAnswer if error is not Error.NOT_AUTHORIZED else NotLetIn) as said:
        await (await talking(link)).info()

    wanted = Exit.NOT_LET_IN if error is Error.NOT_AUTHORIZED else Exit.SAID_NO
    assert wanted == said.value.code
    assert "Improv error" not in str(said.value)


async def test_an_error_that_nobody_knows(radio_loop: asyncio.AbstractEventLoop) -> None:
    """Is an unknown one."""
    link = FakeLink()
    box = ImprovBox(link)
    box.answer = box.error(0x42)

    with pytest.raises(ImprovRefused) as refused:
        await (await talking(link)).info()

    assert Error.UNKNOWN is refused.value.error


@pytest.mark.parametrize(
    ("call", "limit_s"),
    [
        (lambda talk: talk.info(), COMMAND_TIMEOUT_S),
        (lambda talk: talk.scan(), SCAN_TIMEOUT_S + ANSWER_MARGIN_S),
        (lambda talk: talk.join(HOME), JOIN_TIMEOUT_S + ANSWER_MARGIN_S),
    ],
    ids=["info", "scan", "join"],
)
async def test_a_box_that_says_nothing(
    radio_loop: asyncio.AbstractEventLoop,
    call: Callable[[ImprovTalk], asyncio.Future[object]],
    limit_s: float,
) -> None:
    """Each command has its time, longer than the box's own."""
    link = FakeLink()
    ImprovBox(link)
    talk = await talking(link)
    began = radio_loop.time()

    with pytest.raises(TooSlow):
        await call(talk)

    assert limit_s == pytest.approx(radio_loop.time() - began, abs=0.1)


async def test_identify_is_done_when_nobody_objects(
    radio_loop: asyncio.AbstractEventLoop,
) -> None:
    """It has no result; an error is one."""
    link = FakeLink()
    box = ImprovBox(link)
    talk = await talking(link)
    began = radio_loop.time()
    await talk.identify()
    took_s = radio_loop.time() - began
    box.answer = box.error(Error.UNKNOWN_RPC)

    with pytest.raises(ImprovRefused):
        await talk.identify()
    assert IDENTIFY_GRACE_S == pytest.approx(took_s, abs=0.1)


async def test_values_can_be_read(radio_loop: asyncio.AbstractEventLoop) -> None:
    """State, error and capabilities; an empty value is no capability."""
    link = FakeLink()
    ImprovBox(link)
    talk = await talking(link)
    none = await talk.capabilities()
    link.values[IMPROV_CAPABILITIES_UUID] = b"\x06"

    assert Capability(0) == none
    assert Capability.DEVICE_INFO | Capability.SCAN_WIFI == await talk.capabilities()
    assert (State.AUTHORIZED, Error.NONE) == (await talk.state(), await talk.error())


@pytest.mark.parametrize("data", [b"\x09abc", b"\x01\xff", b"\x01a\x01b"])
async def test_a_broken_result_is_said_to_be(
    radio_loop: asyncio.AbstractEventLoop, data: bytes
) -> None:
    """Of a scan: strings that do not fit, are no text, or are not three for each."""
    link = FakeLink()
    box = ImprovBox(link)
    packet = Packet(Command.SCAN_WIFI, data).encode()
    box.answer = lambda _: link.tell(IMPROV_RESULT_UUID, packet)

    with pytest.raises(NoAnswer, match="broken"):
        await (await talking(link)).scan()


@pytest.mark.parametrize("value", [b"", b"\x09", b"\x04\x05\x00"])
async def test_what_is_no_improv(radio_loop: asyncio.AbstractEventLoop, value: bytes) -> None:
    """Neither a state nor a result."""
    link = FakeLink()
    box = ImprovBox(link)
    link.values[IMPROV_STATE_UUID] = value
    box.answer = lambda _: link.tell(IMPROV_RESULT_UUID, value)
    talk = await talking(link)

    with pytest.raises(NoAnswer, match="broken"):
        await talk.info()
    if value[:1] != b"\x04":
        with pytest.raises(NoAnswer, match="does not know"):
            await talk.state()
