"""The page's Wi-Fi and Bluetooth cards in real Chromium, before the gateway."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from system_test.page_fixtures.programs import CannedBox, GatewayBox

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
TIMEOUT_S = 10.0
SLOW_MS = 40_000

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is missing: install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the module."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """An empty tab, of either size; whatever it complains about fails the test."""
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-GB")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert [] == complaints


@pytest.fixture
def box(tmp_path: Path) -> Iterator[GatewayBox]:
    """A gateway, with no Bluetooth service but the test."""
    each = GatewayBox(tmp_path)
    yield each
    each.close()


@pytest.fixture
def service(box: GatewayBox) -> Callable[..., Any]:
    """Reports as the Bluetooth service does."""

    def report(state: str, until_s: float | None = None, **more: str) -> Any:
        body = json.dumps({"state": state, "until_s": until_s, "name": "Egret 7D0F", **more})
        headers = {"Content-Type": "application/json"}
        asked = Request(f"{box.url}/api/bluetooth/state", body.encode(), headers)
        with urlopen(asked, timeout=TIMEOUT_S) as answer:
            return json.load(answer)

    return report


def test_the_owner_opens_and_closes_the_door(
    page: Page, box: GatewayBox, service: Callable[..., Any]
) -> None:
    """One button; the seconds that are left are shown as the service reports them."""
    service("closed")
    page.goto(box.url)
    door = page.get_by_role("article", name="Bluetooth")
    expect(door.locator(".pill")).to_have_text("Closed", timeout=SLOW_MS)

    door.get_by_role("button", name="Open Bluetooth for 3 minutes").click()
    expect(door).to_contain_text("Opening…", timeout=SLOW_MS)
    asked = service("open", 175.0)
    expect(door.locator(".pill")).to_have_text("Open", timeout=SLOW_MS)
    expect(door).to_contain_text("for another 2:5")
    door.get_by_role("button", name="Close Bluetooth").click()
    expect(page.locator("#announce")).to_have_text("Bluetooth is being closed.", timeout=SLOW_MS)
    closed = service("closed")

    assert {"number": 1, "open": True} == asked["window"]
    assert {"number": 2, "open": False} == closed["window"]
    expect(door.locator(".pill")).to_have_text("Closed", timeout=SLOW_MS)


def test_a_box_without_a_service_offers_no_button(page: Page, box: GatewayBox) -> None:
    """It says that there is none."""
    page.goto(box.url)

    door = page.get_by_role("article", name="Bluetooth")

    expect(door).to_contain_text("No Bluetooth service runs", timeout=SLOW_MS)
    expect(door.get_by_role("button")).to_have_count(0)


def test_problems_of_the_service_are_shown_as_words(
    page: Page, box: GatewayBox, service: Callable[..., Any]
) -> None:
    """And are never markup."""
    service("paused", 30.0, problem="<b>five</b> bad attempts")
    page.goto(box.url)

    door = page.get_by_role("article", name="Bluetooth")

    expect(door).to_contain_text("<b>five</b> bad attempts", timeout=SLOW_MS)
    expect(door).to_contain_text("Too many failed attempts")


def test_wifi_says_what_the_box_is_on(page: Page, tmp_path: Path) -> None:
    """In one card beside it; nothing sticks out sideways."""
    box = CannedBox(tmp_path, "many")
    page.goto(box.url)

    wifi = page.get_by_role("article", name="Wi-Fi")

    expect(wifi).to_contain_text("Connected to Lakeside Guest.", timeout=SLOW_MS)
    inside = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(inside)
    box.close()
