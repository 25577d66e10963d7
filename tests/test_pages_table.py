"""The table of currencies as its address asks for it: tabs, filter, sort; its rows, and how words are sorted."""

import html
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import translation

from charon.pages import collation, table, table_rows
from markets.models import Source
from markets.queries.overview import LatestRate
from signals.queries import SignalState
from tests.test_pages_dashboard import FRIDAY, THURSDAY, codes_of, save

HOSTILE = "<script>alert(1)</script>\"'&"
WEDNESDAY = date(2026, 11, 18)


@pytest.fixture(autouse=True)
def saturday(at: Callable[[str], None]) -> None:
    at("2026-11-21 09:00")


@pytest.fixture
def tables(nbp: Source) -> None:
    """USD up by 1%, EUR down by 1%, CHF new; two of table B; one retired."""
    save(nbp, date(2022, 12, 30), HRK="0.6210")
    save(nbp, THURSDAY, USD="3.7000", EUR="4.2000")
    save(nbp, FRIDAY, USD="3.7370", EUR="4.1580", CHF="4.5000", UAH="0.0900")
    save(nbp, WEDNESDAY, letter="B", AED="1.0200", ISK="0.030000")


def rate(code: str = "USD", **facts: object) -> LatestRate:
    usual = {"name": "dolar", "unit": f"1 {code}", "table": "A", "day": FRIDAY, "value": Decimal("3.7747")}
    changes = {"change": Decimal("0.0112"), "percent": Decimal("0.30"), "retired": False}
    return LatestRate(code, **(usual | changes | facts))  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.usefixtures("tables")
def test_a_tab_shows_its_table_and_what_is_no_tab_shows_the_first(client: Client) -> None:
    first = ["EUR", "USD", "CHF", "UAH"]
    everything = ["EUR", "USD", "CHF", "AED", "ISK", "UAH"]
    shown = {
        query: codes_of(client, query) for query in ("", "?tabela=A", "?tabela=B", "?tabela=wszystkie", "?tabela=x")
    }
    assert shown == {
        "": first,
        "?tabela=A": first,
        "?tabela=B": ["AED", "ISK"],
        "?tabela=wszystkie": everything,
        "?tabela=x": first,
    }
    assert codes_of(client, "waluty/") == everything
    assert codes_of(client, "waluty/?tabela=B") == ["AED", "ISK"]


@pytest.mark.slow
@pytest.mark.usefixtures("tables")
def test_a_column_sorts_both_ways_and_what_has_no_value_stays_last(client: Client) -> None:
    asked = ("zmiana", "-zmiana", "kurs", "nazwa", "-kod", "sygnal", "nonsense", "--kurs", "-")
    shown = {sort: codes_of(client, f"?sort={sort}") for sort in asked}
    usual = ["EUR", "USD", "CHF", "UAH"]
    assert shown == {
        "zmiana": ["EUR", "USD", "CHF", "UAH"],
        "-zmiana": ["USD", "EUR", "CHF", "UAH"],
        "kurs": ["UAH", "USD", "EUR", "CHF"],
        "nazwa": ["USD", "EUR", "CHF", "UAH"],
        "-kod": ["USD", "UAH", "EUR", "CHF"],
        **dict.fromkeys(("sygnal", "nonsense", "--kurs", "-"), usual),
    }


@pytest.mark.usefixtures("tables")
def test_the_filter_hides_rows_stays_seen_and_offers_to_be_cleared(client: Client) -> None:
    assert codes_of(client, "?filtr=FRANK") == ["CHF"]
    assert codes_of(client, f"?filtr={quote('hrywna ukra')}") == ["UAH"]
    whole = client.get("/?filtr=isk&sort=-kurs").content.decode()
    assert 'value="isk"' in whole
    assert '<p class="no-match"><span>Żadna waluta nie pasuje do filtra.</span>' in whole
    assert '<a id="wyczysc" href="/?sort=-kurs">Wyczyść filtr</a>' in whole
    assert 'id="szerzej" href="/?tabela=wszystkie&amp;filtr=isk&amp;sort=-kurs"' in whole
    assert whole.count("<tr hidden") == 4
    assert codes_of(client, "?tabela=wszystkie&filtr=isk") == ["ISK"]


@pytest.mark.usefixtures("tables")
def test_a_retired_currency_is_found_by_the_filter(client: Client) -> None:
    assert '<details id="nieaktualne" open>' in client.get("/waluty/?filtr=kuna").content.decode()
    assert '<details id="nieaktualne">' in client.get("/waluty/").content.decode()
    assert "HRK" not in client.get("/").content.decode()


@pytest.mark.usefixtures("tables")
def test_links_of_the_table_keep_the_rest_of_the_address(client: Client) -> None:
    content = html.unescape(client.get("/en/waluty/?tabela=B&filtr=a&sort=kod").content.decode())
    tabs = re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', content.split('class="tabs"')[1].split("</nav>")[0])
    assert [href for href, _name in tabs] == [
        f"/en/waluty/?{query}filtr=a&sort=kod" for query in ("tabela=A&", "tabela=B&", "", "tabela=przypiete&")
    ]
    assert 'id="sortuj-kod" href="/en/waluty/?tabela=B&filtr=a&sort=-kod"' in content
    assert 'id="sortuj-kurs" href="/en/waluty/?tabela=B&filtr=a&sort=-kurs"' in content
    assert 'aria-sort="ascending" data-key="kod"' in content
    assert 'hx-get="/en/waluty/?tabela=B&filtr=a&sort=kod"' in content


