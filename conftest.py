"""What every test suite of this repository shares: the virtual radio's fixtures, and a count.

It stands here because pytest takes plugins only from the topmost conftest.py.
"""

import pytest

pytest_plugins = ["virtual_radio.plugin"]

ROUTES = (
    ("Wi-Fi and BLE in one guest", ("system_test/test_phone_door.py",)),
    ("C2, real BlueZ in a guest", ("system_test/test_bluez_guest", "system_test/test_ble_guest")),
    (
        "B, a message bus of our own",
        ("system_test/test_bluez_bus", "system_test/test_ble_", "system_test/test_door_process"),
    ),
    ("A, the virtual radio alone", ("virtual_radio_unit_test/", "ble_rest_test/")),
)
"""Ways to the phone's door without hardware, and the files that go them; the first match counts."""


def route_of(nodeid: str) -> str:
    """Which way a test goes to the phone's door; "" for none."""
    return next((name for name, files in ROUTES if nodeid.startswith(files)), "")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests went which way, so that none is missed in silence."""
    counts = dict.fromkeys((name for name, _ in reversed(ROUTES)), 0)
    for report in terminalreporter.stats.get("passed", ()):
        if route := route_of(report.nodeid):
            counts[route] += 1
    if any(counts.values()):
        terminalreporter.section("ways to the phone's door")
        for name, count in counts.items():
            terminalreporter.write_line(f"{count:6} on route {name}")
