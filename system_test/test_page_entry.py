"""The way in, as an owner meets it on the page, in real Chromium before the real gateway."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from server_rest_test.protected import PASSWORD, Box, started
from system_test import test_page as shared
from system_test.page_fixtures.programs import Program
from system_test.test_page import HTTP_FAILURES, SLOW_MS, Watch, tab_to

pytestmark = shared.pytestmark
browser, context, page, watch = shared.browser, shared.context, shared.page, shared.watch

NEW = "quite another password"
WIDTHS = [1280, 360]
EXPOSED = {
    "EGRET_API_ACCESS": "open",
    "EGRET_API_HOST": "0.0.0.0",
    "EGRET_API_TLS": "off",
    "EGRET_API_ANNOUNCE": "false",
}
"""Open to a network, and otherwise quiet on it."""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A protected box that nobody owns."""
    with started(tmp_path / "data") as each:
        yield each


@pytest.fixture
def owned(box: Box) -> Box:
    """One that somebody owns, who is logged in elsewhere."""
    box.owner()
    return box


def way_in(page: Page) -> Locator:
    """The dialog that is shown where nobody is let in."""
    return page.locator("#entry-dialog")


def live(page: Page) -> None:
    """Wait for the page behind it."""
    expect(page.locator("body")).to_have_attribute("data-connection", "live", timeout=SLOW_MS)
    expect(way_in(page)).to_be_hidden()


def claim(page: Page, secret: str, password: str = PASSWORD) -> None:
    """Fill in and send."""
    page.get_by_label("Secret on the label").fill(secret)
    page.get_by_label("New password").first.fill(password)
    way_in(page).get_by_role("button", name="Claim it").click()


def log_in(page: Page, password: str = PASSWORD) -> None:
    """Fill in and send."""
    way_in(page).get_by_role("textbox", name="Password").fill(password)
    way_in(page).get_by_role("button", name="Log in", exact=True).click()


def owner_of(page: Page, box: Box) -> None:
    """Claim, and see the page."""
    page.goto(box.url)
    claim(page, box.label)
    live(page)


def test_a_new_box_is_claimed_with_its_label(page: Page, box: Box, watch: Watch) -> None:
    """One dialog, and then the page; nothing of the house is shown before it."""
    page.goto(box.url)

    expect(page.get_by_role("dialog", name="Claim this box")).to_be_visible()
    expect(page.get_by_role("heading", name="Delivery and store")).to_be_hidden()
    expect(page.get_by_label("Secret on the label")).to_be_focused()
    claim(page, box.label)

    live(page)
    expect(page.get_by_role("heading", name="No device yet")).to_be_visible()
    expect(page.get_by_text("Only you may enter")).to_be_visible()
    assert [] == page.evaluate("document.cookie.split(';').filter((each) => each)")


