"""The rows of the status page: pieces of the system and sources."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from charon.pages import status_bars
from charon.pages.status_facts import LastTable, SourceStatus, Status
from charon.queue_state import QueueState
from markets import clock, formats
from markets.queries.source_state import State
from markets.queries.source_words import words
from markets.views import Row
from miner.job_names import label
from miner.source_facts import Budget

# The official table and what stands in for it: its day is that of the newest rates.
TABLE_A = ("nbp.A", "nbp_archive.mid")


def part(name: str, light: str, state: str, more: str = "") -> Row:
    """One piece of the system: `light` is one of good, busy, warn, bad and muted, never shown without `state`."""
    return {"name": name, "light": light, "state": state, "words": more}


def parts(status: Status) -> list[Row]:
    return [database_row(status), redis_row(status), *map(queue_row, status.queues), polls_row(status)]


def database_row(status: Status) -> Row:
    """It has been asked already: without a database nobody reads this."""
    newest = newest_table_a(status)
    more = _("najnowsza tabela A z %s") % formats.day(newest) if newest else _("nie ma jeszcze żadnej tabeli A")
    return part(_("Baza danych"), "good", _("działa"), more)


def newest_table_a(status: Status) -> date | None:
    series = (one.facts for source in status.sources for one in source.state.series)
    days = (facts.newest for facts in series if facts.name in TABLE_A)
    return max((day for day in days if day is not None and not isinstance(day, datetime)), default=None)


def redis_row(status: Status) -> Row:
    if status.redis == "ok":
        return part("Redis", "good", _("połączony"))
    if status.redis == "off":
        return part("Redis", "muted", _("wyłączony"), _("wszystko działa bez niego"))
    since = formats.moment(status.redis_lost_at) if status.redis_lost_at else ""
    state = _("nieosiągalny od %s") % since if since else _("nieosiągalny")
    return part("Redis", "warn", state, _("wszystko działa bez niego"))


def queue_row(queue: QueueState) -> Row:
    count = queue.waiting
    more = _("czeka: %s") % formats.plural(count, _("zadanie,zadania,zadań")) if count else _("nic nie czeka")
    return part(queue.name, queue.light, queue.words, more)


def polls_row(status: Status) -> Row:
    """Prices and candles, whether pulse or the timetable asks for them."""
    states = [one.state for one in status.sources]
    on = [one for state in states if state.state != State.OFF for one in state.series if one.facts.every]
    late = dict.fromkeys(label(one.facts.name, status.names) for one in on if one.is_behind or one.is_ahead)
    if not on:
        return part(_("Ceny i świece"), "muted", _("nie są pobierane"), _("żadne źródło cen nie jest włączone"))
    if late:
        return part(_("Ceny i świece"), "bad", _("spóźnione"), ", ".join(late))
    count = len({one.facts.name for one in on})
    more = formats.plural(count, _("cykliczne zapytanie,cykliczne zapytania,cyklicznych zapytań"))
    return part(_("Ceny i świece"), "good", _("na czas"), more)


def source_row(one: SourceStatus, names: Mapping[str, str], now: datetime) -> Row:
    state = one.state
    return {
        "name": _(state.source.name),
        "code": state.source.code,
        "light": state.light,
        "state": words(state),
        "behind": ", ".join(of_source(name, names) for name in state.behind) if state.is_behind else "",
        "table": table_row(one.table, names) if one.table else None,
        "price_at": one.price_at,
        "success": state.last_success,
        "failure": state.last_failure,
        "expected": expected_row(one, names, now),
        "next_try": state.next_try if state.next_try and state.next_try > now else None,
        "is_due": state.next_try is not None and state.next_try <= now,
        "budget": budget_words(one.budget),
        "bars": status_bars.bars(one.record.days, now.astimezone(clock.WARSAW).date()),
    }


def of_source(series: str, names: Mapping[str, str]) -> str:
    """`tabela A`, below the name of its source."""
    name = names.get(series.partition(".")[0])  # a batch is of several sources
    return label(series, names).removeprefix(f"{_(name)}: ") if name else label(series, names)


def table_row(table: LastTable, names: Mapping[str, str]) -> Row:
    return {
        "name": of_source(table.series, names),
        "day": table.day,
        "delay": delay_words(table.delay) if table.delay is not None else "",
    }


def delay_words(delay: timedelta) -> str:
    return formats.rough(delay) if delay >= timedelta(minutes=1) else _("poniżej minuty")


def expected_row(one: SourceStatus, names: Mapping[str, str], now: datetime) -> Row | None:
    """When it begins; once that has come, until when it is waited for."""
    expected = one.expected
    if expected is None:
        return None
    is_now = expected.start <= now
    return {
        "name": of_source(expected.series, names),
        "day": "" if expected.has_hours else formats.day(expected.day),
        "moment": (expected.end if is_now else expected.start) if expected.has_hours else None,
        "is_now": is_now,
    }


def budget_words(budget: Budget) -> str:
    """What was asked today, and what the source allows; how much of a running window is spent changes by the second."""
    asked = formats.plural(budget.today, _("zapytanie,zapytania,zapytań"))
    if not budget.limit:
        return asked
    seconds = budget.window_seconds
    window = f"{seconds // 60}{formats.NBSP}min" if seconds % 60 == 0 else f"{seconds}{formats.NBSP}s"
    limit = _("limit %(limit)s na %(window)s") % {"limit": formats.whole(budget.limit), "window": window}
    return f"{asked}, {limit}"


def sources(status: Status) -> Iterator[Row]:
    return (source_row(one, status.names, status.now) for one in status.sources)
