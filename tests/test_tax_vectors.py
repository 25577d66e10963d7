"""The answers that are pinned: which table of the NBP or the ECB applies to a day, with its number and its rate.

The numbers of the NBP's tables are counted from the days of the archive package; older ones were not padded.
"""

from collections.abc import Callable, Iterator
from datetime import date

import pytest
from pytest_django import DjangoDbBlocker

from markets.queries.tax import registry
from markets.queries.tax.answers import answer
from markets.queries.tax.faults import CurrencyLeftTableError, NoRateBeforeError, NotQuotedError
from markets.queries.tax.rule import Question, Relation, Sequence
from tests import tax_tables
from tests.tax_tables import DAY, official, put_in, reference, rule

pytestmark = pytest.mark.django_db

BEFORE = """
USD 2025-01-02 252/A 2024-12-31 4.1012
EUR 2026-01-01 251/A 2025-12-31 4.2267
EUR 2026-01-07 002/A 2026-01-05 4.2110
USD 2024-12-27 249/A 2024-12-24 4.1127
USD 2025-12-24 248/A 2025-12-23 3.5848
EUR 2025-12-28 248/A 2025-12-23 4.2274
USD 2025-12-29 248/A 2025-12-23 3.5848
USD 2025-04-22 076/A 2025-04-18 3.7661
EUR 2026-04-07 065/A 2026-04-03 4.2776
USD 2025-05-02 083/A 2025-04-30 3.7617
USD 2025-05-05 084/A 2025-05-02 3.7722
EUR 2026-05-04 083/A 2026-04-30 4.2589
CHF 2025-06-20 117/A 2025-06-18 4.5446
EUR 2025-08-18 157/A 2025-08-14 4.2639
USD 2025-11-03 212/A 2025-10-31 3.6751
EUR 2025-11-12 218/A 2025-11-10 4.2351
USD 2026-03-21 055/A 2026-03-20 3.7032
USD 2026-07-31 146/A 2026-07-30 3.7644
EUR 2018-11-13 219/A 2018-11-12 4.2962
EUR 2005-04-11 068/A 2005-04-07 4.1038
IDR 2026-10-26 207/A 2026-10-23 0.00021749
HUF 2026-10-26 207/A 2026-10-23 0.011972
HRK 2022-12-30 251/A 2022-12-29 0.6233
BGN 2025-12-31 250/A 2025-12-30 2.1624
RUB 2022-03-09 046/A 2022-03-08 0.0330
RUB 2022-03-17 011/B 2022-03-16 0.0428
AED 2025-12-24 051/B 2025-12-23 0.9768
AED 2025-12-31 051/B 2025-12-23 0.9768
AED 2026-01-14 001/B 2026-01-07 0.9810
AED 2026-01-15 002/B 2026-01-14 0.9843
AED 2023-05-03 018/B 2023-05-02 1.1375
BYR 2016-07-05 026/B 2016-06-29 0.000200
BYN 2016-07-07 027/B 2016-07-06 2.0094
XCG 2025-04-04 013/B 2025-04-02 2.1489
VND 2026-10-22 042/B 2026-10-21 0.00015030
USD 2015-01-02 252/A 2014-12-31 3.5072
USD 2024-01-02 251/A 2023-12-29 3.9350
USD 2026-03-20 054/A 2026-03-19 3.7270
USD 2026-03-23 055/A 2026-03-20 3.7032
USD 2025-05-21 096/A 2025-05-20 3.7747
EUR 2025-05-21 096/A 2025-05-20 4.2497
HUF 2025-05-21 096/A 2025-05-20 0.010560
EUR 2025-08-26 163/A 2025-08-25 4.2627
JPY 2025-08-26 163/A 2025-08-25 0.024728
"""
UP_TO = """
EUR 2025-12-31 251/A 2025-12-31 4.2267
EUR 2023-12-31 251/A 2023-12-29 4.3480
AED 2024-12-31 053/B 2024-12-31 1.1167
USD 2004-07-21 141/A 2004-07-21 3.6181
USD 2026-10-21 205/A 2026-10-21 3.8889
USD 2015-01-02 001/A 2015-01-02 3.5725
"""
FIRST_EUR = """
EUR 2025-10-01 190/A 2025-10-01 4.2586
EUR 2026-10-01 191/A 2026-10-01 4.3770
EUR 2026-01-01 001/A 2026-01-02 4.2156
"""
ECB = """
before 2026-01-07 2026-01-06 4.2105
before 2025-12-29 2025-12-24 4.2135
before 2026-04-07 2026-04-02 4.2855
before 2025-08-18 2025-08-15 4.2588
first 2024-03-31 2024-04-02 4.2938
first 2026-09-30 2026-09-30 4.369
first 2025-10-01 2025-10-01 4.2583
first 2026-01-01 2026-01-02 4.2123
"""


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.split("\n") if line]


