"""The addresses of currencies and gold: spellings, unknown codes, the list of all, and what htmx is given there."""

from datetime import date

import pytest
from django.test import Client
from django.test.utils import override_script_prefix

from markets.models import Source
from tests import test_pages_instrument
from tests.test_pages_instrument import history, page, text_of

saturday = test_pages_instrument.saturday  # for every test here too


@pytest.mark.parametrize("path", ["/waluty/usd/", "/waluty/USD/PLN/", "/waluty/usdpln/", "/waluty/Usd/"])
def test_every_spelling_leads_to_one_address(client: Client, nbp: Source, path: str) -> None:
    history(nbp, count=1)
    response = client.get(path, {"zakres": "5R"})
    assert (response.status_code, response.headers["Location"]) == (302, "/waluty/USD/?zakres=5R")


def test_gold_among_the_currencies_leads_to_its_own_page(client: Client, nbp: Source) -> None:
    history(nbp, count=1)
    for code in ("XAU", "xau"):
        assert client.get(f"/waluty/{code}/").headers["Location"] == "/zloto/"


def test_an_unknown_code_is_answered_with_its_neighbours(client: Client, nbp: Source) -> None:
    for code in ("USD", "USC", "JPY"):
        history(nbp, code, count=1)
    response = client.get("/waluty/USB/")
    assert response.status_code == 404
    shown = text_of(response.content.decode()).replace(" ,", ",").replace(" ?", "?")
    assert "Nie znamy USB. Chodziło o USC albo USD?" in shown
    assert "JPY" not in shown
    assert '<a href="/waluty/USD/">USD</a>' in response.content.decode()
    assert "no-store" in response.headers["Cache-Control"]


def test_an_unknown_code_is_shown_and_not_obeyed(client: Client, nbp: Source) -> None:
    history(nbp, count=1)
    content = client.get("/waluty/%3Cscript%3Ealert(1)/").content.decode()
    assert "Nie znamy &lt;SCRIPT&gt;ALERT(1)." in content
    assert "Chodziło" not in content
    assert client.get(f"/waluty/{'X' * 200}/").status_code == 404


@pytest.mark.parametrize("path", ["/waluty/%00/", "/waluty/USD%00/"])
def test_a_nul_in_an_address_is_an_unknown_code(client: Client, nbp: Source, path: str) -> None:
    history(nbp, count=1)
    assert client.get(path).status_code == 404


@pytest.mark.django_db
def test_an_empty_database_promises_a_known_currency_and_no_other(client: Client) -> None:
    assert "Nie ma jeszcze kursów EUR" in page(client, "/waluty/EUR/")
    assert "Nie ma jeszcze ceny złota Cenę złota podaje tylko API NBP." in page(client, "/zloto/")
    assert client.get("/waluty/XYQ/").status_code == 404
    assert "Nie ma jeszcze kursów" in page(client, "/waluty/")


def test_the_list_reuses_the_table_of_the_pulpit(client: Client, nbp: Source) -> None:
    history(nbp, count=3)
    history(nbp, "HRK", count=2, until=date(2022, 12, 30))
    shown = page(client, "/waluty/")
    assert "Waluty w tabelach NBP" in shown
    assert "Kursy średnie w złotych za 1 jednostkę waluty." in shown
    assert "Waluty nieaktualne (1)" in shown
    part = client.get("/waluty/", headers={"HX-Request": "true"}).content.decode()
    assert part.startswith('<div id="waluty" hx-get="/waluty/"')


def test_htmx_gets_the_region_alone_and_a_step_back_the_page(client: Client, nbp: Source) -> None:
    history(nbp, count=30)
    whole = client.get("/waluty/USD/?zakres=1M").content.decode()
    part = client.get("/waluty/USD/?zakres=1M", headers={"HX-Request": "true"})
    assert part.content.decode().startswith('<div id="kurs"')
    for region in part.content.decode().split('\n\n<div id="szczegoly"'):
        assert region.strip() in whole
    again = client.get("/waluty/USD/?zakres=1M", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert again.content.decode() == whole
    assert "HX-Request" in part.headers["Vary"]
    etag = part.headers["ETag"]
    unchanged = client.get("/waluty/USD/?zakres=1M", headers={"HX-Request": "true", "If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_the_switch_of_languages_leads_to_a_page_of_this_site(client: Client, nbp: Source) -> None:
    """Whatever the address: the rest of `/en//evil.example/` is no host, and `%3F` in a path begins no query."""
    for path, pl, en in (
        ("/en//evil.example/", "/%2Fevil.example/", "/en/%2Fevil.example/"),
        ("/en/%2F%2Fevil.example/", "/%2F/evil.example/", "/en/%2F/evil.example/"),
        ("/waluty/%3Fx/", "/waluty/%3Fx/", "/en/waluty/%3Fx/"),
        ("/%5Cevil.example/", "/%5Cevil.example/", "/en/%5Cevil.example/"),
        ("/en/", "/", "/en/"),
        ("/waluty/", "/waluty/", "/en/waluty/"),
    ):
        content = client.get(path).content.decode()
        other = en if 'lang="pl"' in content[:60] else pl
        assert f'<a href="{other}" lang="' in content, path
    with override_script_prefix("/charon/"):
        assert 'href="/charon/en/waluty/" lang="en"' in client.get("/waluty/").content.decode()


def test_an_address_without_a_slash_is_found_with_one(client: Client) -> None:
    assert client.get("/ui/?x=1").headers["Location"] == "/ui?x=1"
    assert client.get("/en/ui/settings/").headers["Location"] == "/en/ui/settings"
