"""How far two sources lie apart: both values, what is usual in a year, and the problem when it is not."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django_q.models import Schedule

from charon import price_metrics
from charon.metric_families import Collected
from markets import clock, problems
from markets.api.compare_schemas import ComparisonPage
from markets.instruments import create
from markets.licence import Audience
from markets.models import Candle, Instrument, Problem, Quote, Rate, Source, Tick
from markets.queries.compare import figures, pairs, readings
from markets.queries.compare.pair import ECB_FIXING, NBP_FIXING, Series, market
from miner import schedule, tasks
from tests.cases import walk
from tests.market import source
from tests.test_api_errors import error

pytestmark = pytest.mark.django_db
TOKEN = {"Authorization": "Bearer let-me-in"}
TODAY = date(2026, 10, 26)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None], settings: Any, nbp: Source) -> None:
    settings.API_TOKEN = "let-me-in"
    at("2026-10-26 18:00")
    Source.objects.update(public_api=True)
    create.find_or_create({"EUR", "USD", "CHF", "GBP"}, "currency")
    create.find_or_create({"EURUSD", "EURCHF", "EURGBP"}, "pair")
    create.find_or_create({"XAU"}, "metal")


def rates(code: str, of: str, table: str, values: Iterable[str], last: date = TODAY) -> None:
    """One figure a day, the last one of `last`."""
    found = list(values)
    instrument, row = Instrument.objects.get(code=code), Source.objects.get(code=of)
    Rate.objects.bulk_create(
        Rate(instrument=instrument, source=row, table=table, effective_date=last - DAY * back, mid=Decimal(value),
             scale=len(value.partition(".")[2]))
        for back, value in enumerate(reversed(found))
    )  # fmt: skip


def euro(ours: Iterable[str], theirs: Iterable[str]) -> None:
    rates("EUR", "nbp", "A", ours)
    rates("EUR", "ecb", "eurofxref", theirs)


def usual(days: int = 100) -> list[str]:
    """Of the NBP, around 4.2: in turn 5 and 10 bp above and below."""
    return [["4.2021", "4.1979", "4.2042", "4.1958"][number % 4] for number in range(days)]


def one(client: Client, pair: str = "eur-pln", **more: Any) -> dict[str, Any]:
    response = client.get(f"/compare?pair={pair}", **more)
    assert response.status_code == 200, response.content
    (item,) = response.json()["items"]
    return dict(item)


# Both values


def test_the_euro_of_the_nbp_and_of_the_ecb_stand_side_by_side_with_their_hours(client: Client) -> None:
    euro([*usual(), "4.2500"], ["4.2000"] * 101)
    found = one(client)
    assert found["left"] == {
        "source": "nbp", "value": "4.2500", "derived": False, "formula": None, "at": "2026-10-26T10:00:00Z",
        "fixing": "11:00 Europe/Warsaw",
        "legs": [{"source": "nbp", "code": "EUR", "table": "A", "value": "4.2500", "at": None}],
    }  # fmt: skip
    assert (found["right"]["value"], found["right"]["at"]) == ("4.2000", "2026-10-26T13:15:00Z")
    assert (found["day"], found["unit"], found["bps"]) == ("2026-10-26", "PLN for 1 EUR", "119.05")


def test_the_hours_of_the_fixings_are_those_of_their_towns_in_summer_too() -> None:
    assert NBP_FIXING.moment(date(2026, 7, 1)) == datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
    assert ECB_FIXING.moment(date(2026, 7, 1)) == datetime(2026, 7, 1, 12, 15, tzinfo=UTC)


def test_the_dollar_of_the_ecb_is_computed_over_the_euro(client: Client) -> None:
    rates("USD", "nbp", "A", ["3.6000"])
    rates("EUR", "ecb", "eurofxref", ["4.2460"])
    rates("EURUSD", "ecb", "eurofxref", ["1.1790"])
    found = one(client, "usd-pln")
    right = found["right"]
    assert (right["value"], right["derived"], right["formula"]) == ("3.601357", True, "EUR / EURUSD")
    assert [(leg["code"], leg["value"]) for leg in right["legs"]] == [("EUR", "4.2460"), ("EURUSD", "1.1790")]
    exact = (Decimal("3.6") / (Decimal("4.2460") / Decimal("1.1790")) - 1) * 10_000
    assert found["bps"] == f"{exact:.2f}" == "-3.77"


@pytest.mark.parametrize("code", ["CHF", "GBP"])
def test_francs_and_pounds_are_compared_in_the_same_way(client: Client, code: str) -> None:
    rates(code, "nbp", "A", ["4.5000"])
    rates("EUR", "ecb", "eurofxref", ["4.2000"])
    rates(f"EUR{code}", "ecb", "eurofxref", ["0.9333"])
    exact = (Decimal("4.5") * Decimal("0.9333") / Decimal("4.2") - 1) * 10_000
    assert one(client, f"{code.lower()}-pln")["bps"] == f"{exact:.2f}"


def test_gold_by_the_gram_is_compared_with_the_ounce_of_the_market(client: Client) -> None:
    ounce("4100.00", hours=0)
    rates("XAU", "nbp", "gold", ["475.00"])
    rates("USD", "nbp", "A", ["3.6000"])
    found = one(client, "gold")
    assert found["right"]["value"] == "474.545019"
    assert (found["bps"], found["left"]["at"], found["right"]["at"]) == ("9.59", None, "2026-10-26T00:05:00Z")


def ounce(price: str, hours: int) -> None:
    row = source("polygon", ["XAUUSD"], public_api=True)
    moment = datetime(2026, 10, 26, 0, 5, tzinfo=UTC) + timedelta(hours=hours)
    Tick.objects.create(source=row, instrument=row.listings.get(ticker="C:XAUUSD").instrument, price=Decimal(price),
                        observed_at=moment)  # fmt: skip


def test_an_ounce_of_another_hour_is_not_the_price_of_midnight(client: Client) -> None:
    rates("XAU", "nbp", "gold", ["475.00"])
    rates("USD", "nbp", "A", ["3.6000"])
    ounce("4100.00", hours=3)
    assert one(client, "gold")["bps"] is None


def test_only_a_day_that_both_sides_have_is_compared(client: Client) -> None:
    rates("EUR", "nbp", "A", ["4.2000", "4.3000"])
    rates("EUR", "ecb", "eurofxref", ["4.1000", "4.2000"], last=TODAY - DAY)
    found = one(client)
    assert (found["day"], found["bps"]) == ("2026-10-25", "0.00")


def test_a_side_without_figures_is_told_and_nothing_is_made_up(client: Client) -> None:
    rates("EUR", "nbp", "A", ["4.2000"])
    found = one(client)
    nothing = ("day", "left", "right", "bps", "band", "outside")
    assert [found[name] for name in nothing] == [None] * 6
    assert (found["insufficient"], found["days"], found["stale"]) == (True, 0, False)


# The band


def test_a_usual_difference_is_inside_of_the_years_band(client: Client) -> None:
    euro([*usual(), "4.2030"], ["4.2000"] * 101)
    found = one(client)
    assert (found["outside"], found["insufficient"], found["days"]) == (False, False, 100)
    # Quartiles -6.25 and 6.25: of -10, -5, 5 and 10 bp, 25 each.
    assert found["band"] == {
        "low": "-43.75", "high": "43.75", "days": 100,
        "method": "quartiles less and plus 3 interquartile ranges, at least 1 bp",
    }  # fmt: skip


@walk(("value", "outside"), [("4.2183", False), ("4.2184", True), ("4.1816", True)])
def test_a_difference_beyond_the_band_is_outside_on_either_side(client: Client, value: str, outside: bool) -> None:
    euro([*usual(), value], ["4.2000"] * 101)
    assert one(client)["outside"] is outside


def test_a_fifth_of_wrong_days_does_not_widen_the_band_to_them(client: Client) -> None:
    wrong = ["4.6200" if number % 5 == 0 else value for number, value in enumerate(usual())]
    euro([*wrong, "4.6200"], ["4.2000"] * 101)
    assert one(client)["outside"] is True


def test_a_difference_that_never_changes_has_a_band_of_a_point_at_least(client: Client) -> None:
    euro(["4.2000"] * 100 + ["4.2004"], ["4.2000"] * 101)
    found = one(client)
    assert (found["bps"], found["band"]["high"], found["outside"]) == ("0.95", "1.00", False)


@pytest.mark.parametrize(("days", "insufficient"), [(59, True), (60, False)])
def test_a_short_history_judges_nothing(client: Client, days: int, insufficient: bool) -> None:
    euro([*usual(days), "5.0000"], ["4.2000"] * (days + 1))
    found = one(client)
    assert (found["insufficient"], found["band"] is None) == (insufficient, insufficient)
    assert found["outside"] is (None if insufficient else True)


def test_the_band_is_of_the_last_365_days_alone(client: Client) -> None:
    euro([*usual(400), "4.2000"], ["4.2000"] * 401)
    assert one(client)["days"] == 365


def test_a_source_that_stalled_makes_the_pair_stale(client: Client, at: Callable[[str], None]) -> None:
    euro([*usual(), "4.5000"], ["4.2000"] * 101)
    assert one(client)["stale"] is False
    at("2026-11-02 00:00")
    assert one(client)["stale"] is True


# Markets


def prices(of: str, code: str, value: str, days: int = 70, minute: int = 1) -> Source:
    """A tick shortly behind each midnight of the last days, and candles of the days before."""
    row, instrument = Source.objects.get(code=of), Instrument.objects.get(code=code)
    newest = datetime(2026, 10, 26, tzinfo=UTC)
    for back in range(days):
        start = newest - DAY * back
        if back < 20:
            Tick.objects.create(source=row, instrument=instrument, observed_at=start + timedelta(minutes=minute),
                                price=Decimal(value))  # fmt: skip
        else:
            Candle.objects.create(source=row, instrument=instrument, timeframe="1h", open_time=start,
                                  open=value, high=value, low=value, close=value, synthetic=True)  # fmt: skip
    return row


@pytest.fixture
def bitcoin() -> tuple[Source, Source]:
    for name, ticker in (("deribit", "BTC"), ("coingecko", "BTC"), ("binance", "BTCUSDT")):
        source(name, [ticker], public_api=True)
    return prices("deribit", "BTCUSD", "60060"), prices("coingecko", "BTCUSD", "60000", minute=4)


def quote(of: Source, value: str, seconds_ago: int, **more: Any) -> None:
    moment = clock.now() - timedelta(seconds=seconds_ago)
    instrument = Instrument.objects.get(code="BTCUSD")
    Quote.objects.update_or_create(
        instrument=instrument, source=of, defaults={"price": value, "scale": 2, "observed_at": moment} | more
    )


@pytest.mark.slow
def test_bitcoin_of_two_markets_is_compared_by_the_prices_of_one_moment(
    client: Client, bitcoin: tuple[Source, Source]
) -> None:
    quote(bitcoin[0], "66000.5", 10)
    quote(bitcoin[1], "66000", 300)
    found = one(client, "btc-deribit-coingecko")
    assert (found["left"]["value"], found["right"]["value"], found["bps"]) == ("66000.50", "66000.00", "0.08")
    assert (found["left"]["at"], found["right"]["at"]) == ("2026-10-26T16:59:50Z", "2026-10-26T16:55:00Z")
    assert (found["days"], found["band"]["low"], found["outside"]) == (70, "9.00", True)


@pytest.mark.parametrize("more", [{"seconds_ago": 911}, {"seconds_ago": 10, "end_of_day": True}])
def test_prices_of_two_moments_are_not_compared_but_those_of_the_last_midnight(
    client: Client, bitcoin: tuple[Source, Source], more: dict[str, Any]
) -> None:
    quote(bitcoin[0], "66000", 10)
    quote(bitcoin[1], "99000", **more)
    found = one(client, "btc-deribit-coingecko")
    assert (found["day"], found["bps"], found["days"], found["outside"]) == ("2026-10-26", "10.00", 69, False)
    assert found["right"]["at"] == "2026-10-26T00:04:00Z"


def test_the_last_price_before_midnight_stands_in_where_there_is_none_behind_it(db: None) -> None:
    row = source("deribit", ["BTC"])
    instrument = Instrument.objects.get(code="BTCUSD")
    midnight = datetime(2026, 10, 26, tzinfo=UTC)
    for minutes, value in ((-50, 1), (-5, 2), (70, 9)):
        moment = midnight + timedelta(minutes=minutes)
        Tick.objects.create(source=row, instrument=instrument, observed_at=moment, price=value)
    series = Series("deribit", "BTCUSD")
    (found,) = figures.daily([series], TODAY, TODAY)[series].values()
    assert (str(found.value.normalize()), found.at) == ("2", midnight - timedelta(minutes=5))
    for minutes, value in ((30, 3), (40, 4)):
        moment = midnight + timedelta(minutes=minutes)
        Tick.objects.create(source=row, instrument=instrument, observed_at=moment, price=value)
    assert figures.daily([series], TODAY, TODAY)[series][TODAY].value == 3


@pytest.mark.slow
def test_ticks_that_are_kept_for_years_are_read_all_the_same(settings: Any, bitcoin: Any) -> None:
    settings.RETENTION_DAYS = 36_500
    series = Series("deribit", "BTCUSD")
    assert len(figures.daily([series], TODAY - timedelta(days=365), TODAY)[series]) == 70


def test_open_candles_are_no_price_of_a_midnight(bitcoin: tuple[Source, Source]) -> None:
    Candle.objects.update(closed=False)
    series = Series("deribit", "BTCUSD")
    assert len(figures.daily([series], TODAY - timedelta(days=365), TODAY)[series]) == 20


# Who may see it


def test_a_pair_with_a_source_that_is_not_public_is_left_out_and_403_where_it_is_named(client: Client) -> None:
    def names(**more: Any) -> set[str]:
        return {item["pair"] for item in client.get("/compare", **more).json()["items"]}

    assert len(names()) == len(pairs.PAIRS)
    Source.objects.filter(code="polygon").update(public_api=False)
    assert {row.name for row in pairs.PAIRS} - names() == {"gold"}
    assert error(client.get("/compare?pair=gold"), 403)["code"] == "not_public"
    assert "gold" in names(headers=TOKEN)
    assert one(client, "gold", headers=TOKEN)["pair"] == "gold"


def test_a_pair_of_a_source_that_is_not_installed_is_left_out(client: Client) -> None:
    Source.objects.filter(code="deribit").update(code="gone")
    assert "btc-binance-deribit" not in {item["pair"] for item in client.get("/compare").json()["items"]}


@walk(
    ("query", "status"),
    [
        ("pair=", 422), ("pair=" + "x" * 33, 422), ("pair=gold&pair=gold", 422), ("pair=g%00old", 422),
        ("pair=eur-usd", 404), ("pair=ｇｏｌｄ", 404), ("bogus=1", 422), ("limit=1", 422),
    ],
)  # fmt: skip
def test_a_question_that_means_nothing_is_refused(client: Client, query: str, status: int) -> None:
    error(client.get(f"/compare?{query}"), status)


def test_an_unknown_pair_comes_back_with_the_nearest(client: Client) -> None:
    detail = error(client.get("/compare?pair=eur-plm"), 404)["detail"]
    assert detail["nearest"][0] == "eur-pln"
    assert detail["pairs"] == [row.name for row in pairs.PAIRS]


def test_the_registry_names_each_pair_once_with_sources_that_exist() -> None:
    names = [row.name for row in pairs.PAIRS]
    assert len(names) == len(set(names))
    known = set(Source.objects.values_list("code", flat=True))
    assert all(row.sources <= known and row.unit and row.note for row in pairs.PAIRS)
    assert market("deribit", "BTCUSD").source.is_market


# What it costs


@pytest.mark.slow
def test_all_pairs_of_a_year_are_five_statements_and_one_pair_of_tables_two(
    client: Client, bitcoin: Any, django_assert_num_queries: Any
) -> None:
    euro([*usual(250), "4.2000"], ["4.2000"] * 251)
    with django_assert_num_queries(5):
        sent = client.get("/compare").json()
    assert ComparisonPage.model_validate(sent).model_dump(mode="json") == sent
    assert sent["count"] == len(sent["items"]) == len(pairs.PAIRS)
    with django_assert_num_queries(2):
        one(client)


def test_the_answer_is_the_same_all_day_long(client: Client, at: Callable[[str], None]) -> None:
    euro([*usual(), "4.2030"], ["4.2000"] * 101)
    tags = set()
    for moment in ("2026-10-26 18:00:00", "2026-10-26 18:00:01", "2026-10-26 23:59:59"):
        at(moment)
        tags.add(client.get("/compare").headers["ETag"])
    assert len(tags) == 1


# The problem and the metric


def test_outside_of_the_band_is_a_problem_until_it_is_over(client: Client) -> None:
    euro([*usual(), "4.3000"], ["4.2000"] * 101)
    assert tasks.compare_sources() == f"1 of {len(pairs.PAIRS)} outside"
    row = Problem.objects.get()
    assert (row.kind, row.subject, row.closed_at) == ("cross_source", "eur-pln", None)
    assert row.detail == (
        "nbp 4.300000 (2026-10-26, 11:00 Europe/Warsaw), ecb 4.200000 (2026-10-26, 14:15 CET (Frankfurt)): "
        "238.10 bp, -43.75 … 43.75"
    )
    tasks.compare_sources()
    assert Problem.objects.get().times == 2
    Rate.objects.filter(source__code="nbp", effective_date=TODAY).update(mid=Decimal("4.2000"))
    tasks.compare_sources()
    assert Problem.objects.get().closed_at == clock.now()


def test_a_stalled_source_is_no_difference(at: Callable[[str], None]) -> None:
    euro([*usual(), "4.3000"], ["4.2000"] * 101)
    at("2026-11-10 12:00")
    tasks.compare_sources()
    assert not Problem.objects.exists()


def test_the_register_knows_the_kind_and_the_timetable_asks_every_hour() -> None:
    assert not problems.KINDS["cross_source"].strict
    schedule.write_all()
    row = Schedule.objects.get(name="compare")
    assert (row.func, row.cron) == ("miner.tasks.compare_sources", "35 * * * *")


def test_the_metric_has_the_newest_difference_of_each_public_pair(django_assert_max_num_queries: Any) -> None:
    euro([*usual(), "4.2500"], ["4.2000"] * 101)
    with django_assert_max_num_queries(5):
        assert readings.newest(Audience.API) == {"eur-pln": Decimal("119.05")}
    families = {family.name: family for family in Collected(price_metrics.read).collect()}
    (sample,) = families["charon_cross_source_bps"].samples
    assert (sample.labels, sample.value) == ({"pair": "eur-pln"}, 119.05)
    Source.objects.filter(code="ecb").update(public_api=False)
    families = {family.name: family for family in Collected(price_metrics.read).collect()}
    assert families["charon_cross_source_bps"].samples == []


def test_the_metric_reads_the_last_days_alone() -> None:
    rates("EUR", "nbp", "A", ["4.2000"], last=TODAY - timedelta(days=11))
    rates("EUR", "ecb", "eurofxref", ["4.2000"], last=TODAY - timedelta(days=11))
    assert readings.newest(Audience.API) == {}
