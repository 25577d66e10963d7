"""GET /rates and /gold as of a moment, with what operators set beside them, and where each figure came from."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from markets.models import Publication, Rate, Source
from markets.records import RateRecord, Table
from tests.cases import walk
from tests.manual_rates import override
from tests.rate_days import FRIDAY, ask, gold, refusal, save, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]
At = Callable[[str], None]
THURSDAY = date(2026, 10, 22)
FIRST, AGAIN = "2026-10-23T10:00:00Z", "2026-10-24T08:00:00Z"
OCTOBER = {"from_": "2026-10-01", "to": "2026-10-25"}


def table(day: date, proof: str = "a", letter: str = "A", **figures: str) -> Table:
    lines = [RateRecord(code, mid=Decimal(value)) for code, value in figures.items()]
    return Table(letter, day, lines, f"{day.day}/{letter}/NBP/2026", url="https://nbp.example/", sha256=proof * 64)


@pytest.fixture(autouse=True)
def tables(at: At, nbp: Source) -> None:
    """Thursday's and Friday's, the dollar of Friday corrected on Saturday morning; looked at on Sunday."""
    at("2026-10-22 12:00")
    save(nbp, table(THURSDAY, USD="3.9300", EUR="4.3000"), gold(THURSDAY, "480.55"))
    at("2026-10-23 12:00")
    save(nbp, table(FRIDAY, USD="3.9000", EUR="4.3000"))
    at("2026-10-24 10:00")
    save(nbp, table(FRIDAY, "b", USD="3.9500", EUR="4.3000"))
    at("2026-10-25 12:00")


@walk(
    ("as_of", "rows"),
    [
        ("2026-10-22T09:59:59Z", []),
        ("2026-10-22", [("2026-10-22", "3.9300", "2026-10-22T10:00:00Z")]),
        (FIRST, [("2026-10-22", "3.9300", "2026-10-22T10:00:00Z"), ("2026-10-23", "3.9000", FIRST)]),
        ("2026-10-24T07:59:59Z", [("2026-10-22", "3.9300", "2026-10-22T10:00:00Z"), ("2026-10-23", "3.9000", FIRST)]),
        (AGAIN, [("2026-10-22", "3.9300", "2026-10-22T10:00:00Z"), ("2026-10-23", "3.9500", AGAIN)]),
        ("2026-10-25", [("2026-10-22", "3.9300", "2026-10-22T10:00:00Z"), ("2026-10-23", "3.9500", AGAIN)]),
    ],
)
def test_a_series_is_what_was_known_at_the_moment_and_since_when(client: Client, as_of: str, rows: Any) -> None:
    answer = ask(client, "/rates", code="usd", as_of=as_of, **OCTOBER)
    assert told(answer, "effective_date", "mid", "known_from") == rows
    assert answer["count"] == len(rows)


def test_several_codes_and_crosses_are_of_what_was_known_too(client: Client) -> None:
    rows = ask(client, "/rates", code="USD,EUR", from_=FRIDAY, to=FRIDAY, as_of=FIRST)
    assert told(rows, "code", "mid", "known_from") == [("USD", "3.9000", FIRST), ("EUR", "4.3000", FIRST)]
    [then] = ask(client, "/rates", code="EUR", quotes="USD", from_=FRIDAY, to=FRIDAY, as_of=FIRST)["items"]
    [now] = ask(client, "/rates", code="EUR", quotes="USD", from_=FRIDAY, to=FRIDAY, as_of=AGAIN)["items"]
    assert (then["mid"], then["known_from"]) == ("1.1025641", FIRST)
    assert (now["mid"], now["known_from"]) == ("1.0886076", AGAIN)
    assert ask(client, "/rates", code="EUR", quotes="USD", as_of="2026-10-21", **OCTOBER)["count"] == 0
    assert told(ask(client, "/rates", code="PLN", as_of=FIRST, from_=FRIDAY, to=FRIDAY), "mid", "known_from") == [
        ("1", None)
    ]


def test_gold_is_what_was_known(client: Client) -> None:
    known = ask(client, "/gold", as_of="2026-10-22T10:00:00Z", **OCTOBER)
    assert told(known, "effective_date", "price", "unit", "currency") == [("2026-10-22", "480.55", "g", "PLN")]
    assert told(known, "known_from") == [("2026-10-22T10:00:00Z",)]
    assert ask(client, "/gold", as_of="2026-10-22T09:00:00Z", **OCTOBER) == {"items": [], "count": 0}
    assert "known_from" not in ask(client, "/gold", unit="kg", **OCTOBER)["items"][0]


def test_a_page_is_a_part_and_counts_all(client: Client) -> None:
    answer = ask(client, "/rates", code="USD", as_of=FIRST, limit=1, offset=1, **OCTOBER)
    assert (told(answer, "mid"), answer["count"]) == ([("3.9000",)], 2)
    columns = ask(client, "/rates", code="USD", as_of=FIRST, shape="columns", **OCTOBER)["items"]
    assert (columns["mid"], columns["code"]) == (["3.9300", "3.9000"], "USD")
    lines = client.get("/rates?code=USD&as_of=2026-10-23T10:00:00Z&from=2026-10-01&format=ndjson").content.splitlines()
    assert len(lines) == 2


def test_an_answer_of_the_past_is_computed_each_time_and_has_a_tag(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """The currency, the rows, their corrections, the readings of archives; a full page is counted as well."""
    asked = {"code": "USD", "as_of": FIRST, "from": "2026-10-01"}
    for _ in range(2):
        with django_assert_num_queries(4):
            response = client.get("/rates", asked)
    assert response.headers["Cache-Control"] == "public, max-age=60, stale-if-error=86400"
    assert client.get("/rates", asked, headers={"If-None-Match": response.headers["ETag"]}).status_code == 304
    with django_assert_num_queries(5):
        client.get("/rates", asked | {"limit": 2})
    with django_assert_num_queries(4):
        client.get("/rates", asked | {"code": "USD,EUR", "quotes": "PLN"})


@walk("more", [{"date": FRIDAY}, {"fill": "previous"}, {"fill": "none"}, {"group": "month"}])
def test_what_is_explained_from_today_is_refused_as_of_a_moment(client: Client, more: Any) -> None:
    status, code, detail = refusal(client, "/rates", code="USD", as_of=FIRST, **more)
    assert (status, code, detail) == (400, "bad_request", {"not_with": list(more)})
    if "group" not in more:
        assert refusal(client, "/gold", as_of=FIRST, **more)[0] == 400


@pytest.mark.parametrize("path", ["/latest?code=USD", "/convert?amount=1&from=USD&to=PLN"])
def test_other_questions_of_rates_have_no_moment_and_say_so(client: Client, path: str) -> None:
    response = client.get(f"{path}&as_of={FIRST}")
    assert response.status_code == 422
    assert [one["field"] for one in response.json()["error"]["detail"]] == ["as_of"]


@walk("path", ["/rates?code=USD", "/rates?code=USD,EUR", "/gold?unit=g"])
@walk(
    ("text", "status"),
    [
        *((text, 422) for text in ("", "yesterday", "2026-10-23T10:00:00", "２０２６-10-23", "2026-02-30", "%00")),
        *((text, 422) for text in ("2026-10-23&as_of=2026-10-24", "9" * 5000)),
        *((text, 400) for text in ("2026-10-26", "9999-12-31", "2026-10-25T12:00:00Z")),
        ("0001-01-01", 200),
    ],
)
def test_a_moment_that_is_none_or_has_not_come_is_refused(client: Client, path: str, text: str, status: int) -> None:
    assert client.get(f"{path}&as_of={text}").status_code == status


# What operators set


def test_what_an_operator_set_is_a_row_of_its_own_after_that_of_its_day(client: Client) -> None:
    override(effective_date=THURSDAY, mid=Decimal("3.9310"))
    override(6, effective_date=date(2026, 10, 24), mid=Decimal("3.9600"))
    assert told(ask(client, "/rates", code="USD", **OCTOBER), "mid") == [("3.9300",), ("3.9500",)]
    answer = ask(client, "/rates", code="USD", overrides=1, **OCTOBER)
    assert told(answer, "effective_date", "mid", "source", "table_no") == [
        ("2026-10-22", "3.9300", "nbp", "22/A/NBP/2026"), ("2026-10-22", "3.9310", "manual", None),
        ("2026-10-23", "3.9500", "nbp", "23/A/NBP/2026"), ("2026-10-24", "3.9600", "manual", None),
    ]  # fmt: skip
    assert [one and (one["author"], one["reason"]) for (one,) in told(answer, "override")] == [
        None, ("anna", "Misprint"), None, ("anna", "Misprint"),
    ]  # fmt: skip
    page = ask(client, "/rates", code="USD", overrides=1, limit=2, offset=1, **OCTOBER)
    assert page == {"items": answer["items"][1:3], "count": 4}
    assert ask(client, "/rates", code="USD", overrides=0, **OCTOBER)["count"] == 2
    assert ask(client, "/rates", code="EUR", overrides=1, **OCTOBER)["count"] == 2


def test_rows_set_by_hand_have_no_source_to_expand_and_the_same_columns(client: Client) -> None:
    override(effective_date=THURSDAY)
    rows = ask(client, "/rates", code="USD", overrides=1, expand="source", from_=THURSDAY, to=THURSDAY)["items"]
    assert [row["source"] if isinstance(row["source"], str) else row["source"]["code"] for row in rows] == [
        "nbp", "manual",
    ]  # fmt: skip
    assert rows[0].keys() == rows[1].keys()
    assert (rows[1]["provenance"], rows[1]["publication"]) == (None, None)
    lines = client.get("/rates?code=USD&overrides=1&from=2026-10-22&to=2026-10-22&format=csv").content.splitlines()
    assert (len(lines), b"anna" in lines[2]) == (3, True)


def test_they_cost_one_statement_and_are_seen_at_once(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    asked = {"code": "USD", "overrides": "1", "from": "2026-10-01"}
    with django_assert_num_queries(3):
        assert client.get("/rates", asked).json()["count"] == 2
    override(effective_date=THURSDAY)
    with django_assert_num_queries(3):
        assert client.get("/rates", asked).json()["count"] == 3


@walk(
    "more",
    [
        *({"code": "USD,EUR"}, {"code": "PLN"}, {"base": "EUR"}, {"quotes": "EUR"}, {"date": FRIDAY}),
        *({"fill": "none"}, {"group": "week"}, {"source": "nbp"}, {"as_of": FIRST}),
    ],
)
def test_what_cannot_carry_them_is_refused_by_name(client: Client, more: Any) -> None:
    status, code, detail = refusal(client, "/rates", **({"code": "USD", "overrides": 1} | more))
    assert (status, code) == (400, "bad_request")
    assert detail["not_with"]


@walk("text", ["", "2", "true", "１", "1&overrides=1", "%00", "1" * 5000])
def test_another_value_of_overrides_is_422(client: Client, text: str) -> None:
    assert client.get(f"/rates?code=USD&overrides={text}").status_code == 422


# Where each figure came from


def test_with_its_source_a_row_has_the_address_of_its_provenance(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rate = Rate.objects.get(instrument__code="USD", effective_date=FRIDAY)
    day: dict[str, Any] = {"code": "USD", "from": FRIDAY, "to": FRIDAY, "expand": "source"}
    expected = f"/api/v1/provenance/rate/{rate.pk}", f"/api/v1/provenance/publication/{rate.publication_id}"
    with django_assert_num_queries(3):
        [row] = client.get("/rates", day).json()["items"]
    assert (row["provenance"], row["publication"]) == expected
    assert {client.get(address).status_code for address in expected} == {200}
    for path, asked in (("/rates", day | {"code": "USD,EUR"}), ("/latest", {"code": "USD", "expand": "source"})):
        row = client.get(path, asked).json()["items"][0]
        assert (row["provenance"], row["publication"]) == expected
    [then] = client.get("/rates", day | {"as_of": FIRST}).json()["items"]
    assert (then["mid"], then["provenance"], then["publication"]) == ("3.9000", expected[0], None)


def test_what_was_computed_or_has_no_document_has_no_such_address(client: Client) -> None:
    [row] = ask(client, "/rates", code="EUR", quotes="USD", date=FRIDAY, expand="source")["items"]
    assert (row["provenance"], row["publication"]) == (None, None)
    [row] = ask(client, "/rates", code="USD", date="2026-10-24", expand="source")["items"]
    assert (row["provenance"], row["publication"]) == (None, None)
    Rate.objects.update(publication=None)
    Publication.objects.all().delete()
    [row] = ask(client, "/rates", code="USD", from_=THURSDAY, to=THURSDAY, expand="source")["items"]
    assert row["provenance"].startswith("/api/v1/provenance/rate/")
    assert row["publication"] is None
    assert "provenance" not in ask(client, "/rates", code="USD", **OCTOBER)["items"][0]
