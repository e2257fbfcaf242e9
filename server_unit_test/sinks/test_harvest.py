"""The signed delivery: what a token says, how a batch is cut, and when it is acknowledged."""

import itertools
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import SinkUnavailable
from server.identity.software_key import SoftwareKey
from server.model.delivery import Ack, Batch
from server.model.reading import ClockQuality
from server.sinks.harvest import HarvestSink, claims, portions
from server_unit_test.contracts.records import BOOT, DEVICE, START_MS, batch, stored
from server_unit_test.sinks.ingest import PATIENCE_S, Ingest, Say


@pytest.fixture
def key(tmp_path: Path) -> SoftwareKey:
    """A gateway's identity."""
    return SoftwareKey.open(tmp_path)


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    """An endpoint."""
    with Ingest() as made:
        yield made


def publish(ingest: Ingest, key: SoftwareKey, delivery: Batch) -> Ack:
    """Deliver over a sink of its own."""
    with closing(HarvestSink(ingest.url, key, timeout_s=PATIENCE_S)) as sink:
        return sink.publish(delivery)


def test_the_header_says_who_and_what(ingest: Ingest, key: SoftwareKey) -> None:
    """Gateway, device and family, and for each millisecond its sequence and its clock."""
    late = stored(3, clock=ClockQuality.UNSYNCED)

    publish(ingest, key, batch(stored(2), late))

    assert {
        "alg": "ES256",
        "typ": "JWT",
        "device": key.serial,
        "opr": "production",
        "model": "sungrow_hybrid",
        "dtype": "modbus_registers",
        "sn": "A2340123456",
        "boot": "0123456789abcdef",
        "seq": {str(START_MS + 2000): 2, str(START_MS + 3000): 3},
        "clock": {str(START_MS + 2000): "synced", str(START_MS + 3000): "unsynced"},
    } == ingest.posts[0].header()


@pytest.mark.parametrize(
    ("profile", "model"),
    [("sungrow_string", "sungrow"), ("sungrow_hybrid", "sungrow_hybrid"), ("acme", "acme")],
)
def test_the_model_is_what_endpoints_know(profile: str, model: str) -> None:
    """String inverters go by the name of the contract, other families by their profile's."""
    header, _ = claims(replace(DEVICE, profile=profile), (stored(1),))

    assert model == header["model"]


def test_the_payload_holds_raw_words_by_millisecond(ingest: Ingest, key: SoftwareKey) -> None:
    """Registers as the wire has them, unscaled; what was unavailable is simply not there."""
    publish(ingest, key, batch(stored(1, words={13000: 65535, 5000: 0}), stored(2, words={})))

    assert {
        str(START_MS + 1000): {"13000": 65535, "5000": 0},
        str(START_MS + 2000): {},
    } == ingest.posts[0].payload()


def test_the_signature_verifies_independently(ingest: Ingest, key: SoftwareKey) -> None:
    """Checked with the 64-byte public key by a library we do not sign with."""
    ack = publish(ingest, key, batch())

    ingest.posts[0].verify(key.public_key)
    assert Ack(len(ingest.posts[0].body)) == ack


def test_a_device_without_serial_goes_by_its_id() -> None:
    """An empty name would put all such devices into one at the receiver."""
    header, _ = claims(replace(DEVICE, serial=""), [stored(1)])

    assert DEVICE.device_id == header["sn"]


def test_each_boot_has_a_token_of_its_own(ingest: Ingest, key: SoftwareKey) -> None:
    """A batch over a restart is two tokens in order, acknowledged as one."""
    ack = publish(ingest, key, batch(stored(1), stored(2), stored(3, boot=7)))

    first, second = ingest.posts
    assert ("0123456789abcdef", "0000000000000007") == (
        first.header()["boot"],
        second.header()["boot"],
    )
    assert len(first.body) + len(second.body) == ack.size_bytes


def test_partial_success_is_no_acknowledgement(ingest: Ingest, key: SoftwareKey) -> None:
    """When the second token fails, all come again under the same identities."""
    ingest.script += [Say(200), Say(503)]
    delivery = batch(stored(1), stored(2, boot=7))
    with pytest.raises(SinkUnavailable):
        publish(ingest, key, delivery)

    publish(ingest, key, delivery)

    assert [(f"{BOOT:016x}", 1), (f"{BOOT:016x}", 1), (f"{7:016x}", 2)] == [
        identity for post in ingest.accepted for identity in post.identities()
    ]


def test_an_empty_batch_is_acknowledged_without_a_word(ingest: Ingest, key: SoftwareKey) -> None:
    """Nothing to say, nothing sent."""
    ack = publish(ingest, key, Batch(DEVICE, ()))

    assert (Ack(0), []) == (ack, ingest.posts)


def test_a_millisecond_that_comes_again_starts_a_new_token() -> None:
    """In one payload the second reading would hide the first."""
    records = [stored(1, at_ms=5), stored(2, at_ms=6), stored(3, at_ms=5), stored(4, at_ms=6)]

    cut = [[each.position for each in portion] for portion in portions(records)]

    assert [[1, 2], [3, 4]] == cut


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5)), max_size=30))
def test_portions_lose_nothing_and_mix_nothing(keys: list[tuple[int, int]]) -> None:
    """Put together again they are the batch; each has one boot and no millisecond twice."""
    records = [stored(index, boot=boot, at_ms=at) for index, (boot, at) in enumerate(keys)]

    cut = list(portions(records))

    assert records == list(itertools.chain.from_iterable(cut))
    for portion in cut:
        assert 1 == len({each.record.boot for each in portion})
        assert len(portion) == len({each.record.reading.taken_at_ms for each in portion})
