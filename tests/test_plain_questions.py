"""The plainest question of the API has a way of its own, which answers what the long way answers, byte for byte."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DataError, OperationalError
from django.test import Client

from charon.api import plain
from markets.api import rates
from markets.models import Job, Source
from markets.queries import rate_texts
from markets.records import RateRecord, Table
from markets.store.publish import publish
from tests.forgotten import forget

FIRST = date(2024, 1, 1)
YEAR = "code=USD&from=2024-01-01&to=2024-12-31&limit=366"
# By an address that differs in nothing else: the value of a parameter that is the default anyway.
LONG = "&offset=0"


def fill(nbp: Source, job: Job) -> None:
    tables = []
    for number in range(110):
        lines = [RateRecord("USD", mid=Decimal("3.9350") + number), RateRecord("EUR", mid=Decimal("4.1"))]
        tables.append(Table("A", FIRST + timedelta(days=number), lines, number=str(number), sha256="a"))
    publish(tables, nbp, job)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The codes of the questions that took the short way and were answered there."""
    found: list[str] = []
    answer = plain.answer

    def counted(asked: plain.Plain) -> Any:
        found_one = answer(asked)
        if found_one is not None:
            found.append(asked.code)
        return found_one

    monkeypatch.setattr(plain, "answer", counted)
    return found


def told(response: Any) -> tuple[int, dict[str, str], bytes]:
    own = {"X-Request-ID", "RateLimit"}
    return response.status_code, {name: text for name, text in response.items() if name not in own}, response.content


@pytest.mark.parametrize(
    "query",
    [
        YEAR,
        YEAR.replace("366", "100"),
        YEAR.replace("366", "7"),
        YEAR.replace("USD", "eur"),
        YEAR.replace("2024", "2020"),
        "limit=366&to=2024-12-31&from=2024-01-01&code=USD",
        "from=2024-01-01&to=2024-03-31&code=USD",
    ],
)
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_the_short_way_answers_as_the_long_one(
    client: Client, nbp: Source, job: Job, short: list[str], query: str, encoding: str
) -> None:
    fill(nbp, job)
    headers = {"accept-encoding": encoding}
    ours = told(client.get(f"/rates?{query}", headers=headers))
    assert len(short) == 1
    forget()
    status, theirs, content = told(client.get(f"/rates?{query}{LONG}", headers=headers))
    assert len(short) == 1
    if "Link" in theirs:
        theirs["Link"] = ours[1]["Link"]  # each names its own address
    assert ours == (status, theirs, content)


def test_both_ways_have_one_kept_answer(client: Client, nbp: Source, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(nbp, job)
    first = client.get(f"/rates?{YEAR}{LONG}")
    monkeypatch.setattr(rate_texts, "rows", None)  # nothing is read again
    assert client.get(f"/rates?{YEAR}").content == first.content


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (YEAR.replace("USD", "XXX"), 404),
        (YEAR.replace("USD", "XAU"), 404),
        (YEAR.replace("USD", "PLN"), 200),
        (YEAR.replace("2024-12-31", "2023-12-31"), 400),
        (YEAR.replace("12-31", "02-30"), 422),
        (YEAR.replace("366", "0"), 422),
        (YEAR.replace("366", "99999"), 422),
        (f"{YEAR}&table=A", 200),
        (f"{YEAR}&format=csv", 200),
        (f"{YEAR}&nothing=1", 422),
        (f"{YEAR}&code=EUR", 422),
        (f"{YEAR}&limit=5", 422),
        ("code=USD&from=2024-01-01", 200),
        (YEAR.replace("USD", "USD%00"), 422),
    ],
)
def test_what_is_not_so_plain_goes_the_long_way(
    client: Client, nbp: Source, job: Job, short: list[str], query: str, status: int
) -> None:
    fill(nbp, job)
    assert client.get(f"/rates?{query}").status_code == status
    assert short == []


@pytest.mark.parametrize(
    "headers",
    [{"authorization": "Bearer x"}, {"cookie": "sessionid=x"}, {"accept": "text/csv"}, {"accept": "image/png"}],
)
def test_who_is_not_anonymous_or_takes_no_json_goes_the_long_way(
    client: Client, nbp: Source, job: Job, short: list[str], headers: dict[str, str]
) -> None:
    fill(nbp, job)
    client.get(f"/rates?{YEAR}", headers=headers)
    assert short == []


def test_a_host_that_is_none_of_ours_is_refused_there_too(client: Client, nbp: Source, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["charon.example"]
    assert client.get(f"/rates?{YEAR}", headers={"host": "evil.example"}).status_code == 400


def test_a_question_counts_towards_its_callers_limit_as_any_other(
    client: Client, nbp: Source, job: Job, short: list[str], settings: Any
) -> None:
    settings.LIMIT_READS = 2
    fill(nbp, job)
    statuses = [client.get(f"/rates?{YEAR.replace('366', str(limit))}").status_code for limit in (5, 6, 7)]
    assert statuses == [200, 200, 429]
    assert len(short) == 2


def test_a_database_that_is_away_is_waited_for_once(
    nbp: Source, job: Job, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(nbp, job)
    waits: list[object] = []

    def away(*asked: object) -> None:
        waits.append(asked)
        raise OperationalError("no database")

    monkeypatch.setattr(rates, "plain", away)
    monkeypatch.setattr(rates, "series", away)
    answer = client.get(f"/rates?{YEAR}")
    assert (answer.status_code, answer["Retry-After"], len(waits)) == (503, "10", 1)
    assert answer.json()["error"]["code"] == "unavailable"


def test_what_only_the_short_way_fails_at_is_answered_by_the_long_one(
    nbp: Source, job: Job, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(nbp, job)

    def refused(*_: object) -> None:
        raise DataError("a value that the database does not take")

    monkeypatch.setattr(rates, "plain", refused)
    assert client.get(f"/rates?{YEAR}").status_code == 200
