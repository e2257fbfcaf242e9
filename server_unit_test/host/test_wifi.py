"""Wi-Fi on a machine that has no message bus; with one it is met in system_test."""

from pathlib import Path

import pytest

from server.errors import WifiUnavailable
from server.host.wifi import NetworkManagerWifi
from server.model.request import JoinWifi
from server_unit_test.contracts.fake_clock import FakeClock


def test_a_machine_without_a_bus_says_so_for_everything(tmp_path: Path) -> None:
    """Looking, scanning, forgetting and joining; nothing stays open, nothing hangs."""
    wifi = NetworkManagerWifi(FakeClock(), f"unix:path={tmp_path}/none")
    attempt = wifi.join(JoinWifi("Home", "sesame123"))

    for ask in (wifi.look, wifi.scan, lambda: wifi.forget("Home"), attempt.advance):
        with pytest.raises(WifiUnavailable, match="no message bus"):
            ask()
    wifi.abort()
    attempt.abort()
    attempt.close()
