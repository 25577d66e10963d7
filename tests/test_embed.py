"""The page for frames: figure, change, line, table and source; anybody may frame it and it can do nothing."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client

from markets.models import Publication, Source
from markets.records import RateRecord
from tests.test_pages_instrument import history, save, table, text_of, working_days

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def saturday(at: Callable[[str], None], nbp: Source) -> None:
    at("2026-11-21 09:00")
    days = working_days(2)
    values = ("3.8640", "3.8647")
    save(nbp, [table(day, RateRecord("USD", mid=Decimal(value))) for day, value in zip(days, values, strict=True)])


def shown(client: Client, path: str = "/embed/USD") -> str:
    return text_of(client.get(path).content.decode()).replace("\u00a0", " ")


def test_a_frame_has_figure_change_span_table_and_source(client: Client) -> None:
    said = shown(client)
    assert "USD dolar amerykański" in said
    assert "1 USD = 3,8647 zł ▲ +0,02%" in said
    assert "Od 19.11.2026 do 20.11.2026: najniżej 3,8640 zł, najwyżej 3,8647 zł." in said
    assert "Tabela nr 324/A/NBP/2026, 20.11.2026" in said
    assert "Źródło: Narodowy Bank Polski · Charon" in said


def test_it_leads_back_to_the_public_address(client: Client, settings: Any) -> None:
    settings.PUBLIC_URL = "https://rates.example.org"
    links = re.findall(r'<a href="([^"]+)" target="_blank" rel="noopener">', client.get("/embed/usd").content.decode())
    assert links == ["https://rates.example.org/waluty/USD/"]


def test_anybody_may_frame_it_and_it_loads_one_style(client: Client) -> None:
    response = client.get("/embed/USD")
    assert response.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"
    )
    assert "X-Frame-Options" not in response.headers
    content = response.content.decode()
    assert re.findall(r'(?:src|href)="(/[^"]*)"', content) == ["/static/embed.css"]
    assert finders.find("embed.css")
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:|<form|<iframe", content)


def test_who_is_logged_in_is_not_known_to_a_frame(client: Client) -> None:
    public = client.get("/embed/USD").content
    client.force_login(User.objects.create_superuser("operator"))
    response = client.get("/embed/USD")
    assert response.content == public
    assert not response.cookies
    assert "Cookie" not in response.headers["Vary"]


def test_the_refusals_are_pages_that_may_be_framed(client: Client) -> None:
    for path, status, words in (
        ("/embed/XYZ", 404, "Nie znamy kodu XYZ."),
        ("/embed/USD?days=0", 400, "days: liczba dni od 2 do 3660, a nie „0”."),
        ("/embed/USD?theme=x", 400, "theme: jedno z: auto, light, dark, a nie „x”."),
        ("/embed/USD?<b>=1", 400, "Nieznany parametr: <b>."),
    ):
        response = client.get(path)
        assert response.status_code == status
        assert words in text_of(response.content.decode())
        assert "frame-ancestors *" in response.headers["Content-Security-Policy"]
        assert "X-Frame-Options" not in response.headers


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_the_theme_stands_at_the_root(client: Client, theme: str) -> None:
    assert f'<html lang="pl" data-theme="{theme}">' in client.get(f"/embed/USD?theme={theme}").content.decode()


def test_the_style_knows_every_theme_and_asks_nobody() -> None:
    found = finders.find("embed.css")
    assert found is not None
    text = Path(str(found)).read_text(encoding="utf-8")
    assert not re.search(r"https?:|@import|url\(", text)
    assert '[data-theme="dark"]' in text
    assert 'prefers-color-scheme: dark) {\n  :root[data-theme="auto"]' in text


def test_english_numbers_days_and_names(client: Client) -> None:
    said = shown(client, "/embed/USD?lang=en")
    assert "USD US Dollar" in said
    assert "1 USD = 3.8647 PLN ▲ +0.02%" in said
    assert "20 Nov 2026" in said
    assert '<html lang="en"' in client.get("/embed/USD?lang=en").content.decode()


def test_an_old_figure_says_so(client: Client, at: Callable[[str], None]) -> None:
    assert "nieaktualne" not in shown(client)
    at("2026-11-24 18:00")
    assert "20.11.2026 nieaktualne" in shown(client)


def test_the_change_of_an_old_figure_has_no_colour(client: Client, at: Callable[[str], None]) -> None:
    assert 'class="change up"' in client.get("/embed/USD").content.decode()
    at("2026-11-24 18:00")
    assert 'class="change flat"' in client.get("/embed/USD").content.decode()


def test_a_figure_of_the_archive_has_the_letter_of_its_table(client: Client, archive: Source) -> None:
    days = working_days(3)
    save(archive, [table(day, RateRecord("EUR", mid=Decimal("4.25"))) for day in days])
    Source.objects.filter(pk=archive.pk).update(attribution="")
    Publication.objects.update(number="")
    said = shown(client, "/embed/EUR")
    assert "Tabela A, 20.11.2026" in said
    assert archive.name in said


def test_gold_leads_to_its_page(client: Client, nbp: Source) -> None:
    save(nbp, [table(working_days(1)[0], RateRecord("XAU", mid=Decimal("522.40")), "gold")])
    assert "1 g = 522,40 zł" in shown(client, "/embed/XAU")
    assert "/zloto/" in client.get("/embed/XAU").content.decode()


def test_a_demo_says_so(client: Client, settings: Any) -> None:
    settings.DEMO = True
    assert "DEMO — dane przykładowe, nie są to prawdziwe notowania" in shown(client)


def test_without_a_figure_it_says_that(client: Client) -> None:
    Source.objects.update(public_display=False)
    assert "Nie ma jeszcze notowania, które można tu pokazać." in shown(client)


@pytest.mark.slow
def test_a_frame_is_small(client: Client, nbp: Source) -> None:
    history(nbp, count=1500)
    assert len(client.get("/embed/USD?days=3660").content) < 10_000
