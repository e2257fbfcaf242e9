"""The box's side of a session, against a phone and against everything else."""

import random
from collections.abc import Iterable

import pytest

from bluetooth.fragment import FIRST, LAST, MAX_WAITING_BYTES, MIN_FRAGMENT_BYTES
from bluetooth.noise import Cipher
from bluetooth.phone_session import Answered, Got, PhoneSession, Told, Welcomed
from bluetooth.record import (
    MAX_MESSAGE_BYTES,
    MAX_RECORD_DATA_BYTES,
    Close,
    EventKind,
    Kind,
    Reason,
    Record,
    RecordType,
)
from bluetooth.session import (
    ACK_TIMEOUT_S,
    HANDSHAKE_TIMEOUT_S,
    IDLE_TIMEOUT_S,
    MAX_HELLOS_REMEMBERED,
    MAX_REQUEST_BYTES,
    MESSAGE_TIMEOUT_S,
    Asked,
    Ended,
    Heard,
    Hellos,
    Opened,
    Phase,
    Session,
)

KEY = bytes(range(32))
HELLO_TEXT = b"GET /api/hello EGWTTP/1.1\r\n\r\n"


class Talk:
    """A box's session and a phone, joined by lists."""

    def __init__(self, phone_key: bytes = KEY, size: int = MIN_FRAGMENT_BYTES) -> None:
        self.hellos = Hellos()
        self.box = Session(KEY, self.hellos)
        self.size = size
        self.phone_key = phone_key
        self.phone = self.new_phone()
        self.now = 0.0

    def new_phone(self) -> PhoneSession:
        """A phone that begins anew."""
        return PhoneSession(self.phone_key, self.size, self.size)

    def write(self, values: Iterable[bytes]) -> list[Heard]:
        """The phone writes; what the box heard."""
        return [heard for value in values for heard in self.box.receive(value, self.now)]

    def notify(self) -> list[Got]:
        """The box notifies until it has nothing more to send; what the phone got."""
        got: list[Got] = []
        while fragments := self.box.take(self.now):
            for fragment in fragments:
                got += self.phone.receive(fragment)
            assert [] == self.write(self.phone.acknowledgements())
        return got

    def open(self) -> "Talk":
        """Until requests may be sent."""
        assert [] == self.write(self.phone.hello())
        assert [Welcomed()] == self.notify()
        return self

    def opened(self) -> "Talk":
        """Until one was."""
        self.open()
        assert [Opened(), Asked(0, HELLO_TEXT)] == self.write(self.phone.ask(0, HELLO_TEXT))
        return self

    def closed(self) -> tuple[Reason, str]:
        """The close that the phone gets now."""
        closes = [each for each in self.notify() if isinstance(each, Close)]
        assert 1 == len(closes)
        return closes[0].reason, closes[0].text


def only(data: bytes, number: int = 0) -> bytes:
    """A message in one fragment."""
    return bytes([FIRST | LAST | number]) + data


@pytest.mark.parametrize("size", [20, 23, 182, 244, 512])
def test_a_request_is_answered_through_the_session(size: int) -> None:
    """Whatever the connection carries: asked and answered whole, long texts too."""
    talk = Talk(size=size).opened()
    long = bytes(random.Random(1).randbytes(3 * MAX_RECORD_DATA_BYTES + 7))
    heard = talk.write(talk.phone.ask(7, long))
    talk.box.answer(7, long[::-1], 0.0)

    assert [Asked(7, long)] == heard
    assert [Answered(7, long[::-1])] == talk.notify()


def test_a_session_stands_with_the_first_record() -> None:
    """The hello alone opens nothing: it could be one that somebody recorded."""
    talk = Talk().open()
    phases = [talk.box.phase]

    assert [Opened(), Asked(1, b"x")] == talk.write(talk.phone.ask(1, b"x"))
    assert [Asked(2, b"y")] == talk.write(talk.phone.ask(2, b"y"))
    assert [Phase.WELCOMED, Phase.OPEN] == [*phases, talk.box.phase]


def test_nothing_of_it_is_in_the_clear() -> None:
    """Neither request nor answer can be read in what goes through the air."""
    talk = Talk(size=512).open()
    writes = talk.phone.ask(1, b"psk=correct horse battery")
    talk.write(writes)
    talk.box.answer(1, b"wrong password", 0.0)
    air = b"".join([*writes, *talk.box.take(0.0)])

    assert b"horse" not in air
    assert b"password" not in air


