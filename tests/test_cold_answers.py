"""Answers that are not kept: how many statements they take, and that text from a bare cursor is what Python writes."""

import gzip
import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from markets.instruments import find as as_the_writer
from markets.licence import Audience
from markets.models import Alias, Generation, Instrument, Job, Publication, Rate, Source
from markets.queries import found, rate_rows, rate_texts, rates
from markets.records import RateRecord, Table
from markets.store.publish import publish
from tests.databases import needs_postgres

FIRST, DAYS = date(2024, 1, 1), 60
LAST = FIRST + timedelta(days=DAYS - 1)
YEAR = {"from": str(FIRST), "to": str(LAST), "limit": "366"}


def day_tables(draw: random.Random, day: date) -> Iterator[Table]:
    """Of most days A or B or both, and C; of any number of digits from none to ten decimals, zeros at the end too."""
    for letter in draw.sample(["A", "B", "C", "A"], draw.randint(0, 3)):
        one, other = sorted((figure(draw), figure(draw)))
        line = RateRecord("USD", bid=one, ask=other) if letter == "C" else RateRecord("USD", mid=one)
        number = draw.choice(["", f'{day.day:03}/{letter}/NBP "ż"'])
        yield Table(letter, day, [line], number=number, url="https://nbp.example/", sha256="a")
    yield Table("gold", day, [RateRecord("XAU", mid=figure(draw))], sha256="g", kind="metal")


def figure(draw: random.Random) -> Decimal:
    scale = draw.randint(0, 10)
    whole = draw.choice([0, draw.randint(0, 9), draw.randint(10, 99_999)])
    small = draw.choice([0, draw.randint(1, 10**scale), draw.randint(1, 10)]) % 10**scale
    return (Decimal(whole) + Decimal(small).scaleb(-scale) or Decimal(1)).quantize(Decimal(1).scaleb(-scale))


def fill(nbp: Source, job: Job, seed: int) -> None:
    draw, tables = random.Random(seed), list[Table]()
    for number in range(DAYS):
        tables += {table.table: table for table in day_tables(draw, FIRST + timedelta(days=number))}.values()
    publish([table for table in tables if table.table != "gold"], nbp, job)
    publish([table for table in tables if table.table == "gold"], nbp, job)


def as_json(rows: Any) -> bytes:
    return msgspec.json.encode(list(rows))


@pytest.mark.parametrize("seed", range(3))
def test_rows_of_text_are_byte_for_byte_those_of_decimals_and_dates(nbp: Source, job: Job, seed: int) -> None:
    fill(nbp, job, seed)
    dollar = Instrument.objects.get(code="USD")
    for table in (None, "A", "B", "C"):
        for proof in (False, True):
            page = rates.rates(dollar, FIRST, LAST, table)[2:42]
            texts = rate_texts.rows(rate_texts.Stretch(dollar, FIRST, LAST, table, Audience.API), 40, 2, proof=proof)
            assert as_json(texts) == as_json(rate_rows.as_they_stand(page, dollar, proof=proof)) != b"[]"
    gold = rates.gold_rows(rates.gold(FIRST, LAST)[5:35])
    assert as_json(rate_texts.gold_rows(FIRST, LAST, Audience.API, 30, 5)) == as_json(gold) != b"[]"


def test_a_figure_keeps_each_of_its_digits_on_either_database(nbp: Source, job: Job) -> None:
    written = ["0.0000000001", "0.002877", "0.0028770000", "110", "100.0", "99999.9999999999", "2.6410", "1234567.89"]
    for number, text in enumerate(written):
        line = [RateRecord("USD", mid=Decimal(text))]
        publish([Table("A", FIRST + timedelta(days=number), line, number="1", sha256="a")], nbp, job)
    of = rate_texts.Stretch(Instrument.objects.get(code="USD"), FIRST, LAST, None, Audience.API)
    assert [row["mid"] for row in rate_texts.rows(of, 100, 0)] == written


def test_what_a_source_does_not_let_us_give_stays_out_of_rows_of_text(nbp: Source, job: Job) -> None:
    fill(nbp, job, 4)
    of = rate_texts.Stretch(Instrument.objects.get(code="USD"), FIRST, LAST, None, Audience.API)
    assert rate_texts.rows(of, 1, 0) != []
    Source.objects.update(public_api=False)
    assert rate_texts.rows(of, 100, 0) == []
    assert rate_texts.gold_rows(FIRST, LAST, Audience.API, 100, 0) == []
    assert rate_texts.rows(of._replace(asker=Audience.OPERATOR), 1, 0) != []


