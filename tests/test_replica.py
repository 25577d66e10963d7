import base64
import gzip
import hashlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.replica import Replica, serve
from tests.replica.tables import Letter

TODAY = date(2026, 10, 26)
NO_DATA = "404 NotFound - Not Found - Brak danych"
BAD_RANGE = "400 BadRequest - Błędny zakres dat / Invalid date range"
ROOT = Path(__file__).parent.parent


@pytest.fixture
def outgoing() -> set[tuple[str, int]]:
    """In place of the project's wall, which lets one replica through: here many run, all of them on this machine."""
    return set()


@pytest.fixture
def replica() -> Iterator[Replica]:
    with serve(today=TODAY) as running:
        yield running


@pytest.fixture
def client(replica: Replica) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=replica.url, verify=False) as running:
        yield running


def fetched(url: str, timeout: float = 5.0) -> httpx.Response:
    return httpx.get(url, timeout=timeout, verify=False)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.text


def rows_of(table: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["code"]: row for row in table["rates"]}


def said_on_the_wire(replica: Replica, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", httpx.URL(replica.url).port or 0), timeout=5) as line:
        line.sendall(request)
        return b"".join(iter(lambda: line.recv(65536), b""))


def first_line(replica: Replica, path: str) -> bytes:
    request = f"GET /api/{path} HTTP/1.1\r\nHost: replica\r\nConnection: close\r\n\r\n".encode()
    return said_on_the_wire(replica, request).partition(b"\r\n")[0]


# Shapes


def test_a_currency_of_one_day_is_written_to_the_letter(client: httpx.Client) -> None:
    answer = client.get("exchangerates/rates/a/eur/2021-06-01/")
    wanted = (
        '{"table":"A","currency":"euro","code":"EUR",'
        '"rates":[{"no":"104/A/NBP/2021","effectiveDate":"2021-06-01","mid":4.4749}]}'
    )
    assert answer.text == wanted


def test_a_table_a_begins_like_the_recorded_one(client: httpx.Client) -> None:
    answer = client.get("exchangerates/tables/A/2026-03-02/")
    assert answer.text.startswith(
        '[{"table":"A","no":"041/A/NBP/2026","effectiveDate":"2026-03-02","rates":'
        '[{"currency":"bat (Tajlandia)","code":"THB","mid":0.1146},'
        '{"currency":"dolar amerykański","code":"USD","mid":3.6056}'
    )
    assert len(answer.json()[0]["rates"]) == 32


@pytest.mark.parametrize("day", ["2023-03-01/042", "2020-12-07/238", "2026-10-01/191"])
def test_tables_a_and_c_bear_the_recorded_number(client: httpx.Client, day: str) -> None:
    day, number = day.split("/")
    numbers = [client.get(f"exchangerates/tables/{letter}/{day}/").json()[0]["no"] for letter in "AC"]
    assert numbers == [f"{number}/A/NBP/{day[:4]}", f"{number}/C/NBP/{day[:4]}"]


def test_trailing_zeros_survive(client: httpx.Client) -> None:
    assert client.get("exchangerates/rates/A/USD/2026-09-17/").text.endswith('"mid":3.8030}]}')


def test_table_c_is_the_mid_one_percent_down_and_up_in_its_own_decimals(client: httpx.Client) -> None:
    table = client.get("exchangerates/tables/C/2026-09-29/").json(parse_float=str)[0]
    mids = rows_of(client.get("exchangerates/tables/A/2026-09-29/").json(parse_float=str)[0])
    rows = rows_of(table)
    assert list(table) == ["table", "no", "tradingDate", "effectiveDate", "rates"]
    assert (table["tradingDate"], len(rows)) == ("2026-09-28", 13)
    assert list(rows["USD"]) == ["currency", "code", "bid", "ask"]
    assert (mids["USD"]["mid"], rows["USD"]["bid"], rows["USD"]["ask"]) == ("3.8537", "3.8152", "3.8922")
    for code, row in rows.items():
        mid = Decimal(mids[code]["mid"])
        assert Decimal(row["bid"]).as_tuple().exponent == mid.as_tuple().exponent
        assert Decimal(row["bid"]) < mid < Decimal(row["ask"])


def test_the_trading_date_is_the_business_day_before_a_weekend(client: httpx.Client) -> None:
    assert client.get("exchangerates/tables/C/2026-10-26/").json()[0]["tradingDate"] == "2026-10-23"


def test_one_currency_of_table_c_has_bid_and_ask_and_no_trading_date(client: httpx.Client) -> None:
    row = client.get("exchangerates/rates/C/USD/2026-09-29/").json()["rates"][0]
    assert list(row) == ["no", "effectiveDate", "bid", "ask"]


def test_gold_is_an_array_with_polish_keys_and_the_two_real_prices(client: httpx.Client) -> None:
    assert client.get("cenyzlota/2026-03-02/").text == '[{"data":"2026-03-02","cena":595.71}]'
    assert client.get("cenyzlota/2013-01-02/").text == '[{"data":"2013-01-02","cena":165.83}]'


def test_gold_keeps_two_decimals_even_when_the_last_is_zero(client: httpx.Client) -> None:
    prices = re.findall(r'"cena":([\d.]+)', client.get("cenyzlota/last/255/").text)
    assert len(prices) == 255
    assert all(re.fullmatch(r"\d+\.\d\d", price) for price in prices)
    assert any(price.endswith("0") for price in prices)


def test_gold_is_the_same_walk_in_every_replica(client: httpx.Client) -> None:
    with serve(today=TODAY) as other:
        assert fetched(other.url + "cenyzlota/last/20/").text == client.get("cenyzlota/last/20/").text


def test_lists_ascend_by_date(client: httpx.Client) -> None:
    days = [table["effectiveDate"] for table in client.get("exchangerates/tables/A/2024-12-20/2025-01-10/").json()]
    assert days == sorted(days)
    assert (days[0], days[-1], len(days)) == ("2024-12-20", "2025-01-10", 12)


# Paths


def test_case_and_the_trailing_slash_do_not_matter(client: httpx.Client) -> None:
    plain = client.get("exchangerates/rates/A/USD/2024-01-02")
    assert plain.status_code == 200
    assert client.get("ExchangeRates/Rates/a/usd/2024-01-02/").text == plain.text


def test_json_is_the_format_by_itself_and_when_asked(client: httpx.Client) -> None:
    asked = client.get("cenyzlota/2024-01-02/?format=json")
    assert asked.headers["content-type"] == "application/json; charset=utf-8"
    assert asked.text == client.get("cenyzlota/2024-01-02/").text


def test_xml_is_refused_loudly(client: httpx.Client) -> None:
    assert client.get("cenyzlota/2024-01-02/?format=xml").status_code == 501
    assert client.get("cenyzlota/2024-01-02/", headers={"Accept": "application/xml"}).status_code == 501


@pytest.mark.parametrize(
    "path",
    [
        "",
        "exchangerates",
        "exchangerates/tables",
        "exchangerates/rates/A",
        "exchangerates/rates/A/US/",
        "exchangerates/rates/A/USDX/",
        "exchangerates/rates/A/U5D/",
        "exchangerates/tables/A/last/0/",
        "exchangerates/tables/A/last/ten/",
        "exchangerates/tables/A/2024-02-30/",
        "exchangerates/tables/A/2024-1-2/",
        "exchangerates/tables/A/2024-01-02/2024-01-03/2024-01-04/",
        "exchangerates/tables//2024-01-02/",
        "cenyzlota/yesterday/",
        "gold/",
    ],
)
def test_what_is_no_route_gets_the_bare_404(client: httpx.Client, path: str) -> None:
    assert refusal(client.get(path)) == (404, "404 NotFound")


@pytest.mark.parametrize("path", ["exchangerates/tables/D/", "exchangerates/rates/D/USD/2024-01-02/"])
def test_a_wrong_table_letter_is_named_in_the_answer(client: httpx.Client, path: str) -> None:
    wanted = "400 BadRequest - Bad Request - Nieprawidłowa wartość parametru: {table}='D'"
    assert refusal(client.get(path)) == (400, wanted)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE"])
def test_only_get_is_allowed(client: httpx.Client, method: str) -> None:
    answer = client.request(method, "cenyzlota/", content=b"x" * 10)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert client.get("cenyzlota/").status_code == 200


# Limits


def span(start: str, days: int) -> str:
    first = date.fromisoformat(start)
    return f"{first}/{first + timedelta(days=days - 1)}/"


def test_a_range_of_93_days_of_tables_is_answered(client: httpx.Client) -> None:
    tables = client.get("exchangerates/tables/A/" + span("2024-01-01", 93)).json()
    assert (tables[0]["effectiveDate"], tables[-1]["effectiveDate"], len(tables)) == ("2024-01-02", "2024-04-02", 65)


@pytest.mark.parametrize("letter", "ABC")
def test_a_range_of_94_days_is_refused_with_the_limit_text(client: httpx.Client, letter: str) -> None:
    answer = client.get(f"exchangerates/tables/{letter}/" + span("2024-01-01", 94))
    assert refusal(answer) == (400, "400 BadRequest - Przekroczony limit 93 dni / Limit of 93 days has been exceeded")


@pytest.mark.parametrize("path", ["exchangerates/rates/A/USD/", "exchangerates/rates/C/USD/", "cenyzlota/"])
def test_367_days_of_a_series_are_answered_and_368_are_not(client: httpx.Client, path: str) -> None:
    assert client.get(path + span("2024-01-01", 367)).status_code == 200
    wanted = "400 BadRequest - Przekroczony limit 367 dni / Limit of 367 days has been exceeded"
    assert refusal(client.get(path + span("2024-01-01", 368))) == (400, wanted)


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("exchangerates/tables/A", 67),
        ("exchangerates/tables/B", 14),
        ("exchangerates/tables/C", 67),
        ("exchangerates/rates/A/USD", 255),
        ("exchangerates/rates/B/AOA", 255),
        ("cenyzlota", 255),
    ],
)
def test_last_n_is_answered_up_to_its_limit(client: httpx.Client, path: str, limit: int) -> None:
    found = client.get(f"{path}/last/{limit}/").json()
    assert len(found["rates"] if isinstance(found, dict) else found) == limit
    text = (
        f"400 BadRequest - Przekroczony limit {limit} wyników / Maximum size of {limit} data series has been exceeded"
    )
    assert refusal(client.get(f"{path}/last/{limit + 1}/")) == (400, text)


