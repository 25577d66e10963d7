"""`manage.py mine`: the same road in the foreground, told in text or JSON, and an exit code that a script can trust."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from tqdm import tqdm

from markets.jobs import runs
from markets.models import Candle, Job, Listing, Publication, Quote, Rate, Source, Tick
from miner.fetch import http
from miner.management.commands.mine import show
from miner.models import Spent
from miner.providers.nbp import NBP
from tests.replica import Binance, CoinGecko, Deribit, Polygon, Replica, Server, run

pytestmark = pytest.mark.django_db

WEEK = ("--from", "2024-01-02", "--to", "2024-01-05")
NOON = datetime(2026, 10, 26, 12, 0, 30, tzinfo=UTC)
Play = Callable[..., AbstractContextManager[Server[Any]]]


def mine(*words: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("mine", *words, stdout=out)
    return out.getvalue()


def failing(*words: str) -> str:
    """What the command prints before it ends with 1."""
    out = StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("mine", *words, stdout=out)
    assert caught.value.code == 1
    return out.getvalue()


def wrong(*words: str) -> str:
    """What the command has against its arguments."""
    with pytest.raises(CommandError) as caught:
        mine(*words)
    return str(caught.value)


def test_a_week_of_one_table_is_fetched_and_told_in_one_line(nbp: Source, replica: Replica) -> None:
    assert mine("nbp", "--table", "gold", *WEEK) == "gold: success, 4 rows, 1 requests\n  new codes: XAU\n"
    assert Job.objects.get().trigger == "command"
    assert list(Rate.objects.values_list("effective_date", flat=True)) == [date(2024, 1, day) for day in (2, 3, 4, 5)]


def test_all_tables_are_fetched_when_none_is_named(nbp: Source, replica: Replica) -> None:
    said = mine("nbp", *WEEK).splitlines()
    assert [line for line in said if not line.startswith(" ")] == [
        "A: success, 132 rows, 1 requests",
        "gold: success, 4 rows, 1 requests",
        "C: success, 52 rows, 1 requests",
        "B: success, 116 rows, 1 requests",
    ]


def test_new_codes_and_refusals_stand_under_the_line(nbp: Source, replica: Replica) -> None:
    replica.set_script([{"replace": ['"mid":3.9432', '"mid":"3.9432"']}])
    said = mine("nbp", "--table", "A", "--from", "2024-01-02", "--to", "2024-01-02").splitlines()
    assert said[0] == "A: success, 32 rows, 1 requests, 1 refused"
    assert said[1] == '  refused: A 2024-01-02 USD: "3.9432" is not a number'
    assert said[2].startswith("  new codes: AUD, BGN, ")


def test_tables_may_be_named_and_repeated(nbp: Source, replica: Replica) -> None:
    mine("nbp", "--table", "gold", "--table", "C", *WEEK)
    assert set(Publication.objects.values_list("table", flat=True)) == {"gold", "C"}


def test_mining_again_is_skipped_and_writes_nothing(nbp: Source, replica: Replica) -> None:
    mine("nbp", "--table", "gold", *WEEK)
    assert mine("nbp", "--table", "gold", *WEEK) == "gold: skipped (up_to_date), 0 rows, 1 requests\n"
    assert Rate.objects.count() == 4


def test_json_is_one_object_with_a_report_a_table(nbp: Source, replica: Replica) -> None:
    told: dict[str, Any] = json.loads(mine("nbp", "--table", "gold", "--json", *WEEK))
    assert told == {
        "source": "nbp",
        "tables": [
            {
                "table": "gold",
                "status": "success",
                "reason": "",
                "rows_written": 4,
                "revised": 0,
                "refused": 0,
                "requests": 1,
                "retries": 0,
                "notes": ["new codes: XAU"],
                "error": "",
            }
        ],
    }


def test_without_days_it_fetches_what_is_missing(
    nbp: Source, replica: Replica, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]
) -> None:
    monkeypatch.setattr(NBP, "series", (replace(NBP.series[1], first=date(2026, 10, 12)),))
    at("2026-10-26 13:00")
    assert mine("nbp") == "gold: success, 11 rows, 1 requests\n  new codes: XAU\n"
    assert mine("nbp") == "gold: skipped (up_to_date), 0 rows, 0 requests\n"


@pytest.mark.parametrize(
    ("ends", "first", "last"),
    [
        (("--from", "2026-10-20"), date(2026, 10, 20), date(2026, 10, 26)),
        (("--to", "2013-01-08"), date(2013, 1, 2), date(2013, 1, 8)),
    ],
)
def test_one_end_may_be_left_open(
    nbp: Source,
    replica: Replica,
    at: Callable[[str], None],
    ends: tuple[str, str],
    first: date,
    last: date,
) -> None:
    at("2026-10-26 13:00")
    mine("nbp", "--table", "gold", *ends)
    days = Publication.objects.order_by("effective_date").values_list("effective_date", flat=True)
    assert (days[0], list(days)[-1]) == (first, last)


def test_the_archive_is_mined_the_same_way_without_a_request(archive: Source) -> None:
    said = mine("nbp_archive", "--from", "2023-12-29", "--to", "2023-12-29")
    assert said.startswith("mid: success, 33 rows, 0 requests\n")


def test_an_unknown_table_is_an_error_that_names_the_known_ones(nbp: Source) -> None:
    assert wrong("nbp", "--table", "D", "--table", "A") == "nbp has no table D; it has A, gold, C, B"
    assert not Job.objects.exists()


def test_an_unknown_source_is_an_error_that_names_the_known_ones(nbp: Source) -> None:
    assert "invalid choice: 'ebc' (choose from 'binance', " in wrong("ebc")


def test_a_day_that_is_none_is_an_error(nbp: Source) -> None:
    assert "invalid day value: '2024-02-30'" in wrong("nbp", "--from", "2024-02-30")


def test_ends_in_the_wrong_order_are_an_error(nbp: Source) -> None:
    assert wrong("nbp", "--from", "2024-02-01", "--to", "2024-01-01") == "--from 2024-02-01 is after --to 2024-01-01"


def test_a_database_without_sources_says_what_to_do() -> None:
    assert wrong("nbp") == "the sources are not in the database yet: run `manage.py sync` first"


@pytest.mark.slow
def test_a_failure_ends_with_1_and_the_tables_after_it_are_fetched(nbp: Source, replica: Replica) -> None:
    replica.set_script([{"path": "cenyzlota", "status": 400, "body": "400 BadRequest - no"}])
    said = failing("nbp", *WEEK).splitlines()
    assert said[0].startswith("A: success")
    assert "gold: failed (refused), 0 rows, 4 requests" in said, "the window, its halves and a week"
    assert "  Refused: GET /api/cenyzlota/2024-01-02/2024-01-05/: HTTP 400: 400 BadRequest - no" in said
    statuses = dict(Job.objects.values_list("job_type", "status"))
    assert statuses == {"nbp.A": "success", "nbp.gold": "failed", "nbp.C": "success", "nbp.B": "success"}


def test_a_failure_is_told_in_json_too(nbp: Source, replica: Replica) -> None:
    replica.set_script([{"status": 500}])
    told = json.loads(failing("nbp", "--json", *WEEK))
    assert [
        (row["table"], row["status"], row["reason"], row["requests"], row["retries"]) for row in told["tables"]
    ] == [
        ("A", "failed", "unreachable", 7, 3),
        *((table, "failed", "unreachable", 1, 0) for table in ("gold", "C", "B")),
    ]


def test_a_table_that_is_mined_elsewhere_is_left_alone(nbp: Source, replica: Replica) -> None:
    runs.start("nbp.gold", nbp, Job.Trigger.SCHEDULE)
    assert failing("nbp", "--table", "gold", *WEEK) == "gold: running elsewhere\n"
    assert json.loads(failing("nbp", "--table", "gold", "--json", *WEEK))["tables"] == [
        {"table": "gold", "status": "busy"}
    ]
    assert replica.requests == []


def test_the_progress_bar_shows_windows_and_the_day_that_was_reached() -> None:
    screen = StringIO()
    with tqdm(desc="A", unit="window", file=screen, ascii=True, ncols=80, mininterval=0) as bar:
        show(bar, 1, 8, date(2024, 3, 28))
        show(bar, 2, 8, None)
        assert (bar.n, bar.total) == (2, 8)
    assert "2024-03-28" in screen.getvalue()
    assert "2/8" in screen.getvalue()


# Markets


@pytest.fixture
def play(outgoing: set[tuple[str, int]], settings: Any, at: Callable[[str], None], nbp: Source) -> Iterator[Play]:
    """A service on this machine at noon; the house's clock is the same."""
    at("2026-10-26 13:00:30")

    @contextmanager
    def serve(service: Any) -> Iterator[Server[Any]]:
        with run(service, now=NOON) as server:
            outgoing.add(("127.0.0.1", server.port))
            setattr(settings, f"{service.name.upper()}_BASE_URL", server.url)
            yield server

    yield serve
    http.client().close()


