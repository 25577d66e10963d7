"""Real processes: killed in the middle of a back-fill, or two of them at once over one database."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from pytest_django import DjangoDbBlocker

from markets.jobs import runs
from markets.models import Job, Publication, Rate, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from miner import sources
from miner.collect import window_plan
from signals import rules
from signals.models import AnalysisSnapshot, Signal
from tests.databases import file_database, url_of_the_test
from tests.news import open_news
from tests.processes import MANAGE, environment, until
from tests.replica import Replica, data
from tests.test_engine import wave

pytestmark = [
    pytest.mark.processes,  # on SQLite
    pytest.mark.services,  # on PostgreSQL
    *([] if settings.SQLITE else [pytest.mark.django_db(transaction=True)]),
]

TWO_YEARS = ("mine", "nbp", "--table", "A", "--from", "2024-01-01", "--to", "2025-12-31")
Figures = list[tuple[date, str, str]]


@pytest.fixture
def folder(tmp_path: Path, django_db_blocker: DjangoDbBlocker, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A data folder whose database this process sees as well; on PostgreSQL that of the test."""
    if settings.SQLITE:
        with file_database(tmp_path / "charon.sqlite3", django_db_blocker):
            yield tmp_path
    else:
        sources.sync()
        yield tmp_path


def house(folder: Path, **changes: str) -> dict[str, str]:
    """The environment of another process over the same database."""
    return (
        environment(folder, **changes)
        if settings.SQLITE
        else environment(folder, DATABASE_URL=url_of_the_test(), **changes)
    )


@contextmanager
def miner(folder: Path, replica: Replica) -> Iterator[subprocess.Popen[str]]:
    """A back-fill in a process of its own, which does not outlive the block."""
    env = house(folder, NBP_BASE_URL=replica.url)
    with subprocess.Popen(
        [*MANAGE, *TWO_YEARS], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def bank() -> Figures:
    tables = [table for year in (2024, 2025) for table in data.tables("A", year).values()]
    return sorted((table.day, code, figures[0]) for table in tables for code, figures in table.rates.items())


def stored() -> Figures:
    rows = Rate.objects.select_related("instrument")
    return sorted((row.effective_date, row.instrument.code, str(row.published("mid"))) for row in rows)


def killed(folder: Path, replica: Replica, windows: int, stuck: int) -> None:
    """A back-fill that is killed once so many windows are stored; the one it sticks at never gets an answer."""
    start, _ = window_plan.cut((date(2024, 1, 1), date(2025, 12, 31)), 93)[stuck]
    replica.set_script([{"path": f"/{start}/", "delay": 600}])
    # The job of the back-fill killed before still says that it runs: the next one gives it up.
    before = Job.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    running = Job.objects.filter(pk__gt=before, status="running", windows_done__gte=windows)
    with miner(folder, replica) as process:
        until(lambda: running.exists() or process.poll() is not None)
        process.kill()
        said, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, said


def test_a_back_fill_killed_again_and_again_ends_without_hole_or_double(folder: Path, replica: Replica) -> None:
    whole = bank()
    # Before the first window, in the middle of writing, and while it waits for the last one.
    for windows, stuck in ((0, 0), (1, 7), (7, 7)):
        killed(folder, replica, windows, stuck)
        rows = stored()
        assert rows == whole[: len(rows)], "a window was stored in part, or out of turn"
        assert Publication.objects.count() == len({day for day, _, _ in rows})

    replica.set_script([])
    with miner(folder, replica) as last:
        said, _ = last.communicate(timeout=90)
    assert last.returncode == 0, said
    assert stored() == whole
    assert Publication.objects.count() == len({day for day, _, _ in whole}) == 503
    ends = list(Job.objects.order_by("pk").values_list("status", "reason"))
    assert ends == [("failed", "lost")] * 3 + [("success", "")]


def test_of_two_miners_at_once_one_works_and_the_other_says_so(folder: Path, replica: Replica) -> None:
    replica.set_script([{"at": 8, "delay": 3.0}])
    out = StringIO()
    with miner(folder, replica) as first:
        until(lambda: Rate.objects.exists() or first.poll() is not None)
        with pytest.raises(SystemExit):
            call_command(*TWO_YEARS, stdout=out)
        said, _ = first.communicate(timeout=90)
    assert out.getvalue() == "A: running elsewhere\n"
    assert first.returncode == 0, said
    assert stored() == bank()
    assert len(replica.requests) == 8
    assert [job.status for job in Job.objects.all()] == ["success"]


def test_two_brains_at_once_decide_once(folder: Path) -> None:
    nbp = Source.objects.get(code="nbp")
    with runs.job("nbp.A", nbp) as job:
        for code in ("EUR", "GBP", "USD"):
            publish([Table("A", day, [RateRecord(code, mid=value)]) for day, value in wave(400)], nbp, job)
    code = "from signals.tasks import catch_up; print(catch_up())"
    brains = [
        subprocess.Popen(
            [*MANAGE, "shell", "-v", "0", "-c", code], env=house(folder), stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    written = [int(brain.communicate(timeout=60)[0]) for brain in brains]
    assert [brain.returncode for brain in brains] == [0, 0]
    assert sum(written) == Signal.objects.count() > 10
    assert set(Signal.objects.values_list("version", flat=True)) == {1}
    states = AnalysisSnapshot.objects.filter(instrument__code__in=("EUR", "GBP", "USD"))
    assert states.filter(rule=rules.primary().name).count() == 9
    assert not open_news().exists()
