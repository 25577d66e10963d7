"""The page that says what works: problems, database, Redis, queues, sources and the message log."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe
from django_q.models import OrmQ

from charon.api import message_log
from charon.pages import problem_words, status_log
from charon.processes import queue_heartbeat
from markets import clock, formats
from markets.access import READ_LOG, user_may
from markets.queries import currencies
from markets.queries.source_state import SourceState, State
from markets.queries.source_words import words
from markets.redis import client as redis_client
from markets.views import CALM, HtmxRequest, Row, shown_sources, wants_fragment
from miner import source_states
from miner.views import label


@require_safe
@cache_control(private=True, no_cache=True)
@conditional_page
def page(request: HtmxRequest) -> HttpResponse:
    """For everybody; an account that may read the log of the work also sees the newest lines of the message log."""
    template = "status/_status.html" if wants_fragment(request) else "status/status.html"
    return render(request, template, context(staff=user_may(request.user, *READ_LOG)))


def context(*, staff: bool) -> Row:
    now = clock.now()
    states = source_states.states(now)
    names = {state.source.code: state.source.name for state in states}
    entries = message_log.read(message_log.COUNTED)
    activity = message_log.activity(entries or [])
    return {
        "parts": [database_row(), redis_row(now), *queue_rows(now), polls_row(states)],
        "rows": [source_row(state, names, now) for state in states],
        "problems": problem_words.rows(names, now),
        "logged": entries is not None,
        "counts": [status_log.count_row(*line) for line in status_log.by_family(activity.counts)],
        "total": formats.plural(activity.total, _("wpisu,wpisów,wpisów")),
        "newest": told(activity.newest, now),
        "lines": [status_log.line_row(entry) for entry in (entries or [])[: message_log.SHOWN]] if staff else [],
        "staff": staff,
        "sources": shown_sources(state.source for state in states),
        "every": CALM,
    }


def part(name: str, light: str, state: str, words: str = "") -> Row:
    """One piece of the house: `light` is one of good, busy, warn, bad and muted, never shown without `state`."""
    return {"name": name, "light": light, "state": state, "words": words}


def database_row() -> Row:
    """The page has asked it already: without a database nobody reads this."""
    newest = currencies.newest_table_a()
    words = _("najnowsza tabela A z %s") % formats.day(newest) if newest else _("nie ma jeszcze żadnej tabeli A")
    return part(_("Baza danych"), "good", _("działa"), words)


def redis_row(now: datetime) -> Row:
    state = redis_client.state()
    if state == "off":
        return part("Redis", "muted", _("wyłączony"), _("wszystko działa bez niego"))
    if state == "ok":
        return part("Redis", "good", _("połączony"))
    since = redis_client.connection.lost_at or now
    return part("Redis", "warn", _("nieosiągalny od %s") % formats.moment(since), _("wszystko działa bez niego"))


def queue_rows(now: datetime) -> Iterator[Row]:
    """A queue is told of by the beat that one of its workers left on this machine, and by what waits in it."""
    names = {settings.MINER_QUEUE: _("Kolejka pobierania"), settings.BRAIN_QUEUE: _("Kolejka sygnałów")}
    if len(names) == 1:
        names = {settings.MINER_QUEUE: _("Kolejka zadań")}
    waiting = dict(OrmQ.objects.order_by().values_list("key").annotate(waiting=Count("pk")))
    for queue, name in names.items():
        count = waiting.get(queue, 0)
        words = _("czeka: %s") % formats.plural(count, _("zadanie,zadania,zadań")) if count else _("nic nie czeka")
        yield part(name, *beat_of(queue, now), words)


def beat_of(queue: str, now: datetime) -> tuple[str, str]:
    """Light and words of the last beat; another machine's beats are not seen here."""
    beaten = queue_heartbeat.last_beat(queue)
    if not beaten:
        return "muted", _("na tej maszynie nie mierzona")
    last = datetime.fromtimestamp(beaten / 1e9, now.tzinfo)
    if (now - last).total_seconds() > queue_heartbeat.LIMIT:
        return "bad", _("nie bierze zadań od %s") % formats.moment(last)
    return "good", _("działa")


def polls_row(states: Sequence[SourceState]) -> Row:
    """Prices and candles, whether pulse or the timetable asks for them."""
    names = {state.source.code: state.source.name for state in states}
    on = [one for state in states if state.state != State.OFF for one in state.series if one.facts.every]
    late = dict.fromkeys(label(one.facts.name, names) for one in on if one.is_behind or one.is_ahead)
    if not on:
        return part(_("Ceny i świece"), "muted", _("nie są pobierane"), _("żadne źródło cen nie jest włączone"))
    if late:
        return part(_("Ceny i świece"), "bad", _("spóźnione"), ", ".join(late))
    count = len({one.facts.name for one in on})
    words = formats.plural(count, _("cykliczne zapytanie,cykliczne zapytania,cyklicznych zapytań"))
    return part(_("Ceny i świece"), "good", _("na czas"), words)


def source_row(state: SourceState, names: dict[str, str], now: datetime) -> Row:
    return {
        "name": state.source.name,
        "code": state.source.code,
        "light": state.light,
        "state": words(state),
        "behind": ", ".join(label(name, names).removeprefix(f"{state.source.name}: ") for name in state.behind),
        "success": told(state.last_success, now),
        "failure": told(state.last_failure, now),
        "next_try": formats.near(state.next_try, now) if state.next_try else "–",
    }


def told(moment: datetime | None, now: datetime) -> str:
    return f"{formats.moment(moment)} ({formats.relative(moment, now)})" if moment else "–"
