"""Every fault that the installation can detect is one open row, and closes by itself when it is gone."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command, load_command_class
from django.db import DatabaseError
from django.test import Client
from django_q.models import OrmQ, Schedule, Task

from charon import detection, logs
from charon.processes import queue_heartbeat
from markets import clock, problems
from markets.jobs import hourly
from markets.messages import Message
from markets.models import Gap, Instrument, Job, OutboxEvent, Problem, Publication, Source
from markets.redis import client as redis_client
from miner.admin_sources import MinedSourceAdmin
from miner.fetch.errors import FiguresRefused, Misconfigured
from miner.models import Lease, Poll
from miner.pulse import health, results
from signals.alerts.deliver.models import Delivery
from tests.deliveries import channel
from tests.test_source_states import end, loaded

pytestmark = pytest.mark.usefixtures("without_redis")


@pytest.fixture(autouse=True)
def well(at: Callable[[str], None], nbp: Source) -> Source:
    """The NBP alone, and nothing wrong."""
    at("2026-11-20 13:00")
    Source.objects.exclude(pk=nbp.pk).update(enabled=False)
    Schedule.objects.all().delete()
    loaded(nbp)
    return nbp


def source() -> Source:
    return Source.objects.get(code="nbp")


def run(job_type: str, status: str, **more: Any) -> None:
    now = clock.now()
    Job.objects.create(job_type=job_type, source=source(), status=status, started_at=now, finished_at=now, **more)


def task(success: bool, func: str = "miner.tasks.mine", group: str = "nbp", **more: Any) -> None:
    now = clock.now()
    Task.objects.create(id=f"{Task.objects.count():032d}", name="x", func=func, group=group, started=now, stopped=now,
                        success=success, **more)  # fmt: skip


def fill(func: str = "tables", **more: Any) -> None:
    """An operator's back-fill whose worker died each time."""
    args = ("nbp", ["A", "gold"], date(2026, 1, 1), date(2026, 2, 1))
    task(success=False, func=f"miner.backfill.{func}", group="nbp.fill", attempt_count=3, args=args, **more)


def gap(tries: int) -> None:
    moment = datetime(2020, 1, 2, tzinfo=UTC)
    Gap.objects.create(source=source(), table="A", from_time=moment, to_time=moment, reason="failed", tries=tries)


def waiting(ahead: timedelta) -> None:
    OrmQ.objects.create(key=settings.MINER_QUEUE, payload="x", lock=clock.now() + ahead)


def outbox() -> None:
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    usd = Instrument.objects.create(code="TST", base="TST", kind="currency", name_pl="x", name_en="x")
    OutboxEvent.objects.create(instrument=usd, kind="rate", from_time=moment, to_time=moment, rows=1, tries=5)


class Case(NamedTuple):
    kind: str
    subject: str
    breaks: Callable[[], object]
    mends: Callable[[], object]


def fresh(poll_age: float) -> None:
    Source.objects.filter(code="coingecko").update(enabled=True, polling_interval=60)
    done_at = clock.now() - timedelta(seconds=poll_age)
    Poll.objects.update_or_create(name="coingecko.quotes", defaults={"every": 60, "done_at": done_at})


def ahead(minutes: int) -> Schedule:
    next_run = clock.now() + timedelta(days=1)
    return Schedule.objects.create(name="x", func="x", schedule_type="I", minutes=minutes, next_run=next_run)


def overdue() -> Schedule:
    return Schedule.objects.create(name="x", func="x", schedule_type="I", minutes=1,
                                   next_run=clock.now() - detection.OVERDUE - timedelta(seconds=1))  # fmt: skip


def lost_key() -> None:
    """Of a source that has answered with one."""
    Source.objects.filter(code="polygon").update(enabled=True)
    end(Source.objects.get(code="polygon"), "quotes", "success", 60)


def late_delivery() -> None:
    due = clock.now() - timedelta(minutes=6)
    Delivery.objects.create(key=uuid4(), channel=channel(), step="fired", due_at=due, created_at=due)