@pytest.mark.parametrize(
    "text", ["USD", " usd ", "USD/PLN", "dolar", "GOLD", "zloto", "nothing", "", "U\0D", "\x01first"]
)
def test_an_instrument_is_found_as_the_writer_finds_it(nbp: Source, job: Job, text: str) -> None:
    fill(nbp, job, 5)
    Alias.objects.create(name="DOLAR", instrument=Instrument.objects.get(code="USD"))
    for number in (7, None):
        Generation.objects.update(number=number) if number else Generation.objects.all().delete()
        ours, theirs = found.find(text), as_the_writer.find(text)
        assert ours == theirs
        if ours and theirs:
            assert [vars(ours)[name] for name in found.FIELDS] == [vars(theirs)[name] for name in found.FIELDS]
            assert getattr(getattr(ours, "generation", None), "number", None) == number


@pytest.mark.parametrize(("address", "most"), [("/rates?code=USD", 2), ("/rates?code=usd/pln", 3), ("/gold?", 2)])
def test_a_cold_series_takes_few_statements_and_makes_no_object_of_a_row(
    client: Client, nbp: Source, job: Job, monkeypatch: pytest.MonkeyPatch, address: str, most: int
) -> None:
    fill(nbp, job, 6)
    for row in (Rate, Publication, Source):
        monkeypatch.setattr(row, "from_db", None)
    with CaptureQueriesContext(connection) as asked:
        response = client.get(f"{address}&{'&'.join(f'{name}={value}' for name, value in YEAR.items())}")
    assert response.status_code == 200
    assert response.json()["count"] > 10
    assert len(asked) <= most


def test_a_full_page_is_counted_and_names_the_next_one(client: Client, nbp: Source, job: Job) -> None:
    fill(nbp, job, 7)
    everything = client.get("/rates", {"code": "USD", **YEAR}).json()
    part = client.get("/rates", {"code": "USD", **YEAR, "limit": "3", "offset": "2"})
    assert part.json() == {"items": everything["items"][2:5], "count": everything["count"]}
    assert "offset=5" in part.headers["Link"]
    behind = client.get("/rates", {"code": "USD", **YEAR, "offset": "1000"})
    assert behind.json() == {"items": [], "count": everything["count"]}


@pytest.mark.usefixtures("without_redis")
def test_an_answer_is_packed_once_and_only_for_who_takes_it(
    client: Client, nbp: Source, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(nbp, job, 8)
    packed: list[int] = []
    compress = gzip.compress

    def counted(body: bytes, *level: int, mtime: float) -> bytes:
        packed.append(len(body))
        return compress(body, *level, mtime=mtime)

    monkeypatch.setattr(gzip, "compress", counted)
    question = {"code": "USD", **YEAR}
    plain = client.get("/rates", question)
    assert not packed
    for _ in range(2):
        answer = client.get("/rates", question, headers={"accept-encoding": "gzip"})
        assert gzip.decompress(answer.content) == plain.content
    assert packed == [len(plain.content)]


@needs_postgres
def test_postgresql_plans_a_series_once_a_connection(nbp: Source, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(nbp, job, 9)
    monkeypatch.setattr(connection.connection, "prepare_threshold", 1)
    dollar = Instrument.objects.get(code="USD")
    for days in range(5):
        of = rate_texts.Stretch(dollar, FIRST + timedelta(days=days), LAST, None, Audience.API)
        assert rate_texts.rows(of, 300 + days, 0) != []
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%LIMIT $%'")
        assert cursor.fetchone() == (1,)


@needs_postgres
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_migration_that_widens_a_column_stops_no_prepared_question(monkeypatch: pytest.MonkeyPatch) -> None:
    Instrument.objects.get_or_create(code="USD", defaults={"kind": "currency", "name_pl": "dolar"})
    monkeypatch.setattr(connection.connection, "prepare_threshold", 1)
    other = connection.copy()
    try:
        for length in (130, 120):
            for _ in range(3):
                assert found.find("USD") is not None
            with other.cursor() as cursor:
                cursor.execute(f"ALTER TABLE {Instrument._meta.db_table} ALTER name_pl TYPE varchar({length})")
    finally:
        other.close()
