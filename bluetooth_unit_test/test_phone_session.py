"""The phone's side: what it does with a box that is wrong."""

import pytest

from bluetooth.phone_session import MAX_ANSWER_BYTES, PhoneSession, Told, Welcomed
from bluetooth.record import (
    Close,
    Kind,
    Reason,
    Record,
    RecordType,
    SessionFault,
    records,
)
from bluetooth.session import Hellos, Session

KEY = bytes(range(32))


def only(number: int, message: bytes) -> bytes:
    """A message in one fragment."""
    return bytes([0xC0 | number]) + message


def opened() -> tuple[PhoneSession, Session]:
    """A phone that was welcomed, in large fragments, and its box."""
    phone, box = PhoneSession(KEY, 512, 512), Session(KEY, Hellos())
    for value in phone.hello():
        box.receive(value, 0.0)
    (fragment,) = box.take(0.0)
    assert [Welcomed()] == phone.receive(fragment)
    return phone, box


def from_box(box: Session, record: Record) -> bytes:
    """A record's message, made with the box's own key."""
    assert box._transport is not None
    return bytes([Kind.RECORD]) + box._transport.sending.seal(record.encode())


def test_a_box_with_another_secret_is_found_out() -> None:
    """A stranger's box cannot pass for ours: it cannot make the welcome."""
    phone = PhoneSession(KEY, 512, 512)
    phone.hello()

    with pytest.raises(SessionFault) as raised:
        phone.receive(only(0, bytes([Kind.WELCOME]) + bytes(48)))
    assert Reason.WRONG_SECRET is raised.value.reason
    assert not phone.is_welcome


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (only(5, b"\x03xx"), Reason.MALFORMED),
        (only(1, b"\x03" + bytes(30)), Reason.FORGED),
        (only(1, bytes([Kind.HELLO])), Reason.MALFORMED),
        (only(1, bytes([Kind.WELCOME]) + bytes(48)), Reason.MALFORMED),
        (b"", Reason.MALFORMED),
    ],
)
def test_what_a_box_cannot_send_ends_the_session(value: bytes, reason: Reason) -> None:
    """Gaps, forgeries and messages that are a phone's."""
    phone, _ = opened()

    with pytest.raises(SessionFault) as raised:
        phone.receive(value)
    assert reason is raised.value.reason


def test_a_request_from_a_box_has_no_meaning() -> None:
    """Only phones ask."""
    phone, box = opened()

    with pytest.raises(SessionFault, match="sent a request"):
        phone.receive(only(1, from_box(box, Record(RecordType.REQUEST, 1, b"x"))))


def test_an_unknown_event_is_handed_on_with_its_number() -> None:
    """A newer box may tell more; who does not know it passes it over."""
    phone, box = opened()

    assert [Told(99, b"new")] == phone.receive(
        only(1, from_box(box, Record(RecordType.EVENT, 99, b"new")))
    )


def test_an_answer_without_end_is_given_up() -> None:
    """MAX_ANSWER_BYTES and no more are held."""
    phone, box = opened()
    number = 1
    with pytest.raises(SessionFault, match="no end"):
        for record in records(RecordType.ANSWER, 1, bytes(MAX_ANSWER_BYTES + 1)):
            message = from_box(box, record)
            for start in range(0, len(message), 500):
                flags = (0x80 if start == 0 else 0) | (0x40 if start + 500 >= len(message) else 0)
                phone.receive(bytes([flags | number % 64]) + message[start : start + 500])
                number += 1


def test_a_close_is_told_with_its_words() -> None:
    """In the clear or not, with or without a session."""
    phone = PhoneSession(KEY)

    assert [Close(Reason.DOOR_CLOSED, "shut")] == phone.receive(
        only(0, Close(Reason.DOOR_CLOSED, "shut").encode())
    )


def test_a_box_that_was_started_anew_is_understood() -> None:
    """It has forgotten the session and its numbers: its close counts all the same."""
    phone, _ = opened()
    restarted = Session(KEY, Hellos())
    for value in phone.ask(1, b"x"):
        restarted.receive(value, 0.0)

    assert [Close(Reason.NO_SESSION, "begin anew")] == phone.receive(restarted.take(0.0)[0])


def test_every_eighth_notification_is_acknowledged() -> None:
    """With the number of the newest one; between them there is nothing to send."""
    phone, box = opened()
    for number in range(1, 7):
        phone.receive(only(number, from_box(box, Record(RecordType.EVENT, 1, b"x"))))
    assert [] == phone.acknowledgements()
    phone.receive(only(7, from_box(box, Record(RecordType.EVENT, 1, b"x"))))

    assert [b"\xc1\x04\x07"] == phone.acknowledgements()
    assert [] == phone.acknowledgements()
