"""The account of a dongle, as its owner gives and changes it on the page, in real Chromium.

The gateway is the real one, and so is what it reads: a virtual plant behind a dongle of newer
firmware whose password is not the factory's.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from system_test import test_page as shared
from system_test.page_fixtures.programs import GatewayBox
from system_test.test_page import SLOW_MS, card, opened, pill

pytestmark = shared.pytestmark
browser, context, page, watch = shared.browser, shared.context, shared.page, shared.watch

OWN = "the owner's own"
WIDTHS = [1280, 360]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[GatewayBox]:
    """A gateway without devices, and a dongle."""
    each = GatewayBox(tmp_path, "winet-tls", "--set", f"password={OWN}")
    yield each
    each.close()


def look(page: Page, box: GatewayBox, password: str) -> None:
    """Ask for the dongle, with an account."""
    host, port = box.target
    page.get_by_role("button", name="Add a device").click()
    page.get_by_label("Address in your network").fill(host)
    details = page.locator("#add-dialog details")
    if details.get_attribute("open") is None:
        page.get_by_text("More", exact=True).click()
    page.get_by_role("spinbutton", name="Port").fill(str(port))
    page.get_by_role("textbox", name="Password").fill(password)
    page.get_by_role("button", name="Look for the device").click()


def add(page: Page, box: GatewayBox, name: str) -> None:
    """Add the dongle's inverter with the right account."""
    look(page, box, OWN)
    expect(page.get_by_text(f"Found: {box.model}")).to_be_visible(timeout=SLOW_MS)
    page.get_by_label("Add with it").uncheck()
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("button", name="Add this device").click()
    expect(pill(page, name)).to_have_text("Online", timeout=SLOW_MS)


def change(page: Page, name: str, password: str) -> None:
    """Give the device on that card another password."""
    page.get_by_role("button", name=f"Account of {name}", exact=True).click()
    dialog = page.get_by_role("dialog", name=f"Account of {name}")
    dialog.get_by_label("Password").fill(password)
    dialog.get_by_role("button", name="Log in with it").click()
    expect(dialog).to_be_hidden(timeout=SLOW_MS)


def device_id(page: Page, name: str) -> Any:
    """What readings go by."""
    return card(page, name).get_attribute("data-device")


def test_a_refused_login_says_where_the_account_belongs(
    page: Page, box: GatewayBox, watch: shared.Watch
) -> None:
    """The words of the dongle are shown, and going back the account's fields are open, empty of
    nothing but what was typed."""
    watch.allowed = (shared.HTTP_FAILURES,)
    opened(page, box)
    look(page, box, "wrong")
    expect(page.get_by_text("refuses the login")).to_be_visible(timeout=SLOW_MS)
    page.locator("[data-step=silent] [data-back]").click()

    expect(page.get_by_role("textbox", name="Password")).to_be_visible()
    page.get_by_role("textbox", name="Password").fill(OWN)
    page.get_by_role("button", name="Look for the device").click()
    expect(page.get_by_text(f"Found: {box.model}")).to_be_visible(timeout=SLOW_MS)


def test_an_account_is_changed_on_the_card(
    page: Page, box: GatewayBox, watch: shared.Watch
) -> None:
    """The device stays what it is: a wrong password is told, the right one brings it back."""
    opened(page, box)
    add(page, box, "Roof")
    before = device_id(page, "Roof")

    change(page, "Roof", "wrong")
    words = card(page, "Roof").locator(".error-words")
    expect(words).to_contain_text("refuses the login", timeout=SLOW_MS)
    change(page, "Roof", OWN)
    expect(pill(page, "Roof")).to_have_text("Online", timeout=SLOW_MS)

    assert before == device_id(page, "Roof")
    shown = page.evaluate("async () => await (await fetch('api/settings')).json()")
    assert OWN not in json.dumps(shown)
    page.get_by_role("button", name="Account of Roof", exact=True).click()
    expect(page.get_by_role("dialog").get_by_label("Password")).to_have_value("")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_account_fits_the_screen(
    page: Page, box: GatewayBox, watch: shared.Watch, width: int
) -> None:
    """Its dialog, its button and the fields among all others, on a desk and in a hand."""
    page.set_viewport_size({"width": width, "height": 740})
    opened(page, box)
    add(page, box, "Roof south-west above the garage")
    page.get_by_role("button", name="Account of Roof south-west above the garage").click()

    assert width == page.evaluate("document.documentElement.scrollWidth")
    out = "[...document.querySelectorAll('dialog[open] *')].filter((each) => "
    out += "each.getBoundingClientRect().right > innerWidth).length"
    assert 0 == page.evaluate(out)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_what_needs_no_account_has_no_button(
    page: Page, tmp_path: Path, watch: shared.Watch
) -> None:
    """Modbus knows none."""
    box = GatewayBox(tmp_path)
    try:
        opened(page, box)
        shared.add_by_form(page, box, "Roof")

        expect(page.get_by_role("button", name="Account of Roof")).to_have_count(0)
    finally:
        box.close()
