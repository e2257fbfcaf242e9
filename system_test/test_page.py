"""The box's page in real Chromium: before a canned box, and before the gateway with a plant.

What both can show is tested on both. What only a canned box can hold still (every link state,
failing deliveries, hostile names) is tested there alone.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from system_test.page_fixtures.programs import ROOT, Box, CannedBox, GatewayBox

CHROMIUM = Path("/usr/bin/chromium")
STATIC = ROOT / "server" / "api" / "static"
MAX_PAGE_BYTES = 150_000
"""The page without uPlot: a phone on a weak radio loads it within a second."""
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
SLOW_MS = 40_000
"""For what waits on a device or a restart, on a busy machine."""
MAX_TABS = 40
HTTP_FAILURES = "Failed to load resource"
"""What Chromium itself writes for an answer of 4xx or 5xx or none at all; the page cannot help."""

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


@pytest.fixture(params=["canned", "gateway"])
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Box]:
    """A box without devices."""
    each: Box
    if request.param == "canned":
        each = CannedBox(tmp_path)
    elif not (ROOT / "server" / "__main__.py").exists():
        pytest.skip("the gateway has no command line yet")
    else:
        each = GatewayBox(tmp_path)
    yield each
    each.close()


@pytest.fixture
def many(tmp_path: Path) -> Iterator[CannedBox]:
    """A canned box with a device in every link state, notices and a failing delivery."""
    each = CannedBox(tmp_path, "many")
    yield each
    each.close()


class Watch:
    """Collects whatever the page complains about."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        self.allowed: tuple[str, ...] = ()
        page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.on("console", lambda line: self._heard(line.type, line.text))

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")

    def unexpected(self) -> list[str]:
        """What was not allowed for in this test."""
        return [each for each in self.complaints if not any(ok in each for ok in self.allowed)]


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A desktop in Stockholm."""
    each = browser.new_context(
        viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="Europe/Stockholm"
    )
    yield each
    each.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty tab."""
    return context.new_page()


@pytest.fixture
def watch(page: Page) -> Iterator[Watch]:
    """Fails the test in which the page wrote an error or broke its content security policy."""
    each = Watch(page)
    yield each
    assert [] == each.unexpected()


def opened(page: Page, box: Box) -> Page:
    """The page of `box`, live."""
    page.goto(box.url)
    expect(page.locator("body")).to_have_attribute("data-connection", "live", timeout=SLOW_MS)
    return page


def add_by_form(page: Page, box: Box, name: str) -> None:
    """Add the box's device as a person does with a mouse."""
    host, port = box.target
    page.get_by_role("button", name="Add a device").click()
    page.get_by_label("Address in your network").fill(host)
    page.get_by_text("More", exact=True).click()
    page.get_by_role("spinbutton", name="Port").fill(str(port))
    page.get_by_role("button", name="Look for the device").click()
    expect(page.get_by_text(f"Found: {box.model}")).to_be_visible(timeout=SLOW_MS)
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("button", name="Add this device").click()
    expect(card(page, name)).to_be_visible(timeout=SLOW_MS)


def card(page: Page, name: str) -> Any:
    """The card of one device."""
    return page.get_by_role("article", name=name, exact=True)


def pill(page: Page, name: str) -> Any:
    """The word for its link state."""
    return card(page, name).locator(".pill")


def module(page: Page, call: str, *arguments: Any) -> Any:
    """Call a function of one of the page's own modules, as `totals.plantPowers`."""
    file, function = call.split(".")
    script = (
        "async ([file, name, args]) => (await import(`${location.origin}/static/${file}.js`))[name]"
        "(...args)"
    )
    return page.evaluate(script, [file, function, list(arguments)])


# ---------------------------------------------------------------- on both boxes


def test_an_empty_box_says_what_to_do(page: Page, box: Box, watch: Watch) -> None:
    """Without devices and deliveries the page says so, and how to change it."""
    opened(page, box)

    expect(page.get_by_role("heading", name="No device yet")).to_be_visible()
    expect(page.get_by_role("heading", name="No delivery configured")).to_be_visible()
    expect(page.locator("#mode")).to_have_text("Waiting for its first device")


