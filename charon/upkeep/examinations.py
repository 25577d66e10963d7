"""What `manage.py doctor` looks at, one function each. What is wrong is told as the register of problems tells it."""

import base64
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.exceptions import SuspiciousFileOperation
from django.db import DatabaseError, connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django_q.models import Schedule

from charon import detection
from charon.upkeep import Refused, backup_file, migration_state, sqlite_file
from markets import clock, problems
from markets.jobs import runs
from markets.messages import Message
from markets.models import Job, Source
from markets.problems import Fault
from markets.redis import client as redis_client
from miner import faults, source_states
from miner import schedule as miner_schedule
from signals import schedule as brain_schedule
from signals.alerts import schedule as alert_schedule
from signals.outcomes import schedule as outcome_schedule

# The reaper comes once a minute.
REAPED = timedelta(minutes=10)
# Of these an installation has so many that a line names the first.
NAMED = 5
Found = Iterable[Fault]


class Examination(NamedTuple):
    """A part of the installation and what is wrong with it; `needs`: what it cannot be looked at without."""

    name: str
    look: Callable[[], Found]
    needs: Literal["", "database", "tables"] = "tables"


def database() -> Iterator[Fault]:
    """Whether it is there, whole, and takes a write, which is undone."""
    try:
        if place := file():
            if not place.is_file():
                yield Fault("database", "", Message("no_database", place=str(place)))
                return
            yield from sqlite_faults(place)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE TABLE charon_doctor (one integer)")
            transaction.set_rollback(True)
    except (DatabaseError, sqlite3.Error) as error:
        yield Fault("database", "", Message.of(runs.scrub(str(error))))
        connection.close()


def file() -> Path | None:
    """That of SQLite; None where there is none by design."""
    try:
        return sqlite_file.path() if settings.SQLITE else None
    except Refused:
        return None


def sqlite_faults(place: Path) -> Iterator[Fault]:
    with closing(sqlite_file.opened(place)) as database:
        found = [str(row[0]) for row in database.execute("PRAGMA quick_check(3)")]
    if found != ["ok"]:
        yield Fault("database", "", Message.of("; ".join(found)))


def is_there() -> bool:
    """Whether there is a database that answers; to ask makes none."""
    place = file()
    if place and not place.is_file():
        return False
    try:
        connection.ensure_connection()
    except DatabaseError:
        return False
    return True


def has_tables() -> bool:
    """Whether the tables of some release are there, which most questions are about."""
    try:
        return bool(migration_state.applied())
    except DatabaseError:
        connection.close()
        return False


def migrations() -> Iterator[Fault]:
    there = migration_state.applied()
    for code, names in (("missing", migration_state.missing(there)), ("unknown", migration_state.unknown(there))):
        if names:
            yield Fault("migrations", code, Message(f"migrations_{code}", count=len(names), names=names[:NAMED]))


def redis() -> Found:
    """A question first: the state is that of the last one."""
    redis_client.ask(lambda client: client.ping(), None)
    return detection.redis_faults()


def clocks() -> Iterator[Fault]:
    """Those of the servers beside ours, and what was written while one was ahead."""
    for server, asks in (("PostgreSQL", postgres_time), ("Redis", redis_time)):
        there = asks()
        apart = abs((there - clock.now()).total_seconds()) if there else 0
        if apart > clock.SKEW.total_seconds():
            yield Fault("clock", server, Message("clock_differs", server=server, seconds=round(apart)))


def postgres_time() -> datetime | None:
    """None while it cannot be asked, which the database's own examination tells."""
    if settings.SQLITE:
        return None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            moment: datetime = cursor.fetchone()[0]
            return moment
    except DatabaseError:
        return None


def redis_time() -> datetime | None:
    found = redis_client.ask(lambda client: client.time(), None)
    return datetime.fromtimestamp(found[0] + found[1] / 1e6, UTC) if found else None


def times_ahead() -> Found:
    now = clock.now()
    return faults.clock_faults(now, source_states.states(now))


