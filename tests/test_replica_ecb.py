"""The ECB's replica against the recorded dialects of its files."""

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import httpx
import pytest

from tests.replica import ECB, Server, fixings, run

NOW = datetime(2026, 10, 28, 10, 7, 23, tzinfo=UTC)


@pytest.fixture
def ecb(outgoing: set[tuple[str, int]]) -> Iterator[Server[ECB]]:
    with run(ECB(), now=NOW) as server:
        outgoing.add(("127.0.0.1", server.port))
        yield server


@pytest.fixture
def client(ecb: Server[ECB]) -> Iterator[httpx.Client]:
    # Whoever asks for the history first waits while it is built: seconds, on a busy machine.
    with httpx.Client(base_url=ecb.url, verify=False, timeout=60) as running:
        yield running


LIVE = (
    "USD JPY CZK DKK GBP HUF PLN RON SEK CHF ISK NOK TRY AUD BRL CAD CNY HKD IDR ILS INR KRW MXN MYR NZD PHP SGD THB "
    "ZAR"
)


def text_of(client: httpx.Client, name: str) -> str:
    answer = client.get(name)
    assert answer.status_code == 200
    return answer.text


def member_of(client: httpx.Client, name: str) -> tuple[str, str]:
    with zipfile.ZipFile(io.BytesIO(client.get(name).content)) as archive:
        (only,) = archive.infolist()
        assert only.compress_type == zipfile.ZIP_DEFLATED
        return only.filename, archive.read(only).decode("ascii")


def lines_of(client: httpx.Client) -> dict[str, dict[str, str]]:
    """The figures of each day in the CSV of the whole history."""
    head, *lines = member_of(client, "eurofxref-hist.zip")[1].splitlines()
    codes = head.split(",")[1:]
    return {line.split(",")[0]: dict(zip(codes, line.split(",")[1:], strict=True)) for line in lines}


