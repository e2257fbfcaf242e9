"""The other side, in a process of its own: many Modbus TCP devices, and an endpoint for sinks.

    python -m benchmark.doors modbus --doors 1000 --device pattern
    python -m benchmark.doors http

It is as cheap as it can be made, because it shares the machine with what is measured: an answer
is worked out once per request and then remembered, so devices are frozen in time.
"""

import argparse
import asyncio
import json
import signal
import struct
from collections.abc import Sequence

from simulator.modbus_pdu import Device, answer
from simulator.models import model_named
from simulator.physics import Physics
from simulator.sungrow import SungrowInverter

PATTERN = "pattern"
MAX_REMEMBERED = 10_000
"""Answers kept; a device is asked the same few questions for ever."""

BACKLOG_MAX = 64
NOON_S = 1_781_956_800.0
"""2026-06-20 12:00 UTC: the sun shines, so that no register is empty."""

_TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nOK"


class _Pattern:
    """Every address holds something plausible; nothing is refused."""

    def read_input(self, first: int, count: int) -> Sequence[int]:
        return [(7 * address + 11) % 10_000 for address in range(first, first + count)]

    def read_holding(self, first: int, count: int) -> Sequence[int]:
        return self.read_input(first, count)

    def write(self, first: int, words: Sequence[int]) -> None:
        raise NotImplementedError("nothing is written in a benchmark")


def device_named(name: str) -> Device:
    """`pattern`, or a model of the simulator at noon."""
    if name == PATTERN:
        return _Pattern()
    model = model_named(name)
    moment = Physics(model.site(48.0), 0, NOON_S).moment()
    return SungrowInverter(model, model.serial(0), lambda: moment, lambda orders: None)


class ModbusDoor(asyncio.Protocol):
    """One connection of one device."""

    def __init__(self, device: Device, remembered: dict[bytes, bytes]) -> None:
        self._device = device
        self._remembered = remembered
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        while len(data) >= 6 and len(data) >= (end := 6 + (data[4] << 8 | data[5])):
            self._transport.write(data[:4] + self._answer(data[6:end]))
            data = data[end:]
        self._rest = data

    def _answer(self, request: bytes) -> bytes:
        """Length, unit and message."""
        known = self._remembered.get(request)
        if known is None:
            body = request[:1] + answer(request[1:], self._device)
            known = struct.pack(">H", len(body)) + body
            if len(self._remembered) < MAX_REMEMBERED:
                self._remembered[request] = known
        return known


class HttpDoor(asyncio.Protocol):
    """Takes every POST and says 200. Bodies must have a length."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (head := self._rest.find(b"\r\n\r\n")) >= 0:
            end = head + 4 + _body_length(bytes(self._rest[:head]))
            if len(self._rest) < end:
                return
            del self._rest[:end]
            self._transport.write(_TAKEN)


def _body_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


async def _serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    left = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, left.set)
    servers = []
    if options.what == "http":
        servers.append(await loop.create_server(HttpDoor, "127.0.0.1", 0))
    else:
        device, remembered = device_named(options.device), dict[bytes, bytes]()
        for _ in range(options.doors):
            server = await loop.create_server(
                lambda: ModbusDoor(device, remembered), "127.0.0.1", 0, backlog=BACKLOG_MAX
            )
            servers.append(server)
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    print(json.dumps({"ports": ports}), flush=True)
    await left.wait()
    for server in servers:
        server.close()


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description="the other side of the benchmark")
    parser.add_argument("what", choices=["modbus", "http"])
    parser.add_argument("--doors", type=int, default=1)
    parser.add_argument("--device", default=PATTERN)
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
