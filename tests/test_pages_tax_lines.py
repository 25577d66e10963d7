"""The page of a list: every line has its answer or its fault beside it, and the same comes back as CSV and XLSX."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from charon.pages.tax import lines
from tests.tax_tables import module_data, official, put_in
from tests.test_pages_tax import text_of

pytestmark = pytest.mark.django_db

PAGE = "/kurs-podatkowy/lista/"
LINES = """29.12.2025;1 500,00;USD
2026-03-23;100;EUR;vat
30.02.2026;100;USD

23.03.2026;sto;USD
23/03/2026;10;USB
23 3 2026;=1+1;USD"""


@pytest.fixture(scope="module", autouse=True)
def tables(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with module_data(django_db_blocker):
        put_in(official(date(2025, 12, 1), date(2026, 3, 24), ("USD", "EUR")))
        yield


@pytest.fixture(autouse=True)
def moment(at: Callable[[str], None]) -> None:
    at("2026-03-24 13:00")


def test_every_line_has_its_answer_or_its_fault_beside_it(client: Client) -> None:
    response = client.post(PAGE, {"lista": LINES, "regula": "pit"})
    assert response.status_code == 200
    told = text_of(response.content)
    for words in (
        "1 29.12.2025 1500,00 USD 3,5848 tabela 248/A/NBP/2025 z 23.12.2025",
        "pominięto 24.12.2025: Wigilia; 25–26.12.2025: Boże Narodzenie; 27–28.12.2025: sobota, niedziela",
        "2 23.03.2026 100 EUR 4,2768",
        "Razem 5804,88 zł policzono: 2 wiersze, z błędem: 4 wiersze",
        "3 Nie ma takiego dnia: „30.02.2026”",
        "5 „sto” to nie liczba.",
        "6 Nie znamy waluty „USB”.",
        "7 „=1+1” to nie liczba.",
        "wszystkie policzone kursy są ostateczne",
    ):
        assert words in told, words
    assert "29.12.2025;1 500,00;USD" in response.content.decode()


@pytest.mark.parametrize(
    "text",
    [
        "29.12.2025\t1 500,00\tUSD",
        "2025-12-29,1500,USD",
        '29.12.2025,"1500,00",USD',
        "29.12.2025,1500,00,USD",
        "Waluta;Data;Kwota\nusd;29.12.2025;1500",
        "\n29.12.2025 ; 1500 ; usd\r\n\r\n",
    ],
)
def test_a_line_is_read_as_spreadsheets_write_it(text: str) -> None:
    [line] = lines.read(text, "pit", date(2026, 3, 24))
    assert (line.found.date, line.found.amount, line.found.code) == (date(2025, 12, 29), 1500, "USD")  # type: ignore[union-attr]


def test_a_file_comes_back_as_csv_for_excel_and_as_a_workbook(client: Client) -> None:
    file = SimpleUploadedFile("kwoty.csv", "Data;Kwota;Waluta\n29.12.2025;1500;USD\n=cmd();1;=cmd()".encode("cp1250"))
    answer = client.post(PAGE, {"plik": file, "regula": "pit", "jako": "csv"})
    text = answer.content.decode("utf-8-sig")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="kursy-podatkowe.csv"'
    assert "2;2025-12-29;USD;1500;pit-revenue;3,5848;248/A/NBP/2025;2025-12-23;5377,20;tak;" in text
    cells = [cell for row in csv.reader(io.StringIO(text), delimiter=";") for cell in row]
    assert not any(cell.startswith("=") for cell in cells)
    assert "'=cmd()" in cells
    workbook = client.post(PAGE, {"lista": LINES, "regula": "pit", "jako": "xlsx"}).content
    sheet = zipfile.ZipFile(io.BytesIO(workbook)).read("xl/worksheets/sheet1.xml").decode()
    assert "5377.2" in sheet
    assert "<f>" not in sheet


def test_what_is_wrong_with_the_whole_list_is_said_and_the_text_kept(client: Client) -> None:
    many = "29.12.2025;1;USD\n" * 501
    for given, words in (
        (many, "Wierszy jest 501"),
        (" ;;\n", "co najmniej jeden wiersz"),
    ):
        response = client.post(PAGE, {"lista": given})
        assert response.status_code == 422
        assert words in text_of(response.content)
    assert many.strip() in client.post(PAGE, {"lista": many}).content.decode().replace("\r\n", "\n")
    odd = SimpleUploadedFile("obraz.png", b"\x89PNG\x81\x83\x98")
    assert "nie jest tekstem" in text_of(client.post(PAGE, {"plik": odd}).content)


@pytest.mark.slow
def test_five_hundred_lines_ask_as_many_statements_as_one(client: Client) -> None:
    counts = []
    for count in (1, 500):
        with CaptureQueriesContext(connection) as made:
            response = client.post(PAGE, {"lista": "\n".join(f"29.12.2025;{n},5;USD" for n in range(1, count + 1))})
        assert response.status_code == 200
        counts.append(len(made))
    assert counts[0] == counts[1] <= 8


def test_a_form_of_another_site_is_refused() -> None:
    assert Client(enforce_csrf_checks=True).post(PAGE, {"lista": "29.12.2025;1;USD"}).status_code == 403


def test_a_file_of_unicode_text_is_read(client: Client) -> None:
    """What Excel saves as "Tekst Unicode": UTF-16 with tabs."""
    body = "dzień\tkwota\twaluta\r\n29.12.2025\t1500,00\tUSD\r\n".encode("utf-16")
    response = client.post(PAGE, {"plik": SimpleUploadedFile("lista.txt", body), "regula": "pit"})
    assert "5377,20" in text_of(response.content)
    broken = client.post(PAGE, {"plik": SimpleUploadedFile("lista.txt", b"\xff\xfea"), "regula": "pit"})
    assert broken.status_code == 422
