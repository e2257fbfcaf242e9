"""A dongle's JSON becomes exactly what was asked for, or an error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import ProtocolError
from server.transports.winet_answer import (
    MAX_EVIDENCE_BYTES,
    MAX_UNITS,
    MAX_WORD_CHARS,
    Answer,
    Unit,
    evidence,
    frame_in,
    parse,
    text,
    units_in,
    whole,
    words_in,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_a_success_is_read_with_its_trailing_space() -> None:
    """The vendor's own example: two words, a space behind the last byte."""
    raw = b'{"result_code":1,"result_msg":"success","result_data":{"param_value":"24 33 00 64 "}}'

    assert (0x2433, 100) == words_in(parse(raw), 2)


@pytest.mark.parametrize("value", ["24 33 ", "24 33 00 64 00 ", "24 33 0G 64", "", None, 3, ["24"]])
def test_other_than_the_words_asked_for_is_an_error(value: object) -> None:
    """Too few, too many, no hexadecimal, nothing at all: no value is made of it."""
    with pytest.raises(ProtocolError):
        words_in(Answer(1, "", {"param_value": value}), 2)


@pytest.mark.parametrize(
    "raw", [b"", b"<html>", b"[]", b"{}", b'{"result_code":true}', b'{"result_code":"x"}', b"\xff"]
)
def test_what_is_no_answer_is_refused(raw: bytes) -> None:
    """Pages, fragments and answers without a code raise with their beginning as evidence."""
    with pytest.raises(ProtocolError) as caught:
        parse(raw)

    assert raw[:MAX_EVIDENCE_BYTES] == caught.value.frame


def test_a_message_may_be_missing() -> None:
    """Some services leave result_msg and result_data out."""
    answer = parse('{"result_code":106}')

    assert (106, "", "", "result 106") == (
        answer.code,
        answer.message,
        answer.service,
        str(answer),
    )


def test_units_may_be_numbers_or_text() -> None:
    """Firmware writes them either way; what is described badly is left out."""
    listed = [{"dev_id": "1", "dev_type": 35, "dev_code": "3343"}, {"dev_id": 2}, 7]

    assert {1: Unit(1, 35, 3343)} == units_in(Answer(1, "", {"list": listed}))


def test_a_devicelist_without_a_list_is_an_error() -> None:
    """Nothing is guessed about what hangs on the dongle."""
    with pytest.raises(ProtocolError):
        units_in(Answer(1, "", {}))


def test_only_so_many_units_are_looked_at() -> None:
    """An endless list ends at MAX_UNITS."""
    listed = [{"dev_id": n, "dev_type": 1, "dev_code": 1} for n in range(MAX_UNITS + 5)]

    assert MAX_UNITS == len(units_in(Answer(1, "", {"list": listed})))


def test_words_and_evidence_are_short() -> None:
    """What the dongle says never floods a log."""
    assert "x" * MAX_WORD_CHARS == text("x" * 1000)
    assert " a" == text("\na")
    assert MAX_EVIDENCE_BYTES == len(evidence("é" * 1000))


def test_a_number_has_at_most_nine_digits() -> None:
    """Longer ones are no ids, be they text or numbers: `_MAX_DIGITS`."""
    assert (999_999_999, 999_999_999) == (whole("9" * 9), whole(10**9 - 1))
    assert [None] * 6 == [whole(each) for each in ("9" * 10, "²", True, 10**9, -(10**9), 1.0)]
    with pytest.raises(ProtocolError, match="without a result_code"):
        parse(f'{{"result_code": {10**4000}}}')


@given(st.binary() | st.text())
def test_no_bytes_make_the_parser_fall(raw: bytes | str) -> None:
    """Whatever comes is an answer or a ProtocolError."""
    try:
        answer = parse(raw)
    except ProtocolError:
        return
    assert isinstance(answer.code, int)


@given(JSON, st.integers(1, 125))
def test_no_json_makes_a_value(body: object, count: int) -> None:
    """Whatever shape comes: exactly the words asked for from hexadecimal text, or an error."""
    raw = json.dumps({"result_code": 1, "result_data": body})
    answer = parse(raw)
    for reading in (lambda: words_in(answer, count), lambda: units_in(answer)):
        try:
            reading()
        except ProtocolError:
            continue
    try:
        words = words_in(Answer(1, "", {"param_value": body}), count)
    except ProtocolError:
        return
    assert isinstance(body, str) and count == len(words)


@given(st.text() | st.from_regex(r"([0-9a-fA-F]{2} ?)*", fullmatch=True))
def test_a_frame_is_hexadecimal_or_an_error(value: str) -> None:
    """What is taken as a frame is what the text says, byte for byte."""
    try:
        frame = frame_in(Answer(1, "", {"data": value}))
    except ProtocolError:
        return
    assert value.replace(" ", "").lower() == frame.hex()
