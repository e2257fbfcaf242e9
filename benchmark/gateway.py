"""The real gateway as a child, and a client that asks it over one kept connection."""

import http.client
import json
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from benchmark.child import Child

REQUEST_TIMEOUT_S = 10.0


def gateway(data: Path, settings: Mapping[str, Any]) -> Child:
    """`python -m server` with these settings, its clock trusted, on a free port."""
    data.mkdir(parents=True, exist_ok=True)
    (data / "settings.json").write_text(json.dumps({"version": 1, **settings}))
    arguments = ["server", "--data", str(data), "--port", "0", "--json", "--log-level", "ERROR"]
    return Child(arguments, data / "gateway.log", {"EGRET_CLOCK_TRUST": "always"})


def devices(ports: Sequence[int], profile: str, interval_s: float = 1.0) -> list[dict[str, Any]]:
    """The settings of one device behind each port."""
    return [
        {
            "device_id": f"device-{index}",
            "endpoint": {"host": "127.0.0.1", "port": port},
            "profile": profile,
            "interval_s": interval_s,
        }
        for index, port in enumerate(ports)
    ]


def address_of(child: Child) -> tuple[str, int]:
    """Host and port of a child that announced `{"url": "http://host:port"}`."""
    host, _, port = str(child.hello["url"]).removeprefix("http://").rpartition(":")
    return host, int(port)


class Client:
    """One connection, one request at a time, as little work as possible. Use in `with`."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, timeout=REQUEST_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._host = f"{address[0]}:{address[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._socket.close()

    def get(self, path: str) -> bytes:
        """The body; raises RuntimeError unless the answer is 200 with a length."""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
        data = b""
        while (head := data.find(b"\r\n\r\n")) < 0:
            data += self._received()
        if not data.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{path}: {data[:head].decode(errors='replace')}")
        end = head + 4 + _length(data[:head])
        while len(data) < end:
            data += self._received()
        return data[head + 4 :]

    def _received(self) -> bytes:
        piece = self._socket.recv(65_536)
        if not piece:
            raise RuntimeError("the connection was closed")
        return piece


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise RuntimeError("an answer without a length")


def snapshot(child: Child) -> dict[str, Any]:
    """Everything the gateway says about itself."""
    host, port = address_of(child)
    connection = http.client.HTTPConnection(host, port, timeout=REQUEST_TIMEOUT_S)
    try:
        connection.request("GET", "/api/snapshot")
        shown: dict[str, Any] = json.loads(connection.getresponse().read())
        return shown
    finally:
        connection.close()


def wait_until(seconds: float, holds: Any, every_s: float = 0.1) -> bool:
    """Ask again and again; False when it did not come true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(every_s)
    return False
