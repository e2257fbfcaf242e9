"""The page through the TLS door, in real Chromium: claimed, live, under its policy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect

from server_rest_test.conftest import running
from server_rest_test.protected import PASSWORD, TIMEOUT_S
from system_test import test_page as shared
from system_test.test_page import SLOW_MS, Watch

pytestmark = shared.pytestmark
browser, watch = shared.browser, shared.watch

TLS_ON = {"EGRET_API_TLS": "on", "EGRET_API_TLS_PORT": "0", "EGRET_API_ACCESS": "protected"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The box's data folder."""
    return tmp_path / "data"


@pytest.fixture
def url(data: Path) -> Iterator[str]:
    """The TLS door of a protected box that nobody owns."""
    with running("server", "--data", str(data), "--port", "0", "--json", environ=TLS_ON) as first:
        told = requests.get(f"{first['url']}/api/tls", timeout=TIMEOUT_S).json()
        yield f"https://localhost:{told['port']}"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser whose user has accepted the certificate."""
    found = browser.new_context(ignore_https_errors=True, locale="en-GB")
    yield found
    found.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty tab."""
    return context.new_page()


def test_a_box_is_claimed_and_watched_through_tls(
    page: Page, context: BrowserContext, url: str, data: Path, watch: Watch
) -> None:
    """The dialog, the stream and the cookie that only TLS carries; not one complaint of a policy.

    A reload finds the session again.
    """
    label = (data / "bluetooth_label").read_text().splitlines()[1]
    page.goto(url)
    page.get_by_label("Secret on the label").fill(label)
    page.get_by_label("New password").first.fill(PASSWORD)
    page.get_by_role("button", name="Claim it").click()

    live = page.locator("body")
    expect(live).to_have_attribute("data-connection", "live", timeout=SLOW_MS)
    page.reload()
    expect(live).to_have_attribute("data-connection", "live", timeout=SLOW_MS)
    cookies = [
        (each.get("name"), each.get("secure"), each.get("httpOnly")) for each in context.cookies()
    ]
    assert [("__Host-egret_session", True, True)] == cookies


def test_a_browser_that_was_not_told_to_trust_it_stops(browser: Browser, url: str) -> None:
    """The certificate is the box's own: nobody vouches for it but who compares fingerprints."""
    stranger = browser.new_context()
    page = stranger.new_page()

    with pytest.raises(Exception, match="ERR_CERT_AUTHORITY_INVALID"):
        page.goto(url)
    stranger.close()


def test_the_policy_lets_no_inline_script_run(page: Page, url: str) -> None:
    """Not even one that got into the page."""
    page.goto(url)

    ran = page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.intruder = true";
        document.head.append(script);
        return window.intruder === true;
    }""")

    assert not ran
