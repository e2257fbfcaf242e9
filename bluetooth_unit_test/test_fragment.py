"""Messages in pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluetooth.fragment import (
    ACK_EVERY,
    FIRST,
    LAST,
    MAX_FRAGMENT_BYTES,
    MAX_WAITING_BYTES,
    MIN_FRAGMENT_BYTES,
    NUMBERS,
    WINDOW,
    FragmentWrong,
    Joiner,
    MessageTooLong,
    Outbox,
    Piece,
    TooMuchWaiting,
    parse,
)


def piece(number: int, data: bytes = b"x", first: bool = False, last: bool = False) -> Piece:
    """A fragment as it comes out of `parse`."""
    return Piece(first, last, number, data)


@given(
    st.lists(st.binary(min_size=1, max_size=900), max_size=12),
    st.integers(MIN_FRAGMENT_BYTES, MAX_FRAGMENT_BYTES),
)
def test_whatever_is_cut_is_joined_again(messages: list[bytes], fragment_bytes: int) -> None:
    """Any messages, any size of fragment: they arrive whole and in order, acknowledged or not."""
    outbox, joiner, joined = Outbox(fragment_bytes), Joiner(900), []
    for message in messages:
        outbox.put(message)
    while fragments := outbox.take():
        assert len(fragments) <= WINDOW
        for fragment in fragments:
            assert len(fragment) <= fragment_bytes
            message_or_none = joiner.add(parse(fragment))
            joined += [message_or_none] if message_or_none is not None else []
        assert outbox.acknowledge(parse(fragments[-1]).number)

    assert messages == joined
    assert not outbox.waits


def test_a_fragment_has_a_header_and_data() -> None:
    """First, last and number share the first byte."""
    assert Piece(True, False, 5, b"ab") == parse(bytes([FIRST | 5]) + b"ab")
    assert Piece(False, True, 63, b"c") == parse(bytes([LAST | 63]) + b"c")


@pytest.mark.parametrize("value", [b"", b"\xc0"])
def test_a_fragment_without_data_is_refused(value: bytes) -> None:
    """An empty write is not a fragment."""
    with pytest.raises(FragmentWrong, match="at least one byte"):
        parse(value)


@pytest.mark.parametrize("number", [0, 2, 63])
def test_a_fragment_lost_repeated_or_out_of_order_is_noticed(number: int) -> None:
    """After fragment 0 only fragment 1 can come."""
    joiner = Joiner(100)
    joiner.add(piece(0, first=True))

    with pytest.raises(FragmentWrong, match=f"{number} came instead of 1"):
        joiner.add(piece(number, last=True))


def test_a_message_has_a_beginning() -> None:
    """A fragment that continues nothing is refused."""
    with pytest.raises(FragmentWrong, match="middle"):
        Joiner(100).add(piece(0, last=True))


def test_a_new_first_fragment_drops_what_was_unfinished() -> None:
    """Who gives up a message just begins the next one."""
    joiner = Joiner(100)
    joiner.add(piece(0, b"given up", first=True))

    assert b"new" == joiner.add(piece(1, b"new", first=True, last=True))


def test_a_message_that_grows_too_long_is_refused() -> None:
    """No more is held of it than the bound, and a fragment."""
    joiner = Joiner(10)
    joiner.add(piece(0, b"12345678", first=True))

    with pytest.raises(MessageTooLong, match="at most 10 bytes"):
        joiner.add(piece(1, b"901"))


def test_numbers_go_round() -> None:
    """After the last number comes 0 again, on both sides."""
    outbox, joiner = Outbox(), Joiner(100)
    for _ in range(NUMBERS + 3):
        outbox.put(b"m")
        fragment = parse(outbox.take()[0])
        joiner.add(fragment)
        outbox.acknowledge(fragment.number)

    assert 2 == fragment.number


def test_no_more_than_the_window_is_on_its_way() -> None:
    """The rest waits for an acknowledgement; half a window is acknowledged at a time."""
    outbox = Outbox()
    outbox.put(bytes(30 * (MIN_FRAGMENT_BYTES - 1)))

    assert WINDOW == len(outbox.take())
    assert [] == outbox.take()
    assert outbox.waits
    assert outbox.acknowledge(ACK_EVERY - 1)
    assert ACK_EVERY == len(outbox.take())


def test_an_acknowledgement_of_what_is_not_on_its_way_counts_for_nothing() -> None:
    """Neither a fragment of the past nor one of the future opens the window."""
    outbox = Outbox()
    outbox.put(bytes(100))
    outbox.take()
    outbox.acknowledge(2)

    assert not outbox.acknowledge(2)
    assert not outbox.acknowledge(40)


def test_what_waits_has_a_bound() -> None:
    """A phone that takes nothing does not fill the memory of the box."""
    outbox = Outbox()
    outbox.put(bytes(MAX_WAITING_BYTES))

    with pytest.raises(TooMuchWaiting):
        outbox.put(b"x")


def test_last_words_go_before_everything_that_waits() -> None:
    """The end of a session is told at once, with the numbers going on."""
    outbox = Outbox()
    outbox.put(bytes(1000))
    outbox.take()
    fragments = [parse(each) for each in outbox.last_words(b"end")]

    assert [Piece(True, True, WINDOW, b"end")] == fragments
    assert not outbox.waits