# Days


def test_a_reversed_range_is_refused(client: httpx.Client) -> None:
    assert refusal(client.get("exchangerates/tables/A/2024-01-03/2024-01-02/")) == (400, BAD_RANGE)


@pytest.mark.parametrize("days", ["2026-10-27", "2026-10-20/2026-10-27", "2026-10-27/2026-10-28"])
@pytest.mark.parametrize("path", ["exchangerates/tables/A", "exchangerates/rates/A/USD", "cenyzlota"])
def test_the_future_is_a_bad_request(client: httpx.Client, path: str, days: str) -> None:
    assert refusal(client.get(f"{path}/{days}/")) == (400, BAD_RANGE)


@pytest.mark.parametrize(
    ("path", "letter"), [("exchangerates/tables/A", "A"), ("exchangerates/rates/C/USD", "C"), ("cenyzlota", "gold")]
)
def test_a_business_day_is_out_unless_it_is_withheld(
    client: httpx.Client, replica: Replica, path: str, letter: Letter
) -> None:
    assert client.get(f"{path}/today/").text == client.get(f"{path}/{TODAY}/").text
    assert str(TODAY) in client.get(f"{path}/").text
    replica.withhold(letter, TODAY)
    assert refusal(client.get(f"{path}/today/")) == (404, NO_DATA)
    assert refusal(client.get(f"{path}/{TODAY}/")) == (404, NO_DATA)
    assert str(TODAY) not in client.get(f"{path}/2026-10-20/{TODAY}/").text
    assert "2026-10-23" in client.get(f"{path}/").text
    replica.publish(letter, TODAY)
    assert client.get(f"{path}/today/").status_code == 200


