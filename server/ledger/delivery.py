"""Delivery: for every sink, what it has taken, what it gets next, and who is to blame.

Rules:
- Live data goes first. When the backlog exceeds LIVE_LAG_BATCHES batches, the live edge jumps
  ahead and leaves a gap, which is backfilled in order, a slice at a time.
- Timeouts, DNS and most HTTP errors are the endpoint's fault: the same records are tried for
  ever, with growing, jittered pauses.
- "Too large" halves the batch, and so does a span that takes longer than its budget. "Refused"
  halves it down to one record; that one is set aside as
  a gap of its own, and only once other records have passed after it and it is refused again is
  it quarantined: it stays on disk, is shown, and is not sent again.
- A cursor moves only on an acknowledgement, and is saved with the next commit.
Mutable, owned by the engine thread; performs no I/O.
"""

from server.engine.backoff import Backoff
from server.errors import BatchTooLarge, Overrun, RecordsRefused, SinkUnavailable
from server.model.cursor import MAX_GAPS, Cursor, Span
from server.model.delivery import Quarantined
from server.model.snapshot import SinkView

LIVE_LAG_BATCHES = 4
"""Batches behind the head beyond which live data overtakes the backlog."""

MAX_SPAN = 3_000
"""Positions of a span at most: it is read into memory at once, some 12 kB a large record."""

MAX_SUSPECTS = MAX_GAPS
"""Records that may be under suspicion at once: each occupies a gap of its own."""

MAX_RETRY_AFTER_S = 900.0
"""The longest pause that an endpoint may ask for."""

SINK_BACKOFF = Backoff(first_s=2.0, factor=2.0, ceiling_s=60.0)
"""A sink that was away for days is found again within a minute of its return."""

BACKFILL_PAUSE_S = 0.5
"""Between two slices of backlog, jittered by half of itself: gentle on a cloud that returns."""

PROBE_RECORDS = 10
"""What is sent to an endpoint that was away: a few records, until it answers again."""

SINK_ERROR_CHARACTERS_MAX = 300
"""Longest error text kept for the page; endpoints answer with whole pages."""


