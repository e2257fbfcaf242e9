"""A device in memory behind `ports.Transport`, with faults to order.

Serves what it was given and refuses every other address with exception 2, as a device does. It
passes `test_transport.py`, the suite that every transport passes.
"""

from collections.abc import Iterable, Sequence

from server.errors import DeviceUnreachable, LinkClosed, RegisterRefused
from server.model.device import Space
from server.ports import Transport


class FakeTransport:
    """`input` and `holding` map wire addresses to words and may be changed at any time.

    `faults` are raised by the next reads and writes, one each. `closing` holds addresses at which
    the device closes the connection instead of refusing. `refusals` maps addresses to another
    exception code than 2. `reachable` False fails every connect. `requests` records every read as
    (unit, space, address, count), `writes` every write as (unit, address, words).
    """

    def __init__(
        self, input: dict[int, int] | None = None, holding: dict[int, int] | None = None
    ) -> None:
        self.input = dict(input or {})
        self.holding = dict(holding or {})
        self.faults: list[Exception] = []
        self.closing: set[tuple[Space, int]] = set()
        self.refusals: dict[tuple[Space, int], int] = {}
        self.reachable = True
        self.units: Iterable[int] = range(256)
        self.requests: list[tuple[int, Space, int, int]] = []
        self.writes: list[tuple[int, int, tuple[int, ...]]] = []
        self.connections = 0
        self.aborts = 0
        self.connected = False

    def read(self, unit_id: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        """As `ports.RegisterReader.read`."""
        if not 1 <= count <= 125 or not 0 <= address <= 0x10000 - count:
            raise ValueError(f"no request can read {count} words from {address}")
        self.open()
        self.requests.append((unit_id, space, address, count))
        self._fault(unit_id)
        words = self.input if space is Space.INPUT else self.holding
        for each in range(address, address + count):
            if (space, each) in self.closing:
                self.close()
                raise LinkClosed("closed instead of answering")
            if (space, each) in self.refusals or each not in words:
                code = self.refusals.get((space, each), 2)
                raise RegisterRefused(code, f"exception {code} at {each}")
        return tuple(words[each] for each in range(address, address + count))

    def write(self, unit_id: int, address: int, words: Sequence[int]) -> None:
        """As `ports.RegisterWriter.write`."""
        if not 1 <= len(words) <= 123 or not 0 <= address <= 0x10000 - len(words):
            raise ValueError(f"no request can write {len(words)} words to {address}")
        if not all(0 <= word <= 0xFFFF for word in words):
            raise ValueError(f"not all words are 16 bits: {list(words)}")
        self.open()
        self.writes.append((unit_id, address, tuple(words)))
        self._fault(unit_id)
        if any(address + index not in self.holding for index in range(len(words))):
            raise RegisterRefused(2, f"exception 2 at {address}")
        self.holding.update({address + index: word for index, word in enumerate(words)})

    def open(self) -> None:
        """As `ports.Session.open`."""
        if not self.reachable:
            self.connected = False
            raise DeviceUnreachable("nobody there")
        if not self.connected:
            self.connected = True
            self.connections += 1

    def close(self) -> None:
        """As `ports.Session.close`."""
        self.connected = False

    def abort(self) -> None:
        """As `ports.Session.abort`."""
        self.aborts += 1
        self.connected = False

    def _fault(self, unit_id: int) -> None:
        if unit_id not in self.units:
            raise RegisterRefused(11, f"no unit {unit_id} behind this gateway")
        if self.faults:
            fault = self.faults.pop(0)
            if not isinstance(fault, RegisterRefused):
                self.close()
            raise fault


def as_transport(fake: FakeTransport) -> Transport:
    """The fake under its port's type: mypy checks here that it fits."""
    return fake
