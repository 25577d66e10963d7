"""What the rules look at: series of an instrument at a source, ticks of markets or official rates, and what is new."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import BooleanField, ExpressionWrapper, F

from markets import clock
from markets.clock import SKEW
from markets.instruments import redenominations
from markets.licence import Audience, shown_to
from markets.models import Instrument, Listing, Quote, Rate, Tick
from markets.queries.latest_prices import LONGEST_PAUSE, fresh_for, interval_of, midnight
from signals.alerts.machine import Observation
from signals.alerts.models import AlertSeries
from signals.alerts.windows import Windows, memory

# Prices that come so late are history: they fill windows and fire nothing.
LATE = timedelta(hours=1)
# Table B is weekly, and a holiday moves it by a week.
WEEKLY_PAUSE = timedelta(days=14)
# A warm series is read from where it was left; what was left for longer is read by itself.
RECENT = timedelta(minutes=15)
MICROSECOND = timedelta(microseconds=1)
UNLISTED = Listing.Priority.LOW + 1

Place = tuple[int, int]
Prices = list[tuple[datetime, Decimal]]


class Asset(NamedTuple):
    """The part of an instrument that rules and events need."""

    pk: int
    code: str
    scale: int


# Whether a source's prices may be told to everybody, as a column of a question.
PUBLIC = ExpressionWrapper(shown_to(Audience.API), BooleanField())


class Step(NamedTuple):
    """One observation, by the minutes of each window; `late`: too old to fire."""

    time: datetime
    by_minutes: dict[int, Observation]


@dataclass(slots=True)
class Series:
    """One instrument at one source. `limit`: a longer pause is a silence. `rank`: who answers first, smaller is first.

    `steps` are the new observations, ascending, silences among them; `windows` stand behind the last one.
    """

    asset: Asset
    source: int
    limit: timedelta
    rank: tuple[bool, int, int, str] = (False, 0, 0, "")
    public: bool = True
    official: bool = False
    row: AlertSeries | None = None
    steps: list[Step] = field(default_factory=list)
    windows: Windows = field(default_factory=lambda: Windows((), None, refilling=False))

    @property
    def place(self) -> Place:
        return self.asset.pk, self.source

    @property
    def newest(self) -> datetime | None:
        if self.windows.fed is not None:
            return self.windows.fed
        return self.row.seen if self.row else None

    def is_fresh(self, now: datetime) -> bool:
        return self.newest is not None and now - self.newest <= self.limit

    def is_full(self, minutes: int) -> bool:
        """Whether the window holds nothing but its own prices from end to end: what a stand-in must have."""
        since = self.windows.since
        return since is not None and self.newest is not None and self.newest - since >= timedelta(minutes=minutes)


def assets(instruments: Iterable[int]) -> dict[int, Asset]:
    rows = Instrument.objects.filter(pk__in=instruments).order_by("pk").values_list("pk", "code", "scale")
    return {row[0]: Asset(*row) for row in rows}


def known(by_pk: Mapping[int, Asset]) -> dict[Place, Series]:
    """Every series that these instruments have, with what is known of it; four queries."""
    found = {one.place: one for one in (*listed(by_pk), *official(by_pk))}
    for row in AlertSeries.objects.filter(instrument__in=by_pk):
        if (row.instrument_id, row.source_id) in found:
            found[row.instrument_id, row.source_id].row = None if row.seen > clock.now() + SKEW else row
    return found


def listed(by_pk: Mapping[int, Asset]) -> Iterator[Series]:
    """At the markets that list them."""
    daily = set(Quote.objects.filter(instrument__in=by_pk, end_of_day=True).values_list("instrument_id", "source_id"))
    rows = Listing.objects.filter(instrument__in=by_pk).values_list(
        *("instrument_id", "source_id", "priority", "source__code", PUBLIC),
        *("source__polling_interval", "source__rotating"),
    )
    for instrument, source, priority, code, public, polling_interval, rotating in rows:
        end_of_day = (instrument, source) in daily
        interval = interval_of(polling_interval, priority, rotating=rotating)
        limit = fresh_for(interval, end_of_day=end_of_day)
        yield Series(by_pk[instrument], source, limit, (end_of_day, priority, interval, code), public)


def official(by_pk: Mapping[int, Asset]) -> Iterator[Series]:
    """At their publishers. What the archive has is the figure of the source that it stands in for."""
    rows = Quote.objects.filter(instrument__in=by_pk, effective_date__isnull=False).values_list(
        "instrument_id", "source_id", "source__fallback_for", "source__code", PUBLIC, "table"
    )
    # The publisher comes last and wins: its licence counts, on both databases.
    for instrument, source, official_source, code, public, table in rows.order_by(
        F("source__fallback_for").asc(nulls_last=True)
    ):
        limit = WEEKLY_PAUSE if table == "B" else LONGEST_PAUSE
        rank = (True, UNLISTED, 0, code)
        yield Series(by_pk[instrument], official_source or source, limit, rank, public, official=True)


def read(series: Collection[Series], minutes: Mapping[Place, set[int]], since: Mapping[int, datetime]) -> None:
    """Feed what is new to each of them. `since`: by instrument, from when on there is news."""
    starts: dict[Place, datetime] = {}
    now = clock.now()
    for one in series:
        windows = memory.find(one.place, minutes[one.place])
        # Windows that are ahead of the tables were fed by a pass that failed.
        if windows is None or windows.fed is None or one.row is None or windows.fed > one.row.seen:
            windows = None
        one.windows = windows or empty(one, minutes[one.place])
        starts[one.place] = begin(one, since[one.asset.pk], max(minutes[one.place]), now)
    prices = rates_of(series, starts) | ticks_of(series, starts, now)
    for one in series:
        follow(one, prices.get(one.place, []), starts[one.place], fires_from(one, since[one.asset.pk], now))
        memory.keep(one.place, one.windows)


def empty(one: Series, minutes: Iterable[int]) -> Windows:
    return Windows(minutes, one.row.steady_since if one.row else None, one.row.refilling if one.row else False)


def begin(one: Series, since: datetime, minutes: int, now: datetime) -> datetime:
    """Behind which time prices are read: the last one that was fed, else a window before the last one that was seen."""
    span = timedelta(minutes=minutes)
    floor = now - max(one.limit, LATE) - span
    if one.windows.fed is not None:
        return max(one.windows.fed, floor)
    if one.row is None:
        return max(since - span, floor) - MICROSECOND
    return max(one.row.steady_since, one.row.seen - span, floor) - MICROSECOND


def fires_from(one: Series, since: datetime, now: datetime) -> datetime:
    """What is not newer is history: it was looked at already, or it comes too late."""
    seen = one.row.seen if one.row else since - MICROSECOND
    return max(seen, now - max(one.limit, LATE))


def follow(one: Series, prices: Prices, start: datetime, seen: datetime) -> None:
    """Price after price through the windows; a longer pause, or another unit of money, is a silence before it."""
    windows = one.windows
    before = windows.fed
    for time, value in prices:
        if before is None and one.row is not None and time > one.row.seen:
            before = max(one.row.seen, start)  # what was left out between them is no pause
        if before is not None and is_break(one, before, time):
            silent = windows.silence(before + MICROSECOND, refill=one.row is not None)
            if time > seen:
                one.steps.append(Step(time, silent))
        observed = windows.add(time, value)
        if time > seen:
            one.steps.append(Step(time, observed))
        before = time


def is_break(one: Series, before: datetime, time: datetime) -> bool:
    return time - before > one.limit or redenominations.crosses(one.asset.code, before.date(), time.date())


def ticks_of(series: Collection[Series], starts: Mapping[Place, datetime], now: datetime) -> dict[Place, Prices]:
    """By place, ascending: one query for all that are up to date, and one for each that is not."""
    markets = [one for one in series if not one.official]
    recent = max((starts[one.place] for one in markets), default=now) - RECENT
    warm = [one for one in markets if starts[one.place] >= recent]
    found: dict[Place, Prices] = defaultdict(list)
    for group in [warm, *([one] for one in markets if starts[one.place] < recent)]:
        if not group:
            continue
        first = min(starts[one.place] for one in group)
        rows = Tick.objects.filter(
            instrument__in={one.asset.pk for one in group},
            source__in={one.source for one in group},
            observed_at__gt=first,
            observed_at__lte=now + SKEW,
        )
        wanted = {one.place: starts[one.place] for one in group}
        columns = ("instrument_id", "source_id", "observed_at", "price")
        for instrument, source, time, price in rows.order_by("observed_at").values_list(*columns):
            start = wanted.get((instrument, source))
            if start is not None and time > start:
                found[instrument, source].append((time, price))
    return found


def rates_of(series: Collection[Series], starts: Mapping[Place, datetime]) -> dict[Place, Prices]:
    """The one mid of each day at its midnight (UTC), table A before B."""
    publishers = [one for one in series if one.official]
    if not publishers:
        return {}
    first = min(starts[one.place] for one in publishers).date()
    rows = Rate.objects.filter(
        instrument__in={one.asset.pk for one in publishers}, effective_date__gte=first, mid__isnull=False
    )
    found: dict[Place, dict[date, Decimal]] = defaultdict(dict)
    columns = ("instrument_id", "source_id", "source__fallback_for", "effective_date", "mid")
    for instrument, source, official_source, day, mid in rows.order_by("effective_date", "table").values_list(*columns):
        found[instrument, official_source or source].setdefault(day, mid)
    return {
        one.place: [(midnight(day), mid) for day, mid in found[one.place].items() if midnight(day) > starts[one.place]]
        for one in publishers
    }
