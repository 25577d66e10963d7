"""What a visitor does with the table of currencies: tabs, filter, sort, stars; with scripts, without, on a phone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from e2e.browser import Visitor
from e2e.installation import Installation

Visit = Callable[..., Visitor]
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
SHIFT = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 1000);
})"""
TOP = "document.getElementById('tabela').getBoundingClientRect().top + scrollY"
FITS = "document.documentElement.scrollWidth - innerWidth"
CUT = """() => [...document.querySelectorAll("#tabela tbody tr:not([hidden]) > *")].filter((cell) => cell.offsetWidth
  && (cell.scrollWidth > cell.clientWidth + 1 || cell.getBoundingClientRect().right > innerWidth)).length"""

OVER = """() => Math.max(document.documentElement.scrollWidth - innerWidth,
  Math.ceil(tabela.getBoundingClientRect().right - tabela.parentElement.getBoundingClientRect().right - 0.5))"""
# Brightness from 0 to 765 of the page and of the chosen tab.
CHOSEN = """() => [document.documentElement, document.querySelector(".tabs [aria-current]")]
  .map((element) => getComputedStyle(element).backgroundColor.match(/\\d+/g))
  .map((parts) => parts.slice(0, 3).reduce((sum, part) => sum + Number(part), 0))"""


def codes(page: Page) -> list[str]:
    found: list[str] = page.locator("#tabela tbody tr:visible th a").all_inner_texts()
    return found


def shows(page: Page, *wanted: str) -> None:
    expect(page.locator("#tabela tbody tr:visible th a")).to_have_text(wanted)


def test_the_address_follows_filter_and_sort_and_back_works(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation)
    page = visitor.page
    visitor.open("/waluty/")
    page.wait_for_load_state("networkidle")
    asked = len(visitor.asked)
    page.locator("#sortuj-nazwa").click()
    expect(page).to_have_url(re.compile(r"/waluty/\?sort=nazwa$"))
    names = page.locator("#tabela tbody tr td.name").all_inner_texts()
    polish = "(a, b) => new Intl.Collator('pl').compare(a, b)"
    assert names == page.evaluate(f"(names) => [...names].sort({polish})", names)
    page.get_by_label("Filtruj po kodzie lub nazwie").fill("DOLAR k")
    expect(page).to_have_url(re.compile(r"sort=nazwa&filtr=DOLAR"))
    shows(page, "CAD")
    assert [url for url in visitor.asked[asked:] if "favicon" not in url] == []  # Chromium asks for it at each address
    page.reload()
    shows(page, "CAD")
    page.locator("#sortuj-kurs").click()
    page.go_back()
    expect(page.locator("th[aria-sort=ascending]")).to_have_attribute("data-key", "nazwa")
    page.get_by_label("Filtruj po kodzie lub nazwie").fill("żółw<script>")
    expect(page.locator(".no-match")).to_contain_text("Żadna waluta nie pasuje do filtra.")
    expect(page.get_by_label("Filtruj po kodzie lub nazwie")).to_be_visible()
    page.get_by_role("link", name="Wyczyść filtr").click()
    assert len(codes(page)) > 100
    page.get_by_role("navigation", name="Tabele NBP").get_by_role("link", name="Tabela B").click()
    expect(page).to_have_url(re.compile(r"tabela=B&sort=nazwa|sort=nazwa&tabela=B"))
    page.go_back()
    expect(page).not_to_have_url(re.compile("tabela=B"))


def test_a_star_pins_says_how_to_unpin_and_fills_a_tab(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation)
    page = visitor.page
    visitor.open("/")
    tabs = page.get_by_role("navigation", name="Tabele NBP")
    tabs.get_by_role("link", name="Przypięte").click()
    expect(page.locator(".none-pinned")).to_be_visible()
    tabs.get_by_role("link", name="Tabela A").click()
    page.get_by_role("button", name="Przypnij SEK u góry").click()
    expect(page.get_by_role("button", name="Odepnij SEK")).to_be_focused()
    assert codes(page)[0] == "SEK"
    tabs.get_by_role("link", name="Przypięte").click()
    shows(page, "SEK")
    page.get_by_role("button", name="Odepnij SEK").click()
    expect(page.locator(".none-pinned")).to_be_visible()


def test_without_scripts_links_and_the_form_do_the_same(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation, java_script_enabled=False)
    page = visitor.page
    visitor.open("/?tabela=wszystkie")
    expect(page.get_by_role("link", name="Przypięte")).to_be_hidden()
    expect(page.locator(".star")).to_have_count(0)
    page.get_by_label("Filtruj po kodzie lub nazwie").fill("dolar")
    page.get_by_role("button", name="Filtruj").click()
    expect(page).to_have_url(re.compile(r"\?tabela=wszystkie&filtr=dolar$"))
    assert codes(page)[:2] == ["USD", "AUD"]
    page.locator("#sortuj-kod").click()
    expect(page.locator("#tabela tbody tr:visible th a").first).to_have_text("AUD")
    page.get_by_label("Filtruj po kodzie lub nazwie").fill("nic takiego")
    page.get_by_role("button", name="Filtruj").click()
    page.get_by_role("link", name="Wyczyść filtr").click()
    expect(page).to_have_url(re.compile(r"tabela=wszystkie&sort=kod$"))
    assert len(codes(page)) > 100


@pytest.mark.parametrize("path", ["/", "/en/waluty/?tabela=wszystkie&sort=-kurs"])
def test_a_phone_loses_nothing_of_a_row(installation: Installation, visit: Visit, path: str) -> None:
    visitor = visit(installation, **PHONE)
    page = visitor.page
    visitor.open(path)
    assert page.evaluate(FITS) <= 0
    assert page.evaluate(CUT) == 0
    row = page.locator("#tabela tbody tr").filter(has=page.get_by_role("link", name="JPY", exact=True))
    for part in (".star", "th a", ".name", ".number", ".change", ".day a", ".signal > *"):
        expect(row.locator(part).first).to_be_visible()
    expect(row).to_contain_text("100\u00a0JPY = ")
    assert page.evaluate(TOP) <= 4 * 740


def test_the_table_keeps_to_its_place_and_its_chosen_tab_is_seen(installation: Installation, visit: Visit) -> None:
    """In the narrowest windows of each of its forms; in the dark the tab had the colour of the page."""
    visitor = visit(installation)
    page = visitor.page
    for path in ("/?tabela=wszystkie", "/en/"):
        for width in (1440, 1280, 1024, 900, 768):
            page.set_viewport_size({"width": width, "height": 800})
            visitor.open(path)
            assert page.evaluate(OVER) <= 0, (path, width)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        ground, chosen = page.evaluate(CHOSEN)
        assert ground != chosen, theme
        assert abs(ground - chosen) > 150, theme


@pytest.mark.parametrize("settings", [{}, PHONE], ids=["desktop", "phone"])
def test_nothing_moves_while_the_page_comes(
    installation: Installation, visit: Visit, settings: dict[str, object]
) -> None:
    visitor = visit(installation, **settings)
    visitor.open("/")
    assert visitor.page.evaluate(SHIFT) < 0.05
