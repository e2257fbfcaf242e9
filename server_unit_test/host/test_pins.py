"""What a dongle showed first is remembered, also over a restart."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.host import pins as module
from server.host.pins import BROKEN_PINS_KEPT, MAX_PINS, MAX_PINS_BYTES, PINS_FILE, FilePins
from server.ports import Pins


def test_a_pin_survives_a_restart(tmp_path: Path) -> None:
    """Before its first use there is none."""
    pins: Pins = FilePins(tmp_path)
    before = pins.pinned("10.0.0.1")

    pins.pin("10.0.0.1", "ab" * 32)

    assert (None, "ab" * 32) == (before, FilePins(tmp_path).pinned("10.0.0.1"))
    assert {"10.0.0.1": "ab" * 32} == json.loads((tmp_path / PINS_FILE).read_bytes())


def test_a_removed_device_is_forgotten(tmp_path: Path) -> None:
    """Under all its ports, and no other device."""
    pins = FilePins(tmp_path)
    for host in ("10.0.0.1", "10.0.0.1:18443", "10.0.0.11"):
        pins.pin(host, "ab")

    pins.forget("10.0.0.1")
    pins.forget("10.0.0.2")

    again = FilePins(tmp_path)
    assert [None, None, "ab"] == [
        again.pinned(host) for host in ("10.0.0.1", "10.0.0.1:18443", "10.0.0.11")
    ]


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"a": 1}', b"[" * 100_000])
def test_a_broken_file_is_set_aside_and_said(tmp_path: Path, content: bytes) -> None:
    """It is no reason not to start, and none to say nothing."""
    (tmp_path / PINS_FILE).write_bytes(content)

    pins = FilePins(tmp_path)

    assert None is pins.pinned("a")
    assert "trusted anew" in pins.problem and "pins.json.broken-1" in pins.problem
    assert content == (tmp_path / "pins.json.broken-1").read_bytes()


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """MAX_PINS_BYTES bounds the memory it takes; the newest broken ones are kept."""
    for _ in range(BROKEN_PINS_KEPT + 1):
        (tmp_path / PINS_FILE).write_bytes(b" " * (MAX_PINS_BYTES + 1))
        problem = FilePins(tmp_path).problem

    assert f"larger than {MAX_PINS_BYTES} bytes" in problem
    assert BROKEN_PINS_KEPT == len([*tmp_path.glob("*.broken-*")])


def test_a_folder_that_cannot_be_used_stops_nothing(tmp_path: Path) -> None:
    """The pin counts until the next start."""
    (tmp_path / "file").write_bytes(b"")
    pins = FilePins(tmp_path / "file" / "data")

    pins.pin("a", "ab")

    assert "ab" == pins.pinned("a")


def test_the_oldest_pin_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MAX_PINS hosts are remembered; one that is pinned again counts as new."""
    monkeypatch.setattr(module, "MAX_PINS", 2)
    pins = FilePins(tmp_path)

    for host in ("a", "b", "a", "c"):
        pins.pin(host, "ab")

    assert ["ab", None, "ab"] == [pins.pinned(host) for host in "abc"]
    assert 2 < MAX_PINS


@given(
    st.binary(max_size=60)
    | st.text(max_size=20).map(lambda each: json.dumps({each: each}).encode())
)
def test_no_file_makes_it_fall(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """It is read, or set aside and said so; what is pinned then is found again."""
    folder = tmp_path_factory.mktemp("data")
    (folder / PINS_FILE).write_bytes(content)
    pins = FilePins(folder)
    pins.pin("10.0.0.1", "ab")

    assert "ab" == FilePins(folder).pinned("10.0.0.1")
    assert bool(pins.problem) == (1 == len([*folder.glob("*.broken-*")]))
