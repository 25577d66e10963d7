"""`/outcomes`: panels with their numbers, in both languages, and never a number without its n."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from markets.instruments import create
from markets.models import Instrument, Job, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from signals.outcomes import store
from signals.outcomes.models import Outcome
from signals.outcomes.schemas import OutcomeItem
from tests.cases import walk
from tests.outcome_rows import MACD, outcome, panel
from tests.test_engine import wave

pytestmark = pytest.mark.django_db


@pytest.fixture
def usd(at: Callable[[str], None]) -> Instrument:
    at("2026-11-20 13:00")
    row = create.currency("USD")
    row.save()
    return row


def ask(client: Client, path: str = "/api/v1/outcomes", **parameters: Any) -> Any:
    response = client.get(path, parameters)
    assert response.status_code == 200, response.content
    return response.json()


def test_a_panel_has_all_of_its_numbers_as_strings(usd: Instrument, client: Client) -> None:
    outcome(usd)
    answer = ask(client)
    assert answer["count"] == 1
    said = answer["items"][0].pop("says")
    assert said["pl"].startswith("Nie odróżnia się od przypadku")
    assert answer["items"] == [
        {
            "code": "USD",
            "family": "official",
            "rule": MACD,
            "timeframe": "1d",
            "horizon": 5,
            "live": False,
            "n": 235,
            "n_eff": "201.5",
            "first": "2003-01-15",
            "last": "2026-10-15",
            "hit_rate": "0.5125",
            "hit_low": "0.4421",
            "hit_high": "0.5788",
            "mean": "0.0042",
            "median": "0.0031",
            "worst": "-0.0512",
            "holding": "0.0008",
            "percentile": "63.25",
            "net": "-0.0194",
            "net_n": 235,
            "costs": "half of the spread of table C",
            "smallest": "0.0061",
            "sharpe": "0.0125",
            "deflated": "0.25",
            "verdict": "chance",
            "t": "1.125",
            "p": "0.9713",
            "panels": 474,
            "computed_at": "2026-10-26T03:30:00Z",
            "method": "docs/method.md",
        }
    ]


@walk(
    "more",
    [
        {},
        {"says": "", "n": 3, "p": None, "t": None},
        {"says": "better"},
        {"says": "worse", "net": None, "deflated": 1e-9},
    ],
)
def test_an_answer_keeps_to_its_schema(usd: Instrument, client: Client, more: dict[str, Any]) -> None:
    outcome(usd, **more)
    opened = datetime(2026, 10, 26, 9, tzinfo=UTC)
    outcome(None, family="candles", timeframe="1h", first=opened, last=opened, **more)
    for item in ask(client)["items"]:
        assert OutcomeItem.model_validate(item).model_dump(mode="json") == item


def test_all_together_come_first_and_have_no_code(usd: Instrument, client: Client) -> None:
    outcome(usd, horizon=20)
    outcome(usd, horizon=1)
    outcome(None)
    assert [(item["code"], item["horizon"]) for item in ask(client)["items"]] == [(None, 5), ("USD", 1), ("USD", 20)]
    assert [item["horizon"] for item in ask(client, limit=1, offset=1)["items"]] == [1]
    assert ask(client, limit=1)["count"] == 3


@pytest.mark.slow
@walk(
    ("parameters", "found"),
    [
        ({"code": "usd"}, 3),
        ({"rule": "macd_cross"}, 3),
        ({"rule": MACD, "horizon": 20}, 1),
        ({"rule": "ALL"}, 4),
        ({"live": "true"}, 1),
        ({"live": "false"}, 3),
        ({"timeframe": "1h"}, 1),
        ({"timeframe": "4h"}, 0),
    ],
)
def test_filters_narrow(usd: Instrument, client: Client, parameters: dict[str, Any], found: int) -> None:
    outcome(usd)
    outcome(usd, live=True)
    outcome(usd, horizon=20)
    outcome(None, family="candles", timeframe="1h", rule="rsi_reversal_14_30_70")
    assert ask(client)["count"] == 4
    for _ in range(2):  # the second time from the cache
        assert ask(client, **parameters)["count"] == found


@walk(
    ("parameters", "status", "detail"),
    [
        ({"code": "USB"}, 404, {"nearest": ["USD"]}),
        ({"rule": "macd_crosss"}, 404, {"nearest": [MACD]}),
        ({"horizon": "3"}, 422, None),
        ({"horizon": "x"}, 422, None),
        ({"timeframe": "2d"}, 422, None),
        ({"live": "perhaps"}, 422, None),
        ({"limit": "0"}, 422, None),
        ({"bogus": "1"}, 422, None),
    ],
)
def test_a_wrong_question_gets_the_envelope(
    usd: Instrument, client: Client, parameters: dict[str, str], status: int, detail: object
) -> None:
    response = client.get("/outcomes", parameters)
    assert response.status_code == status
    assert response.json()["error"]["detail"] == detail or detail is None


@walk(
    ("more", "costs"),
    [
        ({}, "half of the spread of table C"),
        ({"family": "candles"}, "0.1 % a side"),
        ({"net": None}, "does not apply"),
        ({"net": None, "says": ""}, None),
    ],
)
def test_costs_say_what_they_are_or_that_there_are_none(
    usd: Instrument, client: Client, more: dict[str, Any], costs: str | None
) -> None:
    outcome(usd, **more)
    assert ask(client)["items"][0]["costs"] == costs


def test_too_little_is_a_verdict_too(usd: Instrument, client: Client) -> None:
    outcome(usd, n=3, says="")
    (item,) = ask(client)["items"]
    assert (item["verdict"], item["n"]) == ("too_little", 3)
    assert item["says"]["pl"] == "Za mało danych: 3\u00a0sygnały, potrzeba 30."


@pytest.mark.usefixtures("without_redis")  # where answers leave the cache with the commit
def test_a_new_run_is_answered_at_once_and_until_then_a_client_has_the_same(usd: Instrument, client: Client) -> None:
    store.replace("official", [panel("USD")])
    first = client.get("/outcomes?code=USD")
    assert first.headers["Cache-Control"] == "public, max-age=60, stale-if-error=86400"
    tag = first.headers["ETag"]
    assert client.get("/outcomes?code=USD", headers={"If-None-Match": tag}).status_code == 304
    store.replace("official", [panel("USD", n=236)])
    again = client.get("/outcomes?code=USD", headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert again.json()["items"][0]["n"] == 236
    assert ask(client)["items"][0]["n"] == 236


def test_the_number_of_queries_does_not_grow_with_the_rows(
    usd: Instrument, client: Client, django_assert_max_num_queries: Any
) -> None:
    for horizon in (1, 5, 20):
        outcome(usd, horizon=horizon)
    with django_assert_max_num_queries(2):
        assert ask(client, limit=1000)["count"] == 3


@pytest.mark.usefixtures("without_redis")  # where answers leave the cache with the commit
def test_what_is_made_of_figures_that_are_not_public_is_left_out(
    nbp: Source, job: Job, client: Client, at: Callable[[str], None], settings: Any
) -> None:
    at("2026-11-20 13:00")
    publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in wave(10)], nbp, job)
    outcome(Instrument.objects.get(code="USD"))
    outcome(None)
    settings.API_TOKEN = "let-me-in"
    assert ask(client)["count"] == 2
    nbp.public_api = False
    nbp.save()
    assert ask(client) == {"items": [], "count": 0}
    operator = client.get("/outcomes", headers={"Authorization": "Bearer let-me-in"})
    assert operator.json()["count"] == Outcome.objects.count() == 2
    assert "no-store" in operator.headers["Cache-Control"]
