"""The allow-list: what a phone may reach, and what it may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluetooth.gateway import check_path
from bluetooth.paths import (
    DEVICE_TIMEOUT_S,
    JOIN_TIMEOUT_S,
    QUICK_TIMEOUT_S,
    RULES,
    SCAN_TIMEOUT_S,
    Access,
    Rule,
    find,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.method} {rule.path}")
def test_every_row_is_found(rule: Rule) -> None:
    """Each row is what a request for it finds, with a query or without."""
    path = rule.path.replace("{}", "17")

    assert rule is find(rule.method, path)
    assert rule is find(rule.method, path + "?a=1&b=/../x")
    assert rule.why
    check_path(path)


@pytest.mark.parametrize(
    ("method", "path"),
    (
        ("GET", "/api/inverter/modbus"),
        ("GET", "/api/inverter/modbus/holding/100"),
        ("GET", "/api/inverter/modbus?function_code=16&values=1"),
        ("POST", "/api/inverter/modbus"),
        ("POST", "/api/crypto/sign"),
        ("POST", "/api/jwt/create"),
        ("POST", "/api/system/reboot"),
        ("POST", "/api/token"),
        ("GET", "/api/token"),
        ("POST", "/api/entry/claim"),
        ("POST", "/api/entry/login"),
        ("POST", "/api/entry/password"),
        ("GET", "/api/logger"),
        ("POST", "/api/logger"),
        ("GET", "/api/bluetooth"),
        ("POST", "/api/bluetooth/window"),
        ("POST", "/api/bluetooth/state"),
        ("GET", "/api/stream"),
        ("GET", "/metrics"),
        ("GET", "/"),
        ("DELETE", "/api/settings"),
        ("POST", "/api/hello"),
        ("get", "/api/hello"),
    ),
)
def test_what_is_not_offered(method: str, path: str) -> None:
    """Raw registers, signatures, the door itself and all that is not listed are not found."""
    assert find(method, path) is None


@pytest.mark.parametrize(
    "path",
    (
        "/api/hello/",
        "//api/hello",
        "/api/./hello",
        "/api/x/../hello",
        "/api/notification/",
        "/api/notification/..",
        "/api/notification/.",
        "/api/notification/%2e%2e",
        "/api/notification/1/2",
        "/api/notification/1%2f2",
        "/api/notification/1#x",
        "/api/notification/1\r\nX: y",
        "/API/hello",
        "http://example.com/api/hello",
        "api/hello",
        "",
    ),
)
def test_no_way_around(path: str) -> None:
    """Dot segments, escapes, doubled slashes and other hosts match nothing."""
    assert find("GET", path) is None


@given(st.text(max_size=80))
def test_no_text_breaks_the_lookup(path: str) -> None:
    """Whatever is asked for, there is a row or there is none; a row has a harmless path."""
    if find("GET", path) is not None:
        check_path(path.partition("?")[0])


def test_greetings_are_harmless() -> None:
    """Only what anybody may know is told without an open window."""
    greetings = {rule.path for rule in RULES if rule.access is Access.GREET}

    assert {"/api/hello", "/api/version", "/api/name"} == greetings


def test_what_changes_something_is_marked() -> None:
    """Every POST and DELETE is a change (an echo aside), and so is what makes the box work."""
    kinds = (Access.CHANGE, Access.OWN)
    marked = {(rule.method, rule.path) for rule in RULES if rule.access in kinds}
    changing = {(rule.method, rule.path) for rule in RULES if rule.method != "GET"}

    assert changing - {("POST", "/api/echo")} <= marked
    assert ("GET", "/api/wifi/scan") in marked


def test_what_must_not_be_heard_or_forged_needs_the_label() -> None:
    """Settings (limits of control, where readings are sent) and the wallet: no change of these in
    the clear, while what an earlier app sets up, a Wi-Fi or a device, stays an ordinary one."""
    sealed = {(rule.method, rule.path) for rule in RULES if rule.access is Access.OWN}
    ordinary = {(rule.method, rule.path) for rule in RULES if rule.access is Access.CHANGE}

    assert {("POST", "/api/settings"), ("POST", "/api/initialize")} == sealed
    assert {("POST", "/api/wifi"), ("POST", "/api/device"), ("POST", "/api/invertertcp")} < ordinary


def test_joining_is_followed() -> None:
    """What lasts long and tells of its progress is marked, so that the phone hears of it."""
    followed = {(rule.method, rule.path) for rule in RULES if rule.joins}

    assert {("POST", "/api/wifi"), ("GET", "/api/wifi/scan")} == followed


def test_time_that_each_request_is_given() -> None:
    """What the gateway knows is quick; a device, a scan and a join are given their time."""
    limits = {
        path: rule.timeout_s
        for method, path in (
            ("GET", "/api/hello"),
            ("POST", "/api/device"),
            ("GET", "/api/wifi/scan"),
            ("POST", "/api/wifi"),
        )
        if (rule := find(method, path)) is not None
    }

    assert {
        "/api/hello": QUICK_TIMEOUT_S,
        "/api/device": DEVICE_TIMEOUT_S,
        "/api/wifi/scan": SCAN_TIMEOUT_S,
        "/api/wifi": JOIN_TIMEOUT_S,
    } == limits
