"""The signed delivery: records of one device as an ES256 token, posted as bare text.

The wire format stands in `docs/harvest.md`. One token carries one device, one boot, and each
millisecond once; a batch that holds more is sent as several tokens, in order, and acknowledged
only when all of them are. When a later one fails, the earlier ones come again with the next
attempt: the endpoint knows them by (gateway, boot, sequence) and drops what it has.

It knows neither cursors nor when to try again.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from server.identity import jwt
from server.model.delivery import Ack, Batch, DeviceFacts
from server.model.reading import Stored
from server.ports import Signer
from server.sinks.blame import judge
from server.sinks.http_line import HttpLine

OPERATION = "production"
DATA_TYPE = "modbus_registers"

CONTRACT_MODELS = {"sungrow_string": "sungrow"}
"""What endpoints call a profile, where it is not the profile's own name."""


class HarvestSink:
    """`ports.Sink` for one endpoint."""

    def __init__(self, url: str, signer: Signer, *, timeout_s: float) -> None:
        self._signer = signer
        self._line = HttpLine(url, timeout_s)

    def publish(self, batch: Batch) -> Ack:
        """Deliver all records; raises SinkUnavailable, BatchTooLarge or RecordsRefused."""
        size_bytes = 0
        for records in portions(batch.records):
            token = self._token(batch.device, records)
            answer = self._line.post(token)
            error = judge(answer.status, answer.retry_after, answer.body)
            if error is not None:
                raise error
            size_bytes += len(token)
        return Ack(size_bytes)

    def abort(self) -> None:
        """Break a call in flight from another thread. Never blocks, never raises."""
        self._line.abort()

    def close(self) -> None:
        """Give the connection back. Never raises."""
        self._line.close()

    def _token(self, device: DeviceFacts, records: Sequence[Stored]) -> bytes:
        head, payload = claims(device, records)
        return jwt.encode({"device": self._signer.serial, **head}, payload, self._signer)


def portions(records: Sequence[Stored]) -> Iterator[Sequence[Stored]]:
    """Cut records, in their order, where the boot changes or a millisecond comes again.

    The store gives no millisecond of a device twice; were it to, one reading would hide the
    other in the payload, so it is cut here as well.
    """
    start = 0
    taken: set[int] = set()
    for index, stored in enumerate(records):
        at_ms = stored.record.reading.taken_at_ms
        if index and (stored.record.boot != records[index - 1].record.boot or at_ms in taken):
            yield records[start:index]
            start = index
            taken.clear()
        taken.add(at_ms)
    if records:
        yield records[start:]


def claims(
    device: DeviceFacts, records: Sequence[Stored]
) -> tuple[dict[str, Any], dict[int, dict[int, int]]]:
    """Header fields and payload of one portion. Pure."""
    readings = [stored.record.reading for stored in records]
    header = {
        "opr": OPERATION,
        "model": CONTRACT_MODELS.get(device.profile, device.profile),
        "dtype": DATA_TYPE,
        # A device that tells no serial number is known by the name it was configured under.
        "sn": device.serial or device.device_id,
        "boot": format(records[0].record.boot, "016x"),
        "seq": {each.record.reading.taken_at_ms: each.record.sequence for each in records},
        "clock": {each.taken_at_ms: each.clock.value for each in readings},
    }
    return header, {each.taken_at_ms: dict(each.words) for each in readings}
