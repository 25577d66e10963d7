"""The converter: the result with every rate that was used and its day, a permalink, and bad input at its field."""

import re
from collections.abc import Callable
from datetime import date, datetime

import pytest
from django.test import Client

from markets.clock import WARSAW
from markets.models import Source
from tests.rate_days import FRIDAY, gold, save, table
from tests.tax_tables import put_in, reference
from tests.test_pages_tax import lines, text_of

pytestmark = pytest.mark.django_db

PAGE = "/przelicznik/"
ANSWERS = """
kwota=1500.50&z=EUR&na=USD&data=2026-10-22
    | 1500,50 EUR = 1656,23 USD | 1 EUR = 1,1037865 USD · kurs wyliczony | 1 USD = 3,9350 zł · tabela 295/A/NBP/2026
kwota=100&z=USD&na=PLN&data=2026-10-25
    | 100 USD = 394,00 zł | Kurs z dnia 23.10.2026 (pytano o 25.10.2026: weekend) | 1 USD = 3,9400 zł
kwota=100&z=USD&na=PLN&data=2026-10-23&kurs=D-1 | 100 USD = 393,50 zł | Kurs z dnia 22.10.2026
kwota=1000&z=HUF&na=PLN&data=2026-10-23 | 1000 HUF = 11,97 zł | 100 HUF = 1,1972 zł
kwota=2&z=XAU&na=USD&data=2026-10-23&jednostka=oz | 2 oz = 7594,30 USD | 481,00 zł/g · cena złota NBP z 23.10.2026
kwota=962&z=PLN&na=XAU&data=2026-10-23 | 962 zł = 2,0000000 g
kwota=100&z=USD&na=PLN&data=2026-10-23&zrodlo=ecb
    | 100 USD = 400,00 zł | 1 EUR = 4,4000 PLN · kurs referencyjny EBC z 23.10.2026 | 1 EUR = 1,1000 USD
kwota=100&z=EUR&na=USD&data=2026-10-24&zrodlo=ecb | 100 EUR = 110,00 USD | pytano o 24.10.2026
kwota=5&z=PLN&na=PLN&data=2026-10-23 | 5 zł = 5,00 zł | to ta sama waluta
"""
BAD = """
kwota=sto&z=USD&na=PLN&data=2026-10-23 | 422 | kwota | „sto” | 1500,50
kwota=1&z=USD&na=PLN&data=31.02.2026 | 422 | data | „31.02.2026” | 17.03.2025
kwota=1&z=&na=PLN&data=2026-10-23 | 422 | z | Uzupełnij pole „Z waluty” | USD
kwota=1&z=USD&na=USB&data=2026-10-23 | 404 | na | Nie znamy waluty „USB” | na=USD
kwota=1&z=XAU&na=XAU&data=2026-10-23 | 422 | na | Złoto na złoto |
kwota=1&z=XAU&na=PLN&data=2026-10-23&zrodlo=ecb | 422 | zrodlo | EBC nie podaje ceny złota |
kwota=1&z=USD&na=PLN&data=2030-01-01 | 422 | data | jeszcze nie nadszedł |
kwota=1&z=HRK&na=PLN&data=2026-10-23 | 422 | data | Waluta nieaktualna |
kwota=1&z=USD&na=PLN&data=1990-01-01 | 422 | data | Brak notowań |
kwota=1&z=USD&na=PLN&data=2026-10-23&kurs=D9 | 422 | kurs | Wybierz jedną |
kwota=1234567890123456&z=USD&na=PLN&data=2026-10-23 | 422 | kwota | |
"""


@pytest.fixture(autouse=True)
def tables(at: Callable[[str], None], nbp: Source) -> None:
    at("2026-10-26 11:00")
    thursday = date(2026, 10, 22)
    save(nbp, table("A", date(2026, 8, 31), HRK="0.5700"))
    save(nbp, table("A", thursday, USD="3.9350", EUR="4.3434"))
    save(nbp, table("A", FRIDAY, USD="3.9400", EUR="4.3500", HUF="0.011972"), gold(FRIDAY, "481.00"))


@pytest.fixture
def reference_rates() -> None:
    Source.objects.get_or_create(code="ecb", defaults={"name": "Europejski Bank Centralny"})
    put_in([reference("2026-10-23", "4.4000", USD="1.1000")], "ecb")


@pytest.mark.slow
@pytest.mark.usefixtures("reference_rates")
def test_the_result_says_which_rates_of_which_day_it_was_made_of(client: Client) -> None:
    for query, *words in lines(ANSWERS):
        response = client.get(f"{PAGE}?{query}")
        assert response.status_code == 200, (query, response.headers.get("Location"), text_of(response.content)[:900])
        told = text_of(response.content)
        assert [one for one in words if one not in told] == [], (query, told[:1500])


@pytest.mark.slow
@pytest.mark.usefixtures("reference_rates")
def test_bad_input_is_one_fault_at_its_field(client: Client) -> None:
    for query, status, field, words, example in lines(BAD):
        response = client.get(f"{PAGE}?{query}")
        content = response.content.decode()
        assert response.status_code == int(status), query
        [control] = re.findall(r'<(?:input|select)[^>]* aria-invalid="true"[^>]*>', content)
        assert f'id="{field}"' in control, (query, control)
        [fault] = re.findall(r'<p class="error" id="blad">(.*?)</p>', content)
        assert [one for one in (words, example) if one not in fault] == [], (query, fault)


def test_the_permalink_is_one_and_the_currencies_change_sides(client: Client) -> None:
    asked = {
        "z": "usd",
        "kwota": "1 500,5",
        "na": "zloto",
        "data": "23.10.2026",
        "kurs": "D0",
        "jednostka": "g",
        "x": "1",
    }
    link = f"{PAGE}?kwota=1500.5&z=USD&na=XAU&data=2026-10-23"
    assert client.get(PAGE, asked).headers["Location"] == link
    assert "?kwota=1500.5&amp;z=XAU&amp;na=USD&amp;data=2026-10-23" in client.get(link).content.decode()


def test_the_form_begins_with_yesterday(client: Client) -> None:
    assert 'name="data" value="25.10.2026"' in client.get(PAGE).content.decode()
    assert 'name="data" value="2026-10-25"' in client.get(f"/en{PAGE}").content.decode()


def test_the_page_is_kept_until_the_price_of_gold_of_yesterday_is_missing(
    client: Client, nbp: Source, at: Callable[[str], None]
) -> None:
    """Nobody documents its hour: it is missing at noon of the day after, before table A is late."""
    at("2026-10-27 11:50")
    response = client.get(PAGE)
    assert response.until == datetime(2026, 10, 27, 12, tzinfo=WARSAW)  # type: ignore[attr-defined]