@pytest.fixture(scope="module", autouse=True)
def tables(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The two weeks before each day, and the one after it."""
    asked = [*lines(BEFORE), *lines(UP_TO), *lines(FIRST_EUR), ["BGN", "2026-02-02"], ["HRK", "2023-02-01"]]
    codes = {code for code, *_ in asked} | {"USD", "AED"}
    spans = {(date.fromisoformat(day) - 21 * DAY, date.fromisoformat(day) + 7 * DAY) for _, day, *_ in asked}
    found = {(one.table, one.effective_date): one for span in spans for one in official(*span, codes)}
    with tax_tables.module_data(django_db_blocker):
        put_in(found.values())
        days = {day: reference(day, rate, USD="1.1707") for _, _, day, rate in lines(ECB)}
        put_in(days.values(), "ecb")
        yield


@pytest.fixture(autouse=True)
def rules(monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> None:
    at("2026-10-27 10:00")
    found = {f"{sequence}.{relation}": rule(sequence, relation) for sequence in Sequence for relation in Relation}
    monkeypatch.setattr(registry, "NAMES", found)


def check(asked: str, code: str, day: str, number: str, table_day: str, rate: str) -> None:
    found = answer(Question(asked, code, date.fromisoformat(day)))
    number = f"{number}/NBP/{table_day[:4]}"
    assert (found["table_no"], found["effective_date"], found["rate"]) == (number, table_day, rate)
    assert (found["source"], found["table"], found["final"]) == ("nbp", number[4], True)
    assert found["citation"] == f"Tabela nr {number} z dnia {table_day}, 1 {code} = {rate.replace('.', ',')} PLN"


@pytest.mark.slow
@pytest.mark.parametrize("line", lines(BEFORE), ids=" ".join)
def test_the_newest_table_strictly_before_the_day_is_the_answer(line: list[str]) -> None:
    check("nbp.before", *line)


@pytest.mark.parametrize("line", lines(UP_TO), ids=" ".join)
def test_the_newest_table_up_to_the_day_is_the_answer(line: list[str]) -> None:
    check("nbp.up_to", *line)


@pytest.mark.parametrize("line", lines(FIRST_EUR), ids=" ".join)
def test_the_oldest_table_from_the_day_on_is_the_answer(line: list[str]) -> None:
    check("nbp.a.first", *line)


@pytest.mark.parametrize("line", lines(ECB), ids=" ".join)
def test_the_ecb_keeps_its_own_days(line: list[str]) -> None:
    relation, day, table_day, rate = line
    found = answer(Question(f"ecb.{relation}", "EUR", date.fromisoformat(day)))
    assert (found["effective_date"], found["rate"], found["source"]) == (table_day, rate, "ecb")
    assert (found["table"], found["table_no"], found["final"]) == ("eurofxref", None, True)


@pytest.mark.parametrize(
    ("code", "day", "last_date", "number"),
    [("BGN", "2026-02-02", "2025-12-31", "251/A/NBP/2025"), ("HRK", "2023-02-01", "2022-12-30", "252/A/NBP/2022")],
)
def test_the_last_rate_of_a_currency_that_left_is_not_carried_on(
    code: str, day: str, last_date: str, number: str
) -> None:
    with pytest.raises(CurrencyLeftTableError) as caught:
        answer(Question("nbp.before", code, date.fromisoformat(day)))
    assert caught.value.detail == {"last_table": number, "table": "A", "last_date": last_date, "successor": "EUR"}


def test_a_new_code_has_no_rate_before_its_first_table() -> None:
    with pytest.raises(NoRateBeforeError) as caught:
        answer(Question("nbp.before", "BYN", date(2016, 7, 6)))
    found = {"first_table": "027/B/NBP/2016", "table": "B", "first_date": "2016-07-06", "predecessor": "BYR"}
    assert caught.value.detail == found


def test_what_the_ecb_does_not_quote_is_not_quoted() -> None:
    with pytest.raises(NotQuotedError):
        answer(Question("ecb.before", "AED", date(2026, 1, 7)))