CASES = [
    Case("source_failed", "nbp", lambda: end(source(), "A", "failed", 3, "unreachable"),
         lambda: end(source(), "A", "success", 1)),
    Case("source_stale", "coingecko", lambda: fresh(900), lambda: fresh(5)),
    Case("times_ahead", "sources", lambda: fresh(-86_300), lambda: fresh(5)),
    Case("gap", "nbp.A", lambda: gap(9), lambda: Gap.objects.update(accepted_at=clock.now())),
    Case("job_failed", "nbp.listing", lambda: run("nbp.listing", "failed", reason="unreadable"),
         lambda: run("nbp.listing", "success")),
    Case("job_lost", "nbp.A", lambda: run("nbp.A", "failed", reason="lost"), lambda: run("nbp.A", "success")),
    Case("figures_refused", "nbp.A", lambda: run("nbp.A", "success", rows_written=10, refused=3),
         lambda: run("nbp.A", "success", rows_written=13)),
    Case("work_given_up", "nbp", lambda: task(success=False, attempt_count=3),
         lambda: Task.objects.filter(success=False).update(stopped=clock.now() - timedelta(days=2))),
    Case("fill_given_up", "nbp.fill", fill, lambda: run("nbp.A", "success", trigger="command")),
    Case("queue", "charon", lambda: waiting(timedelta(seconds=-400)), lambda: OrmQ.objects.all().delete()),
    Case("times_ahead", "queue", lambda: waiting(timedelta(days=1)), lambda: OrmQ.objects.all().delete()),
    Case("times_ahead", "leases", lambda: Lease.objects.create(name="pulse", until=clock.now() + timedelta(days=1)),
         lambda: Lease.objects.all().delete()),
    Case("times_ahead", "jobs", lambda: run("nbp.A", "running", lease_until=clock.now() + timedelta(days=1)),
         lambda: Job.objects.filter(status="running").delete()),
    Case("times_ahead", "schedules", lambda: ahead(60), lambda: Schedule.objects.all().delete()),
    Case("schedules", "overdue", overdue, lambda: Schedule.objects.all().delete()),
    Case("no_key", "polygon", lost_key, lambda: Source.objects.filter(code="polygon").update(enabled=False)),
    Case("delivery_late", "", late_delivery, lambda: Delivery.objects.update(state="sent")),
    Case("outbox", "engine", outbox, lambda: OutboxEvent.objects.update(processed=clock.now())),
]  # fmt: skip


def open_now() -> set[tuple[str, str]]:
    detection.run()
    return set(problems.current().values_list("kind", "subject"))


def test_an_installation_without_a_fault_has_no_problem_and_writes_nothing(django_assert_num_queries: Any) -> None:
    assert detection.found(clock.now()) == []
    assert open_now() == set()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.subject}")
def test_a_fault_opens_once_and_closes_by_itself(case: Case, settings: Any, at: Callable[[str], None]) -> None:
    settings.MINER_QUEUE = settings.BRAIN_QUEUE = "charon"
    case.breaks()
    assert open_now() == {(case.kind, case.subject)}
    at("2026-11-20 13:01")
    assert open_now() == {(case.kind, case.subject)}
    row = Problem.objects.get()
    assert (row.opened_at, row.seen_at) == (clock.now() - timedelta(minutes=1), clock.now())
    at("2026-11-20 13:00")
    case.mends()
    assert open_now() == set()
    assert Problem.objects.get().closed_at == clock.now()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.subject}")
def test_health_tells_of_it_before_the_detector_has_run(case: Case, settings: Any, client: Client) -> None:
    settings.MINER_QUEUE = settings.BRAIN_QUEUE = "charon"
    case.breaks()
    told = client.get("/health")
    assert told.status_code == 200
    rows = [(row["kind"], row["subject"], row["since"]) for row in told.json()["problems"]]
    assert rows == [(case.kind, case.subject, None)]
    assert client.get("/health?strict=1").status_code == (503 if problems.KINDS[case.kind].strict else 200)


def test_every_kind_that_is_looked_for_has_its_case_and_its_words() -> None:
    assert {case.kind for case in CASES} | {"redis", "disk", "backup"} == set(detection.KINDS) <= set(problems.KINDS)
    for kind in problems.KINDS.values():
        assert all(str(text).strip() for text in (kind.title, kind.harm, kind.remedy))


