"""The pages about the quality of the data: gap map, revisions, comparison, licences."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest
from django.test import Client

from charon.pages import data, gap_map, pairs
from markets.clock import WARSAW
from markets.models import Source
from markets.queries.compare.pairs import PAIRS
from markets.queries.gap_days import Word
from markets.queries.revisions import ARCHIVE_REPLACED, CORRECTION, LEFT_OUT
from markets.records import RateRecord
from tests.test_pages_instrument import history, save, table, text_of


@pytest.fixture(autouse=True)
def saturday(at: Callable[[str], None]) -> None:
    at("2026-11-21 09:00")


def shown(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return text_of(response.content.decode())


def test_every_state_kind_and_pair_has_its_words() -> None:
    assert set(gap_map.STATES) == set(Word)
    assert set(data.KINDS) >= {CORRECTION, ARCHIVE_REPLACED, LEFT_OUT}
    assert set(pairs.PAIRS) == {pair.name for pair in PAIRS}


def test_the_map_tells_published_days_from_holidays_and_from_missing_ones(client: Client, nbp: Source) -> None:
    history(nbp, count=40)
    content = client.get("/dane/?zrodlo=nbp&tabela=A&rok=2026").content.decode()
    assert 'title="20.11.2026: ogłoszono"><a href="/tabele/A/2026-11-20/"' in content
    assert 'class="holiday" title="11.11.2026: brak notowań (święto)"' in content
    assert 'class="weekend" title="15.11.2026: brak notowań (weekend)"' in content
    assert re.search(r'class="missing" title="02\.01\.2026: brak danych"', content)
    assert "brakuje:" in text_of(content)


@pytest.mark.slow
def test_what_the_address_does_not_name_is_table_a_of_this_year(client: Client, nbp: Source) -> None:
    for query in ("", "?zrodlo=xx&tabela=%00&rok=99999", "?rok=abc", "?zrodlo=nbp&tabela=Z"):
        assert "NBP: tabela A, 2026" in shown(client, f"/dane/{query}"), query
    assert "NBP: tabela A, 2002" in shown(client, "/dane/?rok=-5")


@pytest.mark.django_db
def test_an_empty_installation_says_that_there_is_nothing_yet(client: Client) -> None:
    assert "Nie ma jeszcze żadnego źródła" in shown(client, "/dane/")
    assert "Nie było korekt" in shown(client, "/dane/zmiany/")
    assert "Nie ma jeszcze dwóch źródeł" in shown(client, "/dane/porownanie/")


def test_a_correction_shows_both_figures(client: Client, nbp: Source) -> None:
    day = date(2026, 11, 20)
    save(nbp, [table(day, RateRecord("USD", mid=Decimal("3.8647")))])
    save(nbp, [table(day, RateRecord("USD", mid=Decimal("3.8650")))])
    page = shown(client, "/dane/zmiany/")
    assert "kurs średni 3,8647 → 3,8650" in page
    assert "korekta źródła" in page


def test_sources_are_compared_in_basis_points(client: Client, nbp: Source) -> None:
    history(nbp, "EUR", count=80)
    ecb = Source.objects.get(code="ecb")
    save(ecb, [table(date(2026, 11, 20), RateRecord("EUR", mid=Decimal("4.2")), "eurofxref")])
    page = shown(client, "/dane/porownanie/")
    assert "EUR w złotych: NBP i EBC" in page
    assert "za mało dni" in page
    assert "Europejski Bank Centralny 4,2000" in page


def test_a_source_that_is_not_shown_has_its_licence_and_nothing_else(client: Client, nbp: Source) -> None:
    Source.objects.create(code="secret", name="Tajne", public_display=False, public_api=False, licence="tylko my")
    page = shown(client, "/dane/")
    assert "Tajne tylko my nic: licencja pozwala tylko operatorom" in page


@pytest.mark.slow
def test_the_map_is_kept_until_a_table_of_today_can_be_missing(
    client: Client, nbp: Source, at: Callable[[str], None]
) -> None:
    """A page that is kept until midnight would say "jeszcze dziś" all afternoon."""
    history(nbp, count=5)
    at("2026-11-23 12:44")
    before = client.get("/dane/")
    assert 'title="23.11.2026: jeszcze dziś"' in before.content.decode()
    assert before.until == datetime(2026, 11, 23, 12, 45, tzinfo=WARSAW)  # type: ignore[attr-defined]
    at("2026-11-23 12:45")
    assert 'title="23.11.2026: brak danych"' in client.get("/dane/").content.decode()
    at("2027-01-01 00:30")
    assert "rok=2027" in client.get("/dane/").content.decode()
