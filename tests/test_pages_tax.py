"""The page of the rate for tax: the answer as a card with its table and proof, its permalink, and every bad input."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from html import unescape

import pytest
from django.test import Client
from pytest_django import DjangoDbBlocker

from charon.pages.tax import ask_row, choices, fields, typed
from markets.queries.tax import registry
from tests.tax_tables import module_data, official, put_in, reference

pytestmark = pytest.mark.django_db

PAGE = "/kurs-podatkowy/"
# Rows of the tax vectors: what is asked, and what the card says.
VECTORS = """
waluta=USD&data=2015-01-02&regula=pit
    | 1 USD = 3,5072 zł | 252/A/NBP/2014 z 31.12.2014 | 01.01.2015: Nowy Rok
waluta=USD&data=2015-01-02&regula=same-day
    | 1 USD = 3,5725 zł | 001/A/NBP/2015 z 02.01.2015 | żadnych
waluta=USD&data=2025-12-29&regula=pit&kwota=1500
    | 1500 USD = 5377,20 zł | 248/A/NBP/2025 z 23.12.2025 | 24.12.2025: Wigilia
waluta=USD&data=2025-12-29&regula=pit-revenue
    | 27–28.12.2025: sobota, niedziela | 248/A/NBP/2025 | 25–26.12.2025: Boże Narodzenie
waluta=USD&data=2026-03-23&regula=vat&faktura=2026-03-20
    | 1 USD = 3,7270 zł | 054/A/NBP/2026 z 19.03.2026 | art. 31a ust. 2
waluta=USD&data=2026-03-20&regula=vat&faktura=2026-03-23
    | 1 USD = 3,7270 zł | 054/A/NBP/2026 z 19.03.2026 | art. 31a ust. 1
waluta=USD&data=2026-03-23&regula=vat
    | 1 USD = 3,7032 zł | 055/A/NBP/2026 z 20.03.2026 | 21–22.03.2026: sobota, niedziela
waluta=EUR&data=2026-03-21&regula=cit-revenue
    | 1 EUR = 4,2768 zł | 055/A/NBP/2026 z 20.03.2026 | żadnych
waluta=HUF&data=2025-12-24&regula=pit
    | 100 HUF = 1,0 | 1 HUF = 0,01 | 248/A/NBP/2025
waluta=USD&data=2026-01-07&regula=vat-ecb&kwota=1000
    | 1 USD ≈ 3,596566 zł | 1 EUR = 4,2105 zł · kurs referencyjny EBC z 06.01.2026 | 1000 USD = 3596,57 zł
waluta=EUR&regula=pit-fx-diff&kwota=10000&faktura=2026-03-23&zaplata=2026-03-24
    | Różnica kursowa: | faktura: 1 EUR = 4,2768 zł · tabela 055/A/NBP/2026 | 42 768,00 zł
waluta=EUR&regula=limit-october&kwota=2000000&rok=2026
    | 2 000 000 EUR = 8 517 000 zł | 190/A/NBP/2025 z 01.10.2025 | Zaokrąglono do tysięcy
"""
# Question, status, field, words, and where a link leads.
BAD = """
waluta=USD&data=2026-02-30&regula=pit
    | 422 | data | „2026-02-30” | 17.03.2025 |
waluta=USD&data=jutro&regula=pit
    | 422 | data | „jutro” | 17.03.2025 |
waluta=USD&data=&regula=pit
    | 422 | data | Uzupełnij pole „Dzień” | 17.03.2025 |
waluta=USD&data=2026-03-20&regula=pit&kwota=sto
    | 422 | kwota | „sto” | 1500,50 |
waluta=USB&data=2026-03-20&regula=pit
    | 404 | waluta | Nie znamy waluty „USB” | EUR | ?waluta=USD&amp;data=2026-03-20&amp;regula=pit
waluta=XAU&data=2026-03-20&regula=pit
    | 404 | waluta | Złoto nie jest walutą | | /zloto/
waluta=PLN&data=2026-03-20&regula=pit
    | 422 | waluta | Złoty nie potrzebuje kursu | |
waluta=USD&data=2030-01-01&regula=pit
    | 422 | data | jeszcze nie nadszedł | 24.03.2026 | data=2026-03-24
waluta=USD&data=1980-01-01&regula=same-day
    | 422 | data | odpowiadamy od 24.01.2009 | | data=2009-01-24
waluta=USD&data=2026-03-20&regula=pot
    | 422 | regula | Nie ma reguły „pot” | | regula=pit
