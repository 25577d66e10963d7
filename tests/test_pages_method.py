"""The page about the data, the guide to the API, and what search engines are told."""

import re
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from charon.pages import api_guide, method, well_known
from markets.models import Source
from markets.queries.tables import TIMETABLES
from miner.providers import PROVIDERS
from signals.rules import RULES
from tests.test_pages_instrument import history, text_of

SITEMAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "x": "http://www.w3.org/1999/xhtml"}


def shown(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return text_of(response.content.decode())


def test_every_rule_and_every_table_has_its_words(client: Client, nbp: Source) -> None:
    assert set(method.FORMULAS) == set(RULES)
    assert set(method.TABLES) == set(TIMETABLES)
    page = shown(client, "/o-danych/")
    for configured in RULES.values():
        assert configured().label in page
    assert "NBP, tabela A: kursy średnie walut wymienialnych dni robocze 11:45–12:45" in page
    assert "poniżej trzech głosów oceny nie ma" in page


def test_a_source_that_may_not_be_shown_is_not_named_among_the_public_ones(client: Client, nbp: Source) -> None:
    Source.objects.create(code="secret", name="Tajne źródło", public_display=False)
    assert "Tajne źródło" not in shown(client, "/o-danych/")


@pytest.mark.django_db
def test_every_example_of_the_guide_answers(client: Client, nbp: Source) -> None:
    history(nbp, count=3)
    history(nbp, "EUR", count=3)
    content = client.get("/api/").content.decode()
    asked = set(re.findall(r"http://127\.0\.0\.1:8000(/[^\s&\"'#<]+(?:&amp;[^\s&\"'#<]+)*)", content))
    assert len(asked) >= len(api_guide.EXAMPLES) - 2
    for address in asked:
        if "date=" not in address:
            assert client.get(address.replace("&amp;", "&")).status_code == 200, address


def test_the_guide_names_only_addresses_that_are_there(client: Client, nbp: Source) -> None:
    content = client.get("/en/api/").content.decode()
    paths = re.findall(r"<th scope=\"row\"><code>([^<]+)</code>", content)
    assert len(paths) == len(api_guide.OPERATIONS)
    for path in paths:
        assert client.get(path).status_code in {200, 400, 422}, path


def test_the_sitemap_has_every_page_in_both_languages(client: Client, nbp: Source) -> None:
    history(nbp, count=2)
    root = ET.fromstring(client.get("/sitemap.xml").content)
    found = [str(element.text) for element in root.findall("s:url/s:loc", SITEMAP)]
    assert len(found) == 2 * (len(well_known.PAGES) + 1)
    assert "http://testserver/en/waluty/USD/" in found
    languages = [link.get("hreflang") for link in root.findall("s:url/x:link", SITEMAP)]
    assert languages.count("pl") == languages.count("en") == len(found)
    assert "Sitemap: http://testserver/sitemap.xml" in client.get("/robots.txt").content.decode()


def test_names_and_licences_of_sources_are_in_the_language_of_the_page(client: Client, nbp: Source) -> None:
    """They are rows of the database, written in Polish by the providers; the catalogue has each of them."""
    provider = PROVIDERS["nbp"]
    words = [provider.name, provider.licence, provider.attribution]
    Source.objects.filter(pk=nbp.pk).update(name=words[0], licence=words[1], attribution=words[2], available=True)
    for path in ("/o-danych/", "/dane/"):
        polish, english = (client.get(f"{prefix}{path}").content.decode() for prefix in ("", "/en"))
        assert all(one in polish for one in words), path
        assert not any(one in english for one in words), path
    Source.objects.filter(pk=nbp.pk).update(name="<b>", licence="100%", attribution="%s <i>")
    content = client.get("/en/o-danych/").content.decode()
    assert all(one in content for one in ("&lt;b&gt;", "100%", "%s &lt;i&gt;"))
