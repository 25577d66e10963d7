"""MACD over an upgrade: what was written before there were other rules is understood; nothing is decided twice."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from markets.models import Instrument, Job, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from signals import engine
from signals.models import AnalysisSnapshot, Signal
from signals.state import State
from tests.test_engine import START, content, wave

pytestmark = pytest.mark.django_db

# What Charon wrote when MACD was all it knew, for two series of `wave` and a weekly one: a first run, five days
# singly, a correction.
RECORDED = Path(__file__).parent / "recorded" / "signals" / "before_rules.json"
NEXT = START + timedelta(days=600)


def save(closes: list[tuple[date, Decimal]], code: str, letter: str, nbp: Source, job: Job) -> None:
    kind = "metal" if letter == "gold" else "currency"
    publish([Table(letter, day, [RateRecord(code, mid=value)], kind=kind) for day, value in closes], nbp, job)


@pytest.fixture
def upgraded(nbp: Source, job: Job, at: Callable[[str], None]) -> None:
    """A database that was filled and decided on when MACD was the only rule."""
    at("2026-11-20 13:00")
    recorded = json.loads(RECORDED.read_text())
    day, value = recorded["revised"]
    corrected = {date.fromisoformat(day): Decimal(value)}
    save([(day, corrected.get(day, mid)) for day, mid in wave(600)], "USD", "A", nbp, job)
    save(wave(300), "XAU", "gold", nbp, job)
    save([(START + timedelta(weeks=n), Decimal("1.05")) for n in range(30)], "AED", "B", nbp, job)
    for model, rows in ((Signal, recorded["signals"]), (AnalysisSnapshot, recorded["snapshots"])):
        for row in rows:
            instrument = Instrument.objects.get(code=row.pop("code"))
            moments = {name: datetime.fromisoformat(row[name]) for name in ("as_of", "generated_at") if name in row}
            model.objects.create(instrument=instrument, **row | moments)


def decide(code: str, since: date | None = None) -> int:
    return engine.decide(Instrument.objects.get(code=code), since=since)


@pytest.mark.usefixtures("upgraded")
def test_an_upgraded_database_gets_no_new_row() -> None:
    before = list(Signal.objects.order_by("pk").values())
    assert len(before) == 19
    assert [decide(code) for code in ("USD", "XAU", "AED")] == [0, 0, 0]
    assert list(Signal.objects.order_by("pk").values()) == before


@pytest.mark.usefixtures("upgraded")
def test_the_state_that_was_stored_then_carries_the_next_bar(nbp: Source, job: Job) -> None:
    stored = State.load(AnalysisSnapshot.objects.get(instrument__code="USD", window="30d").state)
    assert (stored.as_of.date(), stored.live_since, stored.bars) == (NEXT - timedelta(days=1), date(2021, 8, 22), 600)
    save(wave(601)[600:], "USD", "A", nbp, job)
    assert decide("USD", since=NEXT) == 1
    onward = without_numbers()
    AnalysisSnapshot.objects.filter(instrument__code="USD").update(state={})
    Signal.objects.filter(as_of__date=NEXT).delete()
    assert decide("USD") == 1
    assert [row["values"] for row in without_numbers() if "values" in row] == [
        row["values"] for row in onward if "values" in row
    ]
    rows = AnalysisSnapshot.objects.get(instrument__code="USD", window="30d").state["row"]
    assert rows == next(row["state"]["row"] for row in onward if row.get("window") == "30d")


def without_numbers() -> list[dict[str, Any]]:
    return [row for row in content() if row["instrument_id"] == Instrument.objects.get(code="USD").pk]


@pytest.mark.usefixtures("upgraded")
def test_what_was_recorded_is_what_is_decided_today() -> None:
    """Gold, whose series nothing has corrected: every byte of every row."""
    gold = Signal.objects.filter(instrument__code="XAU").order_by("as_of")
    columns = ("as_of", "signal", "macd", "signal_line", "histogram", "values", "version")
    recorded = list(gold.values_list(*columns))
    assert len(recorded) == 2
    gold.delete()
    AnalysisSnapshot.objects.all().delete()
    assert decide("XAU") == 2
    assert list(gold.values_list(*columns)) == recorded
