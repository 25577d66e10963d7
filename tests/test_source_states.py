"""One judgement of a source, and every surface says the same: status, health, dashboard, admin, metrics."""

import html
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import strip_tags
from django_q.models import Schedule

from charon import metrics
from markets import clock
from markets.models import Job, Publication, Source
from markets.queries import calendars, freshness, source_state
from markets.queries.calendars import Timetable
from markets.queries.source_state import SeriesFacts, SourceState, State
from markets.queries.source_words import words
from markets.records import Price
from markets.store.prices import save_prices
from miner import source_states
from miner.models import Poll, Spent
from miner.providers import PROVIDERS
from miner.pulse import health
from tests.market import source

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday, 13:00 in Warsaw
TABLES = ("A", "B", "C", "gold")


@pytest.fixture(autouse=True)
def one_o_clock(at: Callable[[str], None]) -> None:
    at("2026-11-20 13:00")


@pytest.fixture(autouse=True)
def uncounted() -> Iterator[None]:
    """What these tests ask is not counted in others."""
    yield
    metrics.REQUESTS.clear()
    metrics.SECONDS.clear()


def loaded(source: Source, **days: str) -> None:
    """Every table of the NBP as it should be, but those that are named."""
    known = {"A": "2026-11-20", "B": "2026-11-18", "C": "2026-11-20", "gold": "2026-11-20"}
    for table in TABLES:
        end(source, table, "success", 30)
    for table, day in (known | days).items():
        Publication.objects.create(
            source=source, table=table, effective_date=date.fromisoformat(day), fetched_at=clock.now()
        )


def end(source: Source, table: str, status: str, minutes: int, reason: str = "") -> None:
    moment = clock.now() - timedelta(minutes=minutes)
    Job.objects.create(
        job_type=f"{source.code}.{table}", source=source, status=status, reason=reason, requests=1,
        started_at=moment, finished_at=moment,
    )  # fmt: skip


def is_ok(nbp: Source) -> None:
    loaded(nbp)


def is_late(nbp: Source) -> None:
    loaded(nbp, A="2026-11-19")


def is_stale(nbp: Source) -> None:
    loaded(nbp, gold="2026-11-10")


def is_unreachable(nbp: Source) -> None:
    loaded(nbp)
    end(nbp, "A", "failed", 8, "unreachable")


def is_refused(nbp: Source) -> None:
    loaded(nbp, A="2026-11-10")
    end(nbp, "A", "failed", 8, "unreadable")


def is_cooling(nbp: Source) -> None:
    loaded(nbp)
    Spent.objects.update_or_create(source=nbp, defaults={"blocked_until": clock.now() + timedelta(minutes=5)})


def is_filling(nbp: Source) -> None:
    loaded(nbp, A="2026-11-10")
    Job.objects.create(job_type="nbp.A", source=nbp, status="running", started_at=clock.now(), windows=98)


def is_new(nbp: Source) -> None:
    """Nothing has been asked."""


def is_switched_off(nbp: Source) -> None:
    loaded(nbp, A="2026-11-10")
    end(nbp, "A", "failed", 8, "unreachable")
    Source.objects.filter(pk=nbp.pk).update(enabled=False)


def is_paused(nbp: Source) -> None:
    loaded(nbp, A="2026-11-10")
    Source.objects.filter(pk=nbp.pk).update(paused_until=clock.now() + timedelta(hours=1))


def is_unknown(nbp: Source) -> None:
    loaded(nbp)
    Source.objects.filter(pk=nbp.pk).update(available=False)


CASES: dict[State, list[tuple[Callable[[Source], None], str, bool]]] = {
    State.OK: [(is_ok, "działa", False)],
    State.LATE: [(is_late, "czeka na najnowsze dane", False)],
    State.STALE: [(is_stale, "dane nieaktualne", True)],
    State.FAILED: [
        (is_unreachable, "nie odpowiada", False),
        (is_refused, "błąd: nieczytelna odpowiedź źródła", True),
    ],
    State.COOLING: [(is_cooling, "przerwa do 20.11.2026, 13:05", False)],
    State.FILLING: [(is_filling, "wczytuje historię", False)],
    State.PENDING: [(is_new, "jeszcze nie pytano", False)],
    State.OFF: [
        (is_switched_off, "wyłączone", False),
        (is_paused, "wstrzymane do 20.11.2026, 14:00", False),
        (is_unknown, "wyłączone: ta wersja go nie zna", False),
    ],
}


def of(code: str) -> SourceState:
    return next(one for one in source_states.states() if one.source.code == code)


def text_of(client: Client, path: str) -> str:
    content = client.get(path).content.decode()
    return re.sub(r"\s+", " ", html.unescape(strip_tags(content.replace("<", " <"))))


def gauges(client: Client) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in client.get("/metrics").content.decode().splitlines()]
    return {name: float(value) for name, _, value in lines if name.startswith("charon_")}


