"""The doctor looks at every part, whatever the others come to, and speaks with the words of the register."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import translation
from django_q.models import OrmQ, Schedule

from charon import detection
from charon.upkeep import backup_file, doctor, examinations, migration_state
from charon.upkeep.doctor import Examined
from charon.upkeep.examinations import EXAMINATIONS
from markets import clock, problems
from markets.messages import Message
from markets.models import Gap, Job, OutboxEvent, Problem, Source
from markets.redis import client as redis_client
from signals.alerts import heartbeat
from signals.alerts.deliver.models import Delivery
from tests import test_detection
from tests.cases import walk
from tests.deliveries import channel
from tests.test_source_states import end, loaded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]


@pytest.fixture(autouse=True)
def well(
    at: Callable[[str], None], nbp: Source, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Source:
    """The NBP alone, a timetable, and nothing wrong."""
    settings.DATA_DIR = tmp_path
    at("2026-11-20 13:00")
    Source.objects.exclude(pk=nbp.pk).update(enabled=False)
    Schedule.objects.all().delete()
    call_command("sync")
    Schedule.objects.update(next_run=clock.now())  # django_q asks its own clock, which is that of the machine
    loaded(nbp)
    applied(days=1)
    monkeypatch.setattr(examinations, "postgres_time", lambda: None)  # the tests have another day
    return nbp


def applied(days: int) -> None:
    MigrationRecorder(connection).migration_qs.update(applied=clock.now() - timedelta(days=days))


class Case(NamedTuple):
    examination: str
    kind: str
    subject: str
    detail: str
    breaks: Callable[[Any], object]


def change_clock(patch: Any) -> None:
    patch.setattr(examinations, "redis_time", lambda: clock.now() - timedelta(seconds=90))


def lost_job(_: Any) -> None:
    now = clock.now()
    Job.objects.create(job_type="nbp.A", source=Source.objects.get(code="nbp"), status="running", worker="gone:1",
                       started_at=now - timedelta(hours=1), lease_until=now - timedelta(minutes=11))  # fmt: skip


def late_delivery(_: Any) -> None:
    due = clock.now() - heartbeat.DELIVERY - timedelta(seconds=1)
    key = "00000000-0000-0000-0000-000000000001"
    Delivery.objects.create(key=key, channel=channel(), step="fired", due_at=due, created_at=due)


def old_backup(_: Any) -> None:
    backup_file.folder().mkdir()
    (backup_file.folder() / "charon-20261101T000000Z-0.1.0-sqlite.zip").touch()


def no_backup(_: Any) -> None:
    applied(days=8)


def without_key(_: Any) -> None:
    test_detection.lost_key()
    call_command("sync")
    Schedule.objects.update(next_run=clock.now())


def migration_gone(_: Any) -> None:
    MigrationRecorder(connection).record_unapplied("miner", "0005_words_of_the_admin")


def migration_to_come(_: Any) -> None:
    MigrationRecorder(connection).record_applied("markets", "9999_next")


def overdue(_: Any) -> None:
    Schedule.objects.filter(name="problems").update(next_run=clock.now() - timedelta(minutes=11))


CASES = [
    Case("migrations", "migrations", "missing", "1 not applied: miner.0005_words_of_the_admin", migration_gone),
    Case("migrations", "migrations", "unknown", "1 of a newer release: markets.9999_next", migration_to_come),
    Case("redis", "redis", "", "", lambda patch: patch.setattr(redis_client, "state", lambda: "unreachable")),
    Case("clock", "clock", "Redis", "the clock of Redis differs from that of this machine by 90 s", change_clock),
    Case("times", "times_ahead", "queue", "1", lambda _: test_detection.waiting(timedelta(days=1))),
    Case("schedules", "schedules", "overdue", "1, the first since 2026-11-20 11:49:00 UTC", overdue),
    Case("schedules", "schedules", "missing", "missing: brain.watchdog",
         lambda _: Schedule.objects.filter(name="brain.watchdog").delete()),
    Case("queue", "queue", settings.MINER_QUEUE, "1, 2026-11-20 11:53:20 UTC",
         lambda _: test_detection.waiting(timedelta(seconds=-400))),
    Case("sources", "source_failed", "nbp", "unreachable",
         lambda _: end(Source.objects.get(code="nbp"), "A", "failed", 3, "unreachable")),
    Case("keys", "no_key", "polygon", "POLYGON_API_KEY is not set", without_key),
    Case("gaps", "gap", "nbp.A", "1: 2020-01-02 – 2020-01-02", lambda _: test_detection.gap(9)),
    Case("jobs", "job_lost", "nbp.A",
         "it runs since 2026-11-20 11:00:00 UTC, its lease ended at 2026-11-20 11:49:00 UTC", lost_job),
    Case("outbox", "outbox", "engine", "1, 2026-11-20", lambda _: test_detection.outbox()),
    Case("deliveries", "delivery_late", "", "1, the first due since 2026-11-20 11:54:59 UTC", late_delivery),
    Case("disk", "disk", "", "5 MB", lambda patch: patch.setattr(detection, "free_bytes", lambda: 5 * 1024**2)),
    Case("files", "static_files", "", "htmx-2.0.11.min.js",
         lambda patch: patch.setattr(examinations, "integrity", changed(examinations.integrity))),
    Case("backup", "backup", "", "the newest is of 2026-11-01 00:00 UTC", old_backup),
    Case("backup", "backup", "", "none is known", no_backup),
    Case("register", "proxy", "ALL_PROXY", "no port",
         lambda _: problems.report("proxy", "ALL_PROXY", Message.of("no port"))),
]  # fmt: skip


def changed(real: Callable[[str], str]) -> Callable[[str], str]:
    return lambda name: "sha384-other" if "htmx" in name else real(name)


def wrong(done: list[Examined]) -> list[tuple[str, str, str]]:
    return [(one.name, fault.kind, fault.subject) for one in done for fault in one.faults]


@pytest.mark.slow
def test_nothing_is_wrong_with_an_installation_that_is_well() -> None:
    done = doctor.examine()
    assert [(one.name, one.result) for one in done] == [(one.name, "ok") for one in EXAMINATIONS]
    assert doctor.code(done) == 0


@pytest.mark.slow
@walk("case", CASES, ids=lambda case: f"{case.examination} {case.subject} {case.detail}")
def test_each_part_that_is_wrong_is_found_and_told_as_the_register_tells_it(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.breaks(monkeypatch)
    done = doctor.examine()
    assert (case.examination, case.kind, case.subject) in wrong(done)
    assert {one.name for one in done if one.result != "ok"} == {case.examination}
    (told,) = doctor.findings(done)
    known = problems.KINDS[case.kind]
    with translation.override("en"):
        assert [told[name] for name in ("title", "harm", "remedy")] == [
            str(known.title), str(known.harm), str(known.remedy)
        ]  # fmt: skip
    assert (told["detail"], told["urgent"]) == (case.detail, known.strict)
    for left in backup_file.folder().glob("*"):
        left.unlink()
        backup_file.folder().rmdir()


def test_every_examination_has_a_case() -> None:
    assert {case.examination for case in CASES} | {"database"} == {one.name for one in EXAMINATIONS}
    assert heartbeat.DELIVERY == detection.LATE_DELIVERY


def test_an_examination_that_fails_is_a_finding_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> Iterable[problems.Fault]:
        raise ValueError("of the program: api_key=hunter2hunter2")

    others = [one._replace(look=fails) if one.name == "gaps" else one for one in EXAMINATIONS]
    monkeypatch.setattr(examinations, "EXAMINATIONS", tuple(others))
    done = doctor.examine()
    assert wrong(done) == [("gaps", "unexamined", "gaps")]
    assert {one.name for one in done if one.result == "ok"} == {one.name for one in EXAMINATIONS} - {"gaps"}
    (told,) = doctor.findings(done)
    assert "of the program" in told["detail"]
    assert "hunter2" not in json.dumps(told)
    assert doctor.code(done) == 2


def test_a_database_that_is_away_is_one_finding_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("could not connect to server")

    monkeypatch.setattr(connection, "ensure_connection", away)
    monkeypatch.setattr(connection, "cursor", away)
    monkeypatch.setattr(connection, "close", lambda: None)  # the transaction of the test is in it
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", stdout=out, stderr=err)
    assert (ended.value.code, err.getvalue()) == (2, "")
    told = out.getvalue()
    assert "could not connect to server" in told
    assert "Traceback" not in told
    lines = [line.split("  ", 1) for line in told.splitlines() if not line.startswith("    ")]
    results = {name.strip(): result.strip() for result, name in lines}
    needing = {one.name for one in EXAMINATIONS if one.needs}
    assert {name for name, result in results.items() if result == "not examined"} == needing
    assert [results[name] for name in ("database", "disk", "files")] == ["findings", "ok", "ok"]


def test_to_look_for_a_database_makes_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(examinations, "file", lambda: tmp_path / "charon.sqlite3")
    done = doctor.examine()
    assert doctor.findings(done)[0]["detail"] == f"there is none at {tmp_path}/charon.sqlite3"
    assert list(tmp_path.glob("*.sqlite3")) == []


def test_a_damaged_file_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = tmp_path / "charon.sqlite3"
    place.write_bytes(b"no database at all" * 100)
    monkeypatch.setattr(examinations, "file", lambda: place)
    monkeypatch.setattr(connection, "close", lambda: None)  # the transaction of the test is in it
    (fault,) = examinations.database()
    assert (fault.kind, fault.detail) == ("database", "file is not a database")


def test_tables_that_were_never_made_are_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration_state, "applied", list)
    done = doctor.examine()
    assert [name for name, _kind, _subject in wrong(done)] == ["migrations"]
    assert doctor.code(done) == 2


@pytest.mark.slow
def test_scripts_get_one_object_and_the_code_says_how_it_went() -> None:
    out = StringIO()
    call_command("doctor", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (told["code"], told["findings"], told["version"]) == (0, [], settings.VERSION)
    assert datetime.fromisoformat(told["examined_at"]) == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert list(told["examinations"]) == [one.name for one in EXAMINATIONS]
    test_detection.gap(9)
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json", stdout=out)
    assert ended.value.code == json.loads(out.getvalue())["code"] == 1
    call_command("doctor", "--skip", "gaps", stdout=StringIO())


@pytest.mark.slow
def test_the_doctor_writes_nothing() -> None:
    test_detection.gap(9)
    names = connection.introspection.table_names()
    before = [model.objects.count() for model in (Problem, Gap, OrmQ, OutboxEvent, Job)]
    doctor.examine()
    assert connection.introspection.table_names() == names
    assert [model.objects.count() for model in (Problem, Gap, OrmQ, OutboxEvent, Job)] == before
