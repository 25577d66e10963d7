"""How the databases answer the hot questions: each reads one stretch of an index, never the whole table."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from markets import clock
from markets.models import Instrument, Publication, Quote, Rate, Source
from markets.queries import currencies, history, overview
from markets.queries import rates as rate_queries
from markets.queries.rates import COLUMNS
from markets.store import copying, quotes
from tests.databases import needs_postgres, needs_sqlite

FIRST, DAYS = date(2020, 1, 1), 1000
MIDDLE = FIRST + timedelta(days=DAYS // 2)
LAST = FIRST + timedelta(days=DAYS - 1)
CODES = [f"Q{letter}{other}" for letter in "ABCDEFGH" for other in "UVXYZ"]

Plan = dict[str, Any]


def fill(nbp: Source) -> dict[str, Instrument]:
    """Forty currencies, half in table A and half in B, all in C, day by day as they come in; one of each half."""
    Instrument.objects.bulk_create(Instrument(code=code, base=code, kind="currency") for code in CODES)
    instruments = dict(Instrument.objects.filter(code__in=CODES).values_list("code", "pk"))
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    Publication.objects.bulk_create(
        Publication(
            source=nbp,
            table=table,
            number="1",
            effective_date=day,
            url="https://x/",
            sha256="a",
            fetched_at=clock.now(),
        )
        for day in days
        for table in "ABC"
    )
    proofs = {(row.effective_date, row.table): row.pk for row in Publication.objects.all()}
    mids = {pk: "AB"[number % 2] for number, pk in enumerate(sorted(instruments.values()))}
    copying.insert(
        Rate._meta.db_table,
        ("instrument_id", "source_id", "table", "effective_date", "mid", "bid", "ask", "scale", "publication_id"),
        [
            (pk, nbp.pk, table, day.isoformat(), *figures, 4, proofs[day, table])
            for day in days
            for pk, letter in mids.items()
            for table, figures in ((letter, ("3.9432", None, None)), ("C", (None, "3.9", "4.0")))
        ],
    )
    Quote.objects.bulk_create(
        Quote(
            instrument_id=pk, source=nbp, table="A", effective_date=LAST, observed_at=clock.now(), price=3, scale=4
        )
        for pk in instruments.values()
    )  # fmt: skip
    return {mids[row.pk]: row for row in Instrument.objects.filter(code__in=CODES[:2])}


QUESTIONS = {
    "a range": lambda one: rate_queries.rates(one, MIDDLE, MIDDLE + timedelta(days=250)).values_list(*COLUMNS),
    "everything": lambda one: rate_queries.rates(one, FIRST, LAST).values_list(*COLUMNS),
    "one table": lambda one: rate_queries.rates(one, MIDDLE, LAST, "C").values_list(*COLUMNS),
    "one source": lambda one: rate_queries.rates(one, MIDDLE, LAST, source="nbp").values_list(*COLUMNS),
    "strictly before": lambda one: Rate.objects.filter(instrument=one).canonical().strictly_before(MIDDLE)[:1],
    "the newest": lambda one: Rate.objects.filter(instrument=one).canonical().latest_first()[:1],
}
ASKED = {
    "the points of a chart": lambda one: history.points(one.code, MIDDLE),
    "the newest with proofs": lambda one: history.newest_days(one.code),
    "what a quote is made of": lambda one: quotes.newest_in_series(
        one.pk, set(Source.objects.values_list("pk", flat=True))
    ),
}
OF_ALL = {
    "the pulpit": overview.board,
    "the list of currencies": lambda: list(currencies.currency_rows(Instrument.objects.all())),
}


def statements(question: Any) -> list[str]:
    """What a function asks the database."""
    with CaptureQueriesContext(connection) as asked:
        question()
    return [query["sql"] for query in asked.captured_queries]


def statements_of(name: str, one: Instrument) -> list[str]:
    if name in ASKED:
        return [text for text in statements(lambda: ASKED[name](one)) if f'FROM "{Rate._meta.db_table}"' in text]
    rows: QuerySet[Any] = QUESTIONS[name](one)
    return [text for text in statements(lambda: list(rows)) if f'FROM "{Rate._meta.db_table}"' in text]


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def plan_of(statement: str) -> Plan:
    """As PostgreSQL carried it out."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement.replace("%", "%%"))
        answer = cursor.fetchone()[0]
    (explained,) = json.loads(answer) if isinstance(answer, str) else answer
    plan: Plan = explained["Plan"]
    return plan


def read_figures(plan: Plan) -> list[Plan]:
    """What was done to read the table of figures, in any of its indexes or without one."""
    done = [node for node in nodes(plan) if "Scan" in node["Node Type"] and node["Actual Loops"]]
    indexes = {"rate_series", "one_figure_a_day", "markets_rate_pkey"}
    return [
        node
        for node in done
        if node.get("Index Name") in indexes
        or (node.get("Relation Name") == "markets_rate" and "Bitmap Heap" not in node["Node Type"])
    ]


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_postgresql_answers_each_hot_question_from_one_stretch_of_the_index(nbp: Source) -> None:
    """Whether table A has the day of a row of B is a look into the same index."""
    one_of = fill(nbp)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    for name in (*QUESTIONS, *ASKED):
        for one in one_of.values():
            (statement,) = statements_of(name, one)
            read = read_figures(plan_of(statement))
            assert {node.get("Index Name") for node in read} == {"rate_series"}, (name, read)
            stretches = [node for node in read if node["Parent Relationship"] != "SubPlan"]
            assert [node["Actual Loops"] for node in stretches] == [1], (name, stretches)
            assert all("instrument_id =" in node["Index Cond"] for node in read), (name, read)


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_postgresql_reads_a_range_from_the_covering_index_and_no_page_of_the_table(nbp: Source) -> None:
    one_of = fill(nbp)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    for name in ("a range", "everything"):
        for one in one_of.values():
            (statement,) = statements_of(name, one)
            read = read_figures(plan_of(statement))
            assert {(node["Node Type"], node["Heap Fetches"]) for node in read} == {("Index Only Scan", 0)}, name


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_postgresql_finds_the_figure_before_a_day_without_reading_on(nbp: Source) -> None:
    """The figure, and the one that shows that its day is over."""
    one_of = fill(nbp)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    for one in one_of.values():
        (statement,) = statements_of("strictly before", one)
        (stretch,) = [node for node in read_figures(plan_of(statement)) if node["Parent Relationship"] != "SubPlan"]
        assert "effective_date <" in stretch["Index Cond"]
        assert stretch["Actual Rows"] <= 2


@pytest.mark.slow
@needs_sqlite
def test_sqlite_answers_each_hot_question_from_one_stretch_of_the_index(nbp: Source) -> None:
    one_of = fill(nbp)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    for name in (*QUESTIONS, *ASKED):
        (statement,) = statements_of(name, one_of["B"])
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + statement.replace("%", "%%"))
            steps = [row[3] for row in cursor.fetchall()]
        (stretch,) = [step for step in steps if "markets_rate" in step]
        assert stretch.startswith("SEARCH markets_rate USING INDEX rate_series (instrument_id=?"), (name, steps)
        assert not [step for step in steps if step.startswith("SCAN")], (name, steps)


@pytest.mark.parametrize("name", OF_ALL)
def test_the_newest_of_all_instruments_never_touches_the_series(nbp: Source, name: str) -> None:
    asked = statements(OF_ALL[name])
    assert asked
    assert not [text for text in asked if "markets_rate" in text]
