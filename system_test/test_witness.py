"""The witness counts whole events and nothing else, and remembers what it heard."""

import json
from pathlib import Path

import pytest

from system_test.witness import Report, Witness, events, read_reports


def snapshot(accepted: int) -> bytes:
    """A snapshot as the stream carries it."""
    body = {"gateway": {"boot": "00000000000000aa"}, "store": {"accepted": accepted, "buffered": 2}}
    return b"event: snapshot\ndata: " + json.dumps(body).encode() + b"\n\n"


def test_a_stream_cut_at_any_byte_gives_whole_events_only() -> None:
    """A gateway that dies in the middle of an event has not said it."""
    stream = snapshot(1) + snapshot(2)
    heard = [
        [report.accepted for report in read_reports([stream[:end]])]
        for end in range(len(stream) + 1)
    ]

    first, second = len(snapshot(1)), len(stream)
    expected: list[list[int]] = [[]] * first + [[1]] * (second - first) + [[1, 2]]
    assert expected == heard


@pytest.mark.parametrize("size", [1, 2, 7])
def test_events_are_found_whatever_the_chunks(size: int) -> None:
    """Line ends of both kinds, comments and many data lines, in pieces of any size."""
    stream = b": hello\r\n\r\nevent: a\r\ndata: 1\r\ndata: 2\r\n\r\ndata: x\n\n"
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]

    assert [("a", "1\n2"), ("message", "x")] == list(events(pieces))


def test_what_was_heard_is_on_disk(tmp_path: Path) -> None:
    """Each rise is written down before anybody can rely on it."""
    with Witness(tmp_path / "heard") as witness:
        for accepted in (1, 1, 5):
            witness.hear(Report("aa", accepted, 0))

        assert ('["aa", 1]\n["aa", 5]\n', {"aa": 5}) == (
            (tmp_path / "heard").read_text(),
            witness.accepted(),
        )


def test_a_gateway_that_takes_its_word_back_is_reported(tmp_path: Path) -> None:
    """Accepted never falls within a boot."""
    with Witness(tmp_path / "heard") as witness:
        witness.hear(Report("aa", 5, 0))
        witness.hear(Report("aa", 4, 0))

        assert ["boot aa went back from 5 to 4"] == witness.complaints()


def test_waiting_for_a_new_boot_overlooks_the_old_ones(tmp_path: Path) -> None:
    """A restarted gateway is recognised by its new boot id."""
    with Witness(tmp_path / "heard") as witness:
        witness.hear(Report("aa", 5, 0))
        with pytest.raises(TimeoutError):
            witness.wait_latest({"aa"}, 1, 0.0)
        witness.hear(Report("bb", 1, 0))

        assert Report("bb", 1, 0) == witness.wait_latest({"aa"}, 1, 0.0)
