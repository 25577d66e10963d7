"""European Central Bank: three files in four styles become days, and nothing else does."""

import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from markets.models import Job
from markets.records import RateRecord, Table
from miner.collect import silence
from miner.fetch.errors import Refused, Unreachable, Unreadable
from miner.providers import ecb
from miner.providers.ecb import ECB, parse_csv, parse_xml
from miner.providers.nbp import NBP
from tests.bodies import error_of, recorded, rubbish

BASE = "https://bank.example/stats/eurofxref/"
DAY = date(2024, 6, 28)
DAILY = recorded("ecb", "eurofxref-daily.xml")
RECENT = recorded("ecb", "eurofxref-hist-90d.xml")
HISTORY = recorded("ecb", "eurofxref-hist.csv")
ONE_DAY = recorded("ecb", "eurofxref.csv")
VALUES = {
    "EURUSD": "1.0705",
    "EURJPY": "171.94",
    "EURGBP": "0.84638",
    "EURHUF": "395.10",
    "EUR": "4.3090",
    "EURISK": "148.90",
    "EURIDR": "17487.21",
}


def xml(*days: str, rates: str = '<Cube currency="USD" rate="1.1"/>') -> bytes:
    cubes = "".join(f'<Cube time="{day}">{rates}</Cube>' for day in days)
    spaces = (
        'xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref"'
    )
    return f"<gesmes:Envelope {spaces}><Cube>{cubes}</Cube></gesmes:Envelope>".encode()


def zipped(text: bytes, member: str = "eurofxref-hist.csv") -> bytes:
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        archive.writestr(member, text)
    return packed.getvalue()


def values(table: Table) -> dict[str, Decimal | None]:
    return {figure.code: figure.mid for figure in table.rates}


class Files:
    """The three files on a server, and how often each was asked for."""

    def __init__(self, web: respx.Router) -> None:
        self.daily = web.get(f"{BASE}eurofxref-daily.xml")
        self.recent = web.get(f"{BASE}eurofxref-hist-90d.xml")
        self.history = web.get(f"{BASE}eurofxref-hist.zip")
        self.daily.respond(content=xml("2024-06-28"))
        self.recent.respond(content=xml("2024-06-28", "2024-06-27", "2024-06-26"))
        self.history.respond(content=zipped(HISTORY))

    def asked(self) -> tuple[int, int, int]:
        return self.daily.call_count, self.recent.call_count, self.history.call_count


@pytest.fixture
def files() -> Iterator[Files]:
    with respx.mock(assert_all_called=False) as web:
        yield Files(web)


def test_the_recorded_day_is_read_to_the_last_zero() -> None:
    (table,) = parse_xml(DAILY, f"{BASE}eurofxref-daily.xml")
    assert (table.table, table.effective_date, table.kind, table.number) == ("eurofxref", DAY, "pair", "")
    assert {code: str(value) for code, value in values(table).items()} == VALUES
    assert table.url == f"{BASE}eurofxref-daily.xml"


@pytest.mark.parametrize(
    "tables",
    [parse_xml(RECENT, ""), parse_csv(HISTORY, "")[:1], parse_csv(ONE_DAY, "")],
    ids=["90 days", "history", "one day as CSV"],
)
def test_the_other_styles_say_the_same_in_other_words(tables: list[Table]) -> None:
    assert tables[0].effective_date == DAY
    assert values(tables[0]) == {code: Decimal(text) for code, text in VALUES.items()}


def test_each_style_keeps_the_digits_it_was_published_with() -> None:
    euro = [str(values(table)["EUR"]) for table in (*parse_xml(RECENT, ""), *parse_csv(ONE_DAY, ""))]
    assert euro == ["4.309", "4.3090"]


def test_zloty_for_a_euro_is_a_rate_of_the_euro_and_the_others_are_pairs() -> None:
    (table,) = parse_xml(
        xml("2024-06-28", rates='<Cube currency="PLN" rate="4.3"/><Cube currency="USD" rate="1.1"/>'), ""
    )
    assert table.rates == [RateRecord("EUR", mid=Decimal("4.3")), RateRecord("EURUSD", mid=Decimal("1.1"))]


def test_what_had_no_rate_that_day_is_left_out() -> None:
    old = parse_csv(HISTORY, "")[1]
    assert old.effective_date == date(2015, 2, 12)
    assert "EURISK" not in values(old)
    assert values(old)["EURHRK"] == Decimal("7.723")


def test_the_proof_is_that_of_the_days_own_element() -> None:
    begin, end = DAILY.index(b"<Cube time"), DAILY.index(b"</Cube>") + len(b"</Cube>")
    assert parse_xml(DAILY, "")[0].sha256 == sha256(DAILY[begin:end]).hexdigest()
    element = RECENT[RECENT.index(b"<Cube time") : RECENT.index(b"</Cube>") + 7]
    assert parse_xml(RECENT, "")[0].sha256 == sha256(element).hexdigest()


