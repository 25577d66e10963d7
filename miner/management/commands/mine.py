"""Mine in the foreground, with a progress bar: the same road as the queue's task.

Tables bring what is missing, or the days that were named. A market brings its past: the newest thousand candles of each
timeframe, a year of prices, or the days that were named; one without a past says what it says now.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from markets import clock
from markets.jobs import runs
from markets.models import Job, Source
from miner import sources
from miner.collect import candle_history, history, history_requests, one_table, price_history
from miner.collect import candles as cycle
from miner.collect import prices as price_collector
from miner.collect import tables as table_collector
from miner.collect.window_plan import Span
from miner.providers import PROVIDERS
from miner.providers.base import CandleSource, Provider, TableSeries

YEAR = timedelta(days=365)


def day(text: str) -> date:
    return date.fromisoformat(text)


class Command(BaseCommand):
    help = "Fetch what is missing from a source, or the days that you name; ends with 1 when a table failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=sources.source_code, choices=sorted(PROVIDERS))
        parser.add_argument("--table", action="append", help="only this table (A, B, C, gold); may be repeated")
        parser.add_argument("--from", dest="start", type=day, metavar="YYYY-MM-DD", help="first day")
        parser.add_argument("--to", dest="end", type=day, metavar="YYYY-MM-DD", help="last day")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output, no progress bar")

    def handle(self, *args: str, **options: Any) -> None:
        source = Source.objects.filter(code=options["source"]).first()
        if source is None:
            raise CommandError("the sources are not in the database yet: run `manage.py sync` first")
        provider = sources.provider_of(source)
        reports = self.tables(source, provider, options) if provider.series else self.market(source, provider, options)
        if options["json"]:
            self.stdout.write(json.dumps({"source": source.code, "tables": reports}))
        if any(report["status"] not in history.GOOD for report in reports):
            raise SystemExit(1)

    def tables(self, source: Source, provider: Provider, options: dict[str, Any]) -> list[dict[str, Any]]:
        names = [series.table for series in provider.series]
        if unknown := set(options["table"] or []) - set(names):
            raise CommandError(f"{source.code} has no table {', '.join(sorted(unknown))}; it has {', '.join(names)}")
        run = table_collector.Run(
            source=source,
            provider=provider,
            trigger=Job.Trigger.COMMAND,
            connections=sources.connections_of(source),
            span=span_of(options["start"], options["end"]),
        )
        wanted = [series for series in provider.series if series.table in (options["table"] or names)]
        return self.mine_all(run, wanted, quiet=options["json"])

    def mine_all(self, run: table_collector.Run, wanted: list[TableSeries], quiet: bool) -> list[dict[str, Any]]:
        """The tables in turn, each of them, whatever became of those before it."""
        reports = []
        for series in wanted:
            with tqdm(desc=series.table, unit="window", disable=quiet or not sys.stderr.isatty()) as bar:
                run.watch = lambda _, done, total, reached, bar=bar: show(bar, done, total, reached)  # type: ignore[misc]
                status = one_table.mine_one(run, series)
            reports.append(self.told(report(run, series.table, status), quiet))
        return reports

    def market(self, source: Source, provider: Provider, options: dict[str, Any]) -> list[dict[str, Any]]:
        """What it keeps a past of, or the prices of the moment; each part, whatever became of those before it."""
        if options["table"]:
            raise CommandError(f"{source.code} has no tables")
        span, reports = span_of(options["start"], options["end"]), []
        work = list(parts(source, provider, span))
        if not work and span:
            raise CommandError(f"{source.code} keeps no past")
        if not work:
            return [self.told(self.at_the_moment(source), options["json"])]
        for name, run, bring in work:
            with tqdm(desc=name, disable=options["json"] or not sys.stderr.isatty()) as bar:
                run.watch = partial(show, bar)
                status = history.settled(run, bring)
            reports.append(self.told(report(run, name, status), options["json"]))
        return reports

    def at_the_moment(self, source: Source) -> dict[str, Any]:
        result = price_collector.refresh(source, price_collector.due(source), patience=history.LONGEST_FOR_BUDGET)
        error = result.error
        return {
            "table": "quotes",
            "status": Job.Status.FAILED if error else Job.Status.SUCCESS,
            "reason": error.reason if error else "",
            "rows_written": result.rows,
            "revised": 0,
            "refused": len(result.refused),
            "requests": result.calls,
            "retries": result.retries,
            "notes": [] if error else [f"{code}: {words}" for code, words in result.failed.items()],
            "error": runs.scrub(str(error)) if error else "",
        }

    def told(self, report: dict[str, Any], quiet: bool) -> dict[str, Any]:
        if not quiet:
            self.stdout.write(sentence(report))
        return report


def parts(
    source: Source, provider: Provider, span: Span | None
) -> Iterator[tuple[str, history.Fill, Callable[[], None]]]:
    """What there is to bring of a market, each with its name."""
    now = clock.now()
    if history_requests.has_history(provider):
        run = fill_of(source, span, now - YEAR)
        tickers = [row.ticker for row in price_collector.due(source)]
        yield "history", run, partial(price_history.fetch_prices, run, tickers)
    if isinstance(provider, CandleSource):
        for timeframe, seconds in provider.timeframes.items():
            run = fill_of(source, span, now - timedelta(seconds=seconds * cycle.FIRST))
            yield f"candles {timeframe}", run, partial(candle_history.fetch_candles, run, timeframe)


def fill_of(source: Source, span: Span | None, first: datetime) -> history.Fill:
    """The days that were named; without a first one from that moment on."""
    start, end = span or (date.min, date.max)
    begin, until = history.moments(max(start, first.date()) if start == date.min else start, end)
    return history.Fill(source, first if span is None else begin, until, Job.Trigger.COMMAND)


def show(bar: "tqdm[Any]", done: int, total: int, reached: date | None) -> None:
    bar.total = total
    bar.set_postfix_str(str(reached or ""), refresh=False)
    bar.update(done - bar.n)


def span_of(start: date | None, end: date | None) -> Span | None:
    """Both ends may be left open: the history's first day and today."""
    if start and end and start > end:
        raise CommandError(f"--from {start} is after --to {end}")
    return (start or date.min, end or date.max) if start or end else None


def report(run: table_collector.Run | history.Fill, name: str, status: str) -> dict[str, Any]:
    """What the job says of itself; a run that could not even begin one has its error alone."""
    told = {"table": name, "status": status}
    if status == "busy":
        return told
    names = ("reason", "rows_written", "revised", "refused", "requests", "retries", "notes", "error")
    job = run.job or Job(error=run.error)
    return told | {name: getattr(job, name) for name in names}


def sentence(told: dict[str, Any]) -> str:
    if told["status"] == "busy":
        return f"{told['table']}: running elsewhere"
    text = f"{told['table']}: {told['status']}"
    text += f" ({told['reason']})" if told["reason"] else ""
    text += f", {told['rows_written']} rows, {told['requests']} requests"
    text += f", {told['revised']} revised" if told["revised"] else ""
    text += f", {told['refused']} refused" if told["refused"] else ""
    return "\n  ".join([text, *told["notes"], *([told["error"]] if told["error"] else [])])
