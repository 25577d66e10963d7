"""What a visitor finds on the pages of status and jobs, with scripts, on a phone and without scripts."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from e2e.browser import Visitor
from e2e.installation import Installation

Visit = Callable[..., Visitor]
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
WAYS = pytest.mark.parametrize(
    "settings", [{}, PHONE, {"java_script_enabled": False}], ids=["desktop", "phone", "bare"]
)
FITS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@WAYS
def test_the_state_of_a_source_with_its_next_publication(
    installation: Installation, visit: Visit, settings: dict[str, object]
) -> None:
    page = (visitor := visit(installation, **settings)).page
    visitor.open("/status/")
    bank = page.locator("#zrodlo-nbp")
    expect(bank.get_by_role("heading")).to_have_text("Narodowy Bank Polski")
    expect(bank).to_contain_text("Następna publikacja")
    expect(bank).to_contain_text(re.compile("90 dni: .* udanych z"))
    expect(bank.locator("svg.days")).to_be_visible()
    expect(page.locator("#redis")).to_contain_text("działa tylko z Redisem, a ten jest wyłączony")
    if settings.get("java_script_enabled", True):
        expect(bank.locator("time[data-rel]").first).to_be_visible()
        assert page.evaluate(FITS) <= 0
    page.get_by_role("link", name="Zadania i harmonogram").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Pobieranie danych")


@WAYS
def test_the_journal_is_narrowed_and_back_leads_back(
    installation: Installation, visit: Visit, settings: dict[str, object]
) -> None:
    page = (visitor := visit(installation, **settings)).page
    visitor.open("/en/miner/")
    page.get_by_label("Source").select_option(label="National Bank of Poland")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"/en/miner/\?zrodlo=nbp&stan=#dziennik$"))
    names = page.locator("table.jobs tbody th")
    expect(names.first).to_be_visible()
    assert all(name.startswith("National Bank of Poland:") for name in names.all_inner_texts())
    page.get_by_role("link", name="Clear filters").first.click()
    expect(page.get_by_label("Source")).to_have_value("")
    page.go_back()
    expect(page.get_by_label("Source")).to_have_value("nbp")


def test_an_empty_installation_says_what_it_waits_for(empty: Installation, visit: Visit) -> None:
    visitor = visit(empty)
    visitor.open("/status/")
    expect(visitor.page.locator("#zrodlo-nbp")).to_contain_text("jeszcze nie pytano")
    visitor.open("/miner/")
    expect(visitor.page.locator("#zadania")).to_contain_text("Nic jeszcze nie pobrano.")


def test_figures_four_weeks_old_are_no_ok(outdated: Installation, visit: Visit) -> None:
    visitor = visit(outdated)
    visitor.open("/status/")
    expect(visitor.page.get_by_role("heading", name="Coś nie działa")).to_be_visible()
    assert visitor.page.request.get(f"{outdated.url}/status.txt").text().startswith("NOT_OK\nproblem ")