def at(day: str, clock: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(f"{day}T{clock}+00:00")


def test_the_daily_file_is_indented_with_single_quotes_and_all_decimals(client: httpx.Client) -> None:
    text = text_of(client, "eurofxref-daily.xml")
    assert "\n\t\t<Cube time='2026-10-27'>\n\t\t\t<Cube currency='USD' rate='" in text
    assert re.findall("currency='([A-Z]{3})'", text) == LIVE.split()
    assert all(re.fullmatch(r"\d+\.\d{4}", rate) for rate in re.findall("currency='(?:USD|PLN)' rate='(.*?)'", text))
    assert 'xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref"' in text


def test_the_file_of_90_days_is_one_line_with_double_quotes_and_no_zeros_at_the_end(client: httpx.Client) -> None:
    text = text_of(client, "eurofxref-hist-90d.xml")
    days = re.findall('time="(.*?)"', text)
    assert "\n" not in text
    assert days == sorted(days, reverse=True)
    assert (days[0], days[-1], len(days)) == ("2026-10-27", "2026-07-29", 65)
    assert not re.search(r'rate="\d+\.\d*0"', text)


@pytest.mark.slow
def test_all_files_tell_the_same_figures_of_a_day(client: httpx.Client) -> None:
    daily = re.findall("currency='(.*?)' rate='(.*?)'", text_of(client, "eurofxref-daily.xml"))
    recent = re.findall('currency="(.*?)" rate="(.*?)"', text_of(client, "eurofxref-hist-90d.xml").split("</Cube>")[0])
    line = lines_of(client)["2026-10-27"]
    assert [(code, float(rate)) for code, rate in daily] == [(code, float(rate)) for code, rate in recent]
    assert {code: float(rate) for code, rate in daily} == {
        code: float(rate) for code, rate in line.items() if rate not in {"N/A", ""}
    }


@pytest.mark.slow
def test_the_history_is_a_zip_of_one_file_with_a_comma_at_the_end_of_each_line(client: httpx.Client) -> None:
    name, text = member_of(client, "eurofxref-hist.zip")
    lines = text.splitlines()
    assert name == "eurofxref-hist.csv"
    assert lines[0].startswith("Date,USD,JPY,BGN,CYP,")
    assert lines[0].endswith(",ZAR,")
    assert {line.count(",") for line in lines} == {42}
    assert lines[1].startswith("2026-10-27,")
    assert lines[-1].startswith("1999-01-04,")
    assert "\r" not in text


@pytest.mark.slow
def test_the_history_has_as_many_days_as_the_recorded_one(ecb: Server[ECB], client: httpx.Client) -> None:
    ecb.set_now(at("2026-04-13", "18:00"))
    days = list(lines_of(client))
    assert (days[0], days[-1], len(days)) == ("2026-04-13", "1999-01-04", 6983)


def test_the_short_file_is_another_dialect(client: httpx.Client) -> None:
    name, text = member_of(client, "eurofxref.zip")
    head, line = text.splitlines()
    assert name == "eurofxref.csv"
    assert head == "Date, " + LIVE.replace(" ", ", ") + ", "
    assert re.match(r"27 October 2026, \d\.\d{4}, ", line)
    assert line.endswith(", ")


@pytest.mark.parametrize(
    ("code", "first", "last"),
    [
        ("BGN", "2000-07-19", "2025-12-31"),
        ("HRK", "2005-04-01", "2022-12-30"),
        ("RUB", "2005-04-01", "2022-03-01"),
        ("LTL", "1999-01-04", "2014-12-31"),
        ("LVL", "1999-01-04", "2013-12-31"),
        ("EEK", "1999-01-04", "2010-12-31"),
        ("SKK", "1999-01-04", "2008-12-31"),
        ("SIT", "1999-01-04", "2006-12-29"),
        ("TRL", "1999-01-04", "2004-12-31"),
        ("TRY", "2005-01-03", "2026-10-27"),
        ("ROL", "1999-01-04", "2005-06-30"),
        ("RON", "2005-07-01", "2026-10-27"),
        ("BRL", "2008-01-02", "2026-10-27"),
        ("INR", "2009-01-02", "2026-10-27"),
        ("ILS", "2011-01-03", "2026-10-27"),
    ],
)
def test_a_currency_has_its_first_and_last_day(code: str, first: str, last: str) -> None:
    """Asked of the figures: the whole file is read by other tests."""
    begins, ends = date.fromisoformat(first), date.fromisoformat(last)
    assert code in fixings.fixing(begins)
    assert code in fixings.fixing(ends)
    before = next(fixings.days(fixings.BEGINNING, begins - timedelta(1)), None)
    *_, after = fixings.days(ends + timedelta(1), ends + timedelta(7))
    assert before is None or code not in fixings.fixing(before)
    assert ends > date(2026, 1, 1) or code not in fixings.fixing(after)


@pytest.mark.slow
def test_a_missing_figure_is_na_in_the_table_and_absent_in_xml(ecb: Server[ECB], client: httpx.Client) -> None:
    assert lines_of(client)["2012-06-01"]["ISK"] == "N/A"
    ecb.set_now(at("2012-06-01", "18:00"))
    text = text_of(client, "eurofxref-daily.xml")
    assert "'2012-06-01'" in text
    assert "ISK" not in text


@pytest.mark.slow
def test_figures_are_crosses_of_the_banks_mids(client: httpx.Client) -> None:
    """On 2026-10-26 the NBP has 4.4026 for the euro, 3.9293 for the dollar and 0.024969 for the yen."""
    line = lines_of(client)["2026-10-26"]
    assert (line["USD"], line["JPY"], line["PLN"]) == ("1.1205", "176.32", "4.4026")


@pytest.mark.parametrize(
    "day",
    ["2026-01-01", "2026-04-03", "2026-04-06", "2026-05-01", "2025-12-25", "2025-12-26", "2026-10-24", "2026-10-25"],
)
def test_no_day_is_published_when_target_is_closed(ecb: Server[ECB], client: httpx.Client, day: str) -> None:
    ecb.set_now(at(day, "20:00"))
    newest = re.findall("time='(.*?)'", text_of(client, "eurofxref-daily.xml"))[0]
    assert newest < day
    assert f'"{day}"' not in text_of(client, "eurofxref-hist-90d.xml")


@pytest.mark.parametrize("day", ["2026-11-11", "2026-05-04", "2026-08-14"])
def test_a_holiday_of_poland_alone_is_a_day_of_the_ecb(ecb: Server[ECB], client: httpx.Client, day: str) -> None:
    ecb.set_now(at(day, "20:00"))
    assert f"'{day}'" in text_of(client, "eurofxref-daily.xml")


@pytest.mark.parametrize(("day", "before", "out"), [("2026-07-01", "13:59", "14:00"), ("2026-10-28", "14:59", "15:00")])
def test_a_day_is_out_at_four_in_frankfurt(
    ecb: Server[ECB], client: httpx.Client, day: str, before: str, out: str
) -> None:
    ecb.set_now(at(day, before))
    assert f"'{day}'" not in text_of(client, "eurofxref-daily.xml")
    ecb.set_now(at(day, out))
    assert f"'{day}'" in text_of(client, "eurofxref-daily.xml")


def test_a_day_may_be_late_and_a_figure_corrected(ecb: Server[ECB], client: httpx.Client) -> None:
    later = {"tell": ["correct", "2026-10-26", "USD", "9.9990"], "at": 2}
    ecb.set_script([{"tell": ["withhold", "2026-10-27"]}, later])
    assert "'2026-10-26'" in text_of(client, "eurofxref-daily.xml")
    assert "rate='9.9990'" in text_of(client, "eurofxref-daily.xml")
    ecb.service.publish(date(2026, 10, 27))
    recent = text_of(client, "eurofxref-hist-90d.xml")
    assert '"2026-10-27"' in recent
    assert 'rate="9.999"' in recent


@pytest.mark.slow
def test_figures_go_on_after_the_end_of_the_archive_without_a_jump(ecb: Server[ECB], client: httpx.Client) -> None:
    ecb.set_now(at("2026-12-18", "20:00"))
    days = text_of(client, "eurofxref-hist-90d.xml").split("<Cube time=")[1:]
    rates = [float(re.findall('currency="USD" rate="(.*?)"', day)[0]) for day in days]
    moves = [abs(after / before - 1) for before, after in pairwise(rates)]
    assert 0 < max(moves) < 0.02
    assert len(set(rates[:20])) > 15


def test_what_is_no_file_of_it_is_404_and_html(client: httpx.Client) -> None:
    answer = client.get("eurofxref-weekly.xml")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html")
    assert client.post("eurofxref-daily.xml").status_code == 405