def test_a_device_added_by_the_form_shows_moving_values(page: Page, box: Box, watch: Watch) -> None:
    """Address, probe, name: then readings appear and go on moving without a reload."""
    opened(page, box)
    add_by_form(page, box, "Roof south")

    expect(pill(page, "Roof south")).to_have_text("Online", timeout=SLOW_MS)
    expect(page.locator('[data-figure="load"]')).to_have_text(re.compile(r"\d.*W"), timeout=SLOW_MS)
    figures = (
        "[...document.querySelectorAll('[data-figure]')].map((each) => each.textContent).join()"
    )
    before = page.evaluate(figures)
    page.wait_for_function(f"(before) => {figures} !== before", arg=before, timeout=SLOW_MS)
    expect(card(page, "Roof south").get_by_text("All values")).to_be_visible()


def test_the_day_of_a_new_device_is_drawn_at_once(page: Page, box: Box, watch: Watch) -> None:
    """A device of the last minute has a curve, and its hour stands in the table with a figure."""
    opened(page, box)
    add_by_form(page, box, "Roof")
    expect(page.locator(".u-wrap canvas")).to_be_visible(timeout=SLOW_MS)
    page.get_by_role("button", name="Show as a table").click()

    house = page.locator("#curves-table tbody tr").last.locator("td").nth(1)
    expect(house).to_have_text(re.compile(r"^\d+\.\d\d$"), timeout=SLOW_MS)


def test_a_device_is_added_with_the_keyboard_alone(page: Page, box: Box, watch: Watch) -> None:
    """Every step of adding a device can be reached and taken without a pointer."""
    host, port = box.target
    opened(page, box)
    expect(page.get_by_role("heading", name="No device yet")).to_be_visible()

    tab_to(page, "Add a device")
    page.keyboard.press("Enter")
    page.keyboard.type(host)
    tab_to(page, "More")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type(str(port))
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Name")).to_be_focused(timeout=SLOW_MS)
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")

    expect(card(page, "By keyboard")).to_be_visible(timeout=SLOW_MS)
    expect(page.locator("#main")).to_be_focused()


