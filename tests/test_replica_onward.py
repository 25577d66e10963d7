"""The made-up tables after the last real one: as if the NBP had gone on, and the same whenever they are asked for."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import get_args

import pytest

from markets.queries import calendars
from tests.replica import NBP, data, fixings, onward, walk
from tests.replica.nbp import WARSAW
from tests.replica.tables import Letter
from tests.replica.walk import Pair
from tests.replica.wire import Request

LETTERS: tuple[Letter, ...] = get_args(Letter)
YEARS = (2026, 2027, 2028)
WEEKLY = calendars.Timetable((0, 1, 2), longest_pause=16)
DAILY = calendars.Timetable()


def moment(day: str, hour: str = "09:00") -> datetime:
    return datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=WARSAW).astimezone(UTC)


def asked(bank: NBP, path: str, now: datetime) -> tuple[int, str]:
    answer = bank.answer(Request("GET", f"/api/{path}", {}, stays=True), now)
    return answer.status, answer.body.decode()


def mids(year: int) -> dict[date, dict[str, Decimal]]:
    rows = onward.tables("A", year).items()
    return {day: {code: Decimal(row[0]) for code, row in table.rates.items()} for day, table in rows}


@pytest.mark.parametrize("letter", LETTERS)
def test_tables_come_out_on_the_days_of_the_project_s_calendar(letter: Letter) -> None:
    timetable = WEEKLY if letter == "B" else DAILY
    first = data.last_day() + onward.DAY
    every = [first + onward.DAY * number for number in range((date(2031, 12, 31) - first).days + 1)]
    made = [day for year in range(first.year, 2032) for day in onward.days(letter, year)]
    assert made == [day for day in every if timetable.publishes(day)]
    assert date(2026, 12, 24) not in made


@pytest.mark.slow
@pytest.mark.parametrize("letter", LETTERS)
def test_the_real_tables_stay_and_the_others_go_on_from_them(letter: Letter) -> None:
    real, whole = data.tables(letter, data.last_day().year), onward.tables(letter, data.last_day().year)
    assert {day: whole[day] for day in real} == real
    before = max(real)
    after = next(day for day in whole if day > before)
    assert whole[after].rates.keys() == whole[before].rates.keys()
    for code, row in whole[after].rates.items():
        for new, old in zip(map(Decimal, row), map(Decimal, whole[before].rates[code]), strict=True):
            assert abs(new / old - 1) < Decimal("0.05"), code
            assert new.as_tuple().exponent == old.as_tuple().exponent


@pytest.mark.slow
def test_numbers_go_on_and_begin_anew_with_each_year() -> None:
    for letter in LETTERS[:3]:
        for year in YEARS:
            numbers = [table.number for table in onward.tables(letter, year).values()]
            assert numbers == [f"{place:03}/{letter}/NBP/{year}" for place in range(1, len(numbers) + 1)]
    table = onward.tables("C", 2027)[date(2027, 1, 4)]
    assert (table.number, table.trading_day) == ("001/C/NBP/2027", date(2026, 12, 31))


def test_a_table_is_the_same_after_a_restart_and_whatever_was_asked_before() -> None:
    assert onward.tables("A", 2026)[date(2026, 11, 27)].rates["USD"] == ("3.9971",)
    first = onward.tables("A", 2027)[date(2027, 6, 1)].json
    for kept in (onward.tables, onward.days, walk.block):
        kept.cache_clear()
    assert onward.tables("A", 2027)[date(2027, 6, 1)].json == first


def test_rates_move_every_day_as_rates_do() -> None:
    for (_, before), (day, after) in pairwise(mids(2027).items()):
        moves = [abs(after[code] / before[code] - 1) for code in ("USD", "EUR", "CHF", "GBP")]
        assert 0 < max(moves) < Decimal("0.03"), day


@pytest.mark.slow
def test_the_other_replicas_say_the_same_of_a_day() -> None:
    for day, table in list(mids(2027).items())[::20]:
        told = fixings.fixing(day)
        if fixings.is_open(day):
            assert abs(table["EUR"] / table["USD"] / Decimal(told["USD"]) - 1) < Decimal("0.0001"), day
            assert abs(table["EUR"] / Decimal(told["PLN"]) - 1) < Decimal("0.0001"), day
        grams = Decimal(onward.tables("gold", 2027)[day].rates["XAU"][0]) / table["USD"]
        ounce = Pair("XAU", "USD").at(onward.minute(day) * walk.MINUTE)
        assert abs(float(grams) * 31.1034768 / ounce - 1) < 0.02, day


def test_today_s_table_is_out_from_midnight_on_and_tomorrow_s_is_not() -> None:
    bank = NBP(goes_on=True)
    late, early = moment("2026-11-26", "23:59"), moment("2026-11-27", "00:01")
    table = "exchangerates/tables/A"
    before = asked(bank, f"{table}/2026-11-01/2026-11-26/", late)
    assert asked(bank, f"{table}/2026-11-27/", late)[0] == 400
    assert asked(bank, f"{table}/2026-11-27/", early)[0] == 200
    assert asked(bank, f"{table}/2026-11-01/2026-11-26/", early) == before
    assert '"no":"231/A/NBP/2026"' in asked(bank, f"{table}/", early)[1]


def test_a_weekend_and_a_holiday_are_not_found_and_the_newest_is_that_before_them() -> None:
    bank = NBP(goes_on=True)
    for day, newest in (("2026-11-29", "2026-11-27"), ("2026-11-11", "2026-11-10"), ("2027-01-01", "2026-12-31")):
        for path in ("exchangerates/tables/A", "exchangerates/tables/C", "cenyzlota"):
            assert asked(bank, f"{path}/today/", moment(day))[0] == 404
            assert newest in asked(bank, f"{path}/", moment(day))[1]


def test_only_a_bank_that_goes_on_has_them() -> None:
    assert asked(NBP(), "exchangerates/tables/A/today/", moment("2026-11-27"))[0] == 404


def test_a_table_may_be_empty_for_a_while() -> None:
    bank, day = NBP(goes_on=True), "2026-11-16"
    whole = asked(bank, f"exchangerates/tables/C/{day}/", moment("2026-11-27"))
    bank.empty("C", date.fromisoformat(day))
    status, body = asked(bank, "exchangerates/tables/C/2026-11-10/2026-11-20/", moment("2026-11-27"))
    assert (status, body.count('"rates":[]'), body.count('"no":')) == (200, 1, 8)
    assert asked(bank, f"exchangerates/tables/A/{day}/", moment("2026-11-27"))[1].count('"rates":[]') == 0
    bank.mend("C", date.fromisoformat(day))
    assert asked(bank, f"exchangerates/tables/C/{day}/", moment("2026-11-27")) == whole


def test_working_days_are_counted_back_over_holidays() -> None:
    assert onward.working_days_before(date(2026, 11, 29), 1) == date(2026, 11, 27)
    assert onward.working_days_before(date(2026, 11, 12), 2) == date(2026, 11, 9)
    assert onward.working_days_before(date(2026, 11, 29), 10) == date(2026, 11, 16)
    assert date(2026, 11, 29) - onward.working_days_before(date(2026, 11, 29), 10) > timedelta(days=7)
