"""Notifications in the order in which they came, until the connection ends."""

import asyncio

import pytest

from bluetooth.client.errors import LinkLost, TooSlow
from bluetooth.client.mailbox import MAX_MAIL, Mailbox
from bluetooth.gatt import RESPONSE_UUID
from bluetooth_unit_test.client.fake_link import FakeLink

pytestmark = pytest.mark.anyio

LONG_S = 20.0


async def test_what_came_is_taken_in_order() -> None:
    """Also what came before anybody asked."""
    link = FakeLink()
    mail = Mailbox(link)
    await mail.subscribe(RESPONSE_UUID)
    link.notify(RESPONSE_UUID, b"1")
    waiting = asyncio.gather(mail.next(LONG_S), mail.next(LONG_S))
    link.notify(RESPONSE_UUID, b"2")

    assert ((RESPONSE_UUID, b"1"), (RESPONSE_UUID, b"2")) == tuple(await waiting)


async def test_nothing_within_the_time() -> None:
    """Says what to do."""
    with pytest.raises(TooSlow, match="go nearer"):
        await Mailbox(FakeLink()).next(0.0)


async def test_last_words_are_taken_before_the_end_is_told() -> None:
    """A box says why, and then goes."""
    link = FakeLink()
    mail = Mailbox(link)
    mail.put("x", b"goodbye")
    link.end()

    assert ("x", b"goodbye") == await mail.next(LONG_S)
    with pytest.raises(LinkLost):
        await mail.next(LONG_S)


async def test_the_end_wakes_whoever_waits() -> None:
    """At once."""
    link = FakeLink()
    waiting = asyncio.ensure_future(Mailbox(link).next(LONG_S))
    await asyncio.wait({waiting}, timeout=0)
    link.end()

    with pytest.raises(LinkLost):
        await waiting


async def test_a_full_box_loses_the_oldest() -> None:
    """And `clear` all."""
    mail = Mailbox(FakeLink())
    for number in range(MAX_MAIL + 1):
        mail.put("x", str(number).encode())

    assert ("x", b"1") == await mail.next(LONG_S)
    mail.clear()
    with pytest.raises(TooSlow):
        await mail.next(0.0)