@pytest.mark.parametrize(
    ("func", "command"),
    [
        ("tables", "manage.py mine nbp --table A --table gold --from 2026-01-01 --to 2026-02-01"),
        ("candles", "manage.py mine nbp --from 2026-01-01 --to 2026-02-01"),
        ("prices", "manage.py mine nbp --from 2026-01-01 --to 2026-02-01"),
    ],
)
def test_a_back_fill_that_was_given_up_names_the_command_that_mends_it(func: str, command: str) -> None:
    fill(func)
    assert [fault.detail for fault in detection.found(clock.now())] == [command]
    parsed = load_command_class("miner", "mine").create_parser("manage.py", "mine").parse_args(command.split()[2:])
    assert (parsed.source, parsed.start, parsed.end) == ("nbp", date(2026, 1, 1), date(2026, 2, 1))
    action = MinedSourceAdmin.fill_range.short_description  # type: ignore[attr-defined]
    assert str(action) in str(problems.KINDS["fill_given_up"].remedy)


def test_a_first_history_that_was_given_up_is_no_operators_back_fill() -> None:
    fill("prices", kwargs={"trigger": "schedule"})
    assert open_now() == {("work_given_up", "nbp.fill")}


def test_a_source_that_is_switched_off_is_no_fault(well: Source) -> None:
    end(well, "A", "failed", 3, "unreachable")
    gap(9)
    run("nbp.listing", "failed", reason="unreadable")
    Source.objects.filter(pk=well.pk).update(enabled=False)
    assert open_now() == set()


