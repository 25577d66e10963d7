"""The table of a day and the months of an instrument, as a visitor reads them."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from charon.pages import history
from markets.clock import WARSAW
from markets.models import Source
from markets.records import RateRecord
from tests import test_pages_instrument
from tests.test_pages_instrument import band, save, table, text_of
from tests.test_pages_instrument import history as filled

saturday = test_pages_instrument.saturday  # for every test here too


def shown(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return text_of(response.content.decode())


def yen(source: Source, day: date) -> None:
    figures = [RateRecord("JPY", mid=Decimal("0.024728")), RateRecord("USD", mid=Decimal("2.6410"))]
    letter = "A"
    one = table(day, figures[0], letter)
    save(source, [type(one)(letter, day, figures, one.number, None, one.url, one.sha256, one.kind)])


def test_a_table_is_shown_as_the_nbp_prints_it(client: Client, nbp: Source) -> None:
    yen(nbp, date(2026, 11, 20))
    page = shown(client, "/tabele/A/2026-11-20/")
    assert "Tabela nr 324/A/NBP/2026 z 20 listopada 2026" in page
    assert "100 JPY 2,47281 JPY = 0,024728" in page
    assert "1 USD 2,6410" in page
    assert "a" * 64 in page


def test_a_table_leads_to_the_ones_around_it_and_to_the_other_letters(client: Client, nbp: Source) -> None:
    filled(nbp, count=3)
    content = client.get("/tabele/A/2026-11-19/").content.decode()
    for link in ("/tabele/A/2026-11-18/", "/tabele/A/2026-11-20/", "/tabele/C/2026-11-19/", "/waluty/USD/"):
        assert f'href="{link}"' in content
    assert client.get("/tabele/a/2026-11-19/").headers["Location"] == "/tabele/A/2026-11-19/"


def test_a_day_without_a_table_says_why_and_names_the_nearest(client: Client, nbp: Source) -> None:
    filled(nbp, count=30)
    for day, why in {
        "2026-11-11": "Brak notowań: Narodowe Święto Niepodległości.",
        "2026-11-14": "Brak notowań: sobota.",
        "2031-01-02": "Ten dzień jeszcze nie nadszedł.",
        "2003-01-02": "Brak danych: takiej tabeli z tego dnia tutaj nie ma.",
    }.items():
        page = shown(client, f"/tabele/A/{day}/", 404)
        assert why in page, day
        assert "Najbliższe tabele:" in page
    for path in ("/tabele/D/2026-11-20/", "/tabele/A/2026-02-30/", "/tabele/A/wczoraj/", "/tabele/A/2026-11-20%00/"):
        assert client.get(path).status_code == 404


def test_the_archive_knows_no_numbers_and_the_table_says_so(client: Client, archive: Source) -> None:
    filled(archive, count=2)
    assert "numer tabeli po pobraniu z NBP" in shown(client, "/tabele/A/2026-11-20/")
    row = history.context("USD", {})
    assert row["archive"] is True


@pytest.mark.django_db
def test_a_month_has_every_day_with_the_numbers_of_its_tables(nbp: Source, django_assert_num_queries: Any) -> None:
    filled(nbp, count=60)
    band(nbp)
    with django_assert_num_queries(2):
        row = history.context("USD", {"rok": "2026", "miesiac": "11"})
    lines = str(row["lines"]).splitlines()
    assert [re.findall(r'datetime="([^"]+)"', line)[0] for line in lines][:2] == ["2026-11-20", "2026-11-19"]
    assert len(lines) == 14
    assert 'data-label="Kupno">3,8938</td>' in lines[0]
    assert re.findall(r'href="([^"]+)"', lines[0]) == ["/tabele/A/2026-11-20/", "/tabele/C/2026-11-20/"]
    assert [one["name"] for one in row["files"]] == ["CSV", "CSV dla Excela", "XLSX"]  # type: ignore[attr-defined]
    assert "from=2026-11-01" in row["files"][0]["href"]  # type: ignore[index]


def test_what_is_no_month_of_the_history_is_the_nearest_one(nbp: Source) -> None:
    filled(nbp, count=60)
    for query, title in (
        ({"rok": "1800", "miesiac": "13"}, "listopad 2026"),
        ({"rok": "x", "miesiac": "-1"}, "sierpień 2026"),
        ({}, "listopad 2026"),
        ({"rok": "2026", "miesiac": "9"}, "wrzesień 2026"),
    ):
        assert history.context("USD", query)["title"] == title, query
    with translation.override("en"):
        assert history.context("USD", {})["title"] == "November 2026"
    assert history.context("ZZZ", {}) == {}


def test_a_small_unit_stands_also_as_the_nbp_prints_it(nbp: Source) -> None:
    yen(nbp, date(2026, 11, 20))
    row: Any = history.context("JPY", {})
    assert row["per"] == "100"
    assert re.findall(r'data-label="([^"]*)">([^<]+)<', row["lines"]) == [("", "0,024728"), ("za 100", "2,4728")]
    assert history.context("USD", {})["per"] == ""


def test_a_day_without_table_b_or_before_its_hour_is_no_missing_data(
    client: Client, nbp: Source, at: Callable[[str], None]
) -> None:
    """Brak notowań and brak danych stay apart: the timetable, its hours and the tables around decide."""
    for day in (date(2026, 11, 10), date(2026, 11, 18)):
        save(nbp, [table(day, RateRecord("AED", mid=Decimal("0.9768")), "B")])
    filled(nbp, count=3)
    save(nbp, [table(date(2026, 11, 16), RateRecord("USD", mid=Decimal("3.9")), "A")])
    at("2026-11-23 10:00")
    for place, why in {
        "B/2026-11-19": "Brak notowań: tego dnia nie ogłasza się tabeli B.",
        "A/2026-11-17": "Brak notowań: NBP nie ogłosił tego dnia tabeli.",
        "A/2026-11-23": "Tabela z tego dnia jeszcze się nie ukazała.",
    }.items():
        assert why in shown(client, f"/tabele/{place}/", 404), place
    response = client.get("/tabele/A/2026-11-23/")
    assert response.until == datetime(2026, 11, 23, 12, 15, tzinfo=WARSAW)  # type: ignore[attr-defined]
    at("2026-11-23 12:45")
    assert "Brak danych" in shown(client, "/tabele/A/2026-11-23/", 404)


def test_nothing_of_a_hidden_source_stands_beside_its_archive(client: Client, nbp: Source, archive: Source) -> None:
    filled(archive, count=1)
    filled(nbp, count=2)
    Source.objects.filter(pk=nbp.pk).update(public_display=False)
    for day in ("2026-11-20", "2026-11-19"):
        content = client.get(f"/tabele/A/{day}/").content.decode()
        assert "/A/NBP/2026" not in content, day
        assert "a" * 64 not in content, day
