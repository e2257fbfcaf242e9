"""The house that the tests of the ledger look at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server_unit_test.tasks.houses import Home, home_in


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A house with an empty store and nothing configured."""
    with home_in(tmp_path) as built:
        yield built
