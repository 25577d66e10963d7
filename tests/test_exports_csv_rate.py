"""One bare number for one cell: `/csv/rate` and its Polish name."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from markets.models import Job, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from tests.cases import walk
from tests.test_api_errors import error
from tests.test_api_laws import TOKEN, spellings
from tests.test_api_rates import gold_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]

THURSDAY, FRIDAY, SATURDAY, MONDAY = (date(2026, 10, day) for day in (22, 23, 24, 26))
NUMBERS = {THURSDAY: "089/A/NBP/2026", FRIDAY: "090/A/NBP/2026", MONDAY: "091/A/NBP/2026"}
USD = "/csv/rate?code=USD"


@pytest.fixture(autouse=True)
def figures(at: Callable[[str], None], nbp: Source, job: Job, settings: Any) -> None:
    settings.API_TOKEN = "let-me-in"
    at("2026-10-26 13:00")
    mids = {THURSDAY: "3.6410", FRIDAY: "3.6500", MONDAY: "3.6620"}
    tables = [Table("A", day, [RateRecord("USD", mid=Decimal(mid))], number=NUMBERS[day]) for day, mid in mids.items()]
    publish([*tables, gold_of(MONDAY, "595.71")], nbp, job)


def number(client: Client, address: str, **more: Any) -> str:
    answer = client.get(address, **more)
    assert answer.status_code == 200, answer.content
    kind = "text/plain" if "dec=," in address else "text/csv"
    assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
    return str(answer.content.decode())


@walk(
    ("query", "shown"),
    [
        ("code=USD&date=2026-10-23", "3.6500"),
        ("code=usd/pln&date=2026-10-23", "3.6500"),
        ("code=USD&date=2026-10-23&dec=,", "3,6500"),
        ("code=USD", "3.6620"),
        ("code=XAU", "595.71"),
        ("code=gold&date=2026-10-26&dec=,", "595,71"),
    ],
)
def test_the_answer_is_the_published_number_and_nothing_else(client: Client, query: str, shown: str) -> None:
    assert number(client, f"/csv/rate?{query}") == shown


def test_the_polish_name_and_every_spelling_answer_alike(client: Client) -> None:
    addresses = [*spellings("/csv/rate"), *spellings("/csv/kurs")]
    assert {number(client, f"{address}?code=USD") for address in addresses} == {"3.6620"}
    assert error(client.get("/csv/none"), 404)["code"] == "not_found"
    assert error(client.post("/csv/kurs"), 405)["detail"] == {"allowed": ["GET"]}


def test_a_rule_means_the_day_that_the_law_names(client: Client) -> None:
    """Revenue of Saturday: the last working day before it."""
    assert number(client, f"{USD}&date=2026-10-24&rule=pit") == "3.6500"
    assert number(client, f"{USD}&date=2026-10-26&rule=pit-revenue&dec=,") == "3,6500"
    assert number(client, f"{USD}&date=2026-10-26&rule=same-day") == "3.6620"


def test_a_day_without_a_rate_is_an_error_that_names_the_day_before(client: Client) -> None:
    found = error(client.get(f"{USD}&date=2026-10-24"), 404)
    assert (found["code"], found["detail"]) == ("no_rate", {"before": "2026-10-23"})
    assert error(client.get(f"{USD}&date=2026-10-27"), 404)["detail"] == {"before": "2026-10-26"}
    assert error(client.get(f"{USD}&date=1970-01-01"), 404)["detail"] == {"before": None}


@walk(
    ("query", "status", "code"),
    [
        ("code=USB", 404, "unknown_code"),
        ("code=BTC", 404, "unknown_code"),
        ("", 422, "invalid_parameters"),
        ("code=", 422, "invalid_parameters"),
        ("code=" + "x" * 33, 422, "invalid_parameters"),
        ("code=US%00D", 422, "invalid_parameters"),
        ("code=USD&code=EUR", 422, "invalid_parameters"),
        ("code=USD&date=", 422, "invalid_parameters"),
        ("code=USD&date=23.10.2026", 422, "invalid_parameters"),
        ("code=USD&date=２０２６-10-23", 422, "invalid_parameters"),
        ("code=USD&date=2026-02-30", 422, "invalid_parameters"),
        ("code=USD&dec=;", 422, "invalid_parameters"),
        ("code=USD&rule=", 422, "invalid_parameters"),
        ("code=USD&rule=nothing&date=2026-10-23", 422, "unknown_rule"),
        ("code=USD&rule=pit", 422, "missing_input"),
        ("code=USD&format=csv", 422, "invalid_parameters"),
    ],
)
def test_a_bad_question_is_an_error_in_the_envelope(client: Client, query: str, status: int, code: str) -> None:
    assert error(client.get(f"/csv/rate?{query}"), status)["code"] == code


@pytest.mark.parametrize(("now", "code"), [("2026-11-10 13:00", "USD"), ("2026-11-10 13:00", "XAU")])
def test_an_old_number_is_not_the_newest(client: Client, at: Callable[[str], None], now: str, code: str) -> None:
    """Two weeks after the table the number may stand for today; a day later its source has stalled."""
    at("2026-11-09 13:00")
    assert number(client, f"/csv/rate?code={code}")
    at(now)
    found = error(client.get(f"/csv/rate?code={code}"), 404)
    assert (found["code"], found["detail"]) == ("no_rate", {"before": "2026-10-26"})
    assert number(client, f"/csv/rate?code={code}&date=2026-10-26")


def test_a_currency_that_left_its_table_has_no_newest_number(client: Client, nbp: Source, job: Job) -> None:
    publish([Table("A", date(2022, 12, 30), [RateRecord("HRK", mid=Decimal("0.6224"))])], nbp, job)
    assert error(client.get("/csv/kurs?code=HRK"), 404)["detail"] == {"before": "2022-12-30"}
    assert number(client, "/csv/kurs?code=HRK&date=2022-12-30") == "0.6224"


def test_what_the_licence_keeps_is_no_number(client: Client) -> None:
    Source.objects.update(public_api=False)
    assert error(client.get(USD), 404)["code"] == "no_rate"
    assert number(client, USD, headers=TOKEN) == "3.6620"


def test_it_has_a_tag_and_head(client: Client) -> None:
    first = client.get(USD)
    assert first.headers["Cache-Control"] == "public, max-age=60, stale-if-error=86400"
    again = client.get(USD, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = client.head(USD)
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", first.headers["ETag"])


def test_a_cell_costs_a_few_statements(client: Client, django_assert_max_num_queries: Any) -> None:
    client.get(USD)
    with django_assert_max_num_queries(4):
        client.get(USD)