waluta=HRK&data=2026-03-20&regula=pit
    | 422 | waluta | nieaktualna od 06.01.2015 | 002/A/NBP/2015 z 05.01.2015 | waluta=EUR | data=2015-01-06
waluta=EUR&regula=pit-fx-diff&faktura=2026-03-23
    | 422 | zaplata | „Dzień zapłaty” | 17.03.2025 |
waluta=USD&regula=limit-october&rok=2026
    | 422 | waluta | dotyczy tylko euro | | waluta=EUR
waluta=EUR&regula=limit-october&rok=x
    | 422 | rok | „x” | 2026 |
waluta=KYD&data=2026-03-20&regula=pit
    | 422 | waluta | Nie dotyczy | | regula=uor-reference
waluta=USD&data=2026-03-20&regula=vat-early-invoice&faktura=2026-03-23
    | 422 | faktura | nie jest wcześniejsza | | regula=vat
"""


@pytest.fixture(scope="module", autouse=True)
def tables(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    codes = ("USD", "EUR", "HUF")
    with module_data(django_db_blocker):
        put_in(official(date(2014, 12, 29), date(2015, 1, 5), (*codes, "HRK")))
        put_in(official(date(2025, 9, 29), date(2026, 3, 24), codes))
        put_in(
            [reference("2026-01-05", "4.2110", USD="1.1700"), reference("2026-01-06", "4.2105", USD="1.1707")], "ecb"
        )
        yield


@pytest.fixture(autouse=True)
def moment(at: Callable[[str], None]) -> None:
    at("2026-03-24 13:00")


def text_of(content: bytes) -> str:
    words = unescape(re.sub(r"<[^>]+>", " ", content.decode())).replace("\u00a0", " ")
    return re.sub(r"\s+", " ", words).replace(" ;", ";")


def lines(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().replace("\n    |", "|").splitlines()]


@pytest.mark.slow
def test_the_card_says_rate_table_amount_and_the_days_between(client: Client) -> None:
    for query, *words in lines(VECTORS):
        response = client.get(f"{PAGE}?{query}")
        assert response.status_code == 200, (query, response.headers.get("Location"))
        card = text_of(response.content)
        assert [one for one in words if one not in card] == [], (query, card[:3000])


@pytest.mark.slow
def test_bad_input_is_one_fault_at_its_field_that_keeps_what_was_typed(client: Client) -> None:
    for query, status, field, *expected in lines(BAD):
        response = client.get(f"{PAGE}?{query}")
        content = response.content.decode()
        assert response.status_code == int(status), (query, response.headers)
        assert content.count('aria-invalid="true"') == content.count('id="blad"') == 1, query
        [control] = re.findall(r'<(?:input|select)[^>]* aria-invalid="true"[^>]*>', content)
        assert re.search(f'id="{field}" .*aria-describedby="blad"|aria-describedby="blad".* id="{field}"', control), (
            query
        )
        [fault] = re.findall(r'<p class="error" id="blad">(.*?)</p>', content)
        assert [one for one in expected if one not in fault] == [], (query, fault)
        assert "odpowiedz-kurs" not in content, query
    assert 'value="sto"' in client.get(f"{PAGE}?waluta=USD&data=2026-03-20&regula=pit&kwota=sto").content.decode()


def test_whatever_notation_is_typed_leads_to_one_permalink(client: Client) -> None:
    link = f"{PAGE}?waluta=USD&data=2025-12-29&regula=pit"
    for day in ("29.12.2025", "2025-12-29", "29 12 2025", "29/12/2025", " 29.12.2025 r.", "29-12-2025"):
        response = client.get(
            PAGE, {"data": day, "waluta": "usd ", "regula": "pit", "kwota": "", "faktura": "x", "nic": 1}
        )
        assert (response.status_code, response.headers["Location"]) == (302, link), day
    assert client.get(link).status_code == 200
    response = client.get(PAGE, {"waluta": "USD", "data": "1.2.2026", "regula": "pit", "kwota": "1 500,50"})
    assert response.headers["Location"] == f"{PAGE}?waluta=USD&data=2026-02-01&regula=pit&kwota=1500.50"
    assert client.get(f"/en{link}&x=1").headers["Location"] == f"/en{link}"


def test_the_form_begins_with_yesterday_and_asks_nothing(client: Client) -> None:
    content = client.get(PAGE).content.decode()
    assert re.search(r'name="data" value="23.03.2026"[^>]* autofocus', content)
    assert '<option value="pit" selected>' in content
    assert "odpowiedz-kurs" not in content
    assert 'name="data" value="2026-03-23"' in client.get(f"/en{PAGE}?waluta=EUR").content.decode()


def test_a_card_can_be_proved_and_cited(client: Client) -> None:
    content = client.get(f"{PAGE}?waluta=USD&data=2025-12-29&regula=pit").content.decode()
    assert 'href="/tabele/A/2025-12-23/"' in content
    assert re.search(r'<code class="hash">[0-9a-f]{64}</code>', content)
    assert re.search(r'<time datetime="2\d{3}-[^"]+Z" data-rel>', content)
    assert "Tabela nr 248/A/NBP/2025 z dnia 2025-12-23, 1 USD = 3,5848 PLN" in content
    assert "Sprawdź regułę dla swojego zdarzenia; podajemy źródło i numer tabeli." in content
    assert 'href="#regula-pit-revenue"' in content
    assert 'id="regula-pit-revenue"' in content


def test_an_answer_that_may_change_says_why(client: Client, at: Callable[[str], None]) -> None:
    tomorrow = f"{PAGE}?waluta=USD&data=2026-03-25&regula=pit"
    at("2026-03-24 13:00")
    assert "ten dzień dopiero nadejdzie" in text_of(client.get(tomorrow).content)
    at("2026-03-25 09:00")
    assert "ostateczny" in text_of(client.get(tomorrow).content)
    today = client.get(f"{PAGE}?waluta=USD&data=2026-03-25&regula=same-day")
    assert "może ukazać się dzisiejsza tabela" in text_of(today.content)
    assert today.until.isoformat() == "2026-03-25T12:15:00+01:00"  # type: ignore[attr-defined]


def test_a_missing_table_is_no_data_and_no_older_rate(client: Client, at: Callable[[str], None]) -> None:
    at("2026-03-27 13:00")
    response = client.get(f"{PAGE}?waluta=USD&data=2026-03-27&regula=pit")
    assert response.status_code == 503
    assert "Brak danych" in text_of(response.content)
    assert "3,7" not in text_of(response.content)


def test_every_rule_is_offered_and_explained_and_has_a_field_for_each_need(client: Client) -> None:
    content = client.get(PAGE).content.decode()
    assert set(choices.RULES) == set(registry.RULES)
    offered = re.findall(r'<option value="([a-z-]+)"(?: selected)?>', content)
    assert {registry.NAMES[value].id for value in offered if value in registry.NAMES} == set(registry.RULES)
    assert all(f'id="regula-{name}"' in content for name in registry.RULES)
    for rule in registry.RULES.values():
        inputs = {need for one in rule.needs for need in one.split("|")}
        assert inputs <= set(fields.NAMES), rule.id


def test_days_and_amounts_are_read_in_every_usual_notation() -> None:
    assert {typed.day(text) for text in ("1.2.2026", "01.02.2026", "2026-2-1", "1 2 2026", "1/02/2026")} == {
        date(2026, 2, 1)
    }
    for text in ("", "31.4.2026", "1.2.26", "2026", "1.2.3.2026", "٠١.٠٢.٢٠٢٦", "20261-1-1"):
        with pytest.raises(typed.TypingError):
            typed.day(text)
    assert [str(typed.amount(text)) for text in ("1 500,50", "1500.5", "−3", "1\u00a0000")] == [
        "1500.50",
        "1500.5",
        "-3",
        "1000",
    ]
    for text in ("", "1e5", "1,5,0", "sto", "=1+1", "9" * 16):
        with pytest.raises(typed.TypingError):
            typed.amount(text)


def test_the_small_form_of_other_pages_asks_no_statement() -> None:
    row = ask_row(date(2026, 3, 24), "EUR")
    assert (row["day"], row["code"]) == ("23.03.2026", "EUR")


@pytest.mark.slow
def test_an_amount_stands_in_its_field_as_it_is_typed_in_the_language(client: Client) -> None:
    """The permalink has a point; a Pole goes on with a comma."""
    for page, query in (
        ("/kurs-podatkowy/", "waluta=USD&data=2025-12-29&regula=pit&kwota=1500.50"),
        ("/przelicznik/", "kwota=1500.50&z=USD&na=PLN&data=2025-12-29"),
        ("/kurs-podatkowy/faktura/", "wystawiono=2025-12-29&waluta=USD&netto=1500.50&vat=23"),
    ):
        assert 'value="1500,50"' in client.get(f"{page}?{query}").content.decode(), page
        assert 'value="1500.50"' in client.get(f"/en{page}?{query}").content.decode(), page
    assert 'value="sto"' in client.get("/kurs-podatkowy/?waluta=USD&data=2025-12-29&kwota=sto").content.decode()
