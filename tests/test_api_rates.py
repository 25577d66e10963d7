"""GET /rates and /gold: the published digits, the canonical figure, the days, the pages."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from markets.jobs import runs
from markets.models import Instrument, Job, Rate, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from tests.cases import walk

JAN_2, JAN_3, JAN_4 = date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4)
JANUARY = {"from": "2024-01-01", "to": "2024-01-31"}


def mids(day: date, letter: str = "A", **figures: str) -> Table:
    lines = [RateRecord(code, mid=Decimal(value)) for code, value in figures.items()]
    return Table(letter, day, lines, number=f"{day.day:03}/{letter}/NBP/2024", url="https://nbp.example/", sha256="a")


def table_c(day: date, code: str, bid: str, ask: str) -> Table:
    return Table("C", day, [RateRecord(code, bid=Decimal(bid), ask=Decimal(ask))], number="003/C/NBP/2024", sha256="c")


def gold_of(day: date, price: str) -> Table:
    return Table("gold", day, [RateRecord("XAU", mid=Decimal(price))], sha256="g", kind="metal")


def get(client: Client, path: str, **parameters: object) -> Any:
    response = client.get(path, {name: str(value) for name, value in parameters.items()})
    assert response.status_code == 200, response.content
    return response.json()


def days(answer: Any) -> list[str]:
    return [item["effective_date"] for item in answer["items"]]


def test_a_rate_is_flat_and_keeps_its_digits_and_the_number_of_its_table(client: Client, nbp: Source, job: Job) -> None:
    publish([mids(JAN_2, USD="3.9350")], nbp, job)
    rate = {
        "code": "USD", "base": "USD", "quote": "PLN", "effective_date": "2024-01-02", "mid": "3.9350", "bid": None,
        "ask": None, "unit": 1, "source": "nbp", "table": "A", "table_no": "002/A/NBP/2024",
    }  # fmt: skip
    assert get(client, "/rates", code="USD", **JANUARY) == {"items": [rate], "count": 1}


@walk("published", ["2.6410", "0.00021385", "110", "5.2000", "0.0000001", "0.0000000120"])
def test_published_zeros_and_small_numbers_are_printed_as_published(
    client: Client, nbp: Source, job: Job, published: str
) -> None:
    publish([mids(JAN_2, IDR=published)], nbp, job)
    assert get(client, "/rates", code="IDR", **JANUARY)["items"][0]["mid"] == published


def test_table_c_gives_bid_and_ask_and_no_mid(client: Client, nbp: Source, job: Job) -> None:
    publish([mids(JAN_3, USD="3.9432")], nbp, job)
    publish([table_c(JAN_3, "USD", "3.9010", "3.9800")], nbp, job)
    [rate] = get(client, "/rates", code="USD", table="C", **JANUARY)["items"]
    assert (rate["mid"], rate["bid"], rate["ask"]) == (None, "3.9010", "3.9800")
    assert (rate["table"], rate["table_no"]) == ("C", "003/C/NBP/2024")


def test_without_a_table_each_day_has_one_mid_of_a_before_b(client: Client, nbp: Source, job: Job) -> None:
    publish([mids(JAN_2, UAH="0.1040")], nbp, job)
    publish([mids(JAN_2, "B", UAH="0.1050"), mids(JAN_3, "B", UAH="0.1060")], nbp, job)
    publish([table_c(JAN_3, "UAH", "0.1000", "0.1100")], nbp, job)
    rates = get(client, "/rates", code="UAH", **JANUARY)
    assert [(rate["table"], rate["mid"]) for rate in rates["items"]] == [("A", "0.1040"), ("B", "0.1060")]
    assert rates["count"] == 2
    only_b = get(client, "/rates", code="UAH", table="B", **JANUARY)
    assert [rate["mid"] for rate in only_b["items"]] == ["0.1050", "0.1060"]


def test_both_ends_of_the_period_are_inclusive_and_days_ascend(client: Client, nbp: Source, job: Job) -> None:
    publish([mids(JAN_4, USD="3.9684"), mids(JAN_2, USD="3.9432"), mids(JAN_3, USD="3.9909")], nbp, job)
    both = get(client, "/rates", code="USD", **{"from": JAN_2, "to": JAN_4})
    assert days(both) == ["2024-01-02", "2024-01-03", "2024-01-04"]
    assert days(get(client, "/rates", code="USD", **{"from": JAN_3, "to": JAN_3})) == ["2024-01-03"]


def fill(code: str, source: Source, days: list[date]) -> None:
    instrument = Instrument.objects.create(code=code, base=code, kind="currency", name_pl=code, name_en=code)
    Rate.objects.bulk_create(
        Rate(instrument=instrument, source=source, table="A", effective_date=day, mid=Decimal("1.0000"), scale=4)
        for day in days
    )


@walk(
    ("asked", "first", "last"),
    [
        ({}, "2026-07-26", "2026-10-26"),
        ({"from": "2026-09-01"}, "2026-09-01", "2026-10-26"),
        ({"to": "2026-09-01"}, "2026-06-01", "2026-09-01"),
    ],
)
def test_the_period_is_93_days_to_today_where_it_is_not_said(
    client: Client, nbp: Source, at: Callable[[str], None], asked: dict[str, str], first: str, last: str
) -> None:
    at("2026-10-26 00:30")  # in UTC it is still the day before
    fill("USD", nbp, [date(2026, 10, 31) - timedelta(days=back) for back in range(300)])
    answer = get(client, "/rates", code="USD", limit=1000, **asked)
    assert (days(answer)[0], days(answer)[-1]) == (first, last)
    assert "from" in asked or answer["count"] == 93


@walk("spelling", ["USD", "usd", " usd ", "USD/PLN", "usdpln"])
def test_a_currency_is_found_by_code_and_alias_in_any_case(
    client: Client, nbp: Source, job: Job, spelling: str
) -> None:
    publish([mids(JAN_2, USD="3.9432")], nbp, job)
    assert get(client, "/rates", code=spelling, **JANUARY)["count"] == 1


def test_a_source_answers_with_its_own_figures_only(client: Client, nbp: Source, archive: Source, job: Job) -> None:
    archived = Table("A", JAN_2, [RateRecord("USD", mid=Decimal("3.9432"))])
    publish([archived], archive, runs.start("nbp_archive.mid", archive, "command"))
    publish([mids(JAN_3, USD="3.9909")], nbp, job)
    assert days(get(client, "/rates", code="USD", source="nbp", **JANUARY)) == ["2024-01-03"]
    [old] = get(client, "/rates", code="USD", source="NBP_archive", **JANUARY)["items"]
    assert (old["source"], old["table"], old["table_no"]) == ("nbp_archive", "A", None)
    assert get(client, "/rates", code="USD", **JANUARY)["count"] == 2


def test_figures_of_a_source_that_is_not_public_are_not_shown(client: Client, nbp: Source, job: Job) -> None:
    publish(
        [
            mids(JAN_2, USD="3.9432"),
        ],
        nbp,
        job,
    )
    publish([gold_of(JAN_2, "262.18")], nbp, job)
    Source.objects.update(public_api=False)
    assert get(client, "/rates", code="USD", **JANUARY) == {"items": [], "count": 0}
    assert get(client, "/gold", **JANUARY) == {"items": [], "count": 0}
    refused = client.get("/rates", {"code": "USD", "source": "nbp", **JANUARY})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_public")


def test_operators_get_figures_of_a_source_that_is_not_public(
    client: Client, nbp: Source, job: Job, settings: Any
) -> None:
    settings.API_TOKEN = "let-me-in"
    publish([mids(JAN_2, USD="3.9432"), table_c(JAN_2, "USD", "3.9010", "3.9800")], nbp, job)
    publish([gold_of(JAN_2, "262.18")], nbp, job)
    Source.objects.update(public_api=False)
    for path, asked, name, figure in (
        ("/rates", {"code": "USD"}, "mid", "3.9432"),
        ("/rates", {"code": "USD", "source": "nbp"}, "mid", "3.9432"),
        ("/rates", {"code": "USD", "table": "C"}, "bid", "3.9010"),
        ("/gold", {"source": "nbp"}, "price", "262.18"),
    ):
        answer = client.get(path, asked | JANUARY, headers={"Authorization": "Bearer let-me-in"})
        assert answer.status_code == 200, answer.content
        assert (answer.json()["count"], answer.json()["items"][0][name]) == (1, figure)


def test_pages_follow_each_other_and_count_is_the_whole(client: Client, nbp: Source) -> None:
    fill("USD", nbp, [JAN_2 + timedelta(days=ahead) for ahead in range(120)])
    whole = {"code": "USD", "from": "2024-01-01", "to": "2024-12-31"}
    first, second = get(client, "/rates", **whole), get(client, "/rates", offset=100, **whole)
    assert (len(first["items"]), len(second["items"])) == (100, 20)
    assert first["count"] == second["count"] == 120
    assert days(first) + days(second) == [str(JAN_2 + timedelta(days=ahead)) for ahead in range(120)]
    assert get(client, "/rates", offset=1_000_000_000, **whole) == {"items": [], "count": 120}


@pytest.mark.slow
def test_ten_thousand_rows_come_in_one_answer_and_no_more_queries_than_ten(
    client: Client, nbp: Source, django_assert_num_queries: Any
) -> None:
    fill("USD", nbp, [date(1995, 1, 1) + timedelta(days=ahead) for ahead in range(10_050)])
    with django_assert_num_queries(3):
        few = get(client, "/rates", code="USD", limit=10, **{"from": "1995-01-01"})
    with django_assert_num_queries(3):
        many = get(client, "/rates", code="USD", limit=10_000, **{"from": "1995-01-01"})
    assert (len(few["items"]), len(many["items"])) == (10, 10_000)
    assert few["count"] == many["count"] == 10_050


def test_gold_is_pln_for_a_gram(client: Client, nbp: Source, job: Job) -> None:
    publish([mids(JAN_2, USD="3.9432")], nbp, job)
    publish([gold_of(JAN_3, "262.10"), gold_of(JAN_2, "261.55")], nbp, job)
    prices = [
        {"effective_date": "2024-01-02", "price": "261.55", "unit": "g", "source": "nbp"},
        {"effective_date": "2024-01-03", "price": "262.10", "unit": "g", "source": "nbp"},
    ]
    assert get(client, "/gold", **JANUARY) == {"items": prices, "count": 2}
    assert get(client, "/gold", source="nbp", limit=1, offset=1, **JANUARY) == {"items": prices[1:], "count": 2}


@walk("spelling", ["XAU", "gold", "ZLOTO"])
def test_gold_is_no_currency_and_rates_say_where_it_is(client: Client, nbp: Source, job: Job, spelling: str) -> None:
    publish([gold_of(JAN_2, "261.55")], nbp, job)
    response = client.get("/rates", {"code": spelling})
    assert response.status_code == 404
    assert response.json()["error"]["detail"] == {"nearest": [], "see": "/api/v1/gold"}
