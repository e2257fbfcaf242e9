"""What a GATT server owes its centrals beyond the value: whole long reads, none of its faults.

Stands between any peripheral and `Values`. Rules:

- A value is asked for once per read: at offset 0, per central and characteristic. Every later part
  of a long read (Read Blob) comes out of that snapshot, whatever the value has become since.
- A write is handed on whole; parts are the system's to join, and it does.
- What `Values` raises beyond Refused is a fault of ours. The central is told "unlikely error", the
  log has it once until that characteristic works again, and everything else goes on.

Knows no system and no library. Source: Bluetooth Core 5.3, Vol 3, Part F, 3.4.4.5 and 3.4.6.
"""

import logging
from collections import OrderedDict

from bluetooth.errors import Refused
from bluetooth.gatt import MAX_VALUE_BYTES, AttError
from bluetooth.ports import Values

log = logging.getLogger(__name__)

MAX_CLIENTS = 16
"""Centrals for which snapshots are kept, the longest silent forgotten first. A Bluetooth adapter
holds fewer connections than that; what is more has left without our being told."""


class ServedValues:
    """`values` may be replaced at any time. A snapshot is kept per served characteristic."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self._snapshots: OrderedDict[str, dict[str, bytes]] = OrderedDict()
        self._failing: set[str] = set()

    def clients(self) -> tuple[str, ...]:
        """Who has asked for anything since they connected."""
        return tuple(self._snapshots)

    def read(self, client: str, uuid: str, offset: int = 0) -> bytes:
        """Everything from `offset` on. Raises Refused."""
        kept = self._of(client)
        if offset == 0 or uuid not in kept:
            kept[uuid] = self._ask(client, uuid)
        if offset > len(kept[uuid]):
            raise Refused(AttError.INVALID_OFFSET, "the value is shorter")
        return kept[uuid][offset:]

    def write(self, client: str, uuid: str, value: bytes, offset: int = 0) -> None:
        """Raises Refused, also for what is not the whole value or is too long to be one."""
        if offset:
            raise Refused(AttError.INVALID_OFFSET, "write the value whole")
        if len(value) > MAX_VALUE_BYTES:
            raise Refused(AttError.INVALID_VALUE_LENGTH, f"at most {MAX_VALUE_BYTES} bytes")
        self._of(client)
        try:
            self.values.write(client, uuid, value)
        except Exception as error:
            raise self._refusal(uuid, error) from error
        self._failing.discard(uuid)

    def left(self, client: str) -> None:
        """Forget a central, and tell `values` if it had asked for anything. Never raises."""
        if self._snapshots.pop(client, None) is None:
            return
        try:
            self.values.left(client)
        except Exception:  # A fault of ours must not end the service.
            log.exception("could not forget a central")

    def all_left(self) -> None:
        """Nobody is connected any more. Never raises."""
        for client in self.clients():
            self.left(client)

    def _of(self, client: str) -> dict[str, bytes]:
        kept = self._snapshots.setdefault(client, {})
        self._snapshots.move_to_end(client)
        while len(self._snapshots) > MAX_CLIENTS:
            self.left(next(iter(self._snapshots)))
        return kept

    def _ask(self, client: str, uuid: str) -> bytes:
        try:
            value = bytes(self.values.read(client, uuid))
            if len(value) > MAX_VALUE_BYTES:
                raise ValueError(f"{len(value)} bytes are more than an attribute may have")
        except Exception as error:
            raise self._refusal(uuid, error) from error
        self._failing.discard(uuid)
        return value

    def _refusal(self, uuid: str, error: Exception) -> Refused:
        if isinstance(error, Refused):
            return error
        if uuid not in self._failing:
            self._failing.add(uuid)
            log.error("a characteristic fails", extra={"uuid": uuid}, exc_info=error)
        return Refused(AttError.UNLIKELY, "an error of the service; its log says more")
