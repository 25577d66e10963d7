"""The rate for tax in a browser: by keyboard alone in a few seconds, without scripts, a list, and the printed card."""

import re
import time
from collections.abc import Callable

from playwright.sync_api import expect

from e2e.browser import Visitor
from e2e.installation import Installation

Visit = Callable[..., Visitor]
PAGE = "/kurs-podatkowy/"
# Of a person who types fast: 200 signs a minute.
SECONDS_A_KEY = 0.3
MOST_SECONDS = 5.0


def press(visitor: Visitor, *keys: str) -> int:
    for key in keys:
        visitor.page.keyboard.press(key)
    return len(keys)


def test_the_rate_is_found_by_keyboard_alone(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation)
    page = visitor.page
    visitor.open(PAGE)
    expect(page.locator("#data")).to_be_focused()
    begun = time.monotonic()
    # The day is replaced (it is selected first), the currency and the rule stay: nine digits and points, and Enter.
    keys = press(visitor, "Control+a", *"2.1.2026", "Enter")
    expect(page.locator("#odpowiedz-kurs")).to_contain_text("1 USD =")
    machine = time.monotonic() - begun
    assert page.url.endswith("?waluta=USD&data=2026-01-02&regula=pit")
    assert keys == 10
    assert keys * SECONDS_A_KEY + machine < MOST_SECONDS, machine
    press(visitor, "Tab")
    assert page.evaluate("document.activeElement.matches('a, button, input, select, summary')")


def test_without_scripts_the_form_answers_and_keeps_what_was_typed(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation, java_script_enabled=False)
    page = visitor.page
    visitor.open(PAGE)
    expect(page.locator("[data-copy], [data-print]")).to_have_count(0)
    page.fill("#data", "29 12 2025")
    page.fill("#kwota", "1 500,00")
    page.get_by_role("button", name="Pokaż kurs").click()
    expect(page.locator("#odpowiedz-kurs")).to_contain_text("3,5848")
    expect(page.locator(".amount")).to_contain_text("5377,20")
    expect(page.locator("[data-print]")).to_be_hidden()
    page.select_option("#regula", "pit-fx-diff")
    page.get_by_role("button", name="Pokaż kurs").click()
    expect(page.locator("#faktura")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#kwota")).to_have_value(re.compile("1.?500"))
    # The browser itself notes the status of what was refused.
    visitor.complaints = [one for one in visitor.complaints if "422" not in one]


def test_the_fields_follow_the_rule(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation)
    page = visitor.page
    visitor.open(PAGE)
    expect(page.locator("#faktura")).to_be_hidden()
    page.select_option("#regula", "vat")
    expect(page.locator("#faktura")).to_be_visible()
    page.select_option("#regula", "limit-october")
    expect(page.locator("#data")).to_be_hidden()
    expect(page.locator("#rok")).to_be_visible()


def test_the_card_is_printed_alone(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation)
    page = visitor.page
    visitor.open(f"{PAGE}?waluta=USD&data=2025-12-29&regula=pit")
    page.emulate_media(media="print")
    link = page.locator(".permalink")
    expect(link).to_have_text(page.evaluate("document.querySelector('.permalink').href"))
    assert installation.url in link.inner_text(), "a path alone leads nowhere from paper"
    expect(page.locator("#odpowiedz")).to_be_visible()
    for away in ("header.top", "footer.bottom", "#pytanie", "#reguly", ".tabs", "main > h1"):
        expect(page.locator(away)).to_be_hidden()


def test_a_pasted_list_is_answered_and_downloaded(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation)
    page = visitor.page
    visitor.open(f"{PAGE}lista/")
    page.fill("#lista", "29.12.2025;1500;USD\n30.02.2026;1;USD")
    page.get_by_role("button", name="Policz").click()
    expect(page.locator("table.evidence tbody tr").first).to_contain_text("5377,20")
    expect(page.locator("table.evidence tr.refused")).to_contain_text("30.02.2026")
    with page.expect_download() as given:
        page.get_by_role("button", name="CSV dla Excela").click()
    assert given.value.suggested_filename == "kursy-podatkowe.csv"
