"""Deliveries are taken apart strictly, and what is wrong is said in words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.envelope import (
    MAX_RECORDS_PER_DELIVERY,
    MAX_SEQUENCE,
    MAX_TAKEN_AT_MS,
    MAX_TEXT,
    Malformed,
    is_signed_by,
    load_key,
    parse,
)
from simulator_unit_test.signing import BOOT, GATEWAY, Gateway, b64url

ME = Gateway()


def test_good_delivery() -> None:
    """Everything a good delivery says is there afterwards, registers in order of address."""
    envelope = parse(ME.deliver({1000: 1, 2000: 2}))

    assert (GATEWAY, "A2212345678", "sungrow_hybrid", BOOT) == (
        envelope.gateway,
        envelope.serial,
        envelope.model,
        envelope.boot,
    )
    assert [(1, 1000, "synced", '{"4999":3587,"13000":7}')] == [
        (record.sequence, record.taken_at_ms, record.clock, record.words)
        for record in envelope.records[:1]
    ]


def test_trailing_newline_is_forgiven() -> None:
    """A body that came out of a file may end in a newline."""
    assert 1 == len(parse(ME.deliver({1000: 1}) + b"\n").records)


def test_signature() -> None:
    """The signer's key fits, another's does not, and a changed payload breaks it."""
    good = ME.deliver({1000: 1})
    header, _, signature = good.split(b".")
    forged = b".".join([header, b64url(b'{"1000": {"1": 2}}').encode(), signature])

    fits = [
        is_signed_by(parse(good), load_key(ME.public_key)),
        is_signed_by(parse(good), load_key(Gateway().public_key)),
        is_signed_by(parse(forged), load_key(ME.public_key)),
    ]

    assert [True, False, False] == fits


def test_signature_of_zeros() -> None:
    """r and s of 0 are no signature, and no crash either."""
    header, payload, _ = ME.deliver({1000: 1}).split(b".")
    nothing = b".".join([header, payload, b64url(bytes(64)).encode()])

    assert not is_signed_by(parse(nothing), load_key(ME.public_key))


def test_digest_stands_for_content() -> None:
    """The order of registers and the clock's quality change nothing, a word does."""
    first = ME.sign(ME.header({1: 1}), {"1": {"1": 5, "20": 6}})
    turned = ME.sign(ME.header({1: 1}, clock={"1": "unsynced"}), {"1": {"20": 6, "1": 5}})
    other = ME.sign(ME.header({1: 1}), {"1": {"1": 5, "20": 7}})

    digests = [parse(body).records[0].digest for body in (first, turned, other)]

    assert (True, False) == (digests[0] == digests[1], digests[0] == digests[2])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"alg": "none"}, "only ES256"),
        ({"alg": "HS256"}, "only ES256"),
        ({"device": "0123"}, "18 lower-case hex digits"),
        ({"device": None}, "18 lower-case hex digits"),
        ({"boot": 177}, "16 lower-case hex digits"),
        ({"boot": "b1"}, "16 lower-case hex digits"),
        ({"sn": None}, "header.sn"),
        ({"sn": "x" * (MAX_TEXT + 1)}, "header.sn"),
        ({"model": "a\nb"}, "header.model"),
        ({"seq": None}, "header.seq"),
        ({"seq": {}}, "same milliseconds"),
        ({"seq": {"1000": "1"}}, "header.seq of 1000"),
        ({"seq": {"1000": True}}, "header.seq of 1000"),
        ({"seq": {"1000": -1}}, "header.seq of 1000"),
        ({"seq": {"1000": MAX_SEQUENCE + 1}}, "header.seq of 1000"),
        ({"clock": {"1000": "fine"}}, "header.clock of 1000"),
        ({"clock": {"1000": ["synced"]}}, "header.clock of 1000"),
        ({"clock": {"2000": "synced"}}, "same milliseconds"),
    ],
)
def test_bad_header(changes: dict[str, object], words: str) -> None:
    """Each mistake of a header is named."""
    with pytest.raises(Malformed, match=words):
        parse(ME.sign(ME.header({1000: 1}) | changes, {"1000": {"1": 7}}))


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ([], "payload is not a JSON object"),
        ({"1000": []}, "object of registers"),
        ({"1000": {"65536": 1}}, "not a register address"),
        ({"1000": {"01": 1}}, "not a register address"),
        ({"1000": {"pv": 1}}, "not a register address"),
        ({"1000": {"1": 65536}}, "words from 0 to 65535"),
        ({"1000": {"1": -1}}, "words from 0 to 65535"),
        ({"1000": {"1": 1.5}}, "words from 0 to 65535"),
        ({"1000": {"1": True}}, "words from 0 to 65535"),
        ({"1000": {"1": None}}, "words from 0 to 65535"),
    ],
)
def test_bad_payload(payload: object, words: str) -> None:
    """Each mistake of a payload is named."""
    with pytest.raises(Malformed, match=words):
        parse(ME.sign(ME.header({1000: 1}), payload))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not a JWT"),
        (b"hello", "not a JWT"),
        (b"a.b", "not a JWT"),
        (b"a=.b.c", "not a JWT"),
        (b"a.b.c", "not base64url"),
        (b"e30.e30.e30", "the signature has 2 bytes"),
        (b"W10.e30.e30", "header is not a JSON object"),
        (b"e30x.e30.e30", "header is not"),
    ],
)
def test_bad_body(body: bytes, words: str) -> None:
    """What is no JWT at all is refused with the first thing that is wrong."""
    with pytest.raises(Malformed, match=words):
        parse(body)


