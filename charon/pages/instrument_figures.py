"""The figures of an instrument's page: the headline, how old it is, and the newest days with their proof."""

from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from charon.pages import rows
from markets import clock, formats
from markets.instruments.names import GOLD
from markets.queries import calendars, freshness, overview
from markets.queries.freshness import Freshness
from markets.queries.history import DayRates
from markets.queries.overview import LatestRate
from markets.views import Row

# Table B comes on Wednesdays: a figure of the week before last is missing.
WEEKLY_IS_OLD = timedelta(days=14)


def headline(line: LatestRate) -> Row:
    many = overview.per_many(line) if line.code != GOLD else None
    return rows.figures(line) | {
        "table": line.table,
        "unit": line.unit,
        "retired": line.retired,
        "many": f"{formats.whole(many[0])} {line.code} = {formats.number(many[1])} zł" if many else "",
        "ounce": formats.number(overview.per_ounce(line)) if line.code == GOLD else "",
    }


def state(line: LatestRate, truth: Freshness) -> Row:
    """What stands between the figure and its being the newest there can be; a retired currency misses nothing."""
    weekly = line.table == "B"
    old = truth.now - midday(line.day) > WEEKLY_IS_OLD if weekly else line.day < truth.fresh_from
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


def proofs(figures: list[DayRates], line: LatestRate) -> Row:
    """The newest days with source and numbers; all of the proof for the figure on top, table C may be a day ahead."""
    shown = next((row for row in figures if row.mid is not None and row.day == line.day), None)
    return {
        "figures": [figure_row(row) for row in figures],
        "banded": any(row.bid for row in figures),
        "proof": proof_row(shown) if shown else None,
    }


def figure_row(row: DayRates) -> Row:
    values = {"mid": row.mid, "bid": row.bid, "ask": row.ask}
    shown: Row = {name: "–" if value is None else formats.number(value) for name, value in values.items()}
    return shown | {
        "iso": row.day.isoformat(),
        "day": formats.day(row.day),
        "source": row.source,
        "tables": ", ".join(table_words(table) for table in row.tables),
    }


def table_words(table: str) -> str:
    return _("cena złota") if table == "gold" else table


def proof_row(row: DayRates) -> Row:
    return {
        "number": row.tables[0] if row.sha256 and row.tables[0] != "gold" else "",
        "source": row.source,
        "sha256": row.sha256,
        "url": row.url,
        "fetched_iso": row.fetched_at.isoformat() if row.fetched_at else "",
        "fetched": formats.moment(row.fetched_at) if row.fetched_at else "",
    }
