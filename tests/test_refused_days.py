"""A day of the NBP's or the ECB's answer that is broken, strange or there twice: it alone is refused, and named."""

import json
from datetime import date
from typing import Any

import pytest
import respx

from markets.models import Gap, Job, Rate, Source
from markets.records import Table
from markets.store.publish import publish
from miner.fetch import days
from miner.fetch.errors import Refused, Unreadable
from miner.providers.ecb import ECB, parse_csv
from miner.providers.nbp import NBP
from tests.bodies import RECORDED
from tests.test_ecb import zipped

BASE = "https://bank.example/api/"
FIRST, LAST = date(2026, 10, 19), date(2026, 10, 23)
WEEK = [date(2026, 10, 19 + number) for number in range(5)]


def gold(day: str, price: object = 500.25, **more: object) -> dict[str, Any]:
    return {"data": day, "cena": price, **more}


def sheet(day: str, *mids: object, **more: object) -> dict[str, Any]:
    rates = [{"currency": "x", "code": code, "mid": mid} for code, mid in zip(("USD", "EUR"), mids, strict=False)]
    return {"table": "A", "no": f"{day}/A", "effectiveDate": day, "rates": rates, **more}


def answered(*elements: object, fetch: str = "gold", start: date = FIRST, end: date = LAST) -> list[Table]:
    with respx.mock as web:
        web.get(url__startswith=BASE).respond(200, content=json.dumps(elements).encode())
        bank = NBP(BASE)
        return bank.fetch_gold(start, end) if fetch == "gold" else bank.fetch_rates(start, end, fetch)


def sound(tables: list[Table]) -> list[int]:
    return [table.effective_date.day for table in tables if not table.fault]


def faults(tables: list[Table]) -> dict[str, str]:
    return {
        f"{table.effective_date.day}-{(table.until or table.effective_date).day}": table.fault
        for table in tables
        if table.fault
    }


MONDAY, TUESDAY, WEDNESDAY = (gold(str(day), 500 + number) for number, day in enumerate(WEEK[:3]))


def test_a_day_that_stands_twice_and_says_the_same_counts_once() -> None:
    tables = answered(MONDAY, TUESDAY, TUESDAY, TUESDAY, WEDNESDAY)
    assert (sound(tables), faults(tables)) == ([19, 20, 21], {})


def test_copies_that_differ_in_bytes_and_not_in_what_they_say_count_once() -> None:
    tables = answered(sheet("2026-10-19", 3.60, 4.2), sheet("2026-10-19", 3.6, 4.20, more="new"), fetch="A")
    assert sound(tables) == [19]


@pytest.mark.parametrize(
    "other",
    [gold("2026-10-20", 1), gold("2026-10-20", "501"), gold("2026-10-20", None), {"data": "2026-10-20"}],
)
def test_different_copies_refuse_their_day_and_no_other(other: object) -> None:
    tables = answered(MONDAY, TUESDAY, other, TUESDAY, WEDNESDAY)
    assert (sound(tables), faults(tables)) == ([19, 21], {"20-20": "twice, with different content"})


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (sheet("2026-10-20", 1, rates=[]), "length >= 1"),
        (sheet("2026-10-20", 1, rates=None), "Expected `array`"),
        (sheet("2026-10-20", 1, table="B"), "asked for table A, got B"),
        (sheet("2026-10-20", 1, no=5), "Expected `str`"),
        ({"effectiveDate": "2026-10-20"}, "missing required field"),
        (sheet("2026-10-20", 1, rates=[{}, None, 5]), "missing required field `code`"),
    ],
)
def test_a_broken_table_refuses_its_own_day(broken: object, reason: str) -> None:
    tables = answered(sheet("2026-10-19", 1), broken, sheet("2026-10-21", 1), fetch="A")
    assert (sound(tables), list(faults(tables))) == ([19, 21], ["20-20"])
    assert reason in faults(tables)["20-20"]


@pytest.mark.parametrize(
    "broken", [gold("2026-13-45"), gold("20.10.2026"), gold(""), {"cena": 1}, None, 5, [], "2026-10-20", {}]
)
def test_an_element_without_a_day_is_of_one_between_its_neighbours(broken: object) -> None:
    tables = answered(MONDAY, broken, gold("2026-10-22"))
    assert (sound(tables), list(faults(tables))) == ([19, 22], ["20-21"])
    assert "record 2" in faults(tables)["20-21"]


