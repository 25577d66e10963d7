"""The NBP's replica against the recorded answers of the NBP."""

import re
from datetime import date, timedelta
from decimal import Decimal

import httpx
import pytest

from tests.replica import Replica, asking, serve
from tests.replica.asking import TODAY, fetched, refusal, rows_of
from tests.replica.tables import Letter

NO_DATA = "404 NotFound - Not Found - Brak danych"
BAD_RANGE = "400 BadRequest - Błędny zakres dat / Invalid date range"

outgoing, replica, client = asking.outgoing, asking.replica, asking.client  # fixtures


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