def test_the_way_in_takes_no_pointer(page: Page, box: Box, watch: Watch) -> None:
    """Tab and Enter; Escape does not lead around it."""
    page.goto(box.url)
    expect(page.get_by_label("Secret on the label")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(way_in(page)).to_be_visible()
    page.get_by_label("Secret on the label").focus()
    page.keyboard.type(box.label)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    live(page)
    tab_to(page, "Log out")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Log in")).to_be_visible()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    live(page)


def test_what_is_wrong_is_said_beside_it(page: Page, owned: Box, watch: Watch) -> None:
    """In words that a screen reader reads out; what was typed can be mended."""
    watch.allowed = (HTTP_FAILURES,)
    page.goto(owned.url)
    log_in(page, "not the password")

    alert = way_in(page).get_by_role("alert")
    expect(alert).to_have_text("that is not the password")
    expect(way_in(page).get_by_role("textbox", name="Password")).to_be_focused()
    for _ in range(4):
        with page.expect_response("**/api/entry/login"):
            log_in(page, "not the password")
    log_in(page)
    expect(alert).to_contain_text("wait")


def test_a_forgotten_password_is_replaced_with_the_label(
    page: Page, owned: Box, watch: Watch
) -> None:
    """And there is a way back from it."""
    page.goto(owned.url)
    way_in(page).get_by_role("button", name="I do not know the password").click()
    expect(page.get_by_role("dialog", name="Claim this box anew")).to_be_visible()
    way_in(page).get_by_role("button", name="Log in with the password instead").click()
    way_in(page).get_by_role("button", name="I do not know the password").click()
    claim(page, owned.label, NEW)

    live(page)
    assert 200 == owned.asker().log_in(NEW).status_code


def test_a_token_is_shown_once_and_revoked(page: Page, box: Box, watch: Watch) -> None:
    """Copied from the dialog, listed without its secret, taken back after a question."""
    owner_of(page, box)
    page.get_by_role("button", name="New token").click()
    page.get_by_label("Name of the program").fill("Grafana")
    page.get_by_role("button", name="Make the token").click()
    field = page.get_by_role("textbox", name="Token", exact=True)
    expect(field).to_be_focused()
    token = field.input_value()
    before = box.asker(token).status()
    page.get_by_role("button", name="Done").click()
    row = page.get_by_role("list", name="Tokens").get_by_role("listitem").filter(has_text="Grafana")
    expect(row).to_contain_text("may see the house")
    assert token not in page.content() and "" == page.locator("#token-made").input_value()

    page.get_by_role("button", name="Revoke the token of Grafana").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke it").click()

    expect(row).to_have_count(0)
    expect(page.get_by_role("button", name="New token")).to_be_focused()
    assert (200, 401) == (before, box.asker(token).status())


def test_the_password_is_changed_on_the_page(page: Page, box: Box, watch: Watch) -> None:
    """With the old one; this browser stays logged in."""
    watch.allowed = (HTTP_FAILURES,)
    owner_of(page, box)
    page.get_by_role("button", name="Change the password").click()
    dialog = page.get_by_role("dialog", name="Change the password")
    dialog.get_by_label("Password until now").fill("not the old one")
    dialog.get_by_label("New password").fill(NEW)
    dialog.get_by_role("button", name="Change it").click()
    expect(dialog.get_by_role("alert")).to_have_text("that is not the password")
    dialog.get_by_label("Password until now").fill(PASSWORD)
    dialog.get_by_role("button", name="Change it").click()

    expect(dialog).to_be_hidden()
    live(page)
    page.reload()
    live(page)
    assert 200 == box.asker().log_in(NEW).status_code


def test_a_session_that_ends_elsewhere_ends_here(page: Page, box: Box, watch: Watch) -> None:
    """The page does not go on showing the house: it asks for the password."""
    watch.allowed = (HTTP_FAILURES,)
    owner_of(page, box)

    box.asker().claim(box.label, NEW)

    expect(page.get_by_role("dialog", name="Log in")).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_role("heading", name="Delivery and store")).to_be_hidden()


def test_an_open_box_on_this_machine_asks_nobody(page: Page, tmp_path: Path, watch: Watch) -> None:
    """As the demo has it; who wants to be its owner can."""
    with ExitStack() as stack:
        url = gateway(stack, tmp_path, {})
        page.goto(url)
        live(page)

        expect(page.locator("#exposed")).to_be_hidden()
        expect(page.get_by_text("Only this machine reaches the box")).to_be_visible()
        page.get_by_role("button", name="Claim this box").click()
        expect(page.get_by_label("Secret on the label")).to_be_focused()
        page.keyboard.press("Escape")
        expect(way_in(page)).to_be_hidden()


def test_a_box_open_to_a_network_says_so_in_red(page: Page, tmp_path: Path, watch: Watch) -> None:
    """At the top of the page, for everybody who sees it."""
    with ExitStack() as stack:
        url = gateway(stack, tmp_path, EXPOSED)
        page.goto(url.replace("0.0.0.0", "127.0.0.1"))
        live(page)

        banner = page.locator("#exposed")
        expect(banner).to_be_visible()
        expect(banner).to_have_class("banner error")
        expect(banner).to_contain_text("Everybody who reaches this box")


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_a_phone(page: Page, box: Box, watch: Watch, width: int) -> None:
    """Nothing has to be moved sideways, neither the dialog nor the list."""
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(box.url)
    expect(way_in(page)).to_be_visible()
    fits = "document.documentElement.scrollWidth <= innerWidth"
    dialog = "document.getElementById('entry-dialog')"
    assert page.evaluate(f"{fits} && {dialog}.scrollWidth <= {dialog}.clientWidth")
    claim(page, box.label)
    live(page)
    expect(page.get_by_role("list", name="Tokens")).to_contain_text("Bluetooth service")
    assert page.evaluate(fits)


def test_two_browsers_have_two_sessions(
    page: Page, box: Box, context: BrowserContext, watch: Watch
) -> None:
    """Logging out in one leaves the other logged in."""
    owner_of(page, box)
    elsewhere = box.asker()
    elsewhere.log_in()

    page.get_by_role("button", name="Log out").click()

    expect(page.get_by_role("dialog", name="Log in")).to_be_visible()
    assert 200 == elsewhere.status()
    assert [] == context.cookies()


def gateway(stack: ExitStack, folder: Path, environ: dict[str, str]) -> str:
    """The address of a gateway with these variables."""
    before = {name: os.environ.get(name) for name in environ}
    os.environ.update(environ)
    try:
        words = ["-m", "server", "--data", str(folder / "data"), "--port", "0", "--json"]
        program = Program(words, folder / "gateway.log")
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
    stack.callback(program.stop)
    return str(program.first["url"])