@pytest.mark.parametrize("day", ["2062-10-20", "2026-10-26", "2020-10-20", "0001-01-01", "9999-12-31"])
def test_a_day_that_nobody_asked_for_is_left_out_and_named(day: str) -> None:
    tables = answered(MONDAY, gold(day), WEDNESDAY)
    assert (sound(tables), faults(tables)) == ([19, 21], {"20-20": f"asked for {FIRST} to {LAST}, got {day}"})


def test_a_stray_day_that_takes_the_place_of_none_is_named_and_is_no_gap(nbp: Source, job: Job) -> None:
    tables = answered(gold("2026-10-16"), MONDAY, TUESDAY)
    assert sound(tables) == [19, 20]
    outcome = publish(tables, nbp, job, covered=("gold", FIRST, LAST))
    assert outcome.refused == [f"gold 2026-10-23: asked for {FIRST} to {LAST}, got 2026-10-16"]
    assert not Gap.objects.filter(table="gold", reason=Gap.Reason.REFUSED).exists()


@pytest.mark.parametrize(
    "elements", [[None], [gold("2020-01-02")], [gold("x"), {}], [gold("2026-10-20"), gold("2026-10-20", 1)]]
)
def test_an_answer_without_a_sound_day_is_unreadable(elements: list[object]) -> None:
    with pytest.raises(Unreadable):
        answered(*elements)


def test_a_broken_line_of_a_table_is_refused_alone() -> None:
    lines = [{"code": "USD", "mid": 3.6}, {"code": "EUR"}, None, {"mid": 1}, {"code": 7, "mid": 1}]
    (table,) = answered(sheet("2026-10-20", rates=lines), fetch="A")
    assert [(rate.code, bool(rate.fault)) for rate in table.rates] == [
        ("USD", False), ("EUR", True), ("record 3", True), ("record 4", True), ("7", True),
    ]  # fmt: skip


def test_a_refused_day_is_named_in_the_job_and_becomes_a_gap_of_the_table(nbp: Source, job: Job) -> None:
    tables = answered(MONDAY, TUESDAY, gold("2026-10-20", 1), WEDNESDAY, None, gold("2026-10-23"))
    publish(tables, nbp, job, covered=("gold", FIRST, LAST))
    job.refresh_from_db()
    assert (job.rows_written, job.refused) == (3, 2)
    assert [note for note in job.notes if note.startswith("refused")] == [
        "refused: gold 2026-10-20: twice, with different content",
        "refused: gold 2026-10-22: record 5: not the answer that was agreed: Expected `object`, got `null`",
    ]
    stored = Rate.objects.filter(table="gold").order_by("effective_date")
    assert list(stored.values_list("effective_date", flat=True)) == [
        WEEK[0], WEEK[2], WEEK[4],
    ]  # fmt: skip
    (gap,) = Gap.objects.filter(table="gold", reason=Gap.Reason.REFUSED)
    assert (gap.instrument_id, gap.from_time.day, gap.to_time.day) == (None, 20, 22)


def test_the_same_window_healthy_again_closes_the_gap(nbp: Source, job: Job) -> None:
    publish(answered(MONDAY, None, WEDNESDAY), nbp, job, covered=("gold", FIRST, LAST))
    publish(answered(MONDAY, TUESDAY, WEDNESDAY), nbp, job, covered=("gold", FIRST, LAST))
    assert not Gap.objects.filter(table="gold", reason=Gap.Reason.REFUSED).exists()


AHEAD = (RECORDED / "nbp" / "400_date_range.txt").read_bytes()


def behind(*ends: date, start: date = FIRST) -> tuple[list[Table], list[str]]:
    """What the provider makes of a bank that refuses these ends, and what it asked for."""
    with respx.mock(assert_all_called=False) as web:
        for end in ends:
            web.get(url__regex=f".*/{end}/").respond(400, content=AHEAD)
        web.get(url__startswith=BASE).respond(200, json=[MONDAY, TUESDAY])
        tables = NBP(BASE).fetch_gold(start, LAST)
        return tables, [str(call.request.url).split("/")[-2] for call in web.calls]


