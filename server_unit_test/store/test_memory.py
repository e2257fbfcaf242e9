"""Small texts survive restarts and stay small."""

from pathlib import Path

import pytest

from server.store.memory import MEMORY_VALUE_MAX_BYTES
from server_unit_test.store.samples import opened


def test_what_is_remembered_is_recalled_after_a_restart(tmp_path: Path) -> None:
    """The last value counts, as text; what was never remembered is None."""
    with opened(tmp_path) as store:
        store.writer.remember("lease", "first")
        store.writer.remember("lease", b'{"at":1}')

    with opened(tmp_path) as store:
        assert ('{"at":1}', None) == (store.writer.recall("lease"), store.writer.recall("other"))


def test_a_value_too_large_is_refused_by_name(tmp_path: Path) -> None:
    """MEMORY_VALUE_MAX_BYTES is a clear error and leaves what was there."""
    with opened(tmp_path) as store:
        store.writer.remember("lease", "x" * MEMORY_VALUE_MAX_BYTES)

        with pytest.raises(ValueError, match="lease"):
            store.writer.remember("lease", "x" * (MEMORY_VALUE_MAX_BYTES + 1))

        assert MEMORY_VALUE_MAX_BYTES == len(store.writer.recall("lease") or "")
