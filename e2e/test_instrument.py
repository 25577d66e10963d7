"""The page of a currency in a browser: a past month, its file, the question for tax, what a refresh leaves alone."""

from collections.abc import Callable

from playwright.sync_api import expect

from e2e.browser import Visitor
from e2e.installation import Installation

Visit = Callable[..., Visitor]
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
REGIONS = ("kurs", "szczegoly")


def test_a_past_month_stands_in_a_table_and_leads_to_proof_and_file(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation)
    page = visitor.page
    visitor.open("/waluty/EUR/")
    history = page.locator("#historia")
    history.get_by_text("Inny rok").click()
    history.get_by_role("link", name="2025", exact=True).click()
    page.locator("#historia").get_by_role("link", name="marzec", exact=True).click()
    table = page.locator("#historia tbody")
    expect(table.get_by_role("row")).to_have_count(21)
    assert "rok=2025&miesiac=3" in page.url
    with page.expect_download() as saved:
        page.locator("#historia").get_by_role("link", name="CSV", exact=True).click()
    lines = saved.value.path().read_text().splitlines()
    assert len([line for line in lines if "2025-03-" in line]) >= 21
    table.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("31 marca 2025")


def test_the_question_for_tax_is_asked_from_the_page_by_keyboard(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation)
    page = visitor.page
    visitor.open("/waluty/CHF/")
    page.get_by_label("Dzień", exact=True).focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("2.1.2026")
    page.keyboard.press("Enter")
    expect(page.locator("#odpowiedz-kurs")).to_contain_text("1 CHF =")
    assert page.url.endswith("?waluta=CHF&data=2026-01-02&regula=pit")


def test_a_refresh_replaces_the_figures_and_leaves_the_chart_and_the_month(
    installation: Installation, visit: Visit
) -> None:
    visitor = visit(installation)
    page = visitor.page
    visitor.open("/waluty/EUR/?rok=2025&miesiac=3")
    assert visitor.draws()
    page.evaluate("document.getElementById('wykres').dataset.same = 'yes'")
    for region in REGIONS:
        page.evaluate("id => { document.getElementById(id).dataset.old = 'yes'; }", region)
        page.evaluate("id => htmx.trigger(document.getElementById(id), 'refresh')", region)
        expect(page.locator(f"#{region}:not([data-old])")).to_have_count(1)
    expect(page.locator("#wykres[data-same]")).to_have_count(1)
    expect(page.locator("#historia-tytul")).to_contain_text("marzec 2025")
    assert page.evaluate("['kurs', 'wykres', 'szczegoly'].map(id => document.querySelectorAll('#' + id).length)") == [
        1, 1, 1,
    ]  # fmt: skip


def test_on_a_phone_and_without_scripts_everything_is_there(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation, java_script_enabled=False, **PHONE)
    page = visitor.page
    for path, words in (
        ("/waluty/JPY/", "100 JPY = "),
        ("/en/zloto/", "a troy ounce"),
        ("/waluty/HRK/", "nieaktualna"),
    ):
        visitor.open(path)
        expect(page.locator(".headline")).to_contain_text(words)
        expect(page.locator("noscript svg, svg.plain").first).to_be_visible()
        buttons = page.locator("main button:visible")
        assert all(buttons.nth(number).evaluate("e => Boolean(e.form)") for number in range(buttons.count())), path