def follow(*tickers: str) -> None:
    Listing.objects.exclude(ticker__in=tickers).update(tracked=False)


@pytest.mark.slow
def test_a_market_of_candles_brings_the_newest_thousand_of_each_timeframe(play: Play) -> None:
    follow("BTCUSDT")
    with play(Binance()):
        assert mine("binance").splitlines() == [
            "candles 5m: success, 1001 rows, 2 requests",
            "candles 1h: success, 1001 rows, 2 requests",
            "candles 4h: success, 1001 rows, 2 requests",
        ]
    assert set(Job.objects.values_list("trigger", flat=True)) == {"command"}


@pytest.mark.slow
def test_candles_go_back_to_the_day_that_was_named(play: Play) -> None:
    follow("BTCUSDT")
    with play(Binance()):
        told = json.loads(mine("binance", "--from", "2026-09-01", "--to", "2026-10-20", "--json"))
    assert [(row["table"], row["status"], row["rows_written"]) for row in told["tables"]] == [
        ("candles 5m", "success", 7056),
        ("candles 1h", "success", 50 * 24),
        ("candles 4h", "success", 50 * 6),
    ]
    hours = Candle.objects.filter(timeframe="1h").order_by("open_time").values_list("open_time", flat=True)
    assert (str(hours[0]), str(list(hours)[-1])) == ("2026-09-01 00:00:00+00:00", "2026-10-20 23:00:00+00:00")


