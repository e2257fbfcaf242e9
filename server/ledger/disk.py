"""What is known of the database from its last outcomes. Mutable, owned by the engine thread."""

from dataclasses import dataclass

from server.ledger.buffer import Buffer
from server.model.snapshot import StoreView


@dataclass(slots=True)
class Disk:
    """`state` is `ok`, `full` or `failing`; `error` says it in words."""

    state: str = "ok"
    error: str = ""
    size_bytes: int = 0
    free_bytes: int = 0
    oldest_ms: int | None = None
    last_commit_ms: int | None = None
    committed_at: float = 0.0
    """Monotonic second of the last commit that reached the disk."""
    accepted_total: int = 0
    pruned: int = 0
    writing: bool = False
    """A batch is on its way to disk."""

    def view(self, buffer: Buffer) -> StoreView:
        """The store as the API shows it."""
        return StoreView(
            state=self.state,
            error=self.error,
            accepted=buffer.accepted,
            accepted_total=self.accepted_total,
            buffered=len(buffer),
            buffer_dropped=buffer.dropped,
            size_bytes=self.size_bytes,
            free_bytes=self.free_bytes,
            oldest_ms=self.oldest_ms,
            last_commit_ms=self.last_commit_ms,
            pruned=self.pruned,
        )
