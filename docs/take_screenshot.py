"""Takes the pictures of the page that the README and docs/page.md show.

    python docs/take_screenshot.py            # of a box staged for it, with a day behind it
    python docs/take_screenshot.py URL        # of a box that runs already

Writes page-light.png, page-dark.png and the same for a phone beside this file. Needs Debian's
chromium and the test dependencies.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
SIZES = {"": (1280, 900), "-phone": (390, 844)}
READY_TIMEOUT_MS = 60_000


def picture(browser: Browser, url: str, zone: str | None, scheme: str, suffix: str) -> Path:
    """One picture, as soon as there are values, curves and a delivery."""
    width, height = SIZES[suffix]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=2 if suffix else 1,
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id=zone,
    )
    page = context.new_page()
    page.goto(url)
    wait_settled(page)
    path = DOCS / f"page-{scheme}{suffix}.png"
    page.screenshot(path=path)
    context.close()
    return path


def wait_settled(page: Page) -> None:
    """Wait until the page shows what a running box shows."""
    live = page.locator('[data-connection="live"]')
    expect(live).to_be_attached(timeout=READY_TIMEOUT_MS)
    expect(page.locator(".u-wrap canvas")).to_be_visible(timeout=READY_TIMEOUT_MS)
    expect(page.locator('[data-figure="load"]')).to_contain_text("W", timeout=READY_TIMEOUT_MS)
    expect(page.locator(".sink .pill")).to_have_text("Up to date", timeout=READY_TIMEOUT_MS)


def take(url: str, zone: str | None) -> None:
    """All pictures of the box at `url`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for scheme in ("light", "dark"):
            for suffix in SIZES:
                print(picture(browser, url, zone, scheme, suffix))
        browser.close()


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", nargs="?", help="a running box; one is staged if absent")
    options = parser.parse_args()
    if options.url:
        take(options.url, None)
        return
    from docs.staged_day import staged_box

    with tempfile.TemporaryDirectory() as folder, staged_box(Path(folder)) as (url, zone):
        take(url, zone)


if __name__ == "__main__":
    main()
