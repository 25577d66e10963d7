"""The line of truth: every state that the newest table can be in, by the clock alone and from the tables."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django_q.models import Schedule

from markets import clock
from markets.models import Job, Source
from markets.queries import calendars
from markets.queries.freshness import Facts, LatestPublication, State, Trouble, judge
from markets.queries.freshness_facts import facts

FRIDAY = date(2026, 11, 20)
THURSDAY = date(2026, 11, 19)


def warsaw(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=clock.WARSAW).astimezone(UTC)


def with_table(day: date | None, **more: object) -> Facts:
    newest = LatestPublication(day, "nbp", "Narodowy Bank Polski", number="225/A/NBP/2026") if day else None
    return Facts(newest=newest, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("day", "now", "state", "missing", "next_day", "light"),
    [
        (FRIDAY, "2026-11-20 12:00", State.TODAY, 0, "2026-11-23", "good"),
        (THURSDAY, "2026-11-20 00:01", State.EXPECTED, 0, "2026-11-20", "good"),
        (THURSDAY, "2026-11-20 12:14", State.EXPECTED, 0, "2026-11-20", "good"),
        (THURSDAY, "2026-11-20 12:15", State.LATE, 1, "2026-11-20", "busy"),
        (THURSDAY, "2026-11-20 12:44", State.LATE, 1, "2026-11-20", "busy"),
        (THURSDAY, "2026-11-20 12:45", State.STALE, 1, "2026-11-23", "warn"),
        (FRIDAY, "2026-11-21 09:00", State.CLOSED, 0, "2026-11-23", "good"),
        (THURSDAY, "2026-11-21 09:00", State.STALE, 1, "2026-11-23", "warn"),
        (FRIDAY, "2026-11-23 10:00", State.EXPECTED, 0, "2026-11-23", "good"),
        (date(2026, 11, 10), "2026-11-11 15:00", State.CLOSED, 0, "2026-11-12", "good"),
        (date(2026, 11, 10), "2026-11-12 08:00", State.EXPECTED, 0, "2026-11-12", "good"),
        (date(2026, 10, 26), "2026-11-21 09:00", State.STALE, 18, "2026-11-23", "warn"),
        (None, "2026-11-21 09:00", State.EMPTY, 0, "2026-11-23", "busy"),
    ],
)
def test_the_state_follows_the_working_days(
    day: date | None, now: str, state: State, missing: int, next_day: str, light: str
) -> None:
    truth = judge(with_table(day), warsaw(now))
    assert (truth.state, truth.missing, truth.next_day.isoformat(), truth.light) == (state, missing, next_day, light)


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        ("2026-11-11 12:00", "Narodowe Święto Niepodległości"),
        ("2025-12-24 12:00", "Wigilia Bożego Narodzenia"),
        ("2026-11-21 12:00", "sobota"),
        ("2026-11-22 12:00", "niedziela"),
        ("2026-04-05 12:00", "Niedziela Wielkanocna"),
        ("2026-11-20 23:30", ""),
    ],
)
def test_a_day_without_publication_says_why(now: str, reason: str) -> None:
    assert judge(with_table(FRIDAY), warsaw(now)).closed_by == reason


def test_the_polish_day_counts_and_not_the_utc_one() -> None:
    saturday_in_warsaw = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert judge(with_table(FRIDAY), saturday_in_warsaw).state == State.CLOSED


def test_christmas_eve_was_a_working_day_until_2024() -> None:
    assert calendars.is_working(date(2024, 12, 24))
    assert not calendars.is_working(date(2025, 12, 24))
    assert calendars.next_working(date(2025, 12, 23)) == date(2025, 12, 29)


@pytest.mark.parametrize(("day", "light"), [(FRIDAY, "warn"), (date(2026, 10, 26), "bad"), (None, "bad")])
def test_trouble_is_red_only_when_figures_are_missing(day: date | None, light: str) -> None:
    trouble = Trouble("unreachable", "źródło nieosiągalne", warsaw("2026-11-20 10:00"))
    assert judge(with_table(day, trouble=trouble), warsaw("2026-11-21 09:00")).light == light


def test_figures_of_the_archive_are_never_called_good() -> None:
    archive = LatestPublication(FRIDAY, "nbp_archive", "Archiwum", "1.7", official=False)
    assert judge(Facts(newest=archive), warsaw("2026-11-21 09:00")).light == "warn"


def test_a_try_that_is_due_is_not_announced_for_the_past() -> None:
    now = warsaw("2026-11-21 09:00")
    judged = judge(with_table(FRIDAY, next_try=now - timedelta(minutes=3)), now)
    assert (judged.next_try, judged.starting) == (None, True)


def ended(nbp: Source, status: str, started: datetime, reason: str = "", requests: int = 4, **more: object) -> Job:
    return Job.objects.create(
        job_type="nbp.A",
        source=nbp,
        status=status,
        reason=reason,
        started_at=started,
        finished_at=started + timedelta(seconds=9),
        requests=requests,
        **more,
    )


def asked(now: datetime) -> Facts:
    return facts(None, now)


def test_trouble_begins_with_the_first_failure_after_the_last_answer(nbp: Source) -> None:
    hours = [warsaw(f"2026-11-20 {hour}:00") for hour in (10, 11, 12, 13, 14)]
    ended(nbp, "failed", hours[0], "unreachable")
    ended(nbp, "success", hours[1])
    ended(nbp, "failed", hours[2], "unreachable")
    ended(nbp, "failed", hours[3], "unreachable")
    trouble = asked(hours[4]).trouble
    assert trouble is not None
    assert (trouble.since, trouble.unreachable) == (hours[2], True)


def test_trouble_without_any_answer_begins_with_the_first_failure(nbp: Source) -> None:
    ended(nbp, "failed", warsaw("2026-11-20 10:00"), "unreachable")
    ended(nbp, "failed", warsaw("2026-11-20 11:00"), "unreachable")
    trouble = asked(warsaw("2026-11-20 12:00")).trouble
    assert trouble is not None
    assert trouble.since == warsaw("2026-11-20 10:00")


@pytest.mark.parametrize(
    ("reason", "requests", "ends"),
    [("not_yet", 1, True), ("up_to_date", 0, True), ("weekend", 0, True), ("budget", 0, False)],
)
def test_an_answer_or_a_run_with_nothing_to_ask_for_ends_the_trouble(
    nbp: Source, reason: str, requests: int, ends: bool
) -> None:
    ended(nbp, "failed", warsaw("2026-11-20 10:00"), "unreachable")
    ended(nbp, "skipped", warsaw("2026-11-20 11:00"), reason, requests=requests)
    assert (asked(warsaw("2026-11-20 14:00")).trouble is None) is ends


@pytest.mark.parametrize("reason", ["stopped", "lost"])
def test_our_own_interruptions_are_no_trouble_of_the_source(nbp: Source, reason: str) -> None:
    ended(nbp, "failed", warsaw("2026-11-20 10:00"), reason)
    assert asked(warsaw("2026-11-20 11:00")).trouble is None


def test_other_failures_are_told_with_their_reason(nbp: Source) -> None:
    ended(nbp, "failed", warsaw("2026-11-20 10:00"), "unreadable")
    trouble = asked(warsaw("2026-11-20 11:00")).trouble
    assert trouble is not None
    assert (trouble.unreachable, trouble.label) == (False, "nieczytelna odpowiedź źródła")


def test_the_next_try_is_the_soonest_of_the_banks_own_schedules(nbp: Source) -> None:
    now = warsaw("2026-11-20 11:00")
    Schedule.objects.update(next_run=now + timedelta(hours=5))
    Schedule.objects.filter(name="nbp.A.window.11").update(next_run=now + timedelta(minutes=45))
    Schedule.objects.create(func="x", name="nbp_archive", next_run=now)
    assert asked(now).next_try == now + timedelta(minutes=45)


def test_a_source_that_is_switched_off_promises_no_next_try(nbp: Source) -> None:
    Source.objects.filter(pk=nbp.pk).update(enabled=False)
    found = asked(warsaw("2026-11-20 11:00"))
    assert (found.enabled, found.next_try) == (False, None)


def test_only_a_pause_that_lasts_is_told(nbp: Source) -> None:
    now = warsaw("2026-11-20 11:00")
    Source.objects.filter(pk=nbp.pk).update(paused_until=now + timedelta(minutes=30))
    assert asked(now).paused_until == now + timedelta(minutes=30)
    assert asked(now + timedelta(hours=1)).paused_until is None


def test_a_run_of_one_window_is_no_backfill(nbp: Source) -> None:
    row = Job.objects.create(job_type="nbp.A", source=nbp, status="running", started_at=clock.now(), windows=1)
    assert asked(clock.now()).backfill is None
    Job.objects.filter(pk=row.pk).update(windows=98)
    assert asked(clock.now()).backfill == row


def test_the_banks_own_backfill_is_told_before_the_archives(nbp: Source, archive: Source) -> None:
    more = {"status": "running", "started_at": clock.now(), "windows": 32}
    old = Job.objects.create(job_type="nbp_archive.mid", source=archive, **more)
    assert asked(clock.now()).backfill == old
    new = Job.objects.create(job_type="nbp.A", source=nbp, **more)
    assert asked(clock.now()).backfill == new


@pytest.mark.django_db
def test_an_empty_database_has_facts_too() -> None:
    assert facts(None, clock.now()) == Facts()