def test_progress_is_told_as_it_happens() -> None:
    """Events come between answers, each with its kind."""
    talk = Talk(size=244).opened()
    talk.notify()
    talk.box.tell(EventKind.PROGRESS, b'{"step":"connecting"}')
    talk.box.tell(EventKind.DOOR, b'{"state":"open"}')

    assert [
        Told(EventKind.PROGRESS, b'{"step":"connecting"}'),
        Told(EventKind.DOOR, b'{"state":"open"}'),
    ] == talk.notify()


def test_of_events_that_wait_the_newest_counts() -> None:
    """Behind a long answer there is at most one of each kind."""
    talk = Talk().opened()
    talk.box.answer(0, bytes(2000), 0.0)
    fragments = talk.box.take(0.0)
    for number in range(100):
        talk.box.tell(EventKind.PROGRESS, b"%d" % number)
    for fragment in fragments:
        talk.phone.receive(fragment)
    talk.write(talk.phone.acknowledgements())

    assert [Answered(0, bytes(2000)), Told(EventKind.PROGRESS, b"99")] == talk.notify()


def test_events_before_the_session_stands_are_not_kept() -> None:
    """A stranger with a recorded hello is told nothing, not even in cipher."""
    talk = Talk().open()
    talk.box.tell(EventKind.PROGRESS, b"secret")

    assert [] == talk.box.take(0.0)
    assert [] == talk.box.answer(1, b"x", 0.0)
    assert [] == talk.box.take(0.0)


def test_another_secret_is_a_bad_attempt() -> None:
    """It is told in words, without a word of the box's own secret."""
    talk = Talk(phone_key=bytes(32))
    heard = talk.write(talk.phone.hello())
    reason, text = talk.closed()

    assert [Ended(Reason.WRONG_SECRET, True, True)] == heard
    assert (Reason.WRONG_SECRET, True) == (reason, "does not hold the secret" in text)


def test_a_replayed_hello_is_a_bad_attempt() -> None:
    """What was recorded in the air is of no use a second time, in this session or a later one."""
    talk = Talk()
    recorded = talk.phone.hello()
    talk.write(recorded)
    talk.notify()
    other = Session(KEY, talk.hellos)
    heard = [each for value in recorded for each in other.receive(value, 1.0)]

    assert [Ended(Reason.REPLAYED, True, True)] == heard
    assert Phase.NONE is other.phase


def test_a_replayed_session_opens_nothing_on_a_box_that_has_forgotten() -> None:
    """After a new start the hello is answered, but the records that follow are forgeries."""
    talk = Talk()
    recorded = talk.phone.hello()
    talk.write(recorded)
    talk.notify()
    recorded += talk.phone.ask(1, b"POST /api/wifi EGWTTP/1.1\r\n\r\n{}")
    restarted = Session(KEY, Hellos())
    heard = [each for value in recorded for each in restarted.receive(value, 1.0)]

    assert [Ended(Reason.FORGED, True, True)] == heard


def test_hellos_are_remembered_within_a_bound() -> None:
    """The oldest is forgotten first."""
    hellos = Hellos()
    keys = [bytes([each >> 8, each & 255]) for each in range(MAX_HELLOS_REMEMBERED + 1)]

    assert all(hellos.is_new(key) for key in keys)
    assert not hellos.is_new(keys[-1])
    assert not hellos.is_new(keys[1])
    assert hellos.is_new(keys[0])


@pytest.mark.parametrize("bit", [0, 3, 7])
@pytest.mark.parametrize("place", [2, 10, -1])
def test_an_altered_record_ends_the_session(bit: int, place: int) -> None:
    """Not a bit of it can be changed, and trying is a bad attempt."""
    talk = Talk(size=512).opened()
    talk.notify()
    value = bytearray(talk.phone.ask(1, b"GET")[0])
    value[place] ^= 1 << bit

    assert [Ended(Reason.FORGED, True, True)] == talk.write([bytes(value)])
    assert (Reason.FORGED, Phase.NONE) == (talk.closed()[0], talk.box.phase)


def test_a_repeated_record_ends_the_session() -> None:
    """The fragment's number can be changed by anybody, the record's cannot."""
    talk = Talk(size=512).opened()
    value = talk.phone.ask(1, b"POST")[0]
    again = bytes([(value[0] & 0xC0) | (value[0] + 1) % 64]) + value[1:]

    assert [Asked(1, b"POST"), Ended(Reason.FORGED, True, True)] == talk.write([value, again])


