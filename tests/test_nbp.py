"""Narodowy Bank Polski: its answers, as they were recorded and as they should never be, become tables or an error."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st

from markets.decimals import scale_of
from markets.records import RateRecord, Table
from markets.store import validation
from miner.fetch.errors import Refused, Unreachable, Unreadable
from miner.providers import nbp
from miner.providers.nbp import NBP
from tests.replica import Replica

RECORDED = Path(__file__).parent / "recorded" / "nbp"
BASE = "https://bank.example/api/"
DAY = date(2026, 3, 2)
A = (RECORDED / "tables_A.json").read_bytes()
C = (RECORDED / "tables_C.json").read_bytes()
GOLD = (RECORDED / "cenyzlota.json").read_bytes()
THB = '{"currency":"bat (Tajlandia)","code":"THB","mid":0.1146}'


def asked(body: bytes, table: str = "A", start: date = DAY, end: date = DAY) -> list[Table]:
    """What the provider makes of a 200 with this body."""
    with respx.mock as web:
        path = "cenyzlota" if table == "gold" else f"exchangerates/tables/{table}"
        web.get(f"{BASE}{path}/{start}/{end}/?format=json").respond(200, content=body)
        bank = NBP(BASE)
        return bank.fetch_gold(start, end) if table == "gold" else bank.fetch_rates(start, end, table)


def refused(name: str, status: int) -> list[Table]:
    """What the provider makes of a recorded refusal."""
    with respx.mock as web:
        web.get(url__startswith=BASE).respond(status, content=(RECORDED / name).read_bytes())
        return NBP(BASE).fetch_rates(DAY, DAY)


def table_of(*lines: str, day: str = "2026-03-02") -> bytes:
    return f'[{{"table":"A","no":"041/A/NBP/2026","effectiveDate":"{day}","rates":[{",".join(lines)}]}}]'.encode()


def mid(text: str, code: str = "USD") -> str:
    return f'{{"currency":"x","code":"{code}","mid":{text}}}'


def without(body: bytes, *path: str | int) -> bytes:
    """The body less one key, wherever it stands."""
    root = json.loads(body)
    place = root
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return json.dumps(root).encode()


def test_the_recorded_table_a_is_read_to_the_last_digit() -> None:
    assert asked(A) == [
        Table(
            table="A",
            effective_date=date(2026, 3, 2),
            rates=[
                RateRecord("THB", mid=Decimal("0.1146"), name="bat (Tajlandia)"),
                RateRecord("USD", mid=Decimal("3.6056"), name="dolar amerykański"),
            ],
            number="041/A/NBP/2026",
            url=f"{BASE}exchangerates/tables/A/2026-03-02/?format=json",
            sha256=sha256(A[1:-1]).hexdigest(),
        )
    ]


def test_the_recorded_table_c_has_its_trading_day_and_two_sides() -> None:
    day = date(2026, 9, 29)
    assert asked(C, "C", day, day) == [
        Table(
            table="C",
            effective_date=day,
            rates=[RateRecord("USD", bid=Decimal("3.8046"), ask=Decimal("3.8814"), name="dolar amerykański")],
            number="189/C/NBP/2026",
            trading_date=date(2026, 9, 28),
            url=f"{BASE}exchangerates/tables/C/2026-09-29/?format=json",
            sha256=sha256(C[1:-1]).hexdigest(),
        )
    ]


def test_the_recorded_gold_is_a_table_of_one_figure() -> None:
    assert asked(GOLD, "gold") == [
        Table(
            table="gold",
            effective_date=date(2026, 3, 2),
            rates=[RateRecord("XAU", mid=Decimal("595.71"))],
            url=f"{BASE}cenyzlota/2026-03-02/?format=json",
            sha256=sha256(b'{"data":"2026-03-02","cena":595.71}').hexdigest(),
            kind="metal",
        )
    ]


@pytest.mark.parametrize(
    "text",
    ["2.6410", "0.8300", "0.02948", "0.00021385", "0.0000028", "4.0000", "110", "1E-7", "2.28e-6", "1.5E3", "0.0"],
)
def test_a_figure_keeps_its_digits_and_its_last_zeros(text: str) -> None:
    figure = asked(table_of(mid(text)))[0].rates[0]
    assert figure.mid is not None
    assert figure.mid.as_tuple() == Decimal(text).as_tuple()


@settings(deadline=None)
@given(st.decimals(min_value=Decimal("1E-10"), max_value=Decimal(10**9), places=10) | st.decimals(0, 10**6, places=4))
def test_any_figure_comes_through_exactly(value: Decimal) -> None:
    table = nbp.parse_tables(table_of(mid(f"{value:f}")), "A", BASE)[0]
    found = table.rates[0].mid
    assert found is not None
    assert (found, scale_of(found)) == (value, scale_of(value))


def test_the_proof_covers_the_table_itself_and_nothing_around_it() -> None:
    first, second = table_of(mid("1.2300"))[1:-1], table_of(mid("4.5600"), day="2026-03-03")[1:-1]
    spaced = b" [\r\n  " + first + b" ,\n\t" + second + b"  ]\n"
    tables = asked(spaced, end=date(2026, 3, 3))
    assert [table.sha256 for table in tables] == [sha256(first).hexdigest(), sha256(second).hexdigest()]


def test_the_proof_is_of_the_bytes_as_they_came() -> None:
    spaced = A[1:-1].replace(b":", b" : ").replace("ń".encode(), b"\\u0144")
    table = asked(b"[" + spaced + b"]")[0]
    assert table.sha256 == sha256(spaced).hexdigest()
    assert table.rates == asked(A)[0].rates


def test_the_proof_of_a_day_is_the_same_in_a_range_and_alone(replica: Replica) -> None:
    bank, day = NBP(replica.url), date(2024, 1, 3)
    ranged = {table.effective_date: table for table in bank.fetch_rates(date(2024, 1, 2), date(2024, 1, 31))}
    assert len(ranged) == 22
    assert bank.fetch_rates(day, day) == [ranged[day]]


def test_an_answer_out_of_order_comes_out_ascending() -> None:
    second, first = (table_of(mid("1"), day=day)[1:-1] for day in ("2026-03-03", "2026-03-02"))
    tables = asked(b"[" + second + b"," + first + b"]", end=date(2026, 3, 3))
    assert [table.effective_date.day for table in tables] == [2, 3]


def test_nothing_published_is_an_empty_list() -> None:
    assert refused("404_nothing_published.txt", 404) == []


def test_an_empty_list_is_nothing_published_too() -> None:
    assert asked(b"[]") == []
    assert asked(b" [ ] ", "gold") == []


@pytest.mark.parametrize(
    ("name", "status", "length"),
    [
        ("404_no_such_route.txt", 404, 12),
        ("400_date_range.txt", 400, 57),
        ("400_93_days.txt", 400, 79),
        ("400_367_days.txt", 400, 81),
        ("400_67_results.txt", 400, 98),
        ("400_14_results.txt", 400, 98),
        ("400_255_results.txt", 400, 100),
        ("400_table_letter.txt", 400, 78),
    ],
)
def test_every_other_recorded_refusal_is_refused(name: str, status: int, length: int) -> None:
    with pytest.raises(Refused) as caught:
        refused(name, status)
    assert (caught.value.status, len(caught.value.body.encode())) == (status, length)


def test_brak_danych_with_another_status_is_no_emptiness() -> None:
    with pytest.raises(Refused):
        refused("404_nothing_published.txt", 400)
    with pytest.raises(Unreachable):
        refused("404_nothing_published.txt", 503)


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"{}",
        b'""',
        b"<html><body><h1>Przerwa techniczna</h1></body></html>",
        A[: len(A) // 2],
        A[:-1],
        A + A,
        (RECORDED / "rates_A_EUR.json").read_bytes(),
        A[1:-1],
        b"[[]]",
        b"[null]",
        table_of(mid("NaN")),
        table_of(mid("01")),
        table_of(mid("1.")),
        table_of(mid("")),
        table_of(),
        b"[" * 200_000,
        b'[{"table":' + b"[" * 200_000,
        table_of(mid("[" * 200_000)),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_200_with_anything_else_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        asked(body)


@pytest.mark.parametrize(
    ("body", "table", "path"),
    [
        (A, "A", (0, "table")),
        (A, "A", (0, "no")),
        (A, "A", (0, "effectiveDate")),
        (A, "A", (0, "rates")),
        (table_of(mid("1")), "A", (0, "rates", 0, "code")),
        (table_of(mid("1")), "A", (0, "rates", 0, "mid")),
        (C, "C", (0, "tradingDate")),
        (C, "C", (0, "rates", 0, "bid")),
        (C, "C", (0, "rates", 0, "ask")),
        (GOLD, "gold", (0, "data")),
        (GOLD, "gold", (0, "cena")),
    ],
)
def test_a_missing_key_is_unreadable(body: bytes, table: str, path: tuple[str | int, ...]) -> None:
    with pytest.raises(Unreadable, match=f"missing required field `{path[-1]}`"):
        asked(without(body, *path), table, DAY, date(2026, 12, 31))


def test_a_name_may_be_missing_because_nobody_keys_on_it() -> None:
    figures = asked(without(A, 0, "rates", 1, "currency"))[0].rates
    assert (figures[1].name, figures[1].mid) == ("", Decimal("3.6056"))


@pytest.mark.parametrize("other", ["B", "C", "a", ""])
def test_another_table_than_the_one_asked_for_is_unreadable(other: str) -> None:
    with pytest.raises(Unreadable, match="asked for table A"):
        asked(A.replace(b'"table":"A"', f'"table":"{other}"'.encode()))


@pytest.mark.parametrize("day", ["2026-03-01", "2026-03-03", "2031-01-02", "2026-02-30", "02.03.2026", ""])
def test_a_day_that_nobody_asked_for_is_unreadable(day: str) -> None:
    with pytest.raises(Unreadable):
        asked(table_of(mid("1"), day=day))


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16", "utf-32", "cp1250"])
def test_an_answer_in_another_encoding_says_the_same(mark: str) -> None:
    assert [table.rates for table in asked(A.decode().encode(mark))] == [asked(A)[0].rates]


def test_the_proof_does_not_cover_a_byte_order_mark() -> None:
    assert asked(b"\xef\xbb\xbf\r\n" + A + b"\0\n") == asked(A)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('"3.6056"', '"3.6056" is not a number'),
        ('"NaN"', '"NaN" is not a number'),
        ("null", "null is not a number"),
        ("true", "true is not a number"),
        ("[3.6]", "[3.6] is not a number"),
        ('{"mid":1}', '{"mid":1} is not a number'),
        ('"' + "x" * 1000 + '"', '"' + "x" * 39 + " is not a number"),
        ("1e9999999999999999999", "1e9999999999999999999 is not a number"),
    ],
)
def test_a_value_that_is_no_number_spoils_its_own_line_only(text: str, fault: str) -> None:
    figures = asked(table_of(THB, mid(text)))[0].rates
    assert [(figure.code, figure.mid, figure.fault) for figure in figures] == [
        ("THB", Decimal("0.1146"), ""),
        ("USD", None, fault),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("-3.6056", "-3.6056: not above zero"),
        ("-0", "-0: not above zero"),
        ("0.00000000", "0.00000000: not above zero"),
        ("1e400", "1E+400: too large"),
        ("1e999999999", "1E+999999999: too large"),
        ("1e-999999999", "1E-999999999: more than 10 decimals"),
        ("1" * 5000, "1" * 40 + ": too large"),
        ("1." + "0" * 5000, "1." + "0" * 38 + ": more than 10 decimals"),
        ("1.2345678901234567", "1.2345678901234567: more than 10 decimals"),
    ],
)
def test_a_number_that_no_rate_can_be_is_read_and_then_refused_alone(text: str, reason: str) -> None:
    table = asked(table_of(THB, mid(text)))[0]
    assert [(figure.code, why) for figure, why in validation.sift(table, DAY)] == [("THB", ""), ("USD", reason)]


def test_one_bad_side_of_table_c_spoils_its_line() -> None:
    day = date(2026, 9, 29)
    figure = asked(C.replace(b"3.8814", b"null"), "C", day, day)[0].rates[0]
    assert (figure.bid, figure.ask, figure.fault) == (None, None, "null is not a number")


def test_a_bad_price_of_gold_is_refused_alone() -> None:
    figure = asked(GOLD.replace(b"595.71", b'"595,71"'), "gold")[0].rates[0]
    assert figure == RateRecord("XAU", fault='"595,71" is not a number')


def test_a_code_in_old_tables_may_come_twice() -> None:
    table = asked(table_of(mid("1.5"), mid("1.50"), mid("2", "EUR"), mid("3", "EUR")))[0]
    assert len(table.rates) == 4
    assert [(figure.code, why) for figure, why in validation.sift(table, DAY)] == [
        ("USD", ""),
        ("EUR", "twice in one table with different values"),
    ]


@pytest.mark.parametrize(
    ("table", "fetch"),
    [
        ("exchangerates/tables/B", lambda bank: bank.fetch_rates(DAY, DAY, "B")),
        ("cenyzlota", lambda bank: bank.fetch_gold(DAY, DAY)),
    ],
)
def test_a_window_is_asked_for_by_its_two_ends(
    respx_mock: respx.Router, table: str, fetch: Callable[[NBP], list[Table]]
) -> None:
    route = respx_mock.get(f"{BASE}{table}/2026-03-02/2026-03-02/", params={"format": "json"})
    route.respond(404, text="404 NotFound - Not Found - Brak danych")
    assert fetch(NBP(BASE)) == []


def test_a_password_in_the_address_never_stands_beside_a_figure(respx_mock: respx.MockRouter) -> None:
    respx_mock.get(url__startswith="https://bank.example/api/").respond(content=A)
    tables = NBP("https://user:s3cret@bank.example/api/").fetch_rates(DAY, DAY)
    assert [table.url for table in tables] == [f"{BASE}exchangerates/tables/A/2026-03-02/?format=json"]
