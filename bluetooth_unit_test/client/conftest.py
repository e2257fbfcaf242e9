"""What the tests of the commands stand before."""

from pathlib import Path

import pytest

from bluetooth_unit_test.client.terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """Before a box that answers."""
    return Terminal(tmp_path / "config")
