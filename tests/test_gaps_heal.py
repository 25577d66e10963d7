"""Gaps asked for again by an operator: a job that waits, the same for the same wish, and what its task brings."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.module_loading import import_string
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from markets import api_tokens, clock
from markets.access import Scope
from markets.instruments import create
from markets.jobs import job_leases, runs
from markets.models import Candle, Gap, Job, Publication, Source
from markets.queries.gap_days import HEAL
from markets.records import Table
from markets.store.outbox import midnight
from miner import backfill
from miner.fetch import cooldown
from miner.fetch.errors import Unreadable
from miner.gaps import tables
from miner.gaps.ask import windows
from miner.gaps.wish import Wish
from miner.providers.nbp import NBP
from tests.cases import walk
from tests.market import instrument
from tests.markets_fake import open_market
from tests.replica import Replica
from tests.test_api_errors import error
from tests.test_fill import market
from tests.test_past import WithPast

pytestmark = pytest.mark.django_db
TOKEN = {"Authorization": "Bearer let-me-in"}

__all__ = ["market"]


@pytest.fixture(autouse=True)
def operators_token(settings: Any, at: Callable[[str], None]) -> None:
    settings.API_TOKEN = "let-me-in"
    at("2026-10-26 13:00:30")


def gap(of: Source, first: str, last: str = "", table: str = "A", **more: Any) -> Gap:
    """Tried once; nobody would ask for it for an hour."""
    days = midnight(date.fromisoformat(first)), midnight(date.fromisoformat(last or first))
    more = {"reason": "failed", "tries": 1, "next_try": clock.now() + timedelta(hours=1)} | more
    return Gap.objects.create(source=of, table=table, from_time=days[0], to_time=days[1], **more)


def heal(client: Client, headers: Any = TOKEN, **wish: Any) -> Any:
    body = json.dumps({"source": "nbp", "table": "A"} | wish)
    return client.post("/gaps/heal", body, content_type="application/json", headers=headers)


def queued() -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """What the miner is asked for; the brain has tasks of its own."""
    rows = [SignedPackage.loads(row.payload) for row in OrmQ.objects.order_by("pk")]
    return [(row["func"], row["args"], row["kwargs"]) for row in rows if row["func"].startswith("miner.")]


def work_off() -> list[str]:
    """What each task of the queue answered, and those that it put there."""
    answers: list[str] = []
    while todo := queued():
        OrmQ.objects.all().delete()
        for func, args, state in todo:
            answers.append(import_string(func)(*args, **state))
        assert len(answers) < 50, "the tasks ask for each other for ever"
    return answers


def days_of(table: str = "A") -> list[str]:
    rows = Publication.objects.filter(table=table).order_by("effective_date")
    return [f"{day:%m-%d}" for day in rows.values_list("effective_date", flat=True)]


# Official tables


def test_a_gap_is_asked_for_at_once_however_long_its_next_try_is_away(
    client: Client, nbp: Source, replica: Replica
) -> None:
    gap(nbp, "2026-10-05", "2026-10-07")
    response = heal(client)
    job = Job.objects.get()
    where = "/api/v1/jobs?type=nbp.A"
    assert response.status_code == 202
    assert response.json() == {
        "status": "pending", "source": "nbp", "table": "A", "parts": 1, "job": job.pk, "see": where,
    }  # fmt: skip
    assert response.headers["Location"] == where
    assert client.get(where).json()["items"][0]["status"] == "running"
    assert client.get("/gaps").json()["items"][0]["state"] == "asking"
    assert work_off() == ["success"]
    job.refresh_from_db()
    assert (job.status, job.trigger, job.requests) == ("success", "operator", 1)
    assert days_of() == ["10-05", "10-06", "10-07"]
    assert not Gap.objects.exists()
    told = client.get("/gaps/days?source=nbp&table=A&year=2026").json()["days"]
    assert told[date(2026, 10, 5).timetuple().tm_yday - 1] == "healed"


def test_no_request_of_the_web_asks_the_source(client: Client, nbp: Source, replica: Replica) -> None:
    gap(nbp, "2026-10-05")
    heal(client)
    assert len(queued()) == 1
    assert days_of() == []


def test_nothing_but_the_gaps_of_the_wish_is_asked_for(client: Client, nbp: Source, replica: Replica) -> None:
    gap(nbp, "2026-06-01", "2026-06-03")
    gap(nbp, "2026-09-01", "2026-09-03")
    assert heal(client, **{"from": "2026-09-02", "to": "2026-09-30"}).status_code == 202
    assert work_off() == ["success"]
    assert days_of() == ["09-02", "09-03"]
    left = Gap.objects.order_by("from_time").values_list("from_time__date", "to_time__date")
    assert [f"{first:%m-%d} {last:%m-%d}" for first, last in left] == ["06-01 06-03", "09-01 09-01"]


def test_the_newest_days_come_first_in_windows_of_the_source(nbp: Source) -> None:
    gap(nbp, "2026-01-01", "2026-06-30")
    gap(nbp, "2026-10-01", "2026-10-02")
    series = tables.find_series(nbp, "A")
    found = windows(nbp, series, Wish())
    assert found[0] == (date(2026, 10, 1), date(2026, 10, 2))
    assert all((last - first).days < 93 for first, last in found)
    assert sum((last - first).days + 1 for first, last in found[1:]) == 181
    assert found == sorted(found, reverse=True)
    gap(nbp, "1999-01-01", "2002-01-05")
    gap(nbp, "2026-10-20", "2026-12-31")
    spread = windows(nbp, series, Wish())
    assert (spread[0][1], spread[-1][0]) == (date(2026, 10, 26), date(2002, 1, 2)), "no day that cannot be there"


def test_a_gap_that_fails_again_stays_with_one_try_more(
    client: Client, nbp: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: NBP, start: date, end: date, table: str = "A") -> list[Table]:
        raise Unreadable("GET /A: no JSON")

    monkeypatch.setattr(NBP, "fetch_rates", refuse)
    gap(nbp, "2026-10-05")
    heal(client)
    assert work_off() == ["failed"]
    assert (Job.objects.get().status, Job.objects.get().reason) == ("failed", "unreadable")
    row = Gap.objects.get()
    assert (row.tries, row.cause, row.from_time.date()) == (2, "unreadable", date(2026, 10, 5))


def test_gaps_of_an_instrument_and_of_its_whole_table_are_those_that_it_is_in(client: Client, nbp: Source) -> None:
    create.find_or_create({"USD", "EUR"}, "currency")
    usd, eur = instrument("USD"), instrument("EUR")
    gap(nbp, "2026-06-01", reason="refused", instrument=usd)
    gap(nbp, "2026-07-01", reason="refused", instrument=eur)
    gap(nbp, "2026-08-03")
    assert heal(client, instrument="usd/pln").json()["parts"] == 2
    ((_, (_, _, left), _),) = queued()
    assert left == [(date(2026, 8, 3),) * 2, (date(2026, 6, 1),) * 2]


def test_the_same_wish_gets_the_same_job_and_another_one_waits(client: Client, nbp: Source) -> None:
    gap(nbp, "2026-06-01", "2026-06-03")
    first, second = heal(client), heal(client)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert len(queued()) == 1
    told = error(heal(client, **{"from": "2026-06-02"}), 409)
    assert told["detail"] == {"job": first.json()["job"], "see": "/api/v1/jobs?type=nbp.A"}
    assert len(queued()) == 1


def test_a_table_that_the_timetable_asks_for_at_the_moment_is_409(client: Client, nbp: Source) -> None:
    gap(nbp, "2026-06-01")
    runs.start("nbp.A", nbp, Job.Trigger.SCHEDULE)
    assert error(heal(client), 409)["code"] == "conflict"
    gap(nbp, "2026-06-01", table="C")
    assert heal(client, table="C").status_code == 202, "another table"


def test_where_nothing_is_missing_there_is_nothing_to_do(client: Client, nbp: Source) -> None:
    gap(nbp, "2026-06-01", table="C")
    response = heal(client)
    assert (response.status_code, response.json()) == (
        200,
        {"status": "nothing", "source": "nbp", "table": "A", "parts": 0, "job": None, "see": None},
    )
    assert not Job.objects.exists()
    assert heal(client, table="C", **{"from": "2027-01-01"}).json()["status"] == "nothing"
    assert heal(client, table="C", to="1900-01-01").json()["status"] == "nothing"


def test_an_accepted_gap_is_left_out_unless_it_is_named(client: Client, nbp: Source, replica: Replica) -> None:
    gap(nbp, "2026-10-05", accepted_at=clock.now())
    assert heal(client).json()["status"] == "nothing"
    assert heal(client, accepted=True).status_code == 202
    assert work_off() == ["success"]
    assert days_of() == ["10-05"]
    assert not Gap.objects.exists()


def test_a_source_that_was_switched_off_meanwhile_ends_the_job(client: Client, nbp: Source) -> None:
    gap(nbp, "2026-06-01")
    heal(client)
    Source.objects.filter(pk=nbp.pk).update(enabled=False)
    assert work_off() == [backfill.OFF]
    assert (Job.objects.get().status, Job.objects.get().reason) == ("failed", "stopped")


def test_a_task_that_runs_out_of_time_is_continued_from_where_it_was(
    client: Client, nbp: Source, replica: Replica, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    for first, last in (("04-08", "04-09"), ("06-08", "06-09"), ("08-10", "08-10")):
        gap(nbp, f"2026-{first}", f"2026-{last}")
    settings.TASK_WORK = timedelta(seconds=0)
    settings.NBP_CONNECTIONS = 1
    heal(client)
    answers = work_off()
    assert (answers[0], answers[-1]) == ("running", "success")
    assert days_of() == ["04-08", "04-09", "06-08", "06-09", "08-10"]
    assert not Gap.objects.exists()
    assert Job.objects.count() == 1


def test_a_worker_that_died_leaves_the_wish_to_the_job_that_follows(
    client: Client, nbp: Source, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    gap(nbp, "2026-10-05")
    heal(client)
    monkeypatch.setattr(job_leases, "is_alive", lambda worker: worker != "gone:1")
    Job.objects.update(worker="gone:1", lease_until=clock.now() + timedelta(minutes=1))
    assert work_off() == ["success"]
    lost, done = Job.objects.order_by("pk")
    assert (lost.reason, done.status) == ("lost", "success")
    assert done.details[HEAL] == lost.details[HEAL]
    told = client.get("/gaps/days?source=nbp&table=A&year=2026").json()["days"]
    assert told[date(2026, 10, 5).timetuple().tm_yday - 1] == "healed"


# Markets


def test_candles_that_failed_are_asked_for_by_span_and_instrument(client: Client, market: Source) -> None:
    first = clock.now().replace(hour=0, minute=0, second=0) - timedelta(days=3)
    btc, euro = (market.listings.get(ticker=ticker).instrument for ticker in ("X:BTCUSD", "C:EURUSD"))
    for one in (btc, euro):
        Gap.objects.create(source=market, table="candle:1h", instrument=one, reason="failed", tries=1,
                           from_time=first, to_time=first + timedelta(hours=5),
                           next_try=clock.now() + timedelta(minutes=40))  # fmt: skip
    response = heal(client, source=market.code, table="candle:1h", instrument=btc.code)
    assert (response.status_code, response.json()["parts"]) == (202, 1)
    assert response.json()["see"] == f"/api/v1/jobs?type={market.code}.fill.1h"
    assert work_off() == ["success"]
    assert set(Candle.objects.values_list("instrument__code", flat=True)) == {btc.code}
    assert set(Gap.objects.values_list("instrument__code", flat=True)) == {euro.code}


def test_prices_of_several_spans_are_a_task_each_and_the_first_has_the_job(
    client: Client, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    market = open_market(monkeypatch, WithPast)
    btc = market.listings.get(ticker="X:BTCUSD").instrument
    for first, last in (("2026-10-01", "2026-10-02"), ("2026-10-10", "2026-10-11")):
        gap(market, first, last, table="price", instrument=btc, next_try=clock.now() + timedelta(minutes=40))
    response = heal(client, source=market.code, table="price")
    assert (response.status_code, response.json()["parts"]) == (202, 2)
    assert work_off() == ["success", "success"]
    assert not Gap.objects.exists()
    assert Job.objects.get(pk=response.json()["job"]).status == "success"
    assert set(Job.objects.values_list("job_type", flat=True)) == {f"{market.code}.history"}


def test_accepted_gaps_of_a_market_stay_accepted(client: Client, market: Source) -> None:
    assert error(heal(client, source=market.code, table="candle:1h", accepted=True), 400)["code"] == "bad_request"


# Who may, and what is refused


def test_only_operators_may(client: Client, nbp: Source) -> None:
    gap(nbp, "2026-06-01")
    _, token = api_tokens.create("a writer", [Scope.WRITE])
    assert error(heal(client, headers={}), 401)["code"] == "unauthorized"
    assert error(heal(client, headers={"Authorization": f"Bearer {token}"}), 403)["code"] == "forbidden"
    assert not Job.objects.exists()
    _, token = api_tokens.create("an operator", [Scope.OPERATOR])
    assert heal(client, headers={"Authorization": f"Bearer {token}"}).status_code == 202


def test_a_source_that_is_off_or_rests_is_409_with_the_reason(client: Client, nbp: Source) -> None:
    gap(nbp, "2026-06-01")
    cooldown.block(nbp, 600)
    assert "rests" in error(heal(client), 409)["message"]
    Source.objects.filter(pk=nbp.pk).update(enabled=False)
    assert error(heal(client), 409)["code"] == "source_off"
    assert not Job.objects.exists()


@walk(
    ("wish", "status", "field"),
    [
        ({"source": "nobody"}, 404, None),
        ({"source": ""}, 422, "source"),
        ({"source": None}, 422, "source"),
        ({"source": "x" * 33}, 422, "source"),
        ({"source": 7}, 422, "source"),
        ({"table": "eurofxref"}, 404, None),
        ({"source": "n\0bp"}, 422, "source"),
        ({"table": "A\0"}, 422, "table"),
        ({"instrument": "USB"}, 404, None),
        ({"instrument": "U\0SD"}, 422, "instrument"),
        ({"instrument": []}, 422, "instrument"),
        ({"from": "yesterday"}, 422, "from"),
        ({"from": "２０２６-０１-０１"}, 422, "from"),
        ({"from": "2026-02-30"}, 422, "from"),
        ({"from": 20260101}, 422, "from"),
        ({"from": "2026-06-02", "to": "2026-06-01"}, 400, None),
        ({"accepted": "yes"}, 422, "accepted"),
        ({"from_": "2026-06-01"}, 422, "from_"),
        ({"bogus": 1}, 422, "bogus"),
    ],
)
def test_a_wish_that_means_nothing_is_refused_by_name(
    client: Client, nbp: Source, wish: dict[str, Any], status: int, field: str | None
) -> None:
    gap(nbp, "2026-06-01")
    told = error(heal(client, **wish), status)
    assert field is None or [one["field"] for one in told["detail"]] == [field]
    assert not Job.objects.exists()