def test_withholding_one_table_leaves_the_others(client: httpx.Client, replica: Replica) -> None:
    replica.withhold("A", TODAY)
    assert client.get("exchangerates/tables/C/today/").status_code == 200


def test_a_weekend_has_no_tables(client: httpx.Client, replica: Replica) -> None:
    replica.set_today(date(2026, 10, 25))
    assert refusal(client.get("exchangerates/tables/A/today/")) == (404, NO_DATA)
    assert refusal(client.get("exchangerates/tables/A/2026-10-24/2026-10-25/")) == (404, NO_DATA)
    assert client.get("exchangerates/tables/A/").json()[0]["effectiveDate"] == "2026-10-23"


def test_nothing_of_a_later_day_shows_when_today_is_told(client: httpx.Client, replica: Replica) -> None:
    replica.set_today(date(2024, 1, 2))
    assert client.get("exchangerates/tables/A/").json()[0]["no"] == "001/A/NBP/2024"
    found = client.get("exchangerates/rates/A/USD/last/2/").json()["rates"]
    assert [row["effectiveDate"] for row in found] == ["2023-12-29", "2024-01-02"]


def test_after_the_end_of_the_data_nothing_is_published_any_more(client: httpx.Client, replica: Replica) -> None:
    replica.set_today(date(2030, 1, 2))
    assert refusal(client.get("exchangerates/tables/A/today/")) == (404, NO_DATA)
    assert refusal(client.get("cenyzlota/2029-01-02/")) == (404, NO_DATA)
    assert client.get("exchangerates/tables/A/").json()[0]["effectiveDate"] > "2026-01-01"


