"""A signal and why, in both languages and at both widths; an alert on it filled in by the address."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from e2e.browser import Visitor
from e2e.installation import Installation

Visit = Callable[..., Visitor]
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
FITS = "document.documentElement.scrollWidth - innerWidth"
WORDS = {
    "": ("Całe wyjaśnienie", "dlatego reguła mówi", "Poprzedni sygnał tej reguły", "Alert na ten sygnał"),
    "/en": ("Full explanation", "so the rule says", "Previous signal of this rule", "Alert on this signal"),
}


@pytest.mark.parametrize("start", WORDS)
@pytest.mark.parametrize("settings", [{}, PHONE, {"java_script_enabled": False}], ids=["desktop", "phone", "bare"])
def test_from_the_list_to_the_whole_reason_and_to_the_decision_before(
    installation: Installation, visit: Visit, start: str, settings: dict[str, object]
) -> None:
    whole, reason, before, _alert = WORDS[start]
    visitor = visit(installation, **settings)
    page = visitor.page
    visitor.open(f"{start}/sygnaly/?instrument=EUR&regula=macd_cross&od=01.01.2026&do=2026-10-26")
    page.get_by_role("link", name=whole).first.click()
    expect(page).to_have_url(re.compile(rf"{start}/sygnaly/\d+/$"))
    expect(page.locator("h1")).to_contain_text(re.compile(r"[▲▼] \w+ EUR"))
    expect(page.locator(".why")).to_contain_text(reason)
    expect(page.locator("table.bars tbody tr").first).to_be_visible()
    here = page.url
    assert not settings.get("viewport") or page.evaluate(FITS) <= 0
    page.get_by_role("link", name=before).click()
    expect(page).not_to_have_url(here)
    expect(page.locator(".why")).to_contain_text(reason)


def test_a_wrong_day_is_said_and_the_other_filters_stay(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation, **PHONE)
    page = visitor.page
    visitor.open("/sygnaly/?sygnal=kup")
    page.get_by_label("Od dnia").fill("31.02.2026")
    page.get_by_role("button", name="Pokaż").click()
    expect(page.locator("#dni-blad")).to_contain_text("Nie ma takiego dnia: „31.02.2026”.")
    expect(page.locator("select[name=sygnal]")).to_have_value("kup")
    assert page.evaluate(FITS) <= 0
    assert len(visitor.complaints) == 1  # the browser's own line about the 400
    visitor.complaints.clear()


@pytest.mark.parametrize("start", WORDS)
def test_an_alert_on_a_signal_is_there_to_be_saved_at_once(
    installation: Installation, visit: Visit, start: str
) -> None:
    visitor = visit(installation, **PHONE)
    page = visitor.page
    visitor.open(f"{start}/sygnaly/?instrument=EUR&regula=macd_cross")
    page.get_by_role("link", name=WORDS[start][0]).first.click()
    page.get_by_role("button", name=WORDS[start][3]).click()
    expect(page.locator("#rodzaj-signal")).to_be_checked()
    expect(page.locator("#podglad strong")).to_contain_text("EUR: ")
    expect(page.locator("#podglad strong")).to_contain_text("MACD 12/26/9")


def test_the_list_of_alerts_follows_the_choice_and_keeps_it(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation)
    page = visitor.page
    visitor.open("/alerty/")
    page.wait_for_function("() => window.htmx")
    choice = page.locator("form.filters select")
    code = choice.locator("option").nth(1).get_attribute("value")
    choice.select_option(code)
    expect(page).to_have_url(re.compile(rf"/alerty/\?instrument={code}$"))
    expect(page.locator("#lista-alertow")).to_have_attribute("hx-get", f"/alerty/?instrument={code}")
    page.evaluate("() => htmx.trigger('#lista-alertow', 'refresh')")
    expect(choice).to_have_value(str(code))
    page.reload()
    expect(choice).to_have_value(str(code))