def test_a_bank_whose_clock_is_behind_is_asked_up_to_yesterday_and_quoted() -> None:
    tables, asked = behind(LAST)
    assert (sound(tables), asked) == ([19, 20], ["2026-10-23", "2026-10-22"])
    assert "Błędny zakres dat / Invalid date range" in faults(tables)["23-23"]


def test_a_bank_further_behind_is_asked_once_more_and_no_oftener() -> None:
    with pytest.raises(Refused, match="Invalid date range"):
        behind(LAST, WEEK[3])


def test_a_single_day_that_the_bank_does_not_know_yet_is_its_refusal() -> None:
    with pytest.raises(Refused, match="Invalid date range"):
        behind(LAST, start=LAST)


@pytest.mark.parametrize(
    ("line", "about", "reason"),
    [
        ("2024-06-27,1.1", "27-27", "1 figures under 2 currencies"),
        ("2024-06-27,1.1,160.1,7", "27-27", "3 figures under 2 currencies"),
        ("2024-06-27,N/A,N/A", "27-27", "no figure"),
        ("27 Juni 2024,1.1,160.1", "27-27", "27 Juni 2024 is not a day"),
        ("2024-06-31,1.1,160.1", "27-27", "2024-06-31 is not a day"),
        (",1.1,160.1", "27-27", " is not a day"),
        ("2024-06-28,1.1,160.2", "28-28", "twice, with different content"),
        ("\ufffd", "27-27", "\\ufffd is not a day"),
    ],
)  # fmt: skip
def test_a_broken_line_of_the_history_refuses_its_own_day(line: str, about: str, reason: str) -> None:
    text = f"Date,USD,JPY\n2024-06-28,1.1,160.1\n{line}\n2024-06-26,1.1,160.1\n2015-01-05,1,2\n"
    tables = asked_of_the_ecb(text.encode(), date(2024, 1, 1), date(2024, 12, 31))
    assert faults(tables) == {about: reason}
    assert sound(tables) == [day for day in (26, 28) if f"{day}-{day}" != about]
    assert sound(asked_of_the_ecb(text.encode(), date(2015, 1, 1), date(2015, 12, 31))) == [5]
    assert asked_of_the_ecb(text.encode(), date(2014, 1, 1), date(2014, 12, 31)) == []


def asked_of_the_ecb(history: bytes, start: date, end: date) -> list[Table]:
    with respx.mock as web:
        web.get(url__regex=r".*daily\.xml").respond(content=(RECORDED / "ecb" / "eurofxref-daily.xml").read_bytes())
        web.get(url__regex=r".*hist\.zip").respond(content=zipped(history))
        return ECB(BASE).fetch_rates(start, end)


def test_a_day_twice_in_a_file_of_the_ecb_counts_once() -> None:
    text = b"\xef\xbb\xbfDate,USD\r\n2024-06-28,1.10\r\n2024-06-28, 1.1\r\n2024-06-27,1.2\r\n"
    tables = asked_of_the_ecb(text, date(2024, 1, 1), date(2024, 12, 31))
    assert (sound(tables), faults(tables)) == ([27, 28], {})


def test_a_byte_that_is_no_text_spoils_its_own_cell() -> None:
    first, second = parse_csv(b"Date,USD,JPY\n2024-06-28,1.1\xff,2\n2024-06-27,1.1,2\n", "")
    assert [rate.fault != "" for rate in first.rates + second.rates] == [True, False, False, False]


@pytest.mark.parametrize("order", [1, -1])
def test_an_undated_table_at_either_end_is_of_the_days_beyond(order: int) -> None:
    dated = [Table("A", day, []) for day in WEEK[1:4]]
    undated = Table("A", days.NO_DAY, [], fault="x")
    for place, span in ((0, (19, 19)), (3, (23, 23))):
        row = [*dated[:place], undated, *dated[place:]]
        found = next(table for table in days.placed(row[::order], FIRST, LAST) if table.until)
        assert (found.effective_date.day, found.until and found.until.day) == span
