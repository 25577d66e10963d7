"""Decisions over the API."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from markets import clock
from markets.models import Instrument, Job, Quote, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from signals import tasks
from signals.models import AnalysisSnapshot, Signal
from tests.cases import walk
from tests.test_engine import START, wave

pytestmark = pytest.mark.django_db


@pytest.fixture
def decided(nbp: Source, job: Job, at: Callable[[str], None]) -> None:
    """USD and gold with decisions, EUR too young, AED only in table B."""
    at("2026-11-20 13:00")
    for code, letter, closes in [("USD", "A", wave(600)), ("EUR", "A", wave(120)), ("AED", "B", wave(20)[::7])]:
        publish([Table(letter, day, [RateRecord(code, mid=value)]) for day, value in closes], nbp, job)
    gold = [Table("gold", day, [RateRecord("XAU", mid=value)], kind="metal") for day, value in wave(300)]
    publish(gold, nbp, job)
    Job.objects.update(status=Job.Status.SUCCESS, lease_until=None)
    tasks.catch_up()


def get(client: Client, path: str, **parameters: Any) -> Any:
    response = client.get(path, parameters)
    assert response.status_code == 200, response.content
    return response.json()


@pytest.mark.slow
def test_the_newest_decision_stands_first(decided: None, client: Client) -> None:
    answer = get(client, "/signals", code="USD", limit=1)
    row = Signal.objects.filter(instrument__code="USD").order_by("-as_of")[0]
    assert answer["count"] == Signal.objects.filter(instrument__code="USD").count()
    assert answer["items"] == [
        {
            "id": row.pk,
            "code": "USD",
            "rule": "macd_signal_cross_12_26_9",
            "timeframe": "1d",
            "as_of": (START + timedelta(days=599)).isoformat(),
            "signal": "HOLD",
            "macd": f"{row.macd:f}",
            "signal_line": f"{row.signal_line:f}",
            "histogram": f"{row.histogram:f}",
            "horizon_days": 5,
            "edition": 1,
            "superseded": False,
            "inputs": row.inputs,
            "params": row.params,
            "program": row.program,
            "generated_at": "2026-11-20T12:00:00Z",
        }
    ]


@pytest.mark.slow
@walk("path", ["/signals", "/signals/", "/api/v1/signals", "/api/v1/signals/"])
def test_every_spelling_of_the_address_answers_alike(decided: None, client: Client, path: str) -> None:
    assert get(client, path, code="gold")["items"][0]["code"] == "XAU"


@pytest.mark.slow
def test_filters_narrow_and_both_ends_are_inclusive(decided: None, client: Client) -> None:
    buys = get(client, "/signals", code="usd/pln", signal="BUY")
    assert {item["signal"] for item in buys["items"]} == {"BUY"}
    day = buys["items"][1]["as_of"]
    one = get(client, "/signals", code="USD", **{"from": day, "to": day})
    assert [item["as_of"] for item in one["items"]] == [day]
    page = get(client, "/signals", limit=2, offset=1)
    assert len(page["items"]) == 2
    assert page["count"] == Signal.objects.count()


@pytest.mark.slow
def test_a_corrected_bar_shows_its_newest_edition_first(decided: None, client: Client) -> None:
    row = Signal.objects.filter(instrument__code="USD").order_by("-as_of")[0]
    row.pk, row.version, row.signal = None, 2, "BUY"
    row.save(force_insert=True)
    first = get(client, "/signals", code="USD", limit=1)["items"][0]
    assert (first["edition"], first["signal"]) == (2, "BUY")


@pytest.mark.slow
def test_the_current_state_lists_every_instrument(decided: None, client: Client) -> None:
    answer = get(client, "/signals/current")
    states = {item["code"]: item for item in answer["items"]}
    assert answer["count"] == 4
    assert list(states) == ["AED", "EUR", "USD", "XAU"]
    assert {code: item["status"] for code, item in states.items()} == {
        "AED": "not_applicable", "EUR": "warming_up", "USD": "ok", "XAU": "ok",
    }  # fmt: skip
    assert (states["EUR"]["signal"], states["EUR"]["bars"], states["EUR"]["warm_up"]) == (None, 120, 250)
    assert (states["USD"]["signal"], states["USD"]["as_of"]) == ("HOLD", (START + timedelta(days=599)).isoformat())
    assert states["AED"]["as_of"] is None


@pytest.mark.slow
def test_an_instrument_that_nobody_decided_on_yet_is_pending(decided: None, client: Client) -> None:
    AnalysisSnapshot.objects.all().delete()
    assert {item["status"] for item in get(client, "/signals/current")["items"]} == {"pending"}


@walk(
    ("parameters", "status"),
    [
        ({"code": "USB"}, 404),
        ({"signal": "buy"}, 422),
        ({"from": "2024-02-01", "to": "2024-01-01"}, 400),
        ({"from": "yesterday"}, 422),
        ({"limit": "0"}, 422),
        ({"bogus": "1"}, 422),
    ],
)
def test_a_wrong_question_gets_the_envelope(
    decided: None, client: Client, parameters: dict[str, str], status: int
) -> None:
    response = client.get("/signals", parameters)
    assert response.status_code == status
    assert set(response.json()["error"]) == {"code", "message", "detail", "id"}


@pytest.mark.slow
def test_the_nearest_codes_are_named(decided: None, client: Client) -> None:
    assert client.get("/signals?code=USB").json()["error"]["detail"] == {"nearest": ["USD"]}


@pytest.mark.slow
def test_the_number_of_queries_does_not_grow_with_the_rows(
    decided: None, client: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(2):
        get(client, "/signals", limit=1000)
    with django_assert_max_num_queries(3):
        get(client, "/signals/current", limit=1000)


def test_the_last_days_that_dates_can_name_are_no_fault(decided: None, client: Client) -> None:
    assert get(client, "/signals", **{"from": "0001-01-01", "to": "9999-12-31"})["count"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("hidden", ["nbp", "nbp_archive"])
def test_decisions_are_not_shown_where_a_source_of_their_series_is_not(
    decided: None, client: Client, hidden: str
) -> None:
    """An archive's figures are in the averages as well as those of whom it stands in for."""
    Source.objects.filter(code=hidden).update(public_api=False)
    for path in ("/signals", "/signals?code=USD", "/signals?code=gold&signal=BUY", "/signals/current"):
        assert get(client, path) == {"items": [], "count": 0}


def test_decisions_stay_where_somebody_elses_figures_of_the_same_are_not_shown(decided: None, client: Client) -> None:
    """A price of the market that may not be shown, and one of a page: neither is in the series."""
    Source.objects.update(public_display=False)
    polygon = Source.objects.get(code="polygon")
    usd = Instrument.objects.get(code="USD")
    Quote.objects.create(instrument=usd, source=polygon, observed_at=clock.now(), price=4, scale=4)
    assert not polygon.public_api
    assert get(client, "/signals", code="USD")["count"] == Signal.objects.filter(instrument=usd).count() > 0
    assert "USD" in [item["code"] for item in get(client, "/signals/current")["items"]]
