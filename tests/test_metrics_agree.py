"""The status page, its JSON and text, `/health`, a badge and the metrics say the same, whatever the situation is."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as conf
from django.test import Client
from django_q.models import OrmQ, Schedule

from charon import metrics
from markets import clock, problems
from markets.models import Job, Publication, Quote, Source
from markets.queries.source_state import State
from markets.queries.source_words import words
from markets.records import RateRecord
from miner import source_states
from miner.models import Spent
from tests.test_pages_instrument import save, table
from tests.test_source_states import end, loaded, text_of

pytestmark = pytest.mark.django_db
OLD = date(2026, 11, 10)


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None], settings: Any, without_redis: None) -> Iterator[None]:
    at("2026-11-20 13:00")  # a Friday, after the hours of table A
    settings.ENABLE_METRICS_ENDPOINT = True
    yield
    metrics.REQUESTS.clear()
    metrics.SECONDS.clear()


@pytest.fixture
def alone(nbp: Source) -> Source:
    """The NBP, loaded as it should be, with a dollar of today."""
    Source.objects.exclude(pk=nbp.pk).update(enabled=False)
    Schedule.objects.all().delete()  # written by another clock
    save(nbp, [table(OLD, RateRecord("USD", mid=Decimal("3.86")))])
    Quote.objects.update(effective_date=date(2026, 11, 20))
    loaded(nbp)
    return nbp


def gauges(client: Client) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in client.get("/metrics").content.decode().splitlines()]
    return {name: float(value) for name, _, value in lines if name.startswith("charon_")}


def agree(client: Client, state: State, told: str, *behind: str) -> None:
    """`told` is the first word of `/status.txt`, `behind` the series that lack something."""
    numbers, machine, health = gauges(client), client.get("/status.json").json(), client.get("/health").json()
    row = next(one for one in machine["sources"] if one["code"] == "nbp")
    of_health = next(one for one in health["sources"] if one["code"] == "nbp")
    shown = [one for one in State if numbers[f'charon_source_state{{source="nbp",state="{one}"}}'] == 1]
    assert [row["detail"], of_health["state"], *shown] == [state] * 3
    judged = next(one for one in source_states.states() if one.source.code == "nbp")
    page = text_of(client, "/status/")
    assert f"Narodowy Bank Polski {words(judged)}" in page

    first = client.get("/status.txt").content.decode().splitlines()[0]
    assert (first, machine["status"], numbers["charon_ok"]) == (told, told, float(told == "OK"))
    assert client.get("/health?strict=1").status_code == (200 if told == "OK" else 503)

    flags = {name.split('"')[1]: value for name, value in numbers.items() if name.startswith("charon_series_behind{")}
    missed = {one for one in flags if numbers[f'charon_publications_missed{{series="{one}",source="nbp"}}']}
    assert sorted(row["behind"]) == sorted(of_health["behind"]) == sorted(behind)
    assert {one for one, value in flags.items() if value} == missed == set(behind)
    badge = client.get("/badge/USD.svg").content.decode()
    assert ("nieaktualne" in badge) == ("nbp.A" in behind)

    kinds = {name.split('"')[1]: value for name, value in numbers.items() if name.startswith("charon_problems_open{")}
    open_kinds = {kind for kind, count in kinds.items() if count}
    assert open_kinds == {one["kind"] for one in machine["problems"]} == {one["kind"] for one in health["problems"]}
    for queue in machine["queues"]:
        assert numbers[f'charon_queue_tasks{{queue="{queue["name"]}"}}'] == queue["waiting"]
    used = numbers.get('charon_call_budget_used{source="nbp"}')
    assert used is None or used == row["calls"]["used"]
    age = numbers['charon_source_last_success_age_seconds{source="nbp"}']
    moment = clock.now() - timedelta(seconds=age)
    assert row["last_success_at"] == moment.isoformat().replace("+00:00", "Z")


@pytest.mark.slow
def test_all_surfaces_agree_while_all_is_well_and_while_work_is_under_way(client: Client, alone: Source) -> None:
    agree(client, State.OK, "OK")
    OrmQ.objects.create(key=conf.MINER_QUEUE, payload="x", lock=clock.now())
    Spent.objects.update_or_create(source=alone, defaults={"blocked_until": clock.now() + timedelta(minutes=5)})
    agree(client, State.COOLING, "OK")
    Spent.objects.update(blocked_until=None)
    filling = Job.objects.create(job_type="nbp.A", source=alone, status="running", started_at=clock.now(), windows=98)
    agree(client, State.FILLING, "OK")
    filling.delete()
    end(alone, "C", "failed", 8, "unreachable")
    agree(client, State.FAILED, "OK")


@pytest.mark.slow
def test_all_surfaces_agree_while_figures_are_missing(client: Client, alone: Source) -> None:
    Publication.objects.filter(table="gold").update(effective_date=OLD)
    agree(client, State.STALE, "NOT_OK", "nbp.gold")
    Publication.objects.filter(table="gold").update(effective_date=date(2026, 11, 20))
    Publication.objects.filter(table="A", effective_date__gt=OLD).delete()
    Quote.objects.update(effective_date=OLD)
    agree(client, State.STALE, "NOT_OK", "nbp.A")
    end(alone, "A", "failed", 0, "unreadable")  # after the success of this minute
    agree(client, State.FAILED, "NOT_OK", "nbp.A")


@pytest.mark.slow
def test_all_surfaces_agree_on_a_problem_that_the_register_knows(client: Client, alone: Source) -> None:
    problems.report("engine")
    agree(client, State.OK, "OK")
    problems.report("channel_broken", "hook")
    agree(client, State.OK, "OK")
    problems.close("engine")
    agree(client, State.OK, "OK")
