"""The figure on top of an instrument's page: the headline with its proof, and how old it is."""

from datetime import date, datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from charon.pages import rows
from markets import clock, formats
from markets.instruments.names import GOLD
from markets.queries import calendars, freshness, overview
from markets.queries.freshness import Freshness
from markets.queries.headline import Headline
from markets.queries.overview import LatestRate
from markets.views import Row

# Table B comes on Wednesdays: a figure of the week before last is missing.
WEEKLY_IS_OLD = timedelta(days=14)


def headline(found: Headline) -> Row:
    line = found.line
    return rows.figures(line) | {
        "table": line.table,
        "unit": line.unit,
        "retired": retired_since(line),
        "many": "" if line.code == GOLD else rows.per_many(line),
        "ounce": formats.money(overview.per_ounce(line)) if line.code == GOLD else "",
        "proof": proof(found),
    }


def retired_since(line: LatestRate) -> str:
    """The day after its last rate, as the page of the tax rate says it; "" while it is quoted."""
    return formats.day(line.day + timedelta(days=1)) if line.retired else ""


def proof(found: Headline) -> Row:
    """The number leads to the table of that day; gold stands in none."""
    line, gold = found.line, found.line.code == GOLD
    return {
        "number": "" if gold else found.number,
        "href": "" if gold else reverse("table_day", args=[line.table, line.day.isoformat()]),
        "source": _(found.source),
        "sha256": found.sha256,
        "url": found.url,
        "fetched_at": found.fetched_at,
    }


def state(line: LatestRate, truth: Freshness) -> Row:
    """What stands between the figure and its being the newest there can be; a retired currency misses nothing."""
    weekly = line.table == "B"
    old = truth.now - midday(line.day) >= WEEKLY_IS_OLD if weekly else line.day < truth.fresh_from
    old = old and not line.retired
    missing = calendars.working_days(line.day, truth.fresh_from) if old and not weekly else 0
    return {
        "old": old,
        "missing": missing,
        "age": formats.days_ago(line.day, clock.today()) if old else "",
        "closed": truth.closed_by if truth.state == freshness.State.CLOSED and not (weekly or line.retired) else "",
    }


def midday(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=clock.WARSAW)


def table_words(table: str) -> str:
    return _("cena złota") if table == "gold" else table
