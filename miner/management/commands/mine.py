"""Mine in the foreground, with a progress bar: the same road as the queue's task."""

import json
import sys
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from markets.models import Job, Source
from miner import backfill, sources, tasks
from miner.providers import PROVIDERS
from miner.providers.base import Series


def day(text: str) -> date:
    return date.fromisoformat(text)


class Command(BaseCommand):
    help = "Fetch what is missing from a source, or the days that you name; ends with 1 when a table failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", choices=sorted(PROVIDERS))
        parser.add_argument("--table", action="append", help="only this table (A, B, C, gold); may be repeated")
        parser.add_argument("--from", dest="start", type=day, metavar="YYYY-MM-DD", help="first day")
        parser.add_argument("--to", dest="end", type=day, metavar="YYYY-MM-DD", help="last day")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output, no progress bar")

    def handle(self, *args: str, **options: Any) -> None:
        source = Source.objects.filter(code=options["source"]).first()
        if source is None:
            raise CommandError("the sources are not in the database yet: run `manage.py sync` first")
        provider = sources.provider_of(source)
        names = [series.table for series in provider.series]
        if unknown := set(options["table"] or []) - set(names):
            raise CommandError(f"{source.code} has no table {', '.join(sorted(unknown))}; it has {', '.join(names)}")
        run = backfill.Run(
            source=source,
            provider=provider,
            trigger=Job.Trigger.COMMAND,
            connections=sources.connections_of(source),
            span=span_of(options["start"], options["end"]),
        )
        wanted = [series for series in provider.series if series.table in (options["table"] or names)]
        reports = self.mine_all(run, wanted, quiet=options["json"])
        if options["json"]:
            self.stdout.write(json.dumps({"source": source.code, "tables": reports}))
        if any(report["status"] not in {Job.Status.SUCCESS, Job.Status.SKIPPED} for report in reports):
            raise SystemExit(1)

    def mine_all(self, run: backfill.Run, wanted: list[Series], quiet: bool) -> list[dict[str, Any]]:
        """The tables in turn; after a failure the rest is not tried."""
        reports = []
        for series in wanted:
            with tqdm(desc=series.table, unit="window", disable=quiet or not sys.stderr.isatty()) as bar:
                run.watch = lambda _, done, total, reached, bar=bar: show(bar, done, total, reached)  # type: ignore[misc]
                status = tasks.mine_one(run, series)
            reports.append(report(run, series, status))
            if not quiet:
                self.stdout.write(sentence(reports[-1]))
            if status not in {Job.Status.SUCCESS, Job.Status.SKIPPED}:
                break
        return reports


def show(bar: "tqdm[Any]", done: int, total: int, reached: date | None) -> None:
    bar.total = total
    bar.set_postfix_str(str(reached or ""), refresh=False)
    bar.update(done - bar.n)


def span_of(start: date | None, end: date | None) -> backfill.Span | None:
    """Both ends may be left open: the history's first day and today."""
    if start and end and start > end:
        raise CommandError(f"--from {start} is after --to {end}")
    return (start or date.min, end or date.max) if start or end else None


def report(run: backfill.Run, series: Series, status: str) -> dict[str, Any]:
    """What the job says of itself; a run that could not even begin one has its error alone."""
    told = {"table": series.table, "status": status}
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
