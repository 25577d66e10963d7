"""The page of an invoice: the rate of each line, the tax in PLN, the elements for KSeF, and faults at their fields."""

import re
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from django.test import Client
from pytest_django import DjangoDbBlocker

from tests.tax_tables import module_data, official, put_in
from tests.test_pages_tax import lines, text_of

pytestmark = pytest.mark.django_db

PAGE = "/kurs-podatkowy/faktura/"
INVOICE = (
    "wystawiono=2026-08-05&okres=2026-07-31&waluta=USD&rodzaj=19a(3)&netto=1000&vat=23&netto=200,50&vat=8&netto=&vat=23"
)
BAD = """
wystawiono=2026-08-05&sprzedaz=2026-02-30&waluta=USD&netto=1&vat=23 | 422 | sprzedaz | „2026-02-30”
wystawiono=&waluta=USD&netto=1&vat=23 | 422 | wystawiono | Uzupełnij pole
wystawiono=2026-08-05&waluta=USB&netto=1&vat=23 | 404 | waluta | waluta=USD
wystawiono=2026-08-05&waluta=PLN&netto=1&vat=23 | 422 | waluta | w złotych
wystawiono=2026-08-05&waluta=USD&netto=1&vat=23&netto=sto&vat=8 | 422 | netto-2 | „sto”
wystawiono=2026-08-05&waluta=USD&netto=1&vat=99 | 422 | vat-1 | Wybierz jedną
wystawiono=2026-08-05&sprzedaz=2026-08-01&okres=2026-07-31&waluta=USD&netto=1&vat=23 | 422 | okres | nie oba
wystawiono=1999-08-05&waluta=USD&netto=1&vat=23 | 422 | wystawiono | odpowiadamy od 01.12.2008
wystawiono=2027-08-05&waluta=USD&netto=1&vat=23 | 422 | wystawiono | jeszcze nie nadszedł
"""


@pytest.fixture(scope="module", autouse=True)
def tables(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with module_data(django_db_blocker):
        put_in(official(date(2026, 7, 20), date(2026, 8, 7), ("USD", "EUR", "IDR")))
        yield


@pytest.fixture(autouse=True)
def moment(at: Callable[[str], None]) -> None:
    at("2026-08-07 13:00")


def test_each_line_has_its_rate_and_the_tax_is_in_zloty(client: Client) -> None:
    response = client.get(f"{PAGE}?{INVOICE}")
    told = text_of(response.content)
    for words in (
        "865,81 zł 230,00 USD · P_14_1",
        "60,38 zł 16,04 USD · P_14_2",
        "1 1000 USD 23% 31.07.2026 art. 31a ust. 1 3,7644 tabela 146/A/NBP/2026 z 30.07.2026",
        "albo 3,7468 (149/A/NBP/2026), jeśli to najem, leasing, media",
        "2 200,50 USD 8%",
    ):
        assert words in told, (words, told[:2500])
    [xml] = re.findall(r'<code id="xml-faktury"[^>]*>(.*?)</code>', response.content.decode(), re.DOTALL)
    assert "&lt;P_14_1W&gt;865.81&lt;/P_14_1W&gt;" in xml
    assert "&lt;!-- Fa/FaWiersz[1] --&gt;\n&lt;KursWaluty&gt;3.7644&lt;/KursWaluty&gt;" in xml


def test_an_invoice_before_the_sale_goes_by_its_own_day_and_small_rates_are_told(client: Client) -> None:
    early = text_of(
        client.get(f"{PAGE}?wystawiono=2026-07-31&sprzedaz=2026-08-05&waluta=USD&netto=1000&vat=23").content
    )
    assert "art. 31a ust. 2 3,7644 tabela 146/A/NBP/2026" in early
    small = text_of(client.get(f"{PAGE}?wystawiono=2026-08-05&waluta=IDR&netto=1000000&vat=23").content)
    assert "XML mieści 6 miejsc po przecinku" in small


def test_bad_input_is_one_fault_at_its_field(client: Client) -> None:
    for query, status, field, words in lines(BAD):
        response = client.get(f"{PAGE}?{query}")
        content = response.content.decode()
        assert response.status_code == int(status), query
        [control] = re.findall(r'<(?:input|select)[^>]* aria-invalid="true"[^>]*>', content)
        assert f'id="{field}"' in control, (query, control)
        [fault] = re.findall(r'<p class="error" id="blad">(.*?)</p>', content)
        assert words in fault, (query, fault)


def test_more_lines_come_when_they_are_asked_for(client: Client) -> None:
    assert client.get(PAGE).content.decode().count('name="netto"') == 3
    assert client.get(f"{PAGE}?{INVOICE}&wiecej=1").content.decode().count('name="netto"') == 5