def test_without_a_day_told_the_real_one_holds() -> None:
    with serve() as replica:
        tomorrow = replica.today + timedelta(days=1)
        assert refusal(fetched(f"{replica.url}cenyzlota/{tomorrow}/")) == (400, BAD_RANGE)


@pytest.mark.parametrize("path", ["exchangerates/tables/A/2001-12-28", "cenyzlota/2012-12-31"])
def test_history_has_a_first_day(client: httpx.Client, path: str) -> None:
    assert refusal(client.get(path)) == (404, NO_DATA)


def test_the_first_days_of_history_are_there(client: httpx.Client) -> None:
    table = client.get("exchangerates/tables/C/2002-01-02").json()[0]
    assert (table["no"], table["tradingDate"]) == ("001/C/NBP/2002", "2001-12-31")
    assert client.get("cenyzlota/2013-01-02").status_code == 200


# Which table a currency is in


@pytest.mark.parametrize("path", ["A/XXX/", "A/AOA/", "B/USD/", "C/THB/", "A/AOA/last/10/", "A/XXX/2024-01-02/"])
def test_a_code_that_the_table_does_not_have_is_not_found(client: httpx.Client, path: str) -> None:
    assert refusal(client.get(f"exchangerates/rates/{path}")) == (404, NO_DATA)


def test_table_b_exists_on_its_own_days_only(client: httpx.Client) -> None:
    days = [table["effectiveDate"] for table in client.get("exchangerates/tables/B/2026-10-01/2026-10-26/").json()]
    assert days == ["2026-10-07", "2026-10-14", "2026-10-21"]


def test_a_table_b_repeated_on_the_next_day_is_no_table_a(client: httpx.Client) -> None:
    tables = client.get("exchangerates/tables/B/2007-04-05/2007-04-20/").json()
    assert [table["effectiveDate"] for table in tables] == ["2007-04-11", "2007-04-12"]
    assert len(client.get("exchangerates/tables/A/2007-04-11/").json()[0]["rates"]) == 25


def last_and_first(client: httpx.Client, code: str, leaves: str, enters: str, days: str) -> tuple[str, str]:
    left = client.get(f"exchangerates/rates/{leaves}/{code}/{days}/").json()["rates"][-1]
    came = client.get(f"exchangerates/rates/{enters}/{code}/{days}/").json()["rates"][0]
    return left["effectiveDate"], came["effectiveDate"]


def test_the_rouble_moves_from_table_a_to_b_and_is_never_in_both(client: httpx.Client) -> None:
    assert last_and_first(client, "RUB", "A", "B", "2022-01-01/2022-12-31") == ("2022-03-08", "2022-03-09")


def test_the_shekel_moves_from_table_b_to_a(client: httpx.Client) -> None:
    assert last_and_first(client, "ILS", "B", "A", "2011-01-01/2011-12-31") == ("2011-07-20", "2011-07-27")


@pytest.mark.parametrize(("code", "last"), [("HRK", "2022-12-30"), ("BGN", "2025-12-31")])
def test_a_currency_that_joined_the_euro_stays_in_table_a_to_its_end(
    client: httpx.Client, code: str, last: str
) -> None:
    start = date.fromisoformat(last) - timedelta(days=20)
    days = f"{start}/{start + timedelta(days=60)}"
    rows = client.get(f"exchangerates/rates/A/{code}/{days}/").json()["rates"]
    assert rows[-1]["effectiveDate"] == last
    assert client.get(f"exchangerates/rates/B/{code}/{days}/").status_code == 404