def test_every_state_that_there_is_stands_in_the_table_below() -> None:
    assert set(CASES) == set(State)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "make", "said", "strict"), [(state, *case) for state, cases in CASES.items() for case in cases]
)
def test_all_surfaces_say_the_same_of_a_source(
    state: State, make: Callable[[Source], None], said: str, strict: bool, client: Client, nbp: Source,
    settings: Any, at: Callable[[str], None], without_redis: None,
) -> None:  # fmt: skip
    settings.ENABLE_METRICS_ENDPOINT = True
    if state == State.LATE:
        at("2026-11-20 12:20")
    Source.objects.exclude(pk=nbp.pk).update(enabled=False)
    Schedule.objects.all().delete()  # written by another clock than this one
    make(nbp)
    judged = of("nbp")
    assert (judged.state, words(judged)) == (state, said)

    assert f"Narodowy Bank Polski {said} " in text_of(client, "/status/")
    told = client.get("/health").json()
    row = next(row for row in told["sources"] if row["code"] == "nbp")
    assert row["state"] == state
    assert client.get("/health?strict=1").status_code == (503 if strict else 200)
    kinds = {one["kind"] for one in told["problems"] if one["subject"] == "nbp"}
    assert ("source_stale" in kinds, "source_failed" in kinds) == (strict, state == State.FAILED)

    numbers = gauges(client)
    on = [one for one in State if numbers[f'charon_source_state{{source="nbp",state="{one}"}}'] == 1]
    assert on == [state]
    assert numbers['charon_problems_open{kind="source_stale"}'] == strict

    client.force_login(User.objects.create_superuser("operator"))
    listed = text_of(client, "/admin/markets/source/")
    assert said in listed[listed.index("Narodowy Bank Polski") :]


@pytest.mark.parametrize(
    ("make", "said"),
    [(is_unreachable, "NBP nieosiągalny"), (is_refused, "Błąd pobierania"), (is_filling, "Wczytywanie historii")],
)
def test_the_dashboard_tells_of_the_same_failure(
    make: Callable[[Source], None], said: str, client: Client, nbp: Source
) -> None:
    make(nbp)
    assert said in text_of(client, "/")


@pytest.mark.parametrize("day", range(0, 365, 3))
def test_the_line_of_truth_and_the_state_of_the_source_agree_on_table_a(day: int) -> None:
    series = next(one for one in PROVIDERS["nbp"].series if one.table == "A")
    timetable = source_states.timetable(series)
    start = datetime(2026, 1, 1, tzinfo=clock.WARSAW) + timedelta(days=day)
    behind = {freshness.State.STALE: State.STALE, freshness.State.LATE: State.LATE}
    for minutes in (0, 734, 735, 764, 765, 1439):
        now = (start + timedelta(minutes=minutes)).astimezone(UTC)
        for back in range(6):
            newest = now.astimezone(clock.WARSAW).date() - timedelta(days=back)
            facts = freshness.Facts(newest=freshness.LatestPublication(newest, "nbp", "NBP"))
            truth = freshness.judge(facts, now)
            judged = source_state.judge_series(SeriesFacts("nbp.A", newest, timetable), now)
            assert judged.state == behind.get(truth.state, State.OK), (now, newest)


@pytest.mark.parametrize(
    ("code", "table", "now", "newest", "state"),
    [
        ("ecb", "eurofxref", "2026-11-20 13:00", "2026-04-13", State.STALE),
        ("ecb", "eurofxref", "2026-11-20 15:00", "2026-11-19", State.OK),
        ("ecb", "eurofxref", "2026-11-20 16:40", "2026-11-19", State.LATE),
        ("ecb", "eurofxref", "2026-11-20 17:00", "2026-11-19", State.STALE),
        ("ecb", "eurofxref", "2026-11-11 18:00", "2026-11-10", State.STALE),  # Poland's holiday is no TARGET one
        ("ecb", "eurofxref", "2026-05-01 18:00", "2026-04-30", State.OK),  # TARGET is closed on the first of May
        ("ecb", "eurofxref", "2026-04-06 18:00", "2026-04-02", State.OK),  # Good Friday and Easter Monday
        ("nbp", "C", "2026-11-20 08:10", "2026-11-19", State.OK),
        ("nbp", "C", "2026-11-20 08:20", "2026-11-19", State.LATE),
        ("nbp", "C", "2026-11-20 08:45", "2026-11-19", State.STALE),
        ("nbp", "gold", "2026-11-20 23:00", "2026-11-19", State.OK),
        ("nbp", "gold", "2026-11-23 09:00", "2026-11-20", State.OK),
        ("nbp", "gold", "2026-11-24 09:00", "2026-11-20", State.LATE),
        ("nbp", "gold", "2026-11-24 13:00", "2026-11-20", State.STALE),
        ("nbp", "B", "2026-11-24 18:00", "2026-11-18", State.OK),
        ("nbp", "B", "2026-11-25 12:20", "2026-11-18", State.LATE),
        ("nbp", "B", "2026-11-25 12:45", "2026-11-18", State.STALE),
        ("nbp", "B", "2026-11-12 18:00", "2026-11-10", State.OK),  # Wednesday the 11th is a holiday
        ("nbp", "B", "2026-11-12 18:00", "2026-11-04", State.STALE),
    ],
)
def test_a_series_is_judged_by_its_own_calendar_and_hours(
    code: str, table: str, now: str, newest: str, state: State
) -> None:
    series = next(one for one in PROVIDERS[code].series if one.table == table)
    moment = datetime.fromisoformat(now).replace(tzinfo=clock.WARSAW).astimezone(UTC)
    facts = SeriesFacts(f"{code}.{table}", date.fromisoformat(newest), source_states.timetable(series))
    assert source_state.judge_series(facts, moment).state == state


