"""That nothing a kept page shows can change unseen: tables, the numbers that their writers raise, and parameters."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern

from charon.api.limits import Kind
from charon.kept import stamp, watched
from charon.kept.questions import OFFICIAL, PAGES, question_of
from charon.page_urls import page_urls
from markets import clock
from markets.models import Alias, Instrument, Listing, Quote, Source
from tests import page_laws
from tests.market import decision, source
from tests.test_pages_instrument import band, history

MARKETS = {"binance", "coingecko", "deribit"}
OURS = ("charon", "markets", "miner", "signals", "alerts")
# No kept page shows them, or one that is brief.
UNREAD = {
    *("charon.TaskCount", "charon.ScopeNumber"),
    *("markets.ApiToken", "markets.CallerCount", "markets.IdempotentAnswer", "markets.OutboxEvent"),
    *("miner.QueueCounters", "miner.Spent", "miner.Poll", "miner.Lease"),
    *("alerts.AlertNumber", "alerts.AlertPass", "alerts.AlertSeries", "alerts.AlertState"),
    *("alerts.Channel", "alerts.Delivery", "alerts.Attempt", "alerts.Sending"),
}
# Typed into, for an account, or one of a signed address; the invoice and the list carry what somebody typed.
NOT_KEPT = {
    *("alerts", "ui_alerts", "alert_preview", "acknowledge", "ui_settings", "tax_lines", "tax_invoice"),
}
TABLE = re.compile(r'(?:FROM|JOIN)\s+"?([a-z]\w+_\w+)"?', re.IGNORECASE)
MORE = {
    "chart_data": ["/wykres/USD/dane/", "/wykres/BTCUSDT/dane/?interwal=1h"],
    "chart_table": ["/wykres/USD/tabela/"],
}


@pytest.fixture
def filled(nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-11-21 09:00")
    for code in ("USD", "EUR"):
        history(nbp, code, count=60)
    history(nbp, "XAU", count=60, letter="gold")
    history(nbp, "AED", count=3, letter="B")
    band(nbp)
    for code in MARKETS:
        source(code)
    decision(1)


def kept_pages() -> list[tuple[str, str]]:
    """Every kept page with an address, and each of its shapes."""
    found = [(str(one.name), address) for one in page_urls if isinstance(one, URLPattern) for address in of(one)]
    return [(name, address) for name, address in found if name in PAGES]


def of(one: URLPattern) -> list[str]:
    if one.name in MORE:
        return MORE[str(one.name)]
    every = page_laws.addresses("pl") if one.name in page_laws.names() else []
    return [address for address in every if one.pattern.match(address.partition("?")[0].removeprefix("/"))]


def tables_of(labels: Any) -> set[str]:
    return {apps.get_model(label)._meta.db_table for label in labels}


def test_every_page_is_kept_or_said_not_to_be() -> None:
    names = {str(one.name) for one in page_urls if isinstance(one, URLPattern)}
    assert names == PAGES.keys() | NOT_KEPT
    assert not PAGES.keys() & NOT_KEPT
    assert {name for name, _address in kept_pages()} == PAGES.keys()


def test_every_model_is_watched_or_read_by_no_kept_page() -> None:
    models = {one._meta.label for one in apps.get_models() if one._meta.app_label in OURS and not one._meta.proxy}
    told = [*(label for labels in watched.TABLES.values() for label in labels), *watched.BY_GENERATION, *UNREAD]
    assert len(told) == len(set(told))
    assert set(told) - {"django_q.Schedule"} == models


@pytest.mark.slow
@pytest.mark.parametrize(("name", "path"), kept_pages())
@pytest.mark.usefixtures("filled")
def test_a_page_reads_no_table_but_those_that_it_is_kept_by(client: Client, name: str, path: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code in {200, 404}
    read = {table for query in queries for table in TABLE.findall(query["sql"])}
    known = tables_of(
        [*watched.BY_GENERATION, "markets.Quote"] if PAGES[name].scopes == OFFICIAL else watched.BY_GENERATION
    )
    for scope in PAGES[name].scopes:
        known |= tables_of(watched.TABLES.get(scope, ()))
    assert PAGES[name].is_brief or not read - known


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for name, path in kept_pages() if PAGES[name].scopes == OFFICIAL])
@pytest.mark.usefixtures("filled")
def test_a_page_of_official_figures_shows_no_price(client: Client, path: str) -> None:
    """Both stand in the table of quotes; those of official figures are written with them (`generations.changed`)."""
    listings = {row.source.code: row for row in Listing.objects.filter(source__code__in=MARKETS).order_by("pk")}
    assert listings.keys() == MARKETS
    common = {"price": Decimal("100"), "scale": 2, "observed_at": clock.now() - timedelta(minutes=1)}
    for row in listings.values():
        Quote.objects.update_or_create(instrument=row.instrument, source=row.source, defaults=common)
    before = client.get(path).content
    changed = {"price": Decimal("123.25"), "observed_at": clock.now()}
    assert Quote.objects.filter(source__code__in=MARKETS).update(**changed)
    assert client.get(path).content == before


# Parameters


class Noting(QueryDict):
    """What a page reads of its address."""

    read: set[str]

    def __init__(self, *args: Any, **more: Any) -> None:
        self.read = set()
        super().__init__(*args, **more)

    def note(self, name: str) -> None:
        self.read.add(name)

    def __getitem__(self, name: str) -> Any:
        self.note(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.note(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.note(name)
        return super().get(name, default)

    def getlist(self, name: str, default: Any = None) -> Any:
        self.note(name)
        return super().getlist(name, default)

    def dict(self) -> Any:
        return self


@pytest.mark.slow
@pytest.mark.parametrize(("name", "path"), kept_pages())
@pytest.mark.usefixtures("filled")
def test_a_page_reads_no_parameter_that_it_does_not_declare(
    client: Client, name: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noting: list[Noting] = []

    def given(request: Any) -> Noting:
        if not hasattr(request, "noting"):
            request.noting = Noting(request.META.get("QUERY_STRING", ""))
            noting.append(request.noting)
        return request.noting  # type: ignore[no-any-return]

    monkeypatch.setattr("django.core.handlers.wsgi.WSGIRequest.GET", property(given, lambda *_: None))
    monkeypatch.setattr("charon.api.limited.kind_of", lambda _: Kind.READS)  # no part of the page
    client.get(path)
    assert noting
    read = {name for one in noting for name in one.read}
    assert not read - {*PAGES[name].names}


def test_what_nobody_declares_makes_no_other_question() -> None:
    assert question_of("/", "utm_source=x&sort=kurs&x=1") == question_of("/", "sort=kurs")
    assert question_of("/en/", "sort=kurs") != question_of("/", "sort=kurs")
    assert question_of("/", "x" * 301) is None
    assert question_of("/en/none/", "") is question_of("/admin/", "") is None


# Numbers


@pytest.fixture
def raised(monkeypatch: pytest.MonkeyPatch) -> Callable[[], set[str]]:
    monkeypatch.setattr(stamp, "close_old_connections", lambda: None)
    before = [stamp.numbers()]

    def scopes() -> set[str]:
        now = stamp.numbers()
        changed = {scope for scope, number in now.items() if number != before[0].get(scope)}
        before[0] = now
        return changed

    return scopes


@pytest.mark.parametrize(
    ("scope", "label"), [(scope, label) for scope, labels in watched.TABLES.items() for label in labels]
)
@pytest.mark.django_db
def test_every_watched_table_has_its_triggers(scope: str, label: str) -> None:
    table = apps.get_model(label)._meta.db_table
    assert watched.of_table(connection.vendor, table, scope).keys() <= watched.triggers(connection)


@pytest.mark.django_db
def test_rows_that_come_change_and_go_raise_the_number_of_their_scope(raised: Any, nbp: Source) -> None:
    raised()
    usd = Instrument.objects.create(code="ZZZ", base="ZZZ", quote="PLN", kind="currency")
    assert raised() == {watched.PUBLIC}
    Instrument.objects.filter(pk=usd.pk).update(unit=100)
    assert raised() == {watched.PUBLIC}
    Alias.objects.bulk_create([Alias(instrument=usd, name="zzz")])
    assert watched.PUBLIC in raised()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM markets_alias")
        assert raised() == {watched.PUBLIC}
    assert raised() == set()
    source("coingecko")
    assert watched.PUBLIC in raised()
    Source.objects.filter(code=nbp.code).update(name="x")
    assert raised() == {watched.PUBLIC}


@pytest.mark.django_db
def test_triggers_that_a_migration_took_away_are_back_after_it() -> None:
    watched.remove()
    assert not watched.triggers(connection)
    watched.install()
    everything = {label for labels in watched.TABLES.values() for label in labels}
    assert len(watched.triggers(connection)) == len(everything) * (1 if connection.vendor == "postgresql" else 3)
