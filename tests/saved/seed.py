"""A life of Charon in five stages, told to the real writers: what its tables hold is what an installation comes to.

Each stage goes on from the one before it. Whoever builds them holds the clock (`travel`) and has no Redis.
"""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal

from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection

from markets.jobs import hourly, job_results, runs
from markets.messages import Message
from markets.models import Job, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from signals import rules
from signals.models import Signal
from signals.tasks import catch_up
from tests.news import open_news
from tests.saved import alerts, market
from tests.saved.figures import DAYS, LAST, archived, mids, spreads, table, value

Travel = Callable[[str], None]

MAJORS = ("USD", "EUR", "CHF", "GBP", "JPY")
# The archive ends before the official tables do, and begins before them.
ARCHIVED, OFFICIAL = DAYS[:380], DAYS[350:]
FIRST_RUN = DAYS.index(date(2026, 10, 22))


class Ended(Exception):
    """Ends a job with one of the reasons that there are."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"told to end with {reason} (https://api.example/?apikey=secret)")
        self.reason = reason


def empty(travel: Travel) -> None:
    """Just installed: sources, listings and timetables, no figure."""
    restart_numbers()
    travel("2026-10-22 06:30")
    call_command("sync")
    User.objects.create_superuser("operator")


def restart_numbers() -> None:
    """Answers tell the numbers of rows, and other tests before this one have used some up."""
    tables = connection.introspection.table_names()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("UPDATE sqlite_sequence SET seq = 0")
            return
        models = connection.introspection.installed_models(tables)
        for sql in connection.ops.sequence_reset_sql(no_style(), sorted(models, key=lambda model: model._meta.label)):
            cursor.execute(sql)


def full(travel: Travel) -> None:
    """Wednesday afternoon, everything is in: official figures, markets, decisions of every kind, ends of every kind."""
    first_run(travel)
    other_sources(travel)
    for day in DAYS[FIRST_RUN + 1 :]:
        travel(f"{day} 12:20")
        bring("nbp.A", [official(day)])
        bring("nbp.gold", [gold(day)])
        catch_up()
    corrections(travel)
    ends(travel)
    travel("2026-10-28 13:04:30")
    with runs.job("nbp.C", source("nbp"), Job.Trigger.WINDOW) as job:
        job.requests, job.retries, job.waited_seconds = 2, 1, 1.5
        publish([table("C", LAST, spreads(("USD", "EUR"), LAST))], source("nbp"), job, windows=1)
        travel("2026-10-28 13:04:32")
    travel("2026-10-28 13:05")
    market.fill()
    alerts.fill()
    # Nobody has decided on this yet, and one try has failed: an open announcement.
    bring("nbp.B", [table("B", LAST, mids(["AED"], LAST))])
    open_news().update(tries=1, error="DatabaseError('told to fail')")
    runs.start("ecb.eurofxref", source("ecb"), Job.Trigger.OPERATOR)


def noon(travel: Travel) -> None:
    """The next day, when the table is due and not there yet."""
    travel("2026-10-29 12:20")


def later(travel: Travel) -> None:
    """Saturday: the source has been away for two days, and every figure of a market is old."""
    for moment in ("2026-10-29 12:30", "2026-10-30 12:30"):
        travel(moment)
        fail("nbp.A", "nbp", "unreachable", Job.Trigger.WINDOW)
    travel("2026-10-31 18:00")


def filling(travel: Travel) -> None:
    """Monday: the history is being brought again, and somebody has paused a source and hidden another one."""
    travel("2026-11-02 09:15")
    for row in Source.objects.filter(code="deribit"):
        row.paused_until = row.paused_until or market.now() + timedelta(days=1)
        row.save()
    Source.objects.filter(code="ecb").update(public_display=False, public_api=False)
    job = runs.start("nbp.gold", source("nbp"), Job.Trigger.OPERATOR)
    job_results.plan(job, 98)
    job_results.progress(
        job, windows=37, reached=date(2012, 5, 31), new_codes=["XYZ"], refused=[Message.of("A 2012-05-30 ZWR: 0")]
    )


STAGES: dict[str, Callable[[Travel], None]] = {row.__name__: row for row in (empty, full, noon, later, filling)}


def source(code: str) -> Source:
    return Source.objects.get(code=code)


def bring(job_type: str, tables: Iterable[Table], trigger: str = Job.Trigger.SCHEDULE) -> None:
    """One run that brought these tables."""
    origin = source(job_type.split(".")[0])
    with runs.job(job_type, origin, trigger) as job:
        job_results.plan(job, 1)
        job.requests = 1
        publish(list(tables), origin, job, windows=1)


def official(day: date, edition: str = "", codes: Iterable[str] = ()) -> Table:
    return table("A", day, mids(codes or [*MAJORS, *(["UAH"] if day > DAYS[300] else [])], day), edition)


def gold(day: date) -> Table:
    return table("gold", day, mids(["XAU"], day), kind="metal")


def first_run(travel: Travel) -> None:
    """The archive, then what the NBP has, then the first decisions: all of them backtested but those of the day."""
    travel("2026-10-22 12:50")
    kuna = [day for day in DAYS[:25] if day.weekday() < 5]
    bring("nbp_archive.mid", [archived("A", day, [*MAJORS, "RUB"]) for day in ARCHIVED], Job.Trigger.START)
    bring("nbp_archive.mid", [archived("A", day, ["HRK"]) for day in kuna], Job.Trigger.START)
    bring("nbp_archive.mid", [archived("B", day, ["AED"]) for day in ARCHIVED if day.weekday() == 2])
    # Of one figure the archive says something else than the NBP.
    doubtful = DAYS[299]
    bring("nbp_archive.mid", [archived("A", doubtful, ["NOK"])])
    bring("nbp.A", [table("A", doubtful, [RateRecord("NOK", mid=value("NOK", doubtful) + Decimal("0.0006"))])])
    known = DAYS[: FIRST_RUN + 1]
    bring("nbp.A", [official(day) for day in known if day >= OFFICIAL[0]], Job.Trigger.START)
    bring("nbp.A", [official(day, codes=["UAH"]) for day in known[300:350]], Job.Trigger.START)
    bring("nbp.C", [table("C", day, spreads(("USD", "EUR"), day)) for day in known[-5:]])
    bring("nbp.gold", [gold(day) for day in known])
    catch_up()


def other_sources(travel: Travel) -> None:
    """The ECB, whose złoty is a rate of the euro."""
    travel("2026-10-22 17:10")
    codes = ("EUR", "EURUSD", "EURGBP", "EURJPY")
    days = DAYS[FIRST_RUN - 5 : FIRST_RUN + 1]
    bring("ecb.eurofxref", [table("eurofxref", day, mids(codes, day), kind="pair") for day in days])


def corrections(travel: Travel) -> None:
    """A table is published again with another dollar, and the rouble's last crossing turns out to be table B's."""
    travel("2026-10-28 12:40")
    day = last_crossing("USD")
    lines = [row for row in official(day).rates if row.code != "USD"]
    dollar = RateRecord("USD", mid=value("USD", day) + Decimal("0.1100"))
    bring("nbp.A", [table("A", day, [dollar, *lines], "again")])
    moved = last_crossing("RUB")
    bring("nbp.B", [table("B", moved, mids(["RUB"], moved))])
    catch_up()


def last_crossing(code: str) -> date:
    rows = Signal.objects.filter(instrument__code=code, rule=rules.primary().name).exclude(signal="HOLD")
    return rows.order_by("-as_of")[0].as_of.date()


def ends(travel: Travel) -> None:
    """A job for every way to end, two of the same skip that become one row, and beats that are counted by the hour."""
    travel("2026-10-28 12:45")
    for number, reason in enumerate(Job.Reason.values):
        travel(f"2026-10-28 12:{45 + number // 4}")
        if reason in {"up_to_date", "weekend", "holiday", "not_yet", "silent"}:
            skip("nbp.B", reason)
        else:
            fail("coingecko.history" if number % 2 else "binance.candles.1h", None, reason)
    for _ in range(3):
        skip("nbp.gold", "up_to_date")
    with hourly.poll("coingecko.quotes", source("coingecko")) as count:
        count.rows, count.requests, count.errors = 2, 1, 1


def skip(job_type: str, reason: str) -> None:
    with runs.job(job_type, source(job_type.split(".")[0])):
        raise runs.Skip(Job.Reason(reason))


def fail(job_type: str, code: str | None, reason: str, trigger: str = Job.Trigger.SCHEDULE) -> None:
    job = runs.start(job_type, source(code or job_type.split(".")[0]), trigger)
    job.requests, job.retries = 4, 3
    runs.fail(job, Ended(reason))