def tab_to(page: Page, words: str) -> None:
    """Press Tab until the focus is on what is called `words`, and visible there."""
    for _ in range(MAX_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == words:
            style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert "solid" == style
            return
    raise AssertionError(f"{MAX_TABS} tabs did not reach {words!r}")


def test_a_device_is_removed_after_a_question(page: Page, box: Box, watch: Watch) -> None:
    """Keeping it changes nothing; removing it brings the empty page back."""
    opened(page, box)
    add_by_form(page, box, "Barn")
    page.get_by_role("button", name="Remove Barn", exact=True).click()
    page.get_by_role("button", name="Keep it").click()
    expect(card(page, "Barn")).to_be_visible()
    page.get_by_role("button", name="Remove Barn", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()

    expect(page.get_by_role("heading", name="No device yet")).to_be_visible(timeout=SLOW_MS)
    expect(card(page, "Barn")).to_have_count(0)


def test_a_box_that_restarts_is_found_again(page: Page, box: Box, watch: Watch) -> None:
    """While the box is away its values are dimmed and dated; afterwards the same page goes on."""
    watch.allowed = (HTTP_FAILURES,)
    opened(page, box)
    page.evaluate("window.stillHere = true")
    box.down()
    body = page.locator("body")
    expect(body).to_have_attribute("data-connection", "lost", timeout=SLOW_MS)
    expect(body).to_have_class(re.compile("stale"), timeout=SLOW_MS)
    expect(page.locator("#stale")).to_contain_text("The box does not answer")
    box.up()

    expect(body).to_have_attribute("data-connection", "live", timeout=SLOW_MS)
    expect(page.locator("#stale")).to_be_hidden()
    assert page.evaluate("window.stillHere") is True


def test_a_phone_needs_no_sideways_scrolling(page: Page, box: Box, watch: Watch) -> None:
    """At 360 pixels nothing sticks out, with a device and everything unfolded."""
    page.set_viewport_size({"width": 360, "height": 740})
    opened(page, box)
    add_by_form(page, box, "Roof south-west above the garage")
    unfold(page)

    assert 360 == page.evaluate("document.documentElement.scrollWidth")


def unfold(page: Page) -> None:
    """Open every fold of the page."""
    page.evaluate("document.querySelectorAll('main details').forEach((each) => each.open = true)")
    expect(page.locator(".bars li").first).to_be_visible()


def test_the_served_page_forbids_everything_foreign(page: Page, box: Box, watch: Watch) -> None:
    """The page comes under a strict policy, which therefore the other tests ran under too."""
    response = page.goto(box.url)

    assert response is not None
    policy = response.headers["content-security-policy"]
    assert re.search(r"default-src '(none|self)'", policy)
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


# ---------------------------------------------------------------- on the gateway alone


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayBox]:
    """The real gateway."""
    if not (ROOT / "server" / "__main__.py").exists():
        pytest.skip("the gateway has no command line yet")
    each = GatewayBox(tmp_path)
    yield each
    each.close()


def test_a_plant_that_goes_away_is_seen_as_retrying(
    page: Page, gateway: GatewayBox, watch: Watch
) -> None:
    """A device that stops answering is shown as such, with its last error in words."""
    opened(page, gateway)
    add_by_form(page, gateway, "Roof")
    expect(pill(page, "Roof")).to_have_text("Online", timeout=SLOW_MS)
    gateway.plant.process.kill()

    expect(pill(page, "Roof")).to_have_text(re.compile("Retrying|Asleep"), timeout=SLOW_MS)
    expect(card(page, "Roof").locator(".error-words")).to_contain_text("Last error: ")


def test_a_notice_of_the_gateway_is_dismissed(
    page: Page, gateway: GatewayBox, watch: Watch
) -> None:
    """What the gateway tells shows up by itself, and goes for good when dismissed."""
    watch.allowed = (HTTP_FAILURES,)
    opened(page, gateway)
    gateway.raise_notice()
    lines = page.locator(".notice")
    expect(lines.first).to_be_visible(timeout=SLOW_MS)
    count = lines.count()
    lines.first.get_by_role("button").click()

    expect(lines).to_have_count(count - 1, timeout=SLOW_MS)


# ---------------------------------------------------------------- on the canned box alone


def test_link_states_are_said_in_words(page: Page, many: CannedBox, watch: Watch) -> None:
    """Each state has a word, and a silent device says when it is tried next."""
    opened(page, many)

    expect(pill(page, "Cellar hybrid")).to_have_text("Online")
    expect(pill(page, "Barn")).to_have_text("Asleep")
    words = card(page, "Barn").locator(".state-words")
    expect(words).to_have_text(re.compile(r"^asleep: does not answer, next try at \d\d:\d\d"))
    error = card(page, "Barn").locator(".error-words")
    expect(error).to_have_text("Last error: No connection to barn.local:502: no route to host")
    refused = card(page, "Cellar hybrid").get_by_text("Registers refused (2)")
    refused.click()
    expect(page.get_by_text("exception 2, illegal data address")).to_be_visible()


def test_foreign_words_are_never_markup(page: Page, many: CannedBox, watch: Watch) -> None:
    """A device whose name is a script is shown with exactly that name, and nothing runs."""
    opened(page, many)
    name = "<img src=x onerror=alert(1)>"

    expect(card(page, name).get_by_role("heading")).to_have_text(name)
    assert 0 == page.locator("main img, main b").count()


def test_a_notice_is_dismissed(page: Page, many: CannedBox, watch: Watch) -> None:
    """Dismissing one leaves the other, and the focus moves on to it."""
    opened(page, many)
    first = page.locator(".notice").first
    expect(first).to_contain_text("84 times")
    first.get_by_role("button").click()

    expect(page.locator(".notice")).to_have_count(1)
    expect(page.locator(".notice button")).to_be_focused()


def test_a_failing_delivery_says_what_waits(page: Page, many: CannedBox, watch: Watch) -> None:
    """Backlog, losses and the last error of an endpoint are on its card."""
    opened(page, many)
    sink = page.locator('[data-sink="harvest-2"]')

    expect(sink).to_contain_text("15,204 readings wait, next try at")
    expect(sink).to_contain_text("Last error: second.example.net answered 503")
    expect(sink).to_contain_text("Dropped12")
    expect(sink).to_contain_text("2 h 44 min ago".replace(" ", "\u202f").replace("h\u202f", "h "))


def test_a_battery_stands_beneath_its_inverter(page: Page, tmp_path: Path, watch: Watch) -> None:
    """It is offered along with the inverter, and has a card of its own behind it."""
    box = GatewayBox(tmp_path)
    try:
        opened(page, box)
        add_by_form(page, box, "Roof")

        expect(card(page, "Roof battery")).to_be_visible(timeout=SLOW_MS)
        beneath = page.locator('.family:has([aria-labelledby]) .behind [data-device^="S"]')
        expect(beneath).to_have_count(1)
        expect(pill(page, "Roof battery")).to_have_text("Online", timeout=SLOW_MS)
    finally:
        box.close()


def test_a_battery_can_be_left_out(page: Page, tmp_path: Path, watch: Watch) -> None:
    """The tick says so before anything is added."""
    box = GatewayBox(tmp_path)
    try:
        host, port = box.target
        opened(page, box)
        page.get_by_role("button", name="Add a device").click()
        page.get_by_label("Address in your network").fill(host)
        page.get_by_text("More", exact=True).click()
        page.get_by_role("spinbutton", name="Port").fill(str(port))
        page.get_by_role("button", name="Look for the device").click()
        page.get_by_role("checkbox", name="Add with it: battery").uncheck(timeout=SLOW_MS)
        page.get_by_role("textbox", name="Name").fill("Alone")
        page.get_by_role("button", name="Add this device").click()

        expect(pill(page, "Alone")).to_have_text("Online", timeout=SLOW_MS)
        expect(page.locator("[data-device]")).to_have_count(1)
    finally:
        box.close()


NEWEST = "Looking for its battery"


def test_each_step_of_a_search_is_shown(page: Page, many: CannedBox, watch: Watch) -> None:
    """While it happens, the newest in sight, and not among the notices."""
    opened(page, many)
    page.get_by_role("button", name="Add a device").click()
    page.get_by_label("Address in your network").fill("slow.local")
    page.get_by_role("button", name="Look for the device").click()

    steps = page.locator("#add-dialog .steps li")
    expect(steps).to_have_text([*[f"Trying Modbus TCP, unit {n}" for n in range(1, 9)], NEWEST])
    expect(steps.last).to_be_in_viewport()
    expect(page.locator('#notice-list [data-notice="99"]')).to_have_count(0)
    expect(page.get_by_text("Found: SH10RT")).to_be_visible(timeout=SLOW_MS)


def test_a_silent_device_can_be_added_anyway(page: Page, many: CannedBox, watch: Watch) -> None:
    """When nothing answers, the error is shown in words and the type can be chosen by hand."""
    watch.allowed = (HTTP_FAILURES,)
    opened(page, many)
    page.get_by_role("button", name="Add a device").click()
    page.get_by_label("Address in your network").fill("silent.local")
    page.get_by_role("button", name="Look for the device").click()
    expect(page.get_by_text("Nothing answers at silent.local:502")).to_be_visible()
    expect(page.get_by_label("What it is")).to_have_value("sungrow_hybrid")
    page.get_by_label("What it is").select_option("sungrow_string")
    page.get_by_role("textbox", name="Name").fill("Asleep already")
    page.get_by_role("button", name="Add anyway").click()

    expect(card(page, "Asleep already")).to_contain_text("SG5.0RT")


def test_a_search_can_be_stopped(page: Page, many: CannedBox, watch: Watch) -> None:
    """Stopping leads back to the address, which is still there."""
    opened(page, many)
    page.get_by_role("button", name="Add a device").click()
    page.get_by_label("Address in your network").fill("192.168.1.40")
    page.get_by_role("button", name="Look for the device").click()
    page.get_by_role("button", name="Stop looking").click()

    expect(page.get_by_label("Address in your network")).to_have_value("192.168.1.40")


def test_what_nobody_reports_is_a_dash(page: Page, tmp_path: Path, watch: Watch) -> None:
    """A lone string inverter knows nothing of house, grid and battery: never 0."""
    lone = CannedBox(tmp_path, "string")
    try:
        opened(page, lone)
        expect(page.locator('[data-figure="pv"]')).to_have_text(re.compile(r"\d.*W"))
        dashes = [page.locator(f'[data-figure="{key}"]') for key in ("load", "grid", "battery")]

        assert ["–", "–", "–"] == [each.text_content() for each in dashes]
    finally:
        lone.close()


def test_powers_of_several_devices_add_up(page: Page, many: CannedBox) -> None:
    """Sums hold what is reported; the house beside a silent meter is what is left over."""
    opened(page, many)
    hybrid = {"pv": 3000, "battery": -1000, "grid": -1200, "load": 800}
    string = {"pv": 1000, "battery": None, "grid": None, "load": None}

    twice = module(page, "totals.plantPowers", [hybrid, hybrid])
    mixed = module(page, "totals.plantPowers", [hybrid, string])
    alone = module(page, "totals.plantPowers", [string])

    assert {"pv": 6000, "battery": -2000, "grid": -2400, "load": 1600} == twice
    assert {"pv": 4000, "battery": -1000, "grid": -1200, "load": 1800} == mixed
    assert {"pv": 1000, "battery": None, "grid": None, "load": None} == alone


def test_figures_have_units_and_honest_signs(page: Page, many: CannedBox) -> None:
    """Watts become kilowatts, nothing is minus zero, and what is absent is a dash."""
    opened(page, many)
    watts = [0, 850.4, 999.7, 3241, -2560, 41_600, -0.2, None]

    texts = [module(page, "format.power", each).replace("\u202f", " ") for each in watts]

    expected = ["0 W", "850 W", "1.00 kW", "3.24 kW", "−2.56 kW", "41.6 kW", "0 W", "–"]
    assert expected == texts


def test_a_silent_device_does_not_count_as_now(page: Page, many: CannedBox, watch: Watch) -> None:
    """The flow names the devices it has no current reading of."""
    opened(page, many)

    expect(page.locator("#flow-note")).to_contain_text("Without Barn")


def test_the_flow_is_said_in_a_sentence(page: Page, many: CannedBox, watch: Watch) -> None:
    """Who does not see the drawing hears the same figures."""
    opened(page, many)

    sentence = page.locator("svg.flow").get_attribute("aria-label") or ""
    assert re.match(r"Sun: \w+ .*W\. House: using .*W\. Battery: \w+ .*W\. Grid: ", sentence)
    assert "State of charge: " in sentence


def test_the_curves_are_also_a_table(page: Page, many: CannedBox, watch: Watch) -> None:
    """The day is drawn, curves can be hidden by a button, and the hours are there as figures."""
    opened(page, many)
    expect(page.locator(".u-wrap canvas")).to_be_visible(timeout=SLOW_MS)
    sun = page.locator('[data-curve="pv"]')
    sun.click()
    expect(sun).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Show as a table").click()

    rows = page.locator("#curves-table tbody tr")
    expect(rows.first.locator("th")).to_have_text("00:00")
    assert 6 == rows.first.locator("th, td").count()


def test_focus_survives_the_stream(page: Page, many: CannedBox, watch: Watch) -> None:
    """New snapshots update the page in place: what has the focus keeps it."""
    opened(page, many)
    page.get_by_role("button", name="Remove Barn", exact=True).focus()
    # All figures, because the sun's stands still at night.
    figures = "[...document.querySelectorAll('[data-figure]')].map((each) => each.textContent) + ''"
    before = page.evaluate(figures)
    page.wait_for_function(f"(old) => {figures} !== old", arg=before)

    expect(page.get_by_role("button", name="Remove Barn", exact=True)).to_be_focused()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_sticks_out_at_any_width(
    page: Page, many: CannedBox, watch: Watch, width: int
) -> None:
    """Long names, errors, tables and open folds keep within the window."""
    page.set_viewport_size({"width": width, "height": 800})
    opened(page, many)
    unfold(page)
    page.get_by_role("button", name="Show as a table").click()

    assert width == page.evaluate("document.documentElement.scrollWidth")


def test_a_dark_scheme_changes_the_colours(page: Page, many: CannedBox, watch: Watch) -> None:
    """Light and dark follow the system, while the page is open."""
    opened(page, many)
    background = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")

    assert ("rgb(244, 245, 241)", "rgb(16, 20, 18)") == (light, page.evaluate(background))


def test_reduced_motion_is_respected(page: Page, many: CannedBox, watch: Watch) -> None:
    """Who asked for no motion gets none."""
    page.emulate_media(reduced_motion="reduce")
    opened(page, many)
    running = "document.getAnimations().length"

    assert 0 == page.evaluate(running)


WORDS_ON = {
    "page": ["ink", "muted"],
    "card": ["ink", "muted", "bad-ink", "good-ink", "warn-ink"],
    "inset": ["ink", "muted", "sun-ink", "battery-ink", "grid-ink", "house-ink"],
    "good-wash": ["good-ink"],
    "warn-wash": ["warn-ink"],
    "bad-wash": ["bad-ink"],
    "info-wash": ["info-ink"],
    "calm-wash": ["house-ink", "ink"],
    "primary": ["primary-ink"],
}
SHAPES_ON = {
    "card": ["sun", "battery", "grid", "house", "edge", "focus"],
    "page": ["edge", "focus"],
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_meets_wcag_aa(page: Page, many: CannedBox, scheme: Any) -> None:
    """Words have 4.5 to 1 and shapes 3 to 1 against what they stand on, in both schemes."""
    page.emulate_media(color_scheme=scheme)
    opened(page, many)
    pairs = [(*each, 4.5) for each in listed(WORDS_ON)] + [
        (*each, 3.0) for each in listed(SHAPES_ON)
    ]

    poor = [
        (front, back, round(ratio, 2))
        for front, back, least in pairs
        if (ratio := contrast(colour(page, front), colour(page, back))) < least
    ]
    assert [] == poor


def listed(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Each front with its back."""
    return [(front, back) for back, fronts in table.items() for front in fronts]


def colour(page: Page, name: str) -> str:
    """The value of one of the page's colour variables, as #rrggbb."""
    script = "(name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()"
    return str(page.evaluate(script, f"--{name}"))


def contrast(first: str, second: str) -> float:
    """The contrast ratio of WCAG 2.2."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(value: str) -> float:
    """The relative luminance of #rrggbb."""
    parts = [int(value[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_page_is_light_and_complete() -> None:
    """Everything the page needs is on the box, within its weight, and uPlot carries its licence."""
    own = [each for each in STATIC.iterdir() if each.is_file()]
    texts = {each.name: each.read_text() for each in own}
    foreign = {
        name: found
        for name, text in texts.items()
        if (found := re.findall(r"https?://(?!www\.w3\.org/2000/svg)[^\"' ]+", text))
    }

    assert {} == foreign
    assert sum(each.stat().st_size for each in own) < MAX_PAGE_BYTES
    assert (STATIC / "vendor" / "LICENSE").exists()
    assert not re.search(r" (style|on\w+)=", texts["index.html"])
