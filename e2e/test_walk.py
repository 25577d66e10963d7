"""What a visitor does, in a real browser: nothing may break, complain, or ask a stranger."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from e2e.browser import CDN, Visitor, out_of_reach, silent, tampered, true
from e2e.installation import Installation

Visit = Callable[..., Visitor]
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
# As wide as fonts of a browser come, where a system has no other.
WIDE = "* { font-family: 'DejaVu Sans', Verdana, sans-serif !important; }"
LOCAL = "/static/vendor/chart-4.6.1.umd.min.js"


def test_from_the_dashboard_to_the_reason_of_a_signal_and_to_the_miner(
    installation: Installation, visit: Visit
) -> None:
    visitor = visit(installation)
    page = visitor.page
    visitor.open("/")
    page.get_by_label("Filtruj po kodzie lub nazwie").fill("euro")
    page.locator("#tabela").get_by_role("link", name="EUR", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("EUR · euro")
    assert visitor.draws()
    assert visitor.draws("wykres-macd")
    page.locator("a.chip[href$='#sygnal']").first.click()
    reason = page.locator("#sygnal")
    expect(reason).to_be_in_viewport()
    expect(reason).to_contain_text(re.compile(r"Dlaczego ostatni sygnał to [▲▼] (KUP|SPRZEDAJ)"))
    expect(reason).to_contain_text(re.compile(r"Histogram MACD stał się (dodatni|ujemny): z [+−]0,\d+ "))
    expect(reason.get_by_role("row")).to_have_count(7)
    from_the_menu(page, "Miner")
    last = page.locator("table.jobs tbody tr").first
    expect(last).to_contain_text(re.compile("Narodowy Bank Polski: (tabela [ABC]|złoto)"))
    expect(last.locator(".state")).to_contain_text("udane")


def from_the_menu(page: Page, name: str) -> None:
    """A link of the sheet that "Więcej" opens."""
    menu = page.get_by_role("navigation", name="Główna")
    menu.get_by_text("Więcej").click()
    menu.get_by_role("link", name=name).click()


@pytest.mark.parametrize(("path", "words"), [("/docs", "Charon"), ("/redoc", "API docs by Redocly")])
def test_the_documentation_draws_itself_and_asks_no_other_host(
    empty: Installation, visit: Visit, path: str, words: str
) -> None:
    visitor = visit(empty)
    visitor.open(path)
    expect(visitor.page.get_by_text(words).first).to_be_visible(timeout=30_000)


@pytest.mark.parametrize(
    "path", ["/", "/waluty/", "/waluty/USD/", "/waluty/HRK/", "/waluty/AED/", "/zloto/", "/sygnaly/", "/alerty/",
             "/miner/", "/status/"]
)  # fmt: skip
@pytest.mark.parametrize("settings", [{}, PHONE], ids=["desktop", "phone"])
def test_a_page_fits_its_window(installation: Installation, visit: Visit, path: str, settings: dict[str, Any]) -> None:
    visitor = visit(installation, **settings)
    visitor.open(path)
    assert visitor.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize(
    "path", ["/", "/waluty/", "/waluty/USD/", "/zloto/", "/sygnaly/", "/alerty/", "/miner/", "/status/"]
)
@pytest.mark.parametrize("width", [320, 360, 641, 768, 1024, 1280])
def test_a_page_of_old_rates_fits_in_wide_letters(outdated: Installation, visit: Visit, path: str, width: int) -> None:
    visitor = visit(outdated, viewport={"width": width, "height": 800}, bypass_csp=True)
    visitor.open(path)
    visitor.page.add_style_tag(content=WIDE)
    if path in {"/", "/waluty/"}:
        expect(visitor.page.locator("#stare-dane")).to_contain_text("na starych danych")
    assert visitor.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_name_of_a_tile_is_whole_on_a_phone(outdated: Installation, visit: Visit) -> None:
    visitor = visit(outdated, **PHONE, bypass_csp=True)
    visitor.open("/")
    visitor.page.add_style_tag(content=WIDE)
    cut = "tiles => tiles.filter(tile => tile.scrollWidth > tile.clientWidth).map(tile => tile.textContent)"
    assert visitor.page.locator(".tile h2").evaluate_all(cut) == []


def test_the_status_says_what_works_and_refreshes_in_place(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation)
    page = visitor.page
    visitor.open("/")
    from_the_menu(page, "Status")
    expect(page.get_by_role("heading", level=1)).to_have_text("Status")
    parts = page.get_by_role("table", name="Baza danych, Redis, kolejki zadań i odpytywanie źródeł")
    expect(parts.get_by_role("row", name="Baza danych")).to_contain_text("najnowsza tabela A z 26.10.2026")
    expect(parts.get_by_role("row", name="Redis")).to_contain_text("wyłączony")
    expect(page.locator("#zrodlo-nbp").get_by_role("heading", name="Narodowy Bank Polski")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Aktywność Redis")
    expect(page.locator("main")).not_to_contain_text("tylko dla operatorów")
    page.wait_for_function("() => window.htmx")
    page.evaluate("() => { window.before = document.getElementById('stan'); htmx.trigger('#stan', 'refresh'); }")
    page.wait_for_function("() => document.getElementById('stan') && document.getElementById('stan') !== before")
    expect(parts.get_by_role("row", name="Redis")).to_contain_text("wyłączony")


def test_a_refresh_asks_for_the_figures_of_the_chart_again(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation)
    visitor.open("/zloto/?zakres=3M")
    assert visitor.draws()
    with visitor.page.expect_response(lambda response: "/dane/" in response.url):
        visitor.page.evaluate(
            "() => htmx.ajax('GET', location.href, { target: '#kurs', swap: 'outerHTML', select: '#kurs' })"
        )
    assert len([url for url in visitor.asked if "/wykres/XAU/dane/" in url]) == 2
    assert visitor.draws()


@pytest.mark.parametrize(
    ("cdn", "local"), [(true, False), (out_of_reach, True), (tampered, True), (silent, True)],
    ids=["good", "out of reach", "tampered", "silent"],
)  # fmt: skip
def test_the_chart_is_drawn_with_any_cdn(installation: Installation, visit: Visit, cdn: Any, local: bool) -> None:
    visitor = visit(installation, cdn=cdn)
    visitor.open("/waluty/USD/")
    assert visitor.draws()
    assert any(CDN in url for url in visitor.asked)
    assert any(LOCAL in url for url in visitor.asked) is local


def test_without_scripts_every_page_can_be_read(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation, java_script_enabled=False)
    page = visitor.page
    visitor.open("/")
    page.locator("#tabela").get_by_role("link", name="EUR", exact=True).click()
    expect(page.locator("noscript svg path, svg.plain path")).to_be_visible()
    expect(page.locator("canvas").first).to_be_hidden()
    expect(page.locator("#sygnal")).to_contain_text("Histogram MACD stał się")
    page.get_by_role("link", name="5R").click()
    expect(page.get_by_role("link", name="5R")).to_have_attribute("aria-current", "true")
    visitor.open("/miner/")
    expect(page.locator("table.jobs tbody tr").first).to_be_visible()


def test_the_chart_follows_the_theme(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation, color_scheme="light")
    visitor.open("/zloto/")
    assert visitor.draws()
    colour = "Chart.getChart('wykres-kursu').data.datasets[0].borderColor"
    light = visitor.page.evaluate(colour)
    visitor.page.emulate_media(color_scheme="dark")
    visitor.page.wait_for_function(f"() => {colour} !== '{light}'")
    flip = (
        "() => { document.documentElement.dataset.theme = 'light'; document.dispatchEvent(new Event('charon:theme')); }"
    )
    visitor.page.evaluate(flip)
    visitor.page.wait_for_function(f"() => {colour} === '{light}'")


def test_a_canvas_keeps_its_height_while_the_library_is_on_its_way(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation, cdn=silent, **PHONE)
    visitor.open("/waluty/USD/")
    height = "document.querySelector('.canvas').getBoundingClientRect().height"
    before = visitor.page.evaluate(height), visitor.page.evaluate("document.body.scrollHeight")
    assert visitor.draws()
    assert before == (220, visitor.page.evaluate("document.body.scrollHeight"))


def test_an_empty_installation_has_pages_too(empty: Installation, visit: Visit) -> None:
    visitor = visit(empty)
    for path, words in [("/", "Nie ma jeszcze kursów"), ("/waluty/EUR/", "Nie ma jeszcze kursów EUR"),
                        ("/zloto/", "Nie ma jeszcze ceny złota"), ("/miner/", "Nic jeszcze nie pobrano"),
                        ("/sygnaly/", "Nie ma jeszcze sygnałów"), ("/alerty/", "Brak alertów"),
                        ("/status/", "nie ma jeszcze żadnej tabeli A")]:  # fmt: skip
        visitor.open(path)
        expect(visitor.page.locator("main")).to_contain_text(words)