def test_figures_of_zero_are_published_as_they_were(client: httpx.Client) -> None:
    assert client.get("exchangerates/rates/B/ZWR/2009-02-11/").text.endswith('"mid":0.00000000}]}')


# On the wire


def test_an_answer_carries_the_headers_of_the_service(client: httpx.Client) -> None:
    answer = client.get("cenyzlota/2024-01-02/", headers={"Accept-Encoding": "identity"})
    told = answer.headers
    assert (told["cache-control"], told["pragma"], told["expires"]) == ("no-cache", "no-cache", "-1")
    assert told["etag"] == f'"{base64.b64encode(hashlib.sha256(answer.content).digest()).decode()}"'
    assert "set-cookie" in told
    assert "content-encoding" not in told


def test_an_error_is_plain_text_without_an_etag(client: httpx.Client) -> None:
    answer = client.get("exchangerates/tables/A/2024-01-01/")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "etag" not in answer.headers
    assert len(answer.content) == 38


def test_gzip_is_sent_when_asked(client: httpx.Client) -> None:
    path = "exchangerates/tables/A/2024-01-02/"
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    with client.stream("GET", path, headers={"Accept-Encoding": "deflate, gzip"}) as packed:
        raw = b"".join(packed.iter_raw())
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert "content-encoding" not in client.get(path, headers={"Accept-Encoding": "gzip;q=0"}).headers


def test_the_reason_phrase_is_cp1250_while_the_body_is_utf_8(client: httpx.Client, replica: Replica) -> None:
    path = "exchangerates/tables/A/2024-01-03/2024-01-02/"
    assert first_line(replica, path) == b"HTTP/1.1 400 B\xb3\xeadny zakres dat / Invalid date range"
    assert len(client.get(path).content) == 57


def test_the_other_reason_phrases_are_whole(replica: Replica) -> None:
    assert first_line(replica, "cenyzlota/2024-01-01/") == b"HTTP/1.1 404 Not Found - Brak danych"
    assert first_line(replica, "nowhere/") == b"HTTP/1.1 404 Not Found"
    assert first_line(replica, "cenyzlota/2024-01-02/") == b"HTTP/1.1 200 OK"
    assert first_line(replica, "cenyzlota/last/256/").startswith(b"HTTP/1.1 400 Przekroczony limit 255 wynik\xf3w / ")


def test_two_requests_share_a_connection(replica: Replica) -> None:
    one = b"GET /api/cenyzlota/2024-01-02 HTTP/1.1\r\nHost: replica\r\n\r\n"
    last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert said_on_the_wire(replica, one + last).count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("noise", [b"hello\r\n\r\n", b"\x16\x03\x01\x00" * 20 + b"\r\n\r\n", b"GET"])
def test_who_does_not_speak_http_is_hung_up_on(replica: Replica, noise: bytes) -> None:
    with socket.create_connection(("127.0.0.1", httpx.URL(replica.url).port or 0), timeout=5) as line:
        line.sendall(noise)
        line.shutdown(socket.SHUT_WR)
        assert line.recv(100) == b""
    assert fetched(replica.url + "cenyzlota/").status_code == 200


def test_requests_are_remembered_in_order(client: httpx.Client, replica: Replica) -> None:
    client.get("cenyzlota/today?format=json")
    client.get("exchangerates/tables/A/")
    assert replica.requests == ["/api/cenyzlota/today?format=json", "/api/exchangerates/tables/A/"]


def test_closing_does_not_wait_for_idle_or_slow_connections() -> None:
    with httpx.Client(timeout=0.05, verify=False) as client:
        with serve(today=TODAY, script=[{"path": "gold|cenyzlota", "delay": 60}]) as replica:
            client.get(replica.url + "exchangerates/tables/A/")
            with pytest.raises(httpx.ReadTimeout):
                client.get(replica.url + "cenyzlota/")
            line = socket.create_connection(("127.0.0.1", httpx.URL(replica.url).port or 0))
            line.sendall(b"GET /api/cenyzlota/ HTTP/1.1\r\n\r\n")
            before = time.monotonic()
        assert time.monotonic() - before < 0.4
        line.close()


def test_a_closed_replica_gives_its_port_back() -> None:
    with serve(today=TODAY) as replica:
        port = httpx.URL(replica.url).port or 0
        with pytest.raises(OSError, match="in use"), serve(port=port):
            pass
    with serve(today=TODAY, port=port) as again:
        assert fetched(again.url + "cenyzlota/").status_code == 200