@pytest.mark.slow
@pytest.mark.usefixtures("tables")
def test_no_address_is_an_error_and_none_is_obeyed(client: Client) -> None:
    for text in (HOSTILE, "\0", "a" * 5000, "%", "\u202e", "zł/EUR"):
        for address in ("/", "/en/waluty/"):
            response = client.get(address, {"filtr": text, "tabela": text, "sort": text})
            assert response.status_code == 200, text
            assert "<script>alert" not in response.content.decode()
            assert "a" * 41 not in response.content.decode()


@pytest.mark.usefixtures("tables")
def test_pinned_rows_wait_for_the_script(client: Client) -> None:
    content = client.get("/?tabela=przypiete").content.decode()
    assert codes_of(client, "?tabela=przypiete") == []
    assert content.count("<tr hidden") == 6
    assert '<p class="no-match" hidden>' in content
    assert 'tabela=przypiete" class="scripted" aria-current="page">Przypięte</a>' in content


@pytest.mark.usefixtures("tables")
def test_a_row_leads_to_the_table_of_its_day(client: Client) -> None:
    content = client.get("/?tabela=wszystkie").content.decode()
    assert '<a href="/tabele/B/2026-11-18/"><span>B</span> <time datetime="2026-11-18">18.11.2026</time></a>' in content


class Checked(HTMLParser):
    """That every element is closed where it was opened, and no script came in."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen |= {tag} | {name for name, _value in attrs}

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag} | {name for name, _value in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_word_of_a_row_is_escaped() -> None:
    """Names, codes, units, labels: whatever the tables hold, the elements and attributes of a row are the same."""
    state = SignalState("ok", FRIDAY, "BUY", "BUY", FRIDAY, 300, 250, Decimal("3.5"), Decimal("3.9"))
    seen = []
    for text in ("x", HOSTILE):
        line = rate(code=text, name=text, unit=text, value=Decimal("0.022963"))
        reader = Checked()
        reader.feed("<tr" + table_rows.table_row(line, state, old=True, filling=False).html)
        reader.feed("<tr" + table_rows.retired_row(line).html)
        assert reader.open == []
        assert reader.text.count(text) == 6
        seen.append(reader.seen)
    assert seen[0] == seen[1]
    assert "script" not in seen[1]


def test_a_row_is_made_once_for_its_figures_state_and_language() -> None:
    line, state = rate(), SignalState("ok", FRIDAY, "HOLD")
    first = table_rows.table_row(line, state, old=False, filling=False)
    assert table_rows.table_row(rate(), SignalState("ok", FRIDAY, "HOLD"), old=False, filling=False) is first
    changed = [
        table_rows.table_row(rate(value=Decimal("3.7748")), state, old=False, filling=False),
        table_rows.table_row(line, SignalState("ok", FRIDAY, "BUY"), old=False, filling=False),
        table_rows.table_row(line, state, old=True, filling=False),
    ]
    with translation.override("en"):
        changed.append(table_rows.table_row(line, state, old=False, filling=False))
    assert len({row.html for row in [first, *changed]}) == 5


def test_the_same_number_with_other_published_digits_is_another_row() -> None:
    """A correction of the notation alone: 0.0247 as 0.024700, which the bank prints per 100."""
    short, long = (rate(value=Decimal(text), change=Decimal(text)) for text in ("0.0247", "0.024700"))
    assert short == long
    for make in (lambda line: table_rows.table_row(line, None, old=False, filling=False), table_rows.retired_row):
        before, after = make(short).html, make(long).html
        assert '<span class="dec">,0247</span>' in before
        assert '<span class="dec">,024700</span>' in after


def test_ten_million_keeps_its_decimals_in_both_languages() -> None:
    line = rate(name="x" * 120, value=Decimal("10000000.0000"), change=Decimal("-1234567.8900"))
    assert (
        '10\u00a0000\u00a0000<span class="dec">,0000</span>'
        in table_rows.table_row(line, None, old=False, filling=False).html
    )
    with translation.override("en"):
        row = table_rows.table_row(line, None, old=False, filling=False).html
    assert '10,000,000<span class="dec">.0000</span>' in row
    assert "\u22121,234,567.8900" in row
    assert 'href="/en/waluty/USD/"' in row


def test_words_are_sorted_as_the_language_sorts_them() -> None:
    words = [
        "zloty",
        "łaty",
        "lira",
        "Ćma",
        "cent",
        "dong",
        "Å",
        "źdźbło",
        "żeton",
        "marka",
        "peso",
        "rand",
        "rand złoty",
    ]
    polish = sorted(words, key=lambda word: collation.key(word, "pl"))
    assert polish == [
        "Å",
        "cent",
        "Ćma",
        "dong",
        "lira",
        "łaty",
        "marka",
        "peso",
        "rand",
        "rand złoty",
        "zloty",
        "źdźbło",
        "żeton",
    ]
    english = sorted(["łaty", "lira", "loti"], key=lambda word: collation.key(word, "en"))
    assert english == ["łaty", "lira", "loti"]


def test_a_word_is_found_as_people_type_it() -> None:
    assert (collation.plain("ZŁOTY Ünü"), collation.plain("Ćwierć")) == ("zloty unu", "cwierc")


def test_the_address_of_a_view_gives_the_same_view() -> None:
    for query in ({}, {"tabela": "B", "filtr": "ą&b", "sort": "-kurs"}, {"tabela": "A", "sort": "kod"}):
        view = table.view_of(query, "wszystkie")
        assert {"tabela": view.tab if query.get("tabela") else "", "filtr": view.text} == {
            "tabela": query.get("tabela", ""),
            "filtr": query.get("filtr", ""),
        }
        assert (not query) == (view.query == "")
