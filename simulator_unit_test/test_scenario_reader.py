"""The gateway's answer, which is another program's: readings, or an error in words."""

import json
import socket
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import scenario_reader
from simulator.http_door import Answer, HttpDoor
from simulator.scenario_reader import (
    MAX_ANSWER_BYTES,
    MAX_UTC_MS,
    Gateway,
    Read,
    ReaderError,
    read_bounded,
    read_snapshot,
)


def device(**changes: object) -> dict[str, object]:
    """One device of a snapshot."""
    endpoint = {"scheme": "modbus_tcp", "host": "127.0.0.1", "port": 5020}
    latest = {"taken_at_ms": 1500, "values": {"pv_power": 7}}
    return {"config": {"endpoint": endpoint}, "latest": latest, **changes}


def snapshot(*devices: object) -> bytes:
    return json.dumps({"devices": devices}).encode()


def test_readings_are_found() -> None:
    """Each device has its address and its last reading, or none yet."""
    reads = read_snapshot(snapshot(device(), device(latest=None)))

    assert (
        Read("127.0.0.1", 5020, 1.5, {"pv_power": 7}),
        Read("127.0.0.1", 5020, None, {}),
    ) == reads


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"<html>", "no JSON"),
        (b"[]", "no list of devices"),
        (b'{"devices": {}}', "no list of devices"),
        (snapshot(7), "no config"),
        (snapshot({"config": {"endpoint": {"host": "a"}}}), "no host and port"),
        (snapshot(device(latest={"values": {}})), "no taken_at_ms"),
        (snapshot(device(latest={"taken_at_ms": MAX_UTC_MS + 1})), "impossible taken_at_ms"),
        (snapshot(device(latest={"taken_at_ms": 1})), "no values"),
    ],
)
def test_another_answer_is_refused(raw: bytes, said: str) -> None:
    """What is missing is named."""
    with pytest.raises(ReaderError, match=said):
        read_snapshot(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["config", "endpoint", "host", "port", "latest", "values", "taken_at_ms"]),
        inner,
        max_size=5,
    ),
    max_leaves=12,
)


@given(st.one_of(st.binary(max_size=60), st.lists(JSON, max_size=3).map(lambda d: snapshot(*d))))
def test_no_answer_breaks_it(raw: bytes) -> None:
    """Any bytes are readings with a possible time, or a ReaderError."""
    try:
        reads = read_snapshot(raw)
    except ReaderError:
        return

    assert all(each.taken_utc_s is None or each.taken_utc_s >= 0 for each in reads)


def test_who_does_not_answer_is_named() -> None:
    """Nobody at the address: the error says which."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(ReaderError, match=f"127.0.0.1:{port}/api/snapshot does not answer"):
        Gateway(f"http://127.0.0.1:{port}/").readings()


def test_nobody_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address where connections hang is given up after CONNECT_TIMEOUT_S."""
    monkeypatch.setattr(scenario_reader, "CONNECT_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, ExitStack() as waiting:
        for _ in range(4):  # Who waits there fills the queue; the kernel then answers nobody.
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())

        with pytest.raises(ReaderError, match="does not answer"):
            Gateway(f"http://127.0.0.1:{server.getsockname()[1]}").readings()


def test_no_proxy_stands_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway is asked directly, whatever the environment says of proxies."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    door = HttpDoor(lambda _: Answer(200, {"devices": []}), lambda: 0)
    door.start("127.0.0.1", 0)
    host, port = door.address
    try:
        assert () == tuple(Gateway(f"http://{host}:{port}").readings())
    finally:
        door.stop()


def test_an_answer_without_end_is_cut() -> None:
    """More bytes than any snapshot has are not read."""
    with pytest.raises(ReaderError, match=f"more than {MAX_ANSWER_BYTES} bytes"):
        read_bounded("u", lambda most: b" " * most)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "ftp://x", "http://"])
def test_a_url_is_a_url(url: str) -> None:
    """What is no HTTP address is refused with an example."""
    with pytest.raises(ValueError, match="write it like http"):
        Gateway(url)