def test_latency_comes_before_every_answer() -> None:
    with serve(today=TODAY, latency=60) as replica, pytest.raises(httpx.ReadTimeout):
        fetched(replica.url + "cenyzlota/", timeout=0.05)


# Figures changed afterwards


def test_a_corrected_figure_shows_wherever_it_is_asked(client: httpx.Client, replica: Replica) -> None:
    before = client.get("exchangerates/tables/A/2024-01-02/").json(parse_float=str)[0]
    replica.correct("A", date(2024, 1, 2), "USD", "9.9990")
    after = client.get("exchangerates/tables/A/2024-01-02/").json(parse_float=str)[0]
    changed = [code for code, row in rows_of(after).items() if row != rows_of(before)[code]]
    assert (changed, rows_of(after)["USD"]["mid"]) == (["USD"], "9.9990")
    assert '"mid":9.9990' in client.get("exchangerates/rates/A/USD/2024-01-01/2024-01-05/").text
    assert client.get("exchangerates/tables/A/2024-01-03/").text.count("9.9990") == 0


def test_a_correction_holds_in_its_own_replica_only(replica: Replica) -> None:
    replica.correct("gold", date(2024, 1, 2), "XAU", "1.00")
    assert fetched(replica.url + "cenyzlota/2024-01-02/").text == '[{"data":"2024-01-02","cena":1.00}]'
    with serve(today=TODAY) as other:
        assert '"cena":1.00' not in fetched(other.url + "cenyzlota/2024-01-02/").text


def test_table_c_is_corrected_in_both_its_figures(client: httpx.Client, replica: Replica) -> None:
    replica.correct("C", date(2024, 1, 2), "USD", "3.8000/3.9000")
    assert client.get("exchangerates/rates/C/USD/2024-01-02/").text.endswith('"bid":3.8000,"ask":3.9000}]}')


def test_a_correction_of_what_was_never_published_is_an_error(replica: Replica) -> None:
    with pytest.raises(KeyError):
        replica.correct("A", date(2024, 1, 1), "USD", "1.0000")
    with pytest.raises(KeyError):
        replica.correct("A", date(2024, 1, 2), "AOA", "1.0000")


# Scripts

GOLD_DAY = "cenyzlota/2024-01-02/"


