"""What a page reads in one statement is what the queries of their own say."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Q

from charon.pages.crypto import bitcoin
from markets import clock
from markets.jobs import runs
from markets.licence import Audience
from markets.models import Job, Problem, Quote, Source
from markets.queries import freshness_facts, jobs, market_quotes, overview, source_state
from markets.queries.freshness import OpenProblem
from markets.queries.kept import KeptQuestion
from markets.store.prices import save_prices
from signals import stands
from signals.alerts import rows as alert_rows
from signals.alerts.models import AlertEvent, Kind
from tests import coin_market, market
from tests.test_pages_dashboard import FRIDAY, THURSDAY, save

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
REASONS = ("", "unreachable", "unreadable", "stopped", "lost", "up_to_date", "weekend", "not_yet", "budget")


def some_jobs(source: Source, chance: random.Random) -> None:
    """Of every status, reason and order, also running ones and some that end in the future."""
    made = []
    for _ in range(chance.randrange(1, 25)):
        start = NOW - timedelta(minutes=10 * chance.randrange(0, 40))
        end = start + timedelta(minutes=chance.choice((0, 1, 15, 600)))
        status = chance.choice(("success", "skipped", "failed", "failed", "failed"))
        facts = {"reason": chance.choice(REASONS), "requests": chance.randrange(2), "status": status}
        name = f"nbp.{chance.choice(('A', 'B', 'C', 'gold', 'mid'))}"
        made.append(Job(job_type=name, source=source, started_at=start, finished_at=end, **facts))
    Job.objects.bulk_create(made)


@pytest.mark.slow
def test_the_trouble_of_a_page_is_that_of_the_source(nbp: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    found = set()
    for seed in range(60):
        Job.objects.all().delete()
        some_jobs(nbp, random.Random(seed))
        ends = jobs.ends(Q(job_type__in=freshness_facts.JOB_TYPES))
        trouble = source_state.worst_trouble(one.trouble for one in ends.values())
        assert freshness_facts.facts(None, NOW).trouble == trouble, seed
        found.add(trouble and trouble.reason)
    assert {None, "unreachable", "unreadable"} <= found


def test_open_problems_come_newest_first_and_closed_ones_not(nbp: Source) -> None:
    old, new = NOW - timedelta(hours=2), NOW - timedelta(hours=1)
    for kind, subject, opened, closed in (
        ("gap", "nbp.A", old, None),
        ("disk", "", new, None),
        ("clock", "", new, NOW),
    ):
        Problem.objects.create(kind=kind, subject=subject, opened_at=opened, seen_at=opened, closed_at=closed)
    assert freshness_facts.facts(None, NOW).problems == (OpenProblem("disk", "", new), OpenProblem("gap", "nbp.A", old))


def test_a_backfill_and_the_sources_stand_in_the_same_statement(nbp: Source, archive: Source) -> None:
    for name, source in (("nbp_archive.mid", archive), ("nbp.A", nbp), ("nbp.B", nbp)):
        job = runs.start(name, source, Job.Trigger.START)
        Job.objects.filter(pk=job.pk).update(windows=98, windows_done=37, reached=THURSDAY)
    facts = freshness_facts.facts(None, NOW)
    running = facts.backfill
    assert running is not None
    assert (running.job_type, running.windows, running.windows_done, running.reached) == ("nbp.A", 98, 37, THURSDAY)
    assert [row.code for row in facts.sources] == sorted(Source.objects.values_list("code", flat=True))


def test_a_kept_question_gives_what_the_query_gives(nbp: Source) -> None:
    save(nbp, THURSDAY, USD="3.7635", HUF="0.010734")
    save(nbp, FRIDAY, USD="3.7747", HUF="0.010740")
    made = {"kind": Kind.LEVEL, "source": nbp, "subject": "USD", "details": {"level": "4"}, "observed_at": NOW}
    AlertEvent.objects.create(key="x", rule_number=1, created_at=NOW, price="3.77", scale=4, direction="up", **made)
    for question in (overview.quotes, lambda: alert_rows.events(Audience.PAGE).values_list(*alert_rows.SAID_COLUMNS)):
        kept = KeptQuestion(question)
        assert kept.rows() == list(question()) != []
        assert kept.rows() == list(question())
    Quote.objects.filter(instrument__code="HUF").delete()
    assert [row[7] for row in overview.QUOTES.rows()] == ["USD"]


def test_only_the_five_newest_alerts_are_read(nbp: Source) -> None:
    made = {"kind": Kind.LEVEL, "source": nbp, "details": {}, "observed_at": NOW, "price": "1", "direction": "up"}
    for number in range(7):
        at = NOW + timedelta(minutes=number)
        AlertEvent.objects.create(key=str(number), rule_number=1, subject=f"X{number}", created_at=at, **made)
    AlertEvent.objects.create(
        key="own", rule_number=1, created_at=NOW + timedelta(hours=1), **made | {"kind": Kind.DISK}
    )
    assert [row["subject"] for row in alert_rows.newest_events()] == ["X6", "X5", "X4", "X3", "X2"]


@pytest.mark.slow
def test_what_bitcoins_tile_asks_is_what_the_scanner_asks(monkeypatch: pytest.MonkeyPatch, nbp: Source) -> None:
    coin_market.register(monkeypatch)
    monkeypatch.setattr(clock, "now", lambda: market.NOW)
    save_prices([market.price("64123.5", hours * 60) for hours in range(40)], market.source("coingecko", ["BTC"]))
    coin_market.candles(market.source("binance", ["BTCUSDT"]), "BTCUSDT")
    asked = market_quotes.question(bitcoin.instrument("BTCUSD"), Audience.PAGE, bitcoin.MONTH)
    assert bitcoin.PRICES.rows() == list(asked.values_list(*bitcoin.COLUMNS)) != []
    states = stands.question(bitcoin.instrument("BTCUSDT"), Audience.PAGE, bitcoin.TIMEFRAMES)
    assert bitcoin.STANDS.rows() == list(states) != []
    assert str(bitcoin.tile()[0]["value"]).startswith("64\u00a0123,5")
