"""A database as the release before the outbox wrote it: every row is kept, and what waited is worked off."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from pytest_django import DjangoDbBlocker

from markets import clock
from markets.jobs import runs
from markets.models import Gap, Job, OutboxEvent, Rate, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from miner import sources
from signals import claims, tasks
from signals.models import AnalysisSnapshot, Signal
from tests.news import open_news
from tests.test_engine import wave

BEFORE = [("markets", "0006_words_of_reasons"), ("signals", "0001_initial"), ("miner", "0003_past_of_listings")]
START = date(2024, 1, 2)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CLOSES = wave(420, START)


@pytest.fixture(autouse=True)
def that_day(at: Callable[[str], None]) -> None:
    at("2026-11-20 13:00")


@pytest.fixture(scope="module")
def before(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, int]]:
    """How many rows there were of each kind before the upgrade, which all tests here look at; each undoes its own.

    That release's models stand over its tables while they are filled; twice 2 s of migrations.
    """
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: NOON)
        executor = MigrationExecutor(connection)
        executor.migrate(BEFORE)
        try:
            kind, _ = ContentType.objects.get_or_create(app_label="markets", model="ingest")
            Permission.objects.get_or_create(codename="view_ingest", content_type=kind, defaults={"name": "x"})
            counts = seed(executor.loader.project_state(BEFORE).apps)
            right = Permission.objects.get(codename="view_ingest").pk
        finally:
            call_command("migrate", verbosity=0)
        yield counts | {"right": right}
        call_command("flush", interactive=False, verbosity=0)


def seed(apps: Any) -> dict[str, int]:
    """Rates, a decision, jobs of every end, announcements in every state, and tasks that wait in the queue."""
    model = lambda name: apps.get_model("markets", name).objects  # noqa: E731  as short as it is read
    nbp = model("Source").create(code="nbp", name="NBP", url="https://nbp.example/", unit="PLN", cadence=3600)
    model("Source").create(code="nbp_archive", name="Archiwum", unit="PLN", cadence=3600, stands_in_for=nbp)
    kinds = {"USD": "currency", "EUR": "currency", "CHF": "currency", "EURUSD": "pair", "XAU": "metal"}
    ids = {code: model("Instrument").create(code=code, kind=kind) for code, kind in kinds.items()}
    done = model("Job").create(job_type="nbp.A", source=nbp, status="success", started_at=NOON, finished_at=NOON)
    failed = model("Job").create(job_type="nbp.A", source=nbp, status="failed", started_at=NOON, finished_at=NOON)
    running = model("Job").create(
        job_type="nbp.C",
        source=nbp,
        status="running",
        started_at=NOON,
        worker="gone:1",
        lease_until=NOON - timedelta(minutes=1),
    )
    rate = {"source": nbp, "scale": 4}
    for code, table in (("USD", "A"), ("EUR", "A"), ("XAU", "gold")):
        rows = [
            apps.get_model("markets", "Rate")(instrument=ids[code], table=table, effective_date=day, mid=value, **rate)
            for day, value in CLOSES
        ]
        model("Rate").bulk_create(rows)
        model("Quote").create(
            instrument=ids[code], source=nbp, table=table, effective_date=CLOSES[-1][0], observed_at=NOON,
            price=CLOSES[-1][1], scale=4,
        )  # fmt: skip

    def announce(code: str, job: Any, **state: Any) -> None:
        span = {"from_date": START, "to_date": CLOSES[-1][0], "rows": len(CLOSES)}
        model("Ingest").create(instrument=ids[code], kind=kinds[code], job=job, **span, **state)

    announce("USD", done)
    announce("USD", failed, tries=2, error="OperationalError('locked')")
    announce("EUR", failed, tries=5, error="ValueError('no number')")
    announce("EUR", done, processed=NOON)
    announce("XAU", done)
    announce("EURUSD", done, processed=NOON)
    announce("CHF", running)
    apps.get_model("signals", "Signal").objects.create(
        instrument_id=ids["EUR"].pk, rule="macd_signal_cross_12_26_9", timeframe="1d",
        as_of=datetime(2025, 1, 2, tzinfo=UTC), signal="BUY", macd=1, signal_line=1, histogram=1, horizon_days=5,
        edition=1, generated_at=NOON, values={},
    )  # fmt: skip
    for func in ("signals.tasks.catch_up", "miner.tasks.mine"):
        task: dict[str, Any] = {"id": func, "name": func, "func": func, "args": (), "kwargs": {}, "started": NOON}
        OrmQ.objects.create(key="charon", payload=SignedPackage.dumps(task), lock=NOON)
    return {
        name: model(name).count() for name in ("Source", "Instrument", "Job", "Rate", "Quote", "Ingest", "Generation")
    }


@pytest.mark.slow
@pytest.mark.django_db
def test_every_row_is_kept_with_todays_kinds_and_moments(before: dict[str, int]) -> None:
    now: dict[str, Any] = {
        "Source": Source.objects,
        "Job": Job.objects,
        "Rate": Rate.objects,
        "Ingest": OutboxEvent.objects,
    }
    assert {name: rows.count() for name, rows in now.items()} == {name: before[name] for name in now}
    assert (Signal.objects.count(), OrmQ.objects.count(), Gap.objects.count()) == (1, 2, 0)
    rows = OutboxEvent.objects.order_by("pk")
    assert [(row.instrument.code, row.kind, row.consumer) for row in rows] == [
        *[("USD", "rate", "engine")] * 2, *[("EUR", "rate", "engine")] * 2, ("XAU", "gold", "engine"),
        ("EURUSD", "rate", "engine"), ("CHF", "rate", "engine"),
    ]  # fmt: skip
    assert {(row.from_time, row.to_time, row.rows) for row in rows} == {
        (midnight(START), midnight(CLOSES[-1][0]), len(CLOSES))
    }
    assert [(row.tries, row.error) for row in rows][1:3] == [
        (2, "OperationalError('locked')"), (5, "ValueError('no number')"),
    ]  # fmt: skip
    assert [row.processed is None for row in rows] == [True, True, True, False, True, False, True]


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@pytest.mark.django_db
def test_open_announcements_are_worked_off_and_the_task_that_waits_finds_its_function(before: dict[str, int]) -> None:
    assert tasks.is_catch_up(OrmQ.objects.order_by("pk")[0])
    assert claims.is_open()
    tasks.catch_up()
    assert set(open_news().values_list("instrument__code", "tries")) == {("EUR", 5)}, "it failed before, and is visible"
    assert set(AnalysisSnapshot.objects.values_list("instrument__code", flat=True)) == {"USD", "XAU", "CHF"}
    assert Job.objects.get(job_type="nbp.C").status == "failed", "its worker is gone"


@pytest.mark.slow
@pytest.mark.django_db
def test_new_figures_widen_one_open_row_and_take_a_failed_one_along(before: dict[str, int]) -> None:
    sources.sync()
    nbp, day = Source.objects.get(code="nbp"), CLOSES[-1][0] + timedelta(days=1)
    with runs.job("nbp.A", nbp) as job:
        figures = [RateRecord(code, mid=Decimal("4.0")) for code in ("USD", "EUR")]
        publish([Table("A", day, figures)], nbp, job)
    assert [row.to_time for row in open_news().filter(instrument__code="USD").order_by("-to_time")] == [
        midnight(day), midnight(CLOSES[-1][0]),
    ]  # fmt: skip
    tasks.catch_up()
    assert not open_news().exists()
    assert AnalysisSnapshot.objects.get(instrument__code="EUR", window="30d").stats["as_of"] == day.isoformat()


@pytest.mark.django_db
def test_signals_that_were_right_are_not_written_again(before: dict[str, int]) -> None:
    tasks.catch_up()
    written = Signal.objects.count()
    OutboxEvent.objects.filter(instrument__code="USD").update(processed=None, claimed_until=clock.now())
    assert tasks.catch_up() == 0
    assert Signal.objects.count() == written


@pytest.mark.django_db
def test_a_right_that_an_operator_had_goes_with_the_model(before: dict[str, int]) -> None:
    assert Permission.objects.get(pk=before["right"]).codename == "view_outboxevent"