def test_the_nth_request_fails_and_the_next_does_not(client: httpx.Client, replica: Replica) -> None:
    replica.set_script([{"at": 2, "status": 429, "body": "slow down", "headers": {"Retry-After": "7"}}])
    answers = [client.get(GOLD_DAY) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert (answers[1].text, answers[1].headers["retry-after"]) == ("slow down", "7")


def test_a_fault_may_last_from_one_request_to_another(client: httpx.Client, replica: Replica) -> None:
    replica.set_script([{"from": 2, "to": 3, "status": 503}, {"from": 5, "status": 520}])
    assert [client.get(GOLD_DAY).status_code for _ in range(6)] == [200, 503, 503, 200, 520, 520]


def test_a_fault_may_choose_by_path(client: httpx.Client, replica: Replica) -> None:
    replica.set_script([{"path": "tables/B", "status": 500}])
    paths = [GOLD_DAY, "exchangerates/tables/B/", "exchangerates/tables/A/"]
    assert [client.get(path).status_code for path in paths] == [200, 500, 200]


def test_a_new_script_counts_from_one_again(client: httpx.Client, replica: Replica) -> None:
    client.get(GOLD_DAY)
    replica.set_script([{"at": 1, "status": 500}])
    assert client.get(GOLD_DAY).status_code == 500
    replica.set_script([])
    assert client.get(GOLD_DAY).status_code == 200


def test_a_delay_is_felt_by_the_client(client: httpx.Client, replica: Replica) -> None:
    replica.set_script([{"at": 1, "delay": 60}])
    with pytest.raises(httpx.ReadTimeout):
        client.get(GOLD_DAY, timeout=0.05)
    assert client.get(GOLD_DAY).status_code == 200


@pytest.mark.parametrize("cut", [0, 10, "half"])
def test_a_cut_answer_promises_more_than_it_sends(client: httpx.Client, replica: Replica, cut: int | str) -> None:
    replica.set_script([{"at": 1, "cut": cut}])
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        client.get(GOLD_DAY)
    assert client.get(GOLD_DAY).status_code == 200


def test_a_cut_sends_exactly_the_bytes_it_says(replica: Replica) -> None:
    replica.set_script([{"cut": 10}])
    head, _, body = said_on_the_wire(replica, b"GET /api/cenyzlota/2026-03-02 HTTP/1.1\r\n\r\n").partition(b"\r\n\r\n")
    assert b"Content-Length: 37\r\n" in head + b"\r\n"
    assert body == b'[{"data":"'


def test_a_dropped_request_gets_no_answer(client: httpx.Client, replica: Replica) -> None:
    replica.set_script([{"at": 1, "drop": True}])
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.get(GOLD_DAY)
    assert client.get(GOLD_DAY).status_code == 200


@pytest.mark.parametrize("kind", ["html", "bytes", "truncated-json"])
def test_rubbish_is_a_200_that_is_no_json(client: httpx.Client, replica: Replica, kind: str) -> None:
    replica.set_script([{"rubbish": kind}])
    answer = client.get("exchangerates/tables/A/2024-01-02/")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|decode|Unterminated|delimiter"):
        json.loads(answer.content)


def test_a_text_is_replaced_in_an_otherwise_right_answer(client: httpx.Client, replica: Replica) -> None:
    replica.set_script([{"replace": ['"cena":595.71', '"cena":"a lot"']}])
    answer = client.get("cenyzlota/2026-03-02/")
    assert answer.text == '[{"data":"2026-03-02","cena":"a lot"}]'
    assert answer.headers["etag"] == f'"{base64.b64encode(hashlib.sha256(answer.content).digest()).decode()}"'


def test_several_entries_work_on_one_request(client: httpx.Client, replica: Replica) -> None:
    replica.set_script([{"replace": ["595.71", "-595.71"]}, {"headers": {"X-Cache": "HIT"}}])
    answer = client.get("cenyzlota/2026-03-02/")
    assert (answer.json()[0]["cena"], answer.headers["x-cache"]) == (-595.71, "HIT")


def test_a_script_corrects_and_withholds_from_a_request_on(client: httpx.Client, replica: Replica) -> None:
    figure: dict[str, object] = {"figure": ["A", "2024-01-02", "USD", "9.9999"], "at": 2}
    later: list[dict[str, object]] = [
        {"withhold": ["gold", "2024-01-02"]},
        {"publish": ["gold", "2024-01-02"], "from": 4},
    ]
    replica.set_script([figure, *later])
    assert client.get(GOLD_DAY).status_code == 404
    assert "9.9999" in client.get("exchangerates/rates/A/USD/2024-01-02/").text
    assert client.get(GOLD_DAY).status_code == 404
    assert client.get(GOLD_DAY).status_code == 200


@pytest.mark.parametrize(
    "entry",
    [{"stauts": 500}, {"cut": "third"}, {"rubbish": "pdf"}, {"path": "("}, {"figure": ["D", "2024-01-02", "USD", "1"]}],
)
def test_a_mistaken_script_is_refused_when_it_is_set(replica: Replica, entry: dict[str, object]) -> None:
    with pytest.raises((msgspec.ValidationError, re.error)):
        replica.set_script([entry])


# The command


def test_the_command_says_its_url_and_ends_cleanly_when_told(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text('[{"at": 2, "status": 503}]', encoding="utf-8")
    command = [sys.executable, "-m", "tests.replica", "nbp", "--port", "0", "--today", "2024-01-02"]
    with subprocess.Popen([*command, "--script", str(script)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            with httpx.Client(base_url=running.stdout.readline().strip(), verify=False) as client:
                assert client.get("exchangerates/tables/A/today/").json()[0]["no"] == "001/A/NBP/2024"
                assert client.get("cenyzlota/").status_code == 503
            running.send_signal(signal.SIGTERM)
            assert running.wait(timeout=5) == 0
        finally:
            running.kill()


def test_the_help_explains_the_script_and_what_is_invented() -> None:
    told = subprocess.run([sys.executable, "-m", "tests.replica", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert '"cut": 100 | "half"' in told.stdout
    assert "Gold is invented too" in told.stdout


# No code shared with what it tests


def test_the_replica_imports_nothing_of_the_project() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "replica").glob("*.py")]
    assert len(sources) >= 5
    assert not re.search(r"^\s*(?:from|import) (?:charon|markets|miner|signals)\b", "\n".join(sources), re.MULTILINE)