@pytest.mark.parametrize(
    ("fragments", "reason"),
    [
        ([(FIRST | LAST, 0, b"")], Reason.MALFORMED),
        ([(FIRST | LAST, 3, b"\x03" + bytes(40))], Reason.MALFORMED),
        ([(LAST, 0, b"x")], Reason.MALFORMED),
        ([(FIRST | LAST, 0, b"\x63what")], Reason.MALFORMED),
        ([(FIRST | LAST, 0, b"\x02" + bytes(48))], Reason.MALFORMED),
        ([(FIRST | LAST, 0, b"\x04")], Reason.MALFORMED),
        ([(FIRST if n == 0 else 0, n, bytes(400)) for n in range(11)], Reason.TOO_LARGE),
    ],
)
def test_nonsense_ends_the_session_but_is_no_bad_attempt(
    fragments: list[tuple[int, int, bytes]], reason: Reason
) -> None:
    """Garbage, gaps, unknown kinds, oversize: told in words; a broken app closes no door."""
    talk = Talk().opened()
    talk.notify()
    sent = talk.phone._number
    values = [bytes([flags | (sent + n) % 64]) + data for flags, n, data in fragments]

    assert [Ended(reason, False, True)] == talk.write(values)
    assert reason is talk.closed()[0]


def test_after_an_end_the_rest_is_passed_over_until_a_hello() -> None:
    """The fragments still on their way make no noise, and a new session begins as the first."""
    talk = Talk().opened()
    rest = talk.phone.ask(1, bytes(300))
    talk.box.end(Reason.DOOR_CLOSED, "the window closed")
    talk.notify()

    assert [] == talk.write(rest)
    assert [] == talk.box.take(0.0)
    talk.phone = talk.new_phone()
    talk.opened()


def test_without_a_session_a_record_is_told_so_once() -> None:
    """A phone that speaks to a box that was started anew learns it, and it is no bad attempt."""
    talk = Talk()
    lost = only(b"\x03" + bytes(30), 12)

    assert [] == talk.write([lost, lost, lost])
    assert Reason.NO_SESSION is talk.closed()[0]


def test_a_new_hello_takes_the_place_of_the_old_session() -> None:
    """An app that was started anew need not wait for the old session to end."""
    talk = Talk().opened()
    talk.notify()
    talk.phone = talk.new_phone()

    assert [Ended(Reason.GOODBYE, False, False)] == talk.write(talk.phone.hello())
    assert [Welcomed()] == talk.notify()


def test_a_goodbye_ends_it_without_an_answer() -> None:
    """The phone is gone; nothing is sent after it."""
    talk = Talk().opened()
    talk.notify()

    assert [Ended(Reason.GOODBYE, False, False)] == talk.write(talk.phone.goodbye())
    assert [] == talk.box.take(0.0)


def test_another_version_is_refused_in_words() -> None:
    """An app of the future learns what this box speaks."""
    talk = Talk()
    hello = bytearray(b"".join(each[1:] for each in talk.phone.hello()))
    hello[1] = 2
    heard = talk.write([only(bytes(hello))])

    assert [Ended(Reason.VERSION, False, True)] == heard
    assert (Reason.VERSION, "this box speaks version 1 of the session") == talk.closed()


def test_the_plain_size_cannot_be_changed_on_the_way() -> None:
    """Who makes the fragments smaller in the air is found out by the handshake."""
    talk = Talk(size=244)
    value = bytearray(talk.phone.hello()[0])
    value[4] = 20

    assert [Ended(Reason.WRONG_SECRET, True, True)] == talk.write([bytes(value)])


def test_a_request_has_a_bound() -> None:
    """However many records it comes in."""
    talk = Talk(size=512).opened()
    heard = talk.write(talk.phone.ask(1, bytes(MAX_REQUEST_BYTES)))
    assert [Asked(1, bytes(MAX_REQUEST_BYTES))] == heard
    heard = talk.write(talk.phone.ask(2, bytes(MAX_REQUEST_BYTES + 1)))

    assert [Ended(Reason.TOO_LARGE, False, True)] == heard


def sealed(talk: Talk, record: Record) -> bytes:
    """A record that only a broken app would send, in one fragment."""
    transport = talk.phone._transport
    assert transport is not None
    message = bytes([Kind.RECORD]) + transport.sending.seal(record.encode())
    return talk.phone._fragments(message)[0]


def test_only_one_request_may_be_unfinished() -> None:
    """Two at once would be two buffers."""
    talk = Talk(size=512).opened()
    values = [
        sealed(talk, Record(RecordType.REQUEST, 1, b"a", more=True)),
        sealed(talk, Record(RecordType.REQUEST, 2, b"b")),
    ]

    assert [Ended(Reason.MALFORMED, False, True)] == talk.write(values)