def test_the_proof_of_a_day_is_the_same_alone_and_among_others() -> None:
    alone, among = parse_xml(xml("2024-06-27"), ""), parse_xml(xml("2024-06-28", "2024-06-27"), "")
    assert alone[0].sha256 == among[1].sha256 != among[0].sha256


def test_the_proof_of_a_day_in_the_history_is_that_of_its_line() -> None:
    line = b"2015-02-12,1.1328,135.72,0.7376,307.76,4.1916,N/A,14518.77,7.723,"
    assert parse_csv(HISTORY, "")[1].sha256 == sha256(line).hexdigest()


def test_the_day_itself_comes_from_the_daily_file(files: Files) -> None:
    tables = ECB(BASE).fetch_rates(DAY, date(2024, 7, 1))
    assert [table.effective_date for table in tables] == [DAY]
    assert files.asked() == (1, 0, 0)


def test_before_the_hour_and_on_closing_days_the_day_before_is_no_answer(files: Files) -> None:
    assert ECB(BASE).fetch_rates(date(2024, 6, 29), date(2024, 7, 1)) == []
    assert files.asked() == (1, 0, 0)


def test_a_few_weeks_come_from_the_file_of_90_days_in_ascending_order(files: Files) -> None:
    tables = ECB(BASE).fetch_rates(date(2024, 6, 1), date(2024, 6, 27))
    assert [table.effective_date.day for table in tables] == [26, 27]
    assert files.asked() == (1, 1, 0)


def test_what_lies_further_back_comes_from_the_history_which_is_fetched_once(files: Files) -> None:
    bank = ECB(BASE)
    assert [table.effective_date for table in bank.fetch_rates(date(2015, 1, 1), date(2015, 12, 31))] == [
        date(2015, 2, 12)
    ]
    assert bank.fetch_rates(date(2016, 1, 1), date(2016, 12, 31)) == []
    assert [table.effective_date for table in bank.fetch_rates(date(2024, 1, 1), DAY)] == [DAY]
    assert files.asked() == (1, 0, 1)


def test_a_new_provider_fetches_the_history_anew(files: Files) -> None:
    for _ in range(2):
        ECB(BASE).fetch_rates(date(2015, 1, 1), date(2015, 12, 31))
    assert files.asked() == (2, 0, 2)


def test_a_day_after_the_history_is_asked_for_again(files: Files) -> None:
    bank = ECB(BASE)
    bank.fetch_rates(date(2015, 1, 1), date(2015, 12, 31))
    files.daily.respond(content=xml("2024-07-01"))
    assert [table.effective_date for table in bank.fetch_rates(date(2024, 7, 1), date(2024, 7, 1))] == [
        date(2024, 7, 1)
    ]


def test_a_table_that_the_bank_does_not_have_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match="no table A"):
        ECB(BASE).fetch_rates(DAY, DAY, "A")


@rubbish
def test_a_200_with_anything_else_is_unreadable(body: bytes) -> None:
    assert isinstance(error_of(lambda: ECB(BASE).fetch_rates(DAY, DAY), 200, body), Unreadable)


