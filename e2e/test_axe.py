"""WCAG 2.2 A and AA on every page: axe, the keyboard, 200 %, print, without motion and without scripts."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e import axe, browser
from e2e.browser import Visitor
from e2e.demo import Demo
from tests import page_laws

Visit = Callable[..., Visitor]
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
# The words of the other language change no colour and no markup: two of the four combinations are enough for them.
SEEN = {
    "pl": [("light", WIDE), ("dark", WIDE), ("light", PHONE), ("dark", PHONE)],
    "en": [("light", WIDE), ("dark", PHONE)],
}
MAIN = ("/", "/waluty/", "/waluty/EUR/", "/zloto/", "/krypto/", "/krypto/BTCUSDT/", "/kurs-podatkowy/", "/sygnaly/",
        "/alerty/", "/status/", "/miner/", "/dane/")  # fmt: skip
ADMIN = (
    "", "markets/source/", "markets/job/", "markets/problem/", "markets/gap/", "markets/rate/", "markets/instrument/",
    "markets/publication/", "markets/override/", "markets/override/add/", "markets/apitoken/add/", "messages/",
    "alerts/alertrule/", "alerts/alertrule/add/", "alerts/alertevent/", "alerts/channel/", "alerts/channel/add/",
    "alerts/delivery/", "miner/queueitem/", "miner/poll/", "signals/signal/", "auth/user/add/", "password_change/",
)  # fmt: skip
SHIFT = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 1000);
})"""
FITS = "document.documentElement.scrollWidth - innerWidth"
MOVES = """() => document.getAnimations().filter((one) => one.playState === "running"
  && one.effect.getComputedTiming().duration > 1).length"""
# Buttons that stand there and need a script: without one they would do nothing.
DEAD = """() => [...document.querySelectorAll("button, [role=button], input[type=button]")]
  .filter((one) => one.offsetWidth && !one.disabled && one.type !== "submit"
    && !one.hasAttribute("href"))
  .map((one) => one.outerHTML.slice(0, 120))"""
FOCUSED = """() => { const one = document.activeElement, style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  return { tag: one.tagName, name: one.outerHTML.slice(0, 120), shown: box.width > 0 && box.height > 0,
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== "none" }; }"""


@pytest.fixture(scope="module", params=list(SEEN))
def reader(request: pytest.FixtureRequest, chromium: Browser, demo: Demo) -> Iterator[tuple[str, Visitor]]:
    with browser.visitor(chromium, demo.url, viewport=WIDE, reduced_motion="reduce") as visitor:
        yield request.param, visitor
        assert visitor.foreign == set()


def judged(visitor: Visitor, path: str, seen: list[tuple[str, dict[str, int]]]) -> list[str]:
    """What axe says of a page in these themes and widths, each line with where it was seen."""
    page, found, complaints = visitor.page, [], [*visitor.complaints]
    for theme, size in seen:
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size(size)
        found += [f"{path} {theme} {size['width']}: {one}" for one in axe.violations(page)]
    # What axe writes into a page to measure it is refused by the page's policy, and told.
    visitor.complaints[:] = complaints
    return found


def test_every_page_in_both_themes_and_widths(reader: tuple[str, Visitor]) -> None:
    language, visitor = reader
    found: list[str] = []
    for path in page_laws.addresses(language):
        visitor.open(path)
        found += judged(visitor, path, SEEN[language])
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_documentation_of_the_api(demo: Demo, visit: Visit, path: str) -> None:
    visitor = visit(demo, viewport=WIDE, reduced_motion="reduce")
    visitor.open(path)
    expect(visitor.page.locator("h1, h2").first).to_be_visible(timeout=30_000)
    found = judged(visitor, path, SEEN["en"])
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("start", ["", "/en"])
def test_every_list_and_form_of_the_admin(demo: Demo, visit: Visit, start: str) -> None:
    visitor = visit(demo, viewport=WIDE, reduced_motion="reduce")
    visitor.open(f"{start}/admin/login/")
    found = judged(visitor, "login", SEEN["en"])
    demo.sign_in(visitor, start, "/admin/")
    for path in ADMIN:
        visitor.open(f"{start}/admin/{path}")
        found += judged(visitor, f"{start}/admin/{path}", SEEN["en"])
        change = visitor.page.locator("#result_list tbody th a").first
        if path in {"markets/source/", "markets/job/", "alerts/channel/"} and change.count():
            change.click()
            found += judged(visitor, f"{start}/admin/{path} change", SEEN["en"])
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["desktop", "phone"])
def test_nothing_moves_while_a_page_comes(demo: Demo, visit: Visit, size: dict[str, int]) -> None:
    visitor, shifts = visit(demo, viewport=size), {}
    for path in MAIN:
        visitor.open(path)
        if (shift := visitor.page.evaluate(SHIFT)) >= 0.05:
            shifts[path] = shift
    assert shifts == {}


def test_a_page_at_200_percent_fits_its_window(demo: Demo, visit: Visit) -> None:
    visitor = visit(demo, viewport={"width": 640, "height": 450}, device_scale_factor=2)
    wide = {}
    for path in page_laws.addresses("pl"):
        visitor.open(path)
        if (over := visitor.page.evaluate(FITS)) > 0:
            wide[path] = over
    assert wide == {}


def test_who_wants_no_motion_has_none(demo: Demo, visit: Visit) -> None:
    visitor = visit(demo, viewport=WIDE, reduced_motion="reduce")
    moving = {}
    for path in ("/", "/waluty/EUR/", "/krypto/BTCUSDT/", "/kurs-podatkowy/"):
        visitor.open(path)
        moving[path] = visitor.page.evaluate(MOVES)
    assert set(moving.values()) == {0}, moving
    visitor.open("/waluty/EUR/")
    assert visitor.draws()
    assert visitor.page.evaluate("Chart.getChart('wykres-kursu').options.animation") is False


@pytest.mark.parametrize("path", ["/", "/kurs-podatkowy/", "/krypto/BTCUSDT/", "/alerty/", "/en/sygnaly/"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["desktop", "phone"])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    demo: Demo, visit: Visit, path: str, size: dict[str, int]
) -> None:
    visitor = visit(demo, viewport=size)
    visitor.open(path)
    seen = walked(visitor.page)
    assert [one["name"] for one in seen if not one["ring"]] == []
    assert len({one["name"] for one in seen}) > 20
    assert any("menu" in one["name"] or "href" in one["name"] for one in seen)


def walked(page: Page) -> list[dict[str, Any]]:
    """What has the focus while Tab is pressed forty times from the top of the page."""
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Tab")
    found = [page.evaluate(FOCUSED)]
    for _ in range(40):
        page.keyboard.press("Tab")
        found.append(page.evaluate(FOCUSED))
    return [one for one in found if one["tag"] != "BODY"]


def test_the_skip_link_leads_to_the_content(demo: Demo, visit: Visit) -> None:
    page = visit(demo).page
    page.goto(f"{demo.url}/waluty/")
    page.keyboard.press("Tab")
    expect(page.locator("a.skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#tresc$"))


def test_without_scripts_no_button_is_dead(demo: Demo, visit: Visit) -> None:
    visitor, dead = visit(demo, java_script_enabled=False), {}
    for path in page_laws.addresses("pl"):
        visitor.open(path)
        if found := visitor.page.evaluate(DEAD):
            dead[path] = found
    assert dead == {}