def test_a_table_of_unknown_days_is_missing_after_its_longest_pause() -> None:
    monthly = Timetable(longest_pause=35)
    assert monthly.due(NOON) == (date(2026, 10, 16), date(2026, 10, 16))
    assert calendars.Timetable((6,)).due(NOON) == (None, None)


def test_a_bank_whose_figures_are_229_days_old_is_not_well_however_its_runs_ended(nbp: Source) -> None:
    ecb = Source.objects.get(code="ecb")
    Publication.objects.create(
        source=ecb, table="eurofxref", effective_date=date(2026, 4, 5), fetched_at=clock.now()
    )  # fmt: skip
    end(ecb, "eurofxref", "skipped", 3, "silent")
    assert of("ecb").state == State.STALE


def test_one_table_that_fails_is_told_also_when_the_next_one_is_answered(nbp: Source) -> None:
    loaded(nbp)
    end(nbp, "A", "failed", 8, "unreachable")
    end(nbp, "B", "success", 2)
    judged = of("nbp")
    assert judged.state == State.FAILED
    assert judged.trouble
    assert judged.trouble.since == clock.now() - timedelta(minutes=8)


def test_an_archive_is_a_fallback_that_is_named_while_it_stands_in(archive: Source, nbp: Source) -> None:
    end(archive, "mid", "success", 5)
    assert words(of("nbp_archive")) == "działa, zastępuje: Narodowy Bank Polski"
    loaded(nbp)
    assert words(of("nbp_archive")) == "działa"
    end(archive, "mid", "failed", 2, "storage")
    assert words(of("nbp_archive")) == "błąd: nie udało się zapisać w bazie"


def test_prices_are_judged_by_their_interval_and_never_by_a_future_success(nbp: Source) -> None:
    Source.objects.filter(code="coingecko").update(enabled=True, polling_interval=60)
    poll = Poll.objects.create(name="coingecko.quotes", every=60, asked_at=clock.now(), done_at=clock.now())
    for seconds, state, ahead in ((0, State.OK, False), (205, State.OK, False), (215, State.STALE, False),
                                  (-86_300, State.OK, True)):  # fmt: skip
        Poll.objects.filter(pk=poll.pk).update(done_at=clock.now() - timedelta(seconds=seconds))
        judged = of("coingecko")
        assert (judged.state, judged.series[0].is_ahead) == (state, ahead)


def test_answers_whose_prices_do_not_move_on_are_stale_for_the_pages_and_for_pulse(nbp: Source) -> None:
    """The poll succeeds every minute; what it brings is of yesterday."""
    Source.objects.exclude(code="coingecko").update(enabled=False)
    gecko = source("coingecko", ["BTC", "ETH"], polling_interval=60, enabled=True)
    answered = {"every": 60, "asked_at": clock.now(), "done_at": clock.now()}
    Poll.objects.update_or_create(name="coingecko.quotes", defaults=answered)
    save_prices([Price("bitcoin", Decimal(100), clock.now() - timedelta(seconds=215))], gecko)
    assert of("coingecko").state == State.STALE
    assert health.health()["status"] == "late"
    assert {"kind": "source_stale", "subject": "coingecko"} in health.health()["problems"]
    save_prices([Price("ethereum", Decimal(10), clock.now())], gecko)
    assert of("coingecko").state == State.OK, "one of them moves on: it is that coin that nobody trades"
    gecko.listings.filter(ticker="ethereum").update(tracked=False)
    assert of("coingecko").state == State.STALE, "what is not asked for any more is no sign of life"


def test_a_failure_that_ended_in_the_future_hides_no_answer_of_now(nbp: Source) -> None:
    loaded(nbp)
    end(nbp, "A", "failed", -24 * 60, "unreachable")
    assert of("nbp").state == State.OK


def test_a_source_without_its_key_is_off_for_that_reason(nbp: Source, settings: Any) -> None:
    settings.POLYGON_API_KEY = ""
    Source.objects.filter(code="polygon").update(enabled=True)
    assert words(of("polygon")) == "wyłączone: brak klucza API"


def test_the_judgement_of_all_sources_takes_four_queries(nbp: Source, django_assert_max_num_queries: Any) -> None:
    is_unreachable(nbp)
    with django_assert_max_num_queries(4):
        source_states.states()
