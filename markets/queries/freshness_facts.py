"""The facts of freshness, read from the database: publications, failed runs, schedules, back-fills, open problems.

One statement for every page, written by hand: Django took 11 ms to build five (a page has 15), and writes no join of a
source with the run that goes on there.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from django.db import connection

from markets import clock
from markets.models import Job, Source
from markets.queries import jobs, source_state
from markets.queries.freshness import OFFICIAL, Facts, LatestPublication, OpenProblem, SourceRow, Trouble

OFFICIAL_TABLES = ("A", "B", "C", "gold")
JOB_TYPES = tuple(f"{OFFICIAL}.{table}" for table in OFFICIAL_TABLES)

# A line a source, and one more for each further back-fill that runs there. And what is wrong now, with name, begin and
# detail: the official tables whose every run has failed since the last answer, as `jobs.ends` tells it (a test holds
# both to the same), and the open problems.
STATEMENT = """
WITH ended(job_type, settled, failure) AS (
  SELECT job_type,
    MAX(CASE WHEN status = 'success' OR (status = 'skipped' AND (requests > 0 OR reason IN ('up_to_date', 'weekend')))
      THEN finished_at END),
    MAX(CASE WHEN status = 'failed' AND reason NOT IN ('stopped', 'lost') THEN finished_at END)
  FROM markets_job WHERE job_type IN ({types}) AND finished_at <= %s GROUP BY job_type)
SELECT 'source', s.code, s.paused_until, s.name, s.attribution, s.licence, s.available, s.public_display, s.enabled,
  s.stands_in_for_id, f.code, p.number, p.fetched_at,
  (SELECT MIN(q.next_run) FROM django_q_schedule q
    WHERE q.name = s.code OR substr(q.name, 1, length(s.code) + 1) = s.code || '.'),
  j.id, j.job_type, j.windows, j.windows_done, j.reached
FROM markets_source s
LEFT JOIN markets_source f ON f.id = s.stands_in_for_id
LEFT JOIN markets_publication p ON p.source_id = s.id AND p."table" = 'A' AND p.effective_date = %s
LEFT JOIN markets_job j ON j.source_id = s.id AND j.status = 'running' AND j.windows > 1
UNION ALL
SELECT 'run', j.job_type, MIN(j.started_at), (SELECT l.reason FROM markets_job l
    WHERE l.job_type = j.job_type AND l.status = 'failed' AND l.reason NOT IN ('stopped', 'lost')
    ORDER BY l.finished_at DESC NULLS LAST, l.id DESC LIMIT 1), {nothing}
FROM markets_job j JOIN ended e ON e.job_type = j.job_type
WHERE j.status = 'failed' AND j.reason NOT IN ('stopped', 'lost') AND e.failure IS NOT NULL
  AND (e.settled IS NULL OR (e.failure >= e.settled AND j.started_at >= e.settled))
GROUP BY j.job_type
UNION ALL
SELECT 'problem', kind, opened_at, subject, {nothing} FROM markets_problem WHERE closed_at IS NULL""".format(
    types=", ".join(f"'{name}'" for name in JOB_TYPES), nothing=", ".join(["NULL"] * 15)
)


class SourceLine(NamedTuple):
    """The columns behind the first: a source, the publication of the asked day, the next run, a running back-fill."""

    code: str
    paused_until: datetime | str | None
    name: str
    attribution: str
    licence: str
    available: bool
    public_display: bool
    enabled: bool
    fallback_for: int | None
    serves: str | None
    number: str | None
    fetched_at: datetime | str | None
    next_run: datetime | str | None
    job: int | None
    job_type: str
    windows: int
    windows_done: int
    reached: date | str | None

    @property
    def of_nbp(self) -> bool:
        return OFFICIAL in {self.code, self.serves}


def facts(newest: LatestPublication | None, now: datetime) -> Facts:
    """Reads the facts in one statement; `newest` comes from the quotes that the page reads anyway."""
    found = read(newest.day if newest else None)
    lines = sorted((SourceLine(*line) for what, *line in found if what == "source"), key=lambda line: line.code)
    failing = [trouble(since, reason) for what, _name, since, reason, *_ in found if what == "run"]
    problems = [
        OpenProblem(kind, subject, moment(since) or now)
        for what, kind, since, subject, *_ in found
        if what == "problem"
    ]
    bank = next((line for line in lines if line.code == OFFICIAL), None)
    asking = bank is not None and bool(bank.enabled)
    paused = moment(bank.paused_until) if bank else None
    return Facts(
        newest=with_proof(newest, lines) if newest and newest.official else newest,
        trouble=source_state.worst_trouble(failing) if asking else None,
        backfill=running_backfill(lines),
        next_try=moment(bank.next_run) if bank and asking else None,
        enabled=bank is None or asking,
        paused_until=paused if paused and paused > now else None,
        sources=tuple({line.code: source_row(line) for line in lines}.values()),
        problems=tuple(sorted(problems, key=lambda one: one.opened_at, reverse=True)),
    )


def source_row(line: SourceLine) -> SourceRow:
    facts = (line.code, line.name, line.attribution, line.licence)
    return SourceRow(*facts, available=bool(line.available), public_display=bool(line.public_display))


def with_proof(newest: LatestPublication, lines: Sequence[SourceLine]) -> LatestPublication:
    """The same publication with its number and the time when we fetched it."""
    line = next((line for line in lines if line.code == newest.source and line.number is not None), None)
    return replace(newest, number=line.number or "", fetched_at=moment(line.fetched_at)) if line else newest


def trouble(since: datetime | str, reason: str) -> Trouble:
    """What fails of the official tables, as the state of their source tells it."""
    return Trouble(reason, jobs.label_of(reason), moment(since) or clock.now())


def running_backfill(lines: Sequence[SourceLine]) -> Job | None:
    """The running back-fill: that of the official source before that of its archive. As a row that is not saved."""
    running = [line for line in lines if line.job and line.of_nbp]
    line = min(running, key=lambda line: (line.fallback_for is not None, line.job), default=None)
    if line is None:
        return None
    source = Source(code=line.code, fallback_for_id=line.fallback_for)
    done = {"windows": line.windows, "windows_done": line.windows_done, "reached": day(line.reached)}
    return Job(pk=line.job, job_type=line.job_type, source=source, **done)


def read(newest: date | None) -> list[tuple[Any, ...]]:
    until = connection.ops.adapt_datetimefield_value(clock.now() + clock.SKEW)
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, [until, newest.isoformat() if newest else None])
        return list(cursor.fetchall())


def moment(value: datetime | str | None) -> datetime | None:
    """SQLite gives back a moment without its zone, UTC, and what it computed as text."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found


def day(value: date | str | None) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value
