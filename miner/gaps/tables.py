"""The tables of a source that gaps are about: their names, their jobs and their timetables."""

from markets.errors import UnknownCodeError
from markets.models import Source
from markets.queries.gap_days import DailyTable
from markets.queries.lookup import nearest
from markets.store.gaps import CANDLES, PRICES
from miner import source_states, sources
from miner.collect import history_requests
from miner.providers import PROVIDERS
from miner.providers.base import CandleSource, TableSeries


def series_of(code: str, table: str) -> TableSeries | None:
    """The official table of that name; None for candles, prices and what this release does not know."""
    found = PROVIDERS.get(code)
    return next((one for one in found.series if one.table == table), None) if found else None


def daily(series: TableSeries) -> DailyTable:
    return DailyTable(source_states.timetable(series), series.first, series.last)


def find_series(source: Source, table: str) -> TableSeries:
    """Raises UnknownCodeError with the nearest names of its tables."""
    series = series_of(source.code, table)
    if series is None:
        names = [one.table for one in PROVIDERS[source.code].series] if source.code in PROVIDERS else []
        raise unknown(source, table, names)
    return series


def find_table(source: Source, table: str) -> str:
    """The name of a table, of candles or of prices; raises UnknownCodeError with the nearest ones."""
    names = names_of(source)
    if table not in names:
        raise unknown(source, table, names)
    return table


def names_of(source: Source) -> list[str]:
    """Everything of this source that may have gaps."""
    if source.code not in PROVIDERS:
        return []
    provider = sources.provider_of(source)
    names = [one.table for one in provider.series]
    if isinstance(provider, CandleSource):
        names += [f"{CANDLES}{timeframe}" for timeframe in provider.timeframes]
    return [*names, PRICES] if history_requests.has_history(provider) else names


def unknown(source: Source, table: str, names: list[str]) -> UnknownCodeError:
    detail = {"nearest": nearest(table, {name: name for name in names}), "tables": names}
    return UnknownCodeError(f"{source.code} has no table {table!r}", detail)


def job_type(source: str, table: str) -> str:
    """Of the job that asks for the gaps of this table."""
    if table == PRICES:
        return f"{source}.history"
    return f"{source}.fill.{table.removeprefix(CANDLES)}" if table.startswith(CANDLES) else f"{source}.{table}"
