"""What a visitor does on the pages of signals and alerts, with scripts and without."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.browser import Visitor
from e2e.installation import Installation

Visit = Callable[..., Visitor]
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
NEW_TOKEN = (
    "from pathlib import Path; from markets import api_tokens; "
    "Path({path!r}).write_text(api_tokens.create('walk', ['write'])[1])"
)
FITS = "document.documentElement.scrollWidth - innerWidth"


def menu(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Główna").get_by_role("link", name=name).click()


@pytest.mark.parametrize("settings", [{}, PHONE, {"java_script_enabled": False}], ids=["desktop", "phone", "bare"])
def test_from_the_menu_to_the_reason_of_an_old_signal(
    installation: Installation, visit: Visit, settings: dict[str, object]
) -> None:
    visitor = visit(installation, **settings)
    page = visitor.page
    visitor.open("/")
    menu(page, "Sygnały")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sygnały")
    page.get_by_label("Instrument").fill("eur")
    page.get_by_label("Reguła").select_option(label="RSI 14, 30/70")
    page.locator("select[name=sygnal]").select_option("sprzedaj")
    page.get_by_role("button", name="Pokaż").click()
    expect(page).to_have_url(re.compile(r"instrument=eur&regula=rsi_reversal_14_30_70&.*sygnal=sprzedaj"))
    rows = page.locator("table.decided tbody tr")
    expect(rows).to_have_count(50)
    page.get_by_role("link", name="Starsze").click()
    expect(page.locator("nav.pages")).to_contain_text("strona 2")
    first = rows.first
    expect(first).to_contain_text("SPRZEDAJ")
    first.get_by_text("Dlaczego").click()
    expect(first).to_contain_text(re.compile(r"RSI\(14\) wyszedł ze strefy powyżej 70: z \d\d,\d\d "))
    expect(first.get_by_role("link", name=re.compile("Całe wyjaśnienie"))).to_be_visible()
    page.get_by_role("link", name="Wyczyść filtry").click()
    expect(page.get_by_label("Instrument")).to_have_value("")


def test_an_open_reason_stays_open_over_a_refresh(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation)
    page = visitor.page
    visitor.open("/sygnaly/")
    page.locator("table.decided summary").first.click()
    page.wait_for_function("() => window.htmx")
    page.evaluate(
        "() => { window.before = document.getElementById('lista-sygnalow'); htmx.trigger(before, 'refresh'); }"
    )
    page.wait_for_function("() => ![null, before].includes(document.getElementById('lista-sygnalow'))")
    expect(page.locator("table.decided details[open]")).to_have_count(1)


def test_a_rule_is_previewed_while_it_is_typed_and_saved_with_a_token(
    installation: Installation, visit: Visit, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    installation.manage("shell", "-c", NEW_TOKEN.format(path=str(path)))
    visitor = visit(installation)
    page = visitor.page
    visitor.open("/")
    menu(page, "Alerty")
    form, shown = page.locator("form.rule"), page.locator("#podglad")
    expect(page.locator("#zapis")).to_contain_text("Zapis wymaga konta operatora albo tokenu API z prawem zapisu.")
    page.get_by_role("button", name="Zapisz z tokenem").click()
    expect(page.locator("#zapis-wynik")).to_have_text("Najpierw wypełnij regułę: zapisuje się to, co pokazuje podgląd.")
    form.get_by_label("Instrument").fill("USD")
    form.get_by_label("Okno (minuty)").fill("1440")
    form.get_by_label("Próg (%)").fill("x")
    expect(page.locator("#prog-blad")).to_have_text("Podaj liczbę, na przykład 5 albo 4,2.")
    form.get_by_label("Próg (%)").fill("0,5")
    expect(shown).to_contain_text("USD: wzrost albo spadek o co najmniej 0,5% w ciągu 1 dnia.")
    expect(shown).to_contain_text(re.compile(r"Zadziałałaby \d+\srazy? w ciągu 36\d\sdni, ostatnio \d\d\.\d\d\.2026\."))
    expect(shown).to_contain_text(re.compile(r"Jeden alert na tydzień dałby próg \d,\d\d%"))
    expect(page.locator("#prog-blad")).to_have_text("")
    page.get_by_label("Token API").fill(path.read_text())
    page.get_by_role("button", name="Zapisz z tokenem").click()
    expect(page.locator("#zapis-wynik")).to_have_text(re.compile(r"Zapisano regułę nr \d+\."))
    expect(page.locator("#reguly tbody tr").first).to_contain_text("wzrost albo spadek o co najmniej 0,5%")
    expect(page.get_by_label("Token API")).to_have_value(path.read_text())
    assert not any(path.read_text() in url for url in visitor.asked)
    assert (
        page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])").count("charon_") == 0
    )
    page.reload()
    expect(page.get_by_label("Token API")).to_have_value("")


def test_a_token_that_may_not_write_is_said_in_words(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation)
    page = visitor.page
    visitor.open("/alerty/podglad/?rodzaj=level&instrument=USD&poziom=4&kierunek=both")
    expect(page.locator("#podglad")).to_contain_text("USD: cena przechodzi przez poziom 4 zł.")
    for token in ("guess", "zażółć"):
        page.get_by_label("Token API").fill(token)
        page.get_by_role("button", name="Zapisz z tokenem").click()
        expect(page.locator("#zapis-wynik")).to_have_text("Ten token nie pozwala zapisywać alertów.")
    assert len(visitor.complaints) == 1  # the browser's own line about the 401
    visitor.complaints.clear()


def test_each_kind_shows_its_own_fields(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation, **PHONE)
    page = visitor.page
    visitor.open("/alerty/")
    form = page.locator("form.rule")
    for kind, there, gone in [
        ("poziom ceny", ["Poziom (cena)", "Kierunek"], ["Okno (minuty)", "Próg (%)", "Reguła sygnału"]),
        ("nowy sygnał", ["Reguła sygnału", "Interwał"], ["Okno (minuty)", "Poziom (cena)", "Kierunek"]),
        ("zmiana ceny", ["Okno (minuty)", "Próg (%)", "Kierunek"], ["Poziom (cena)", "Reguła sygnału"]),
    ]:
        form.get_by_label(kind).check()
        for name in there:
            expect(form.get_by_label(name)).to_be_visible()
        for name in gone:
            expect(form.get_by_label(name)).to_be_hidden()
        assert page.evaluate(FITS) <= 0


def test_without_scripts_a_rule_is_previewed_on_a_page_of_its_own(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation, java_script_enabled=False)
    page = visitor.page
    visitor.open("/alerty/")
    expect(page.locator("#zapis noscript p")).to_be_visible()
    expect(page.get_by_label("Token API")).to_be_hidden()
    form = page.locator("form.rule")
    form.get_by_label("Instrument").fill("gold")
    form.get_by_label("Okno (minuty)").fill("10080")
    form.get_by_label("Próg (%)").fill("2")
    page.get_by_role("button", name="Sprawdź na zapisanych cenach").click()
    expect(page.locator("#podglad")).to_contain_text("XAU: wzrost albo spadek o co najmniej 2% w ciągu 7 dni.")
    expect(page.locator("#podglad")).to_contain_text("Zadziałałaby")
    expect(form.get_by_label("Instrument")).to_have_value("gold")


def test_all_rules_stand_on_the_page_of_a_currency(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation, **PHONE)
    page = visitor.page
    visitor.open("/waluty/USD/")
    articles = page.locator("#reguly article")
    expect(articles).to_have_count(5)
    expect(articles.nth(1)).to_contain_text("RSI(14) wyszedł ze strefy")
    assert page.evaluate(FITS) <= 0