def schedules() -> Iterator[Fault]:
    yield from detection.schedule_faults(clock.now())
    missing = sorted(expected() - set(Schedule.objects.values_list("name", flat=True)))
    if missing:
        yield Fault("schedules", "missing", Message("entries_missing", names=missing[:NAMED]))


def expected() -> set[str]:
    """The names that `sync` writes."""
    of_sources = [entry for source in Source.objects.all() for entry in miner_schedule.timetable(source)]
    return {
        *(entry.name for entry in (*of_sources, *miner_schedule.fixed())),
        brain_schedule.NAME,
        *alert_schedule.ENTRIES,
        *(f"outcomes.nightly.{family.value}" for family in outcome_schedule.NIGHT),
        detection.NAME,
    }


def sources() -> Found:
    return faults.source_faults(source_states.states(clock.now()))


def keys() -> Found:
    return detection.key_faults(source_states.states(clock.now()))


def jobs() -> Iterator[Fault]:
    """Runs that failed, and those whose process is gone while nothing gives them up."""
    yield from faults.job_faults(source_states.states(clock.now()))
    for job in Job.objects.filter(status=Job.Status.RUNNING, lease_until__lt=clock.now() - REAPED).order_by("pk"):
        if job.started_at and job.lease_until:
            yield Fault("job_lost", job.job_type, Message("lease_over", since=job.started_at, until=job.lease_until))


def gaps() -> Found:
    return faults.gap_faults(source_states.states(clock.now()))


def queue() -> Iterator[Fault]:
    yield from faults.queue_faults(clock.now())
    yield from faults.given_up(clock.now())


def backup() -> Iterator[Fault]:
    """None is a fault of an installation that is older than a backup may be."""
    if backup_file.newest():
        yield from detection.backup_faults(clock.now())
        return
    applied = MigrationRecorder(connection).migration_qs.order_by("id").values_list("applied", flat=True).first()
    if applied and clock.now() - applied > detection.OLD_BACKUP:
        yield Fault("backup", "", Message("backup_none"))


def static_files() -> Iterator[Fault]:
    """The copies as they are served, against the hashes of the list that the templates read."""
    vendor = settings.BASE_DIR / "static" / "vendor"
    listed = json.loads((vendor / "vendor.json").read_text(encoding="utf-8"))
    changed = [name for name, facts in listed.items() if integrity(f"vendor/{name}") != facts["integrity"]]
    if changed:
        yield Fault("static_files", "", Message.of(", ".join(changed)))


def integrity(name: str) -> str:
    """Of the file that a browser gets; empty where there is none."""
    try:
        path = Path(settings.STATIC_ROOT) / name if settings.STATIC_ROOT else finders.find(name)
        content = Path(str(path)).read_bytes() if path else b""
    except (OSError, SuspiciousFileOperation):
        return ""
    return f"sha384-{base64.b64encode(hashlib.sha384(content).digest()).decode()}"


def told_elsewhere() -> Iterator[Fault]:
    """What the register has open of the kinds that nothing here looks at."""
    for row in problems.current().filter(kind__in=problems.KINDS).exclude(kind__in=detection.KINDS):
        yield Fault(row.kind, row.subject, Message.of(row.detail) if row.detail else None)


def deliveries() -> Found:
    return detection.delivery_faults(clock.now())


EXAMINATIONS = (
    Examination("database", database, needs=""),
    Examination("migrations", migrations, needs="database"),
    Examination("redis", redis, needs=""),
    Examination("clock", clocks, needs=""),
    Examination("times", times_ahead),
    Examination("schedules", schedules),
    Examination("queue", queue),
    Examination("sources", sources),
    Examination("keys", keys),
    Examination("gaps", gaps),
    Examination("jobs", jobs),
    Examination("outbox", detection.outbox_faults),
    Examination("deliveries", deliveries),
    Examination("disk", detection.disk_faults, needs=""),
    Examination("files", static_files, needs=""),
    Examination("backup", backup),
    Examination("register", told_elsewhere),
)