def test_redis_and_the_disk_are_looked_at(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    monkeypatch.setattr(redis_client, "state", lambda: "unreachable")
    monkeypatch.setattr(detection, "free_bytes", lambda: 5 * 1024 * 1024)
    assert open_now() == {("redis", ""), ("disk", "")}
    assert client.get("/health").status_code == 200
    assert client.get("/health?strict=1").json()["status"] == "fault"
    monkeypatch.undo()


def test_a_kind_that_somebody_else_reports_is_told_and_left_open(client: Client, well: Source) -> None:
    problems.report("proxy", "ALL_PROXY", Message.of("secret"))
    assert open_now() == {("proxy", "ALL_PROXY")}
    told = client.get("/health")
    assert told.json()["problems"][0]["kind"] == "proxy"
    assert b"secret" not in told.content


@pytest.mark.parametrize(("free", "part"), [(5 * 1024**3, "database"), (1000, "disk"), (None, "database")])
def test_what_cannot_serve_is_503_and_names_the_part(
    free: int | None, part: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise DatabaseError("database disk image is malformed at /srv/data")

    monkeypatch.setattr("charon.api.health.health", gone)
    monkeypatch.setattr(detection, "free_bytes", lambda: free)
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["error"]["detail"]) == (503, {"part": part})
    assert b"/srv" not in answer.content


@pytest.mark.slow
def test_the_tables_of_a_demo_end_and_its_health_is_well_all_the_same(
    client: Client, well: Source, settings: Any
) -> None:
    """They are told of as stale; everything else is a fault as anywhere."""
    Publication.objects.filter(source=well).update(effective_date=date(2026, 10, 26))
    stale = {"kind": "source_stale", "subject": "nbp"}
    assert (client.get("/health?strict=1").status_code, health.health()["status"]) == (503, "fault")
    settings.DEMO = True
    assert (client.get("/health?strict=1").status_code, health.health()["status"]) == (200, "ok")
    assert stale in health.health()["problems"]
    waiting(-timedelta(hours=1))
    assert (client.get("/health?strict=1").status_code, health.health()["status"]) == (503, "fault")


def test_one_refused_value_among_many_that_were_stored_before_is_not_told() -> None:
    """A daily run asks for six days again: nothing of them is written, and all may in."""
    run("nbp.A", "success", rows_written=0, refused=1, details={"accepted": 198})
    assert open_now() == set()


def test_a_variable_of_the_environment_is_one_problem_and_not_one_for_each_source_and_job(
    caplog: pytest.LogCaptureFixture,
) -> None:
    end(source(), "A", "failed", 3, "environment")
    run("nbp.listing", "failed", reason="environment")
    problems.report("proxy", "ALL_PROXY")
    assert open_now() == {("proxy", "ALL_PROXY")}
    caplog.clear()
    results.failed("nbp.A", Misconfigured("ALL_PROXY", "no port"))
    results.failed("ecb.A", Misconfigured("ALL_PROXY", "no port"))
    assert {logs.cause_of(record) for record in caplog.records} == {"environment: ALL_PROXY"}


@pytest.mark.slow
def test_a_failed_poll_is_forgotten_with_the_next_good_one_of_the_hour(at: Callable[[str], None]) -> None:
    """The good polls of an hour share a row that may be older than that of the failure."""
    for minute, error in (("13:00", None), ("13:05", FiguresRefused("1 of 1 refused")), ("13:10", None)):
        at(f"2026-11-20 {minute}")
        with suppress(FiguresRefused), hourly.poll("nbp.extra", source()) as count:
            count.refused = [Message.of("USD")] * bool(error)
            if error:
                raise error
        detection.run()
        assert {kind for kind, _ in open_now()} == ({"job_failed", "figures_refused"} if error else set())


def test_a_source_that_failed_and_has_nothing_more_to_give_is_no_problem(at: Callable[[str], None]) -> None:
    """What it was asked for came from elsewhere; the next question may be a day away."""
    at("2026-11-20 13:05")
    run("nbp.A", "failed", reason="unreachable", requests=1)
    assert ("source_failed", "nbp") in open_now()
    at("2026-11-20 13:10")
    run("nbp.A", "skipped", reason="budget")
    assert ("source_failed", "nbp") in open_now(), "nobody asked it, and it may still be missing"
    run("nbp.A", "skipped", reason="up_to_date")
    assert open_now() == set()


def test_a_run_of_tomorrow_is_no_newest_run(at: Callable[[str], None]) -> None:
    at("2026-11-21 13:00")
    run("nbp.extra", "failed", reason="error")
    at("2026-11-20 13:00")
    run("nbp.extra", "success")
    assert open_now() == set()


@pytest.mark.slow
def test_the_status_page_is_redacted_and_the_admin_is_not(client: Client, well: Source) -> None:
    problems.report("job_failed", "nbp.listing", Message.of("GET /inside: 500"))
    problems.report("proxy", "ALL_PROXY", Message.of("of the house"))
    shown = client.get("/status/").content.decode()
    for words in ("Niezrozumiała zmienna środowiska", "Nic nie jest pobierane", "Narodowy Bank Polski: wykaz symboli"):
        assert words in shown
    for inside in ("GET /inside", "of the house", "ALL_PROXY"):
        assert inside not in shown
    client.force_login(User.objects.create_superuser("operator"))
    admin = client.get("/admin/").content.decode()
    for words in ("GET /inside", "ALL_PROXY", "Popraw zmienną środowiska", 'href="/admin/markets/job/"'):
        assert words in admin
    assert client.get("/admin/markets/problem/").status_code == 200
    assert client.get(f"/admin/markets/problem/{Problem.objects.latest('pk').pk}/change/").status_code == 200


@pytest.mark.slow
def test_who_may_not_see_problems_sees_none_in_the_admin(client: Client, well: Source) -> None:
    problems.report("proxy", "ALL_PROXY")
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    assert "ALL_PROXY" not in client.get("/admin/").content.decode()


def test_the_dashboard_has_a_line_for_what_harms_a_reader(client: Client, well: Source) -> None:
    problems.report("proxy", "ALL_PROXY")
    assert "Zobacz stan systemu" not in client.get("/").content.decode()
    problems.report("source_stale", "coingecko")
    shown = client.get("/").content.decode()
    assert "Dane ze źródła są nieaktualne: CoinGecko" in shown
    assert "Zobacz stan systemu" in shown


def test_the_timetable_and_the_heartbeat_run_the_detector(settings: Any, tmp_path: Any, well: Source) -> None:
    settings.DATA_DIR = tmp_path
    call_command("sync")
    call_command("sync")
    entry = Schedule.objects.get(func=detection.TASK)
    assert (entry.schedule_type, entry.minutes, entry.cluster) == ("I", 1, settings.MINER_QUEUE)
    run("nbp.A", "failed", reason="lost")
    queue_heartbeat.beat(settings.MINER_QUEUE)
    assert problems.current().filter(kind="job_lost").exists()