@pytest.mark.parametrize(
    "body",
    [
        DAILY[: len(DAILY) // 2],
        DAILY[:-10],
        DAILY + DAILY,
        DAILY.replace(b"http://www.ecb.int/vocabulary/2002-08-01/eurofxref", b"http://elsewhere.example/"),
        xml(),
        xml("28.06.2024"),
        xml("2024-02-30"),
        xml(""),
        xml("2024-06-28", rates=""),
        b'<!DOCTYPE a [<!ENTITY lol "lol"><!ENTITY many "&lol;&lol;&lol;">]><a>&many;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<?xml version="1.0" encoding="x-none"?><a/>',
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_daily_file_that_is_none_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_xml(body, "")


def test_a_document_that_defines_entities_is_refused_before_they_grow() -> None:
    grown = b"".join(b'<!ENTITY x%d "%s">' % (n, b"&x%d;" % (n - 1) * 10) for n in range(1, 9))
    with pytest.raises(Unreadable, match="document type"):
        parse_xml(b'<!DOCTYPE a [<!ENTITY x0 "lol">' + grown + b"]>" + xml("2024-06-28", rates="&x8;"), "")


@given(st.sampled_from([DAILY, RECENT, HISTORY, ONE_DAY]), st.integers(0, 2000), st.binary(max_size=6))
def test_whatever_stands_in_a_file_it_is_days_or_unreadable(body: bytes, place: int, change: bytes) -> None:
    changed = body[:place] + change + body[place + len(change) :]
    for parse in (parse_xml, parse_csv):
        with suppress(Unreadable):
            assert parse(changed, "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Date,USD,\n",
        b"<html></html>",
        b"KEY,FREQ\n1,2\n",
        "Date,USD,\n2024-06-28,1,1€,\n".encode(),
        b"Date,USD,\n2024-06-28,1.1\n",
        b"Date,USD,\n2024-06-28,1.1,2.2,\n",
        b"Date,USD,\n2024-06-28,N/A,\n",
        b"Date,USD,\n28 Juni 2024,1.1,\n",
        b"Date,USD,\n28 June,1.1,\n",
        b"Date,USD,\n,1.1,\n",
    ],
)
def test_a_history_that_is_none_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_csv(body, "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"PK\x03\x04",
        zipped(HISTORY)[:-30],
        zipped(HISTORY, "other.csv"),
        zipped(HISTORY).replace(b"\x00\x00\x08\x00", b"\x01\x00\x08\x00"),
        HISTORY,
    ],
)
def test_a_zip_that_is_none_is_unreadable(files: Files, body: bytes) -> None:
    files.history.respond(content=body)
    with pytest.raises(Unreadable):
        ECB(BASE).fetch_rates(date(2015, 1, 1), date(2015, 12, 31))


def test_a_zip_whose_bytes_were_changed_on_the_way_is_unreadable(files: Files) -> None:
    packed = bytearray(zipped(HISTORY * 50))
    packed[60] ^= 0xFF
    files.history.respond(content=bytes(packed))
    with pytest.raises(Unreadable):
        ECB(BASE).fetch_rates(date(2015, 1, 1), date(2015, 12, 31))


@pytest.mark.slow
def test_a_zip_that_grows_beyond_all_measure_is_given_up(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecb, "MAX_BYTES", 100_000)
    bomb = zipped(b"0" * 50_000_000)
    assert len(bomb) < 100_000
    files.history.respond(content=bomb)
    tracemalloc.start()
    with pytest.raises(Unreadable, match="above 100000 bytes"):
        ECB(BASE).fetch_rates(date(2015, 1, 1), date(2015, 12, 31))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("text", ["", "-", "1,1", "NaN", "1_0", "x" * 500])
def test_a_figure_that_is_no_number_spoils_its_own_line_only(text: str) -> None:
    rates = f'<Cube currency="PLN" rate="4.3"/><Cube currency="USD" rate="{text}"/><Cube currency="JPY"/>'
    (table,) = parse_xml(xml("2024-06-28", rates=rates), "")
    assert [(figure.code, figure.mid) for figure in table.rates] == [
        ("EUR", Decimal("4.3")),
        ("EURUSD", None),
        ("EURJPY", None),
    ]
    assert table.rates[1].fault == f"{text[:40]} is not a number"


@pytest.mark.parametrize("text", ["9" * 5000, "0.00", "1e400", "-1.1"])
def test_a_number_that_no_rate_can_be_is_handed_over_for_the_rules_to_refuse(text: str) -> None:
    (table,) = parse_xml(xml("2024-06-28", rates=f'<Cube currency="USD" rate="{text}"/>'), "")
    assert table.rates[0].mid == Decimal(text)


@pytest.mark.parametrize(("status", "kind"), [(404, Refused), (403, Refused), (301, Refused), (503, Unreachable)])
def test_every_other_status_is_an_error_and_no_emptiness(status: int, kind: type[Exception]) -> None:
    assert isinstance(error_of(lambda: ECB(BASE).fetch_rates(DAY, DAY), status, b"no"), kind)


def test_a_password_in_the_address_never_stands_beside_a_figure() -> None:
    with respx.mock as web:
        web.get(url__regex=".*").respond(content=DAILY)
        tables = ECB("https://user:s3cret@bank.example/stats/eurofxref/").fetch_rates(DAY, DAY)
    assert tables[0].url == f"{BASE}eurofxref-daily.xml"


@pytest.mark.parametrize(
    "day",
    [date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1), date(2025, 12, 25), date(2025, 12, 26)],
)
def test_a_closing_day_of_target_is_a_holiday_and_no_breakage(day: date) -> None:
    assert silence.why_empty(ECB.series[0], day - timedelta(days=1), day) == Job.Reason.HOLIDAY


def test_a_polish_holiday_is_a_working_day_of_the_ecb() -> None:
    day = date(2026, 11, 11)
    assert silence.why_empty(ECB.series[0], day - timedelta(days=1), day) == Job.Reason.NOT_YET
    assert silence.why_empty(NBP.series[0], day - timedelta(days=1), day) == Job.Reason.HOLIDAY


@pytest.mark.slow
@pytest.mark.parametrize("year", range(1999, 2028))
def test_the_closing_days_of_no_year_pass_for_a_hole(year: int) -> None:
    """Every working day of TARGET was published: no pause between two of them is a hole."""
    (series,) = ECB.series
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(-10, 380)]
    published = [day for day in days if day.weekday() < 5 and not silence.closed(series, day)]
    inside = [day for day in published if series.first <= day]
    assert max(after - before for before, after in pairwise(inside)).days <= series.longest_pause


def test_whole_weeks_without_a_pause_longer_than_easter_are_expected() -> None:
    (series,) = ECB.series
    assert (series.longest_pause, series.closed, series.reread) == (5, "ECB", 0)