@pytest.mark.parametrize("ms", ["-1", "01", "1e3", str(MAX_TAKEN_AT_MS + 1), "9" * 30])
def test_time_that_is_none(ms: str) -> None:
    """Only whole milliseconds in one spelling are times."""
    header = ME.header({1: 1}, seq={ms: 1}, clock={ms: "synced"})

    with pytest.raises(Malformed, match="not a time in Unix milliseconds"):
        parse(ME.sign(header, {ms: {}}))


def test_largest_numbers() -> None:
    """The largest time and sequence are taken."""
    record = parse(ME.deliver({MAX_TAKEN_AT_MS: MAX_SEQUENCE})).records[0]

    assert (MAX_TAKEN_AT_MS, MAX_SEQUENCE) == (record.taken_at_ms, record.sequence)


def test_most_readings_of_one_delivery() -> None:
    """A delivery of the most readings is taken, one more is not, nor is none."""

    def deliver(count: int) -> bytes:
        sequences = {ms: ms for ms in range(count)}
        return ME.sign(ME.header(sequences), {str(ms): {} for ms in sequences})

    taken = len(parse(deliver(MAX_RECORDS_PER_DELIVERY)).records)
    for count in (0, MAX_RECORDS_PER_DELIVERY + 1):
        with pytest.raises(Malformed, match="carries 1 to"):
            parse(deliver(count))

    assert MAX_RECORDS_PER_DELIVERY == taken


def test_one_sequence_for_two_readings() -> None:
    """Two readings of a delivery cannot have the same identity."""
    with pytest.raises(Malformed, match="same sequence number"):
        parse(ME.deliver({1000: 1, 2000: 1}))


def test_key_that_comes_twice() -> None:
    """A millisecond that comes twice would lose a reading, so the delivery is refused."""
    good = ME.deliver({1000: 1}).split(b".")
    good[1] = b64url(b'{"1000": {"1": 1}, "1000": {"1": 2}}').encode()

    with pytest.raises(Malformed, match="comes twice"):
        parse(b".".join(good))


def test_nesting_bomb() -> None:
    """JSON nested deeper than the parser can follow is malformed, not a crash."""
    bomb = b64url(b'{"a":' * 100_000).encode()

    with pytest.raises(Malformed, match="not JSON"):
        parse(bomb + b".e30.e30")


@pytest.mark.parametrize("public_key", ["", "00", "zz" * 64, "00" * 64, "ff" * 64])
def test_key_that_is_none(public_key: str) -> None:
    """What is no point of the curve is no key."""
    with pytest.raises(ValueError, match="128 hex digits"):
        load_key(public_key)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["1000", "seq", "boot", "1"]), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["seq", "clock", "boot", "sn", "device"]), JSON),
    JSON,
)
def test_no_json_crashes_it(changes: dict[str, object], payload: object) -> None:
    """Whatever JSON it holds, a signed delivery is parsed or malformed."""
    body = ME.sign(ME.header({1000: 1}) | changes, payload)

    try:
        outcome = len(parse(body).records)
    except Malformed as error:
        outcome = len(str(error))

    assert outcome > 0


def test_header_with_more_fields() -> None:
    """Fields that this receiver does not know are no mistake."""
    body = ME.deliver({1000: 1}, future={"x": json.dumps(1)})

    assert 1 == len(parse(body).records)
