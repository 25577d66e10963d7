"""`manage.py replay`: computes the stored decisions again and names every row that differs."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from markets.instruments.find import find
from signals import replay, rules
from signals.models import Signal

WAYS: dict[str, Callable[[str | None, str | None], replay.Report]] = {
    "verify": replay.verify,
    "truncate": replay.truncate,
}


class Command(BaseCommand):
    help = "Compute the stored decisions again from the stored figures; ends with 1 when a row differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--verify", action="store_true", help="one pass over every series: a few seconds")
        parser.add_argument("--truncate", action="store_true", help="each row on the bars up to its own: minutes")
        parser.add_argument("--code", help="only this instrument: USD, gold, BTCUSDT")
        parser.add_argument("--rule", help="only this rule: its stored name, or macd_cross")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: str, **options: Any) -> None:
        wanted = [name for name in WAYS if options[name]]
        if not wanted:
            raise CommandError("say --verify, --truncate or both")
        code, rule = code_of(options["code"]), rule_of(options["rule"])
        told: dict[str, Any] = {}
        differs = False
        for name in wanted:
            started = time.monotonic()
            report = WAYS[name](code, rule)
            seconds = time.monotonic() - started
            differs = differs or bool(report.differences)
            told[name] = asdict(report) | {"seconds": round(seconds, 2)}
            if not options["json"]:
                self.stdout.write("\n".join([*map(str, report.differences), sentence(name, report, seconds)]))
        if options["json"]:
            self.stdout.write(json.dumps(told))
        if differs:
            raise SystemExit(1)


def code_of(text: str | None) -> str | None:
    if text is None:
        return None
    instrument = find(text)
    if instrument is None:
        raise CommandError(f"there is no instrument {text!r}")
    return instrument.code


def rule_of(text: str | None) -> str | None:
    """Of a rule that decides today, or of one that has decided before its parameters were changed."""
    if text is None:
        return None
    rule = rules.find(text)
    if rule is None and not Signal.objects.filter(rule=text).exists():
        raise CommandError(f"there is no rule {text!r}")
    return rule.name if rule else text


def sentence(name: str, report: replay.Report, seconds: float) -> str:
    """What was counted; what was not met is left out."""
    apart = {
        "of them without hashes, from an earlier release": report.unattested,
        "of them by another program": report.other_program,
        "on values that were corrected or completed since": report.corrected,
        "not replayable: their bars are gone": report.not_replayable,
        "superseded": report.superseded,
        "withdrawn": report.withdrawn,
        "of a rule or of parameters that are not configured": report.not_configured,
    }
    counted = [f"{count} {words}" for words, count in apart.items() if count]
    found = [f"{report.equal} equal", *counted, f"{len(report.differences)} differ"]
    return f"{name}: {report.rows} rows in {seconds:.1f} s; {', '.join(found)}"
