"""The timetable: one owner of the beat, publication hours in Warsaw time."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django_q.models import Schedule

from markets import clock
from markets.models import Source
from miner import schedule, sources
from miner.providers import PROVIDERS

pytestmark = pytest.mark.django_db


def plan(code: str = "nbp") -> dict[str, Schedule]:
    return {row.name: row for row in Schedule.objects.filter(name__startswith=code)}


def sync() -> None:
    call_command("sync", skip_checks=True)


@pytest.mark.slow
def test_sync_writes_facts_and_schedules_of_every_source() -> None:
    sync()
    nbp, archive = Source.objects.get(code="nbp"), Source.objects.get(code="nbp_archive")
    assert (nbp.name, nbp.polling_interval, nbp.enabled) == ("Narodowy Bank Polski", 3600, True)
    assert (archive.fallback_for, archive.edition) == (nbp, "1.7.20261027")
    assert sorted(plan()) == [
        "nbp", "nbp.A.window.11", "nbp.A.window.12", "nbp.B.window.11", "nbp.B.window.12",
        "nbp.C.window.7", "nbp.C.window.8",
    ]  # fmt: skip


@pytest.mark.slow
def test_every_schedule_names_its_queue_and_runs_for_ever(settings: Any) -> None:
    sync()
    assert {(row.cluster, row.repeats) for row in plan().values()} == {(settings.MINER_QUEUE, -1)}


def test_the_publication_hours_are_polled_every_ten_minutes() -> None:
    sync()
    crons = {name: row.cron for name, row in plan().items() if row.cron}
    assert crons == {
        "nbp.A.window.11": "45,55 11 * * 1-5",
        "nbp.A.window.12": "5,15,25,35,45 12 * * 1-5",
        "nbp.B.window.11": "45,55 11 * * 3",
        "nbp.B.window.12": "5,15,25,35,45 12 * * 3",
        "nbp.C.window.7": "45,55 7 * * 1-5",
        "nbp.C.window.8": "5,15,25,35,45 8 * * 1-5",
    }


@pytest.mark.slow
def test_cron_speaks_warsaw_time_in_summer_and_in_winter(monkeypatch: pytest.MonkeyPatch) -> None:
    sync()
    row = plan()["nbp.A.window.11"]
    from django_q import models

    for today, expected in [("2026-07-01", 9), ("2026-12-01", 10)]:
        early = datetime.fromisoformat(f"{today}T05:00:00+00:00")
        monkeypatch.setattr(models, "localtime", lambda early=early: early.astimezone(clock.WARSAW))
        assert row.calculate_next_run().astimezone(UTC).hour == expected


def test_what_comes_at_set_hours_is_planned_by_the_one_clock(at: Callable[[str], None]) -> None:
    at("2026-10-26 11:50")
    sync()
    planned = {name: row.next_run.astimezone(clock.WARSAW) for name, row in plan().items() if row.cron}
    assert planned["nbp.A.window.11"] == datetime(2026, 10, 26, 11, 55, tzinfo=clock.WARSAW)
    watchdog = Schedule.objects.get(name="brain.watchdog")
    assert watchdog.next_run == datetime(2026, 10, 26, 12, 7, tzinfo=clock.WARSAW)


def test_the_hourly_beat_comes_on_the_full_hour() -> None:
    moment = datetime(2026, 11, 20, 11, 42, 7, tzinfo=UTC)
    assert schedule.next_on_grid(moment, 3600) == datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    assert schedule.next_on_grid(moment, 900) == datetime(2026, 11, 20, 11, 45, tzinfo=UTC)


@pytest.mark.slow
def test_a_second_sync_changes_nothing_and_keeps_the_next_run() -> None:
    sync()
    before = list(Schedule.objects.order_by("pk").values())
    sync()
    assert list(Schedule.objects.order_by("pk").values()) == before


@pytest.mark.slow
def test_the_operators_cadence_is_followed_at_once_and_never_overwritten() -> None:
    sync()
    nbp = Source.objects.get(code="nbp")
    nbp.polling_interval = 900
    nbp.save()
    assert plan()["nbp"].minutes == 15
    sync()
    assert Source.objects.get(code="nbp").polling_interval == 900
    assert plan()["nbp"].minutes == 15


@pytest.mark.slow
def test_switching_a_source_off_takes_its_schedules_and_switching_it_on_brings_them_back() -> None:
    sync()
    nbp = Source.objects.get(code="nbp")
    nbp.enabled = False
    nbp.save()
    assert plan() == {}
    sync()
    assert plan() == {}
    nbp.enabled = True
    nbp.save()
    assert len(plan()) == 7


@pytest.mark.slow
def test_refresh_seconds_is_only_the_first_value(settings: Any) -> None:
    settings.REFRESH_SECONDS = 1800
    sync()
    settings.REFRESH_SECONDS = 7200
    sync()
    assert Source.objects.get(code="nbp").polling_interval == 1800


def test_sources_names_who_is_switched_on_at_first(settings: Any) -> None:
    settings.SOURCES = ["nbp_archive"]
    sync()
    assert [row.code for row in Source.objects.filter(enabled=True)] == ["nbp_archive"]
    assert Source.objects.count() == len(PROVIDERS)


@pytest.mark.slow
def test_a_source_that_no_code_knows_any_more_is_kept_and_marked() -> None:
    Source.objects.create(code="gone", name="Gone")
    sync()
    assert Source.objects.get(code="gone").available is False
    assert "gone" not in {row.code for row in sources.runnable()}


@pytest.mark.slow
def test_the_operators_address_wins_over_the_environments(settings: Any) -> None:
    settings.NBP_BASE_URL = "http://one.example/api/"
    sync()
    nbp = Source.objects.get(code="nbp")
    assert sources.provider_of(nbp).base_url == "http://one.example/api/"
    nbp.base_url = "https://two.example/api"
    assert sources.provider_of(nbp).base_url == "https://two.example/api/"
    assert sources.connections_of(nbp) == 4
    assert sources.connections_of(Source.objects.get(code="nbp_archive")) == 1


@pytest.mark.slow
def test_a_schedule_that_stands_twice_is_made_one() -> None:
    sync()
    double = plan()["nbp"]
    double.pk = None
    double.save(force_insert=True)
    sync()
    assert Schedule.objects.filter(name="nbp").count() == 1


@pytest.mark.slow
def test_a_cadence_between_two_minutes_is_never_faster_than_chosen() -> None:
    sync()
    nbp = Source.objects.get(code="nbp")
    nbp.polling_interval = 90
    nbp.save()
    assert plan()["nbp"].minutes == 2