def test_a_phone_sends_requests_only() -> None:
    """An answer or an event from a phone has no meaning."""
    talk = Talk(size=512).opened()

    assert [Ended(Reason.MALFORMED, False, True)] == talk.write(
        [sealed(talk, Record(RecordType.EVENT, 1, b"x"))]
    )


def test_a_handshake_has_a_deadline() -> None:
    """A recorded hello does not hold the place for long."""
    talk = Talk().open()

    assert [] == talk.box.check(HANDSHAKE_TIMEOUT_S - 0.1)
    assert [Ended(Reason.TIMEOUT, False, True)] == talk.box.check(HANDSHAKE_TIMEOUT_S)
    assert [] == talk.box.check(1e9)


def test_half_a_hello_has_a_deadline() -> None:
    """Who begins and goes silent is forgotten."""
    talk = Talk()
    talk.write(talk.phone.hello()[:1])

    assert [Ended(Reason.TIMEOUT, False, True)] == talk.box.check(MESSAGE_TIMEOUT_S)


def test_the_rest_of_a_request_has_a_deadline() -> None:
    """Fragments that keep coming do not prolong it for ever, and what is complete ends it."""
    talk = Talk(size=244).opened()
    talk.notify()
    first, *rest = talk.phone.ask(1, bytes(9000))
    talk.write([first])
    for value in rest[:3]:
        talk.now += MESSAGE_TIMEOUT_S / 4
        talk.write([value])

    assert [] == talk.box.check(MESSAGE_TIMEOUT_S - 0.1)
    assert [Ended(Reason.TIMEOUT, False, True)] == talk.box.check(MESSAGE_TIMEOUT_S)


def test_an_idle_session_ends() -> None:
    """A phone that was put away does not keep the door."""
    talk = Talk().opened()
    talk.notify()

    assert [] == talk.box.check(IDLE_TIMEOUT_S - 0.1)
    assert [Ended(Reason.TIMEOUT, False, True)] == talk.box.check(IDLE_TIMEOUT_S)


def test_a_phone_that_waits_for_its_answer_is_not_idle() -> None:
    """While a request is under way nothing need be said; afterwards the time begins anew."""
    talk = Talk().opened()
    talk.notify()

    assert [] == talk.box.check(IDLE_TIMEOUT_S, is_answering=True)
    assert [] == talk.box.check(2 * IDLE_TIMEOUT_S - 0.1)
    assert [Ended(Reason.TIMEOUT, False, True)] == talk.box.check(2 * IDLE_TIMEOUT_S)


def test_a_phone_that_acknowledges_nothing_is_given_up() -> None:
    """What waits for it does not wait for ever."""
    talk = Talk().opened()
    talk.box.answer(0, bytes(5000), 1.0)
    talk.box.take(1.0)

    assert [] == talk.box.check(ACK_TIMEOUT_S)
    assert [Ended(Reason.TOO_SLOW, False, True)] == talk.box.check(1.0 + ACK_TIMEOUT_S)


def test_more_than_may_wait_ends_the_session() -> None:
    """The memory of the box has a bound."""
    talk = Talk().opened()
    talk.box.answer(0, bytes(MAX_WAITING_BYTES - MAX_MESSAGE_BYTES * 9), 0.0)

    assert [Ended(Reason.TOO_SLOW, False, True)] == talk.box.answer(1, bytes(60_000), 0.0)


def test_a_spent_key_ends_the_session() -> None:
    """No nonce is used twice, in either direction."""
    talk = Talk(size=244).opened()
    transport = talk.box._transport
    assert transport is not None
    object.__setattr__(transport, "sending", Cipher(KEY, limit=0))

    assert [Ended(Reason.SPENT, False, True)] == talk.box.answer(0, b"x", 0.0)
    assert Reason.SPENT is talk.closed()[0]
    talk.phone = talk.new_phone()
    talk.opened()
    transport = talk.box._transport
    assert transport is not None
    object.__setattr__(transport, "receiving", Cipher(KEY, limit=0))
    assert [Ended(Reason.SPENT, False, True)] == talk.write(talk.phone.ask(1, b"x"))


def test_no_bytes_whatever_break_it() -> None:
    """Ten thousand writes of nonsense later a phone opens its session as ever."""
    talk, chance = Talk(size=244), random.Random(4)
    for number in range(10_000):
        head = bytes([chance.choice([0xC0, 0x80, 0x40, 0x00]) | number % chance.choice([1, 64])])
        kind = bytes([chance.randrange(8)])
        talk.box.receive(chance.choice([head + kind, b""]) + chance.randbytes(60), float(number))
        talk.box.take(float(number))
    talk.now = 20_000.0

    talk.opened()