def test_a_market_of_prices_brings_its_last_year(play: Play) -> None:
    follow("bitcoin")
    with play(CoinGecko()) as service:
        assert re.fullmatch(r"history: success, 36[45] rows, 1 requests\n", mine("coingecko"))
        assert len(service.requests) == 1
    assert Tick.objects.order_by("observed_at")[0].observed_at < NOON - timedelta(days=363)


def test_prices_of_the_days_that_were_named(play: Play) -> None:
    follow("btc_usd")
    with play(Deribit()):
        mine("deribit", "--from", "2026-10-20", "--to", "2026-10-22")
    days = {moment.day for moment in Tick.objects.values_list("observed_at", flat=True)}
    assert days - {23} == {20, 21, 22}


def test_a_market_without_a_past_says_what_it_says_now(play: Play, settings: Any) -> None:
    follow("C:EURUSD", "X:BTCUSD")
    settings.POLYGON_API_KEY = "good"
    with play(Polygon()):
        assert mine("polygon") == "quotes: success, 2 rows, 2 requests\n"
        Spent.objects.all().delete()
        assert mine("massive") == "quotes: success, 0 rows, 2 requests\n", "the same source, and nothing new"
    assert Quote.objects.count() == 2
    assert wrong("polygon", "--from", "2026-10-01") == "polygon keeps no past"


@pytest.mark.slow
def test_a_market_that_fails_ends_with_1_and_says_why(play: Play) -> None:
    follow("BTCUSDT", "C:EURUSD")
    assert failing("polygon") == "quotes: failed (no_key), 0 rows, 1 requests\n  polygon: no key\n"
    with play(Binance()) as service:
        service.set_script([{"status": 451}])
        said = failing("binance").splitlines()
    assert said[:2] == [
        "candles 5m: failed (blocked), 0 rows, 1 requests",
        "  Blocked: GET /api/v3/klines: HTTP 451: 451 Unavailable For Legal Reasons",
    ]
    assert [line.split(":")[0] for line in said[2::2]] == ["candles 1h", "candles 4h"]


def test_a_market_has_no_tables(play: Play) -> None:
    assert wrong("binance", "--table", "A") == "binance has no tables"