class Outlet:
    """One sink's state. `head` is the highest position of the store."""

    def __init__(
        self, sink_id: str, kind: str, target: str, cursor: Cursor, batch_records: int
    ) -> None:
        self.sink_id = sink_id
        self.kind = kind
        self.target = target
        self.cursor = cursor
        self.dirty = False
        self.in_flight: Span | None = None
        self.read_edge = 0
        """The highest position that this process may have sent already."""
        self.failures = 0
        self.error = ""
        self.retry_at = 0.0
        self.out_of_reach = False
        """The last attempt met nobody, or an endpoint in trouble of its own."""
        self.last_ack_ms: int | None = None
        self.delivered = 0
        self.dropped = 0
        self.quarantined = 0
        self._batch_records = batch_records
        self._width = batch_records
        """The most positions of a span while all goes well."""
        self._limit = batch_records
        self._acks = 0
        self._pruned_upto = 0
        """Nothing up to here is left, whatever a span that was planned before says."""
        self._suspects: dict[int, int] = {}
        """Position of a refused record -> acknowledgements counted when it was refused."""

    def renewed(self, target: str, batch_records: int) -> "Outlet":
        """The same sink under changed settings: it goes on at its cursor, tried at once.

        A span in flight is forgotten, and sent again unless its cursor moved: never skipped.
        """
        new = Outlet(self.sink_id, self.kind, target, self.cursor, batch_records)
        new.dirty, new.read_edge = self.dirty, self.read_edge
        new.last_ack_ms, new.delivered = self.last_ack_ms, self.delivered
        new.dropped, new.quarantined = self.dropped, self.quarantined
        new._acks, new._suspects = self._acks, self._suspects
        new._pruned_upto = self._pruned_upto
        return new

    @property
    def reachable(self) -> bool:
        """Whether the last attempt was acknowledged; True before the first."""
        return self.failures == 0

    def plan(self, head: int, now: float, devices: int = 1) -> Span | None:
        """What to send now, None when there is nothing or it is not yet time.

        A request carries one device, so a span holds as many batches as there are `devices`:
        otherwise a thousand of them would make a thousand requests of one record each.
        """
        self._widen(min(MAX_SPAN, self._batch_records * max(1, devices)))
        if self.in_flight is not None or now < self.retry_at:
            return None
        self._overtake(head)
        span = self._live(head) or self._backfill()
        if span is not None:
            self.in_flight = span
            self.read_edge = max(self.read_edge, span.upto)
        return span

    def owes(self, head: int) -> bool:
        """Whether anything is left that may be sent."""
        return self.cursor.live < head or self._backfill() is not None

    def full(self, head: int) -> bool:
        """Whether live data fills a whole span, so that the next one need not wait."""
        return head - self.cursor.live >= self._width

    def urgent(self, head: int) -> bool:
        """Whether live data waits, which goes without a pause."""
        return self.cursor.live < head

    def catching_up(self, head: int) -> bool:
        """Whether live data waits while fewer records than a batch are sent at once."""
        return self.urgent(head) and self._limit < self._width

    def acknowledged(self, span: Span, upto: int, delivered: int, at_ms: int) -> None:
        """The sink took everything of `span` up to position `upto`."""
        self.in_flight = None
        self._taken(span.after, min(upto, span.upto))
        for position in range(span.after + 1, upto + 1) if self._suspects else ():
            self._suspects.pop(position, None)
        if delivered:
            self._acks += 1
            self.delivered += delivered
            self.last_ack_ms = at_ms
        self.failures, self.error, self.retry_at = 0, "", 0.0
        self.out_of_reach = False
        self._limit = min(self._width, self._limit * 2)

    def refused(
        self, span: Span, error: Exception, now: float, draw: float, at_ms: int = 0
    ) -> Quarantined | None:
        """The attempt failed; decides whose fault it was. `draw` in [0, 1).

        A record that is to be quarantined is returned, and stepped over.
        """
        self.in_flight = None
        self.error = str(error)[:SINK_ERROR_CHARACTERS_MAX]
        self.out_of_reach = isinstance(error, SinkUnavailable) and not error.turned_away
        if isinstance(error, Overrun) and span.size > 1:
            # Too slow for what was asked at once: less next time, after a pause.
            self._pause(error, now, draw)
            self._limit = max(1, min(self._limit, span.size // 2))
            return None
        if isinstance(error, (BatchTooLarge, RecordsRefused)):
            if span.size > 1:
                self._limit = max(1, min(self._limit, span.size) // 2)
                return None
            if self._suspects.get(span.upto, self._acks) < self._acks:
                return self._quarantine(span, at_ms)
            if self._set_aside(span):
                return None
        self._pause(error, now, draw)
        return None

    def pruned(self, upto: int, dropped: int) -> None:
        """Retention removed everything up to `upto`; the stored cursor was moved with it."""
        self.cursor = self.cursor.pruned(upto)
        self._pruned_upto = max(self._pruned_upto, upto)
        self.dropped += dropped
        self._suspects = {at: acks for at, acks in self._suspects.items() if at > upto}

    def view(self, head: int, now: float, at_ms: int) -> SinkView:
        """The sink as the API shows it."""
        waiting_s = self.retry_at - now
        retry_at_ms = at_ms + round(waiting_s * 1000) if waiting_s > 0 else None
        return SinkView(
            sink_id=self.sink_id,
            kind=self.kind,
            target=self.target,
            state=self._state(),
            error=self.error,
            backlog=self.cursor.backlog(head),
            gaps=len(self.cursor.gaps),
            last_ack_ms=self.last_ack_ms,
            delivered=self.delivered,
            dropped=self.dropped,
            quarantined=self.quarantined,
            retry_at_ms=retry_at_ms,
        )

    def _state(self) -> str:
        if self.failures or self.error:
            return "retrying"
        if self.in_flight is not None:
            return "delivering"
        return "idle" if self._acks else "never"

    def _widen(self, width: int) -> None:
        if self._limit == self._width:
            self._limit = width
        self._width, self._limit = width, min(self._limit, width)

    def _overtake(self, head: int) -> None:
        if head - self.cursor.live > LIVE_LAG_BATCHES * self._width:
            moved = self.cursor.jump(head - self._width)
            # Room is left for suspects, which need gaps of their own.
            if len(moved.gaps) <= max(MAX_GAPS // 2, len(self.cursor.gaps)):
                self._move(moved)

    def _live(self, head: int) -> Span | None:
        live = self.cursor.live
        return Span(live, min(head, live + self._limit)) if live < head else None

    def _backfill(self) -> Span | None:
        for gap in self.cursor.gaps:
            suspected = self._suspects.get(gap.after + 1)
            if suspected is None:
                return Span(gap.after, min(gap.upto, gap.after + self._limit))
            if suspected < self._acks:
                return Span(gap.after, gap.after + 1)
        return None

    def _set_aside(self, span: Span) -> bool:
        """Suspect one record; True when others can go on past it."""
        if span.upto not in self._suspects and len(self._suspects) >= MAX_SUSPECTS:
            return False
        self._suspects[span.upto] = self._acks
        if span.after != self.cursor.live:
            return True  # It heads a gap already; the live edge is free.
        moved = self.cursor.jump(span.upto)
        passed = moved is not self.cursor
        self._move(moved)
        return passed

    def _taken(self, after: int, upto: int) -> None:
        """Nothing up to `upto` is owed any more; what retention took meanwhile never was."""
        after = max(after, self._pruned_upto)
        if upto > after:
            self._move(self.cursor.acknowledged(Span(after, upto)))

    def _quarantine(self, span: Span, at_ms: int) -> Quarantined:
        self._taken(span.after, span.upto)
        self.quarantined += 1
        self._suspects.pop(span.upto, None)
        return Quarantined(self.sink_id, span.upto, self.error, at_ms)

    def _pause(self, error: Exception, now: float, draw: float) -> None:
        self.failures += 1
        self._limit = min(self._limit, PROBE_RECORDS)
        pause_s = SINK_BACKOFF.delay_s(self.failures, draw)
        asked_s = error.retry_after_s if isinstance(error, SinkUnavailable) else None
        if asked_s is not None:
            pause_s = max(pause_s, min(asked_s, MAX_RETRY_AFTER_S))
        self.retry_at = now + pause_s

    def _move(self, cursor: Cursor) -> None:
        if cursor is not self.cursor:
            self.cursor = cursor
            self.dirty = True


class Delivery:
    """All outlets, and the head of the store."""

    def __init__(self, head: int) -> None:
        self.head = head
        self.outlets: dict[str, Outlet] = {}
        self.quarantined: list[Quarantined] = []
        """To be written with the cursors that stepped over them."""
        self._sent_upto = 0
        self.held = False
        """True while timestamps are being corrected: nothing may be sent meanwhile."""

    def add(self, outlet: Outlet) -> None:
        """Take a sink in."""
        self.outlets[outlet.sink_id] = outlet

    def remove(self, sink_id: str) -> None:
        """Forget a sink, but not how far it may have sent."""
        self._sent_upto = self.read_edge
        self.outlets.pop(sink_id, None)

    def take_quarantined(self) -> tuple[Quarantined, ...]:
        """The refusals to write with the next commit; counted as written from now on."""
        taken, self.quarantined = tuple(self.quarantined), []
        return taken

    def dirty_cursors(self) -> dict[str, Cursor]:
        """The cursors to save with the next commit; counted as saved from now on."""
        moved = {each.sink_id: each.cursor for each in self.outlets.values() if each.dirty}
        for sink_id in moved:
            self.outlets[sink_id].dirty = False
        return moved

    def not_saved(self, cursors: dict[str, Cursor]) -> None:
        """A commit failed for good: these cursors are still to be saved."""
        for sink_id in cursors:
            if sink_id in self.outlets:
                self.outlets[sink_id].dirty = True

    @property
    def read_edge(self) -> int:
        """The highest position that any sink, present or removed, may have sent already."""
        edges = (each.read_edge for each in self.outlets.values())
        return max((self._sent_upto, *edges))

    @property
    def reachable(self) -> bool:
        """Whether any sink can be reached, or none has been tried yet."""
        return any(each.reachable for each in self.outlets.values())
