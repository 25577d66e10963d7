"""What is behind a chart and the explanation of a signal: ranges, points, averages, words."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import sin
from typing import Any

import pandas as pd
import pytest

from markets.jobs import runs
from markets.models import Instrument, Job, Source
from markets.queries import history
from markets.queries.history import Point
from markets.records import RateRecord, Table
from markets.store.publish import publish
from signals import digits, explain
from signals import history as signal_history
from signals.history import Bars, Decision
from signals.models import Signal, midnight
from signals.rules.macd_cross import MacdCross

START = date(2020, 1, 6)
RULE = MacdCross(12, 26, 9)


def wave(count: int, start: date = START) -> list[Point]:
    values = (Decimal(f"{4 + 0.3 * sin(n / 12) + 0.05 * sin(n / 3.1):.4f}") for n in range(count))
    return [Point(start + timedelta(days=n), "A", value) for n, value in enumerate(values)]


def bars_of(points: list[Point]) -> signal_history.Bars:
    return signal_history.bars(((point.day, point.mid) for point in points), RULE)


def decision(day: date, signal: str = "BUY", histogram: str = "0.0003120000", **values: Any) -> Decision:
    facts = {"close": 3.9, "previous_histogram": -0.0012} | values
    made = datetime(2026, 10, 26, 11, tzinfo=UTC)
    figures = Decimal("0.01"), Decimal("0.009"), Decimal(histogram)
    return Decision(7, day, signal, *figures, facts, backtested=True, generated_at=made)


@pytest.mark.parametrize(
    ("newest", "months", "first"),
    [
        ("2026-10-26", 1, "2026-09-26"),
        ("2026-03-31", 1, "2026-02-28"),
        ("2024-03-31", 1, "2024-02-29"),
        ("2026-01-15", 3, "2025-10-15"),
        ("2024-02-29", 12, "2023-02-28"),
        ("2026-10-26", 60, "2021-10-26"),
        ("2026-12-31", 12, "2025-12-31"),
        ("2026-10-26", None, "0001-01-01"),
    ],
)
def test_a_range_goes_back_whole_months(newest: str, months: int | None, first: str) -> None:
    assert history.first_day(date.fromisoformat(newest), months) == date.fromisoformat(first)


@pytest.mark.parametrize(
    ("count", "kept", "step"), [(0, 0, 1), (1, 1, 1), (1000, 1000, 1), (1001, 501, 2), (8033, 893, 9)]
)
def test_no_more_than_a_thousand_points_are_drawn_and_the_newest_always(count: int, kept: int, step: int) -> None:
    points = wave(count)
    thinned, every = history.thinned(points)
    assert every == step
    # The lowest and the highest stay too, wherever they lie.
    assert kept <= len(thinned) <= kept + 2
    assert thinned[-1:] == points[-1:]
    assert not points or {min(p.mid for p in points), max(p.mid for p in points)} <= {p.mid for p in thinned}
    assert thinned == sorted(thinned, key=lambda point: point.day)


def test_weeks_of_holidays_are_no_gap_and_a_month_is_one() -> None:
    days = [START, START + timedelta(days=30), START + timedelta(days=61)]
    points = [Point(day, "A", Decimal("4.0000")) for day in days]
    assert history.gaps(points) == [(days[1], days[2])]


@pytest.mark.django_db
def test_points_are_the_canonical_mids_with_the_band_of_table_c(nbp: Source, archive: Source, job: Job) -> None:
    second = START + timedelta(days=1)
    both = RateRecord("USD", bid=Decimal("3.8938"), ask=Decimal("3.9724"))
    tables = [
        Table("A", START, [RateRecord("USD", mid=Decimal("3.9430"))]),
        Table("B", START, [RateRecord("USD", mid=Decimal("9.0000"))]),
        Table("C", START, [both]),
        Table("B", second, [RateRecord("USD", mid=Decimal("0.0474"))]),
        Table("C", START + timedelta(days=2), [both]),
    ]
    for table in tables:
        publish([table], nbp, job)
    found = history.points("USD", date.min)
    assert found == [
        Point(START, "A", Decimal("3.9430"), Decimal("3.8938"), Decimal("3.9724")),
        Point(second, "B", Decimal("0.0474")),
    ]
    assert [str(point.mid) for point in found] == ["3.9430", "0.0474"]
    assert [point.day for point in history.points("USD", second)] == [second]
    Source.objects.update(public_display=False)
    assert history.points("USD", date.min) == []


@pytest.mark.django_db
def test_another_banks_figure_of_the_same_currency_is_no_day_of_the_nbps_history(nbp: Source, job: Job) -> None:
    ecb = Source.objects.get(code="ecb")
    day, later = START, START + timedelta(days=1)
    publish([Table("A", day, [RateRecord("EUR", mid=Decimal("4.2600"))])], nbp, job)
    theirs = [Table("eurofxref", on, [RateRecord("EUR", mid=Decimal("4.2555"))], kind="pair") for on in (day, later)]
    assert publish(theirs, ecb, runs.start("ecb.eurofxref", ecb, Job.Trigger.COMMAND)).written == 2
    assert [(point.day, point.table) for point in history.points("EUR", date.min)] == [(day, "A")]
    assert [(row.day, row.tables, row.source) for row in history.newest_days("EUR")] == [(day, ("A",), nbp.name)]


@pytest.mark.django_db
def test_figures_carry_their_proof_and_the_archives_have_none(nbp: Source, archive: Source, job: Job) -> None:
    old = runs.start("nbp_archive.mid", archive, Job.Trigger.COMMAND)
    publish([Table("A", START, [RateRecord("USD", mid=Decimal("3.9"))])], archive, old)
    day = START + timedelta(days=1)
    proof = {"url": "https://nbp.example/", "sha256": "a" * 64}
    publish([Table("A", day, [RateRecord("USD", mid=Decimal("3.9430"))], "002/A/NBP/2020", **proof)], nbp, job)  # type: ignore[arg-type]
    both = RateRecord("USD", bid=Decimal("3.8938"), ask=Decimal("3.9724"))
    publish([Table("C", day, [both], "002/C/NBP/2020", **proof)], nbp, job)  # type: ignore[arg-type]
    newest, oldest = history.newest_days("USD")
    assert (newest.day, newest.tables, newest.sha256) == (day, ("002/A/NBP/2020", "002/C/NBP/2020"), "a" * 64)
    assert (str(newest.mid), str(newest.bid), str(newest.ask)) == ("3.9430", "3.8938", "3.9724")
    assert newest.fetched_at is not None
    assert (oldest.source, oldest.tables, oldest.sha256, oldest.bid) == (archive.name, ("A",), "", None)
    assert [row.day for row in history.newest_days("USD", count=1)] == [day]


def test_the_averages_are_those_of_the_brain_to_the_last_bit() -> None:
    points = wave(700)
    theirs = RULE.evaluate(pd.DataFrame({"close": [float(point.mid) for point in points]}), RULE.initial).values
    own = [list(bar.values())[1:] for bar in bars_of(points).values()]
    assert own[0][:-1] == theirs[0][:-1].tolist(), "before the first bar there is none"
    assert own[1:] == theirs[1:].tolist()


def test_averages_that_start_late_are_the_same_to_a_billionth() -> None:
    points = wave(2000)
    late = [point for point in points if point.day >= points[1500].day - timedelta(days=signal_history.LEAD_DAYS)]
    whole, part = bars_of(points)[points[1500].day], bars_of(late)[points[1500].day]
    assert part == pytest.approx(dict(whole), abs=1e-12, rel=0)


def test_a_code_that_was_away_begins_anew() -> None:
    points = [*wave(300), *wave(300, START + timedelta(days=700))]
    bars = bars_of(points)
    assert bars[START + timedelta(days=700)]["macd"] == 0.0
    assert [bar["histogram"] for bar in bars.values()][300:] == [
        bar["histogram"] for bar in bars_of(points[300:]).values()
    ]


def test_the_turning_close_is_the_price_that_brings_the_histogram_to_zero() -> None:
    points = wave(400)
    last = bars_of(points)[points[-1].day]
    close = RULE.turning_close(last)
    assert close is not None
    after = Point(points[-1].day + timedelta(days=1), "A", Decimal(repr(close)))
    assert bars_of([*points, after])[after.day]["histogram"] == pytest.approx(0, abs=1e-12)
    assert RULE.turning_close({"ema_fast": 5.0, "ema_slow": 1.0, "signal_line": -9.0}) is None


def test_an_explanation_names_both_bars_and_what_would_turn_it() -> None:
    points = wave(400)
    bars = bars_of(points)
    turn = next(
        day for day in reversed(bars) if bars[day]["histogram"] > 0 >= bars[day - timedelta(days=1)]["histogram"]
    )
    made = decision(turn, "BUY", f"{bars[turn]['histogram']:.10f}", previous_histogram=bars[turn]["previous_histogram"])
    why = explain.explain(RULE, made, bars, 4)
    assert why is not None
    assert why.sentence == (
        "Histogram MACD stał się dodatni: z \u22120,001148 (26.12.2020) na +0,001797 (27.12.2020). "
        "Linia MACD przecięła linię sygnału od dołu, dlatego reguła mówi KUP."
    )
    assert [row[0] for row in why.bars] == ["26.12.2020", "27.12.2020"]
    assert [row[-1] for row in why.bars] == ["\u22120,001148", "+0,001797"]
    assert re.fullmatch(
        r"Sygnał SPRZEDAJ pojawi się, gdy histogram spadnie poniżej 0 \(08\.02\.2021 wynosił [+\u2212]0,\d{6}\)\."
        r" Wystarczy do tego następne notowanie poniżej ok\. \d,\d{4}\u00a0zł\.",
        why.opposite,
    )


def test_a_sell_is_explained_the_other_way_round() -> None:
    why = explain.explain(
        RULE, decision(date(2026, 10, 15), "SELL", "-0.0010910391", previous_histogram=0.0012), Bars(()), 4
    )
    assert why is not None
    assert why.sentence == (
        "Histogram MACD stał się ujemny: z +0,001200 (poprzednia świeca) na \u22120,001091 (15.10.2026). "
        "Linia MACD przecięła linię sygnału od góry, dlatego reguła mówi SPRZEDAJ."
    )
    assert (why.bars, why.opposite) == ([], "")
    assert explain.explain(RULE, None, Bars(()), 4) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.0031", "+0,003100"),
        ("-0.0010910391", "\u22120,001091"),
        ("0.0000000012", "+0,0000000012"),
        ("0", "0,000000"),
    ],
)
def test_a_histogram_is_never_printed_as_a_zero_that_it_is_not(value: str, text: str) -> None:
    assert digits.small(Decimal(value), 4) == text


@pytest.mark.django_db
def test_a_decision_that_was_corrected_counts_with_its_newest_edition(nbp: Source, job: Job) -> None:
    publish([Table("A", START, [RateRecord("USD", mid=Decimal("4"))])], nbp, job)
    facts: dict[str, Any] = {
        "instrument": Instrument.objects.get(code="USD"), "as_of": midnight(START), "macd": 1, "signal_line": 1,
        "histogram": 1, "horizon_days": 5, "generated_at": datetime(2026, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    Signal.objects.create(rule=RULE.name, signal="BUY", **facts)
    Signal.objects.create(rule=RULE.name, signal="HOLD", version=2, **facts)
    Signal.objects.create(rule="macd_signal_cross_5_10_3", signal="SELL", **facts)
    assert [(row.signal, row.turns) for row in signal_history.decisions("USD", RULE)] == [("HOLD", False)]
