"""The scanner: what the engine keeps of each coin, its order in the address, hidden prices and the official ones."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from math import isnan, nan
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from charon.pages.crypto import scan_cells, tile
from markets import clock
from markets.licence import Audience
from markets.models import Job, Problem, Quote, Source
from markets.queries import followed
from markets.store.prices import save_prices
from signals import rules, stands
from signals.models import AnalysisSnapshot
from signals.rules.rule import Bar
from tests import coin_market
from tests.market import instrument, price, source
from tests.test_pages_instrument import page as text_of_page

pytestmark = pytest.mark.django_db
PATH = "/krypto/"


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    at("2026-10-26 12:00")
    coin_market.register(monkeypatch)


@pytest.fixture
def market(nbp: Source) -> Source:
    Source.objects.get(code="coingecko").listings.update(tracked=False)
    Source.objects.get(code="deribit").listings.update(tracked=False)
    Source.objects.get(code="polygon").listings.update(tracked=False)
    return coin_market.binance()


def rows(client: Client, query: str = "") -> dict[str, dict[str, Any]]:
    return {row["code"]: row for row in client.get(PATH + query).context["rows"]}


@pytest.mark.slow
def test_a_row_shows_the_price_and_what_the_engine_keeps_of_the_newest_candle(client: Client, market: Source) -> None:
    row = rows(client)["BTCUSDT"]
    assert (row["price"]["value"], row["price"]["percent"]) == ("100,25", "+2,50%")
    kept = {one.rule: one.stats for one in AnalysisSnapshot.objects.filter(instrument=instrument("BTCUSDT"))}
    rsi = kept[rules.find("rsi_reversal").name]["rsi"]  # type: ignore[union-attr]
    assert row["cells"]["rsi"].text == f"{Decimal(repr(rsi)):.1f}".replace(".", ",")
    vwap = kept[rules.find("vwap_side").name]  # type: ignore[union-attr]
    assert row["cells"]["vwap"].text == ("nad" if vwap["vote"] > 0 else "pod")
    bands = kept[rules.find("bollinger_reentry").name]  # type: ignore[union-attr]
    share = 100 * (bands["last"] - bands["lower"]) / (bands["upper"] - bands["lower"])
    assert row["cells"]["bands"].text == f"{round(share)}%".replace("-", "−")
    rating = f"{Decimal(repr(kept['rating']['rating'])):+.2f}".replace(".", ",").replace("-", "−")
    assert row["cells"]["rating"].more["value"] == rating.replace("+0,00", "0,00")
    assert len(row["line"]["points"].split()) == 24


@pytest.mark.slow
def test_the_squeeze_that_a_state_keeps_is_the_one_that_its_rule_computes(market: Source) -> None:
    rule = rules.find("squeeze_fired")
    assert rule is not None
    pk = instrument("BTCUSDT").pk
    kept = stands.stands([pk], Audience.PAGE, ["1h"])[pk][rule.name, "1h"]
    state, values = rule.initial, [nan] * 4
    for text in coin_market.closes(coin_market.HOURS):
        close = float(text)
        state, values, _decision = rule.step(state, Bar(close, close, close, close, 12.5))  # type: ignore[assignment]
    _momentum, squeezed, bars, since = values
    assert stands.squeeze_of(kept) == (int(bars) if squeezed else 0, None if isnan(since) else int(since))
    assert stands.squeeze_of(replace(kept, kept=(3.0, 0.0))) == (3, None)
    assert stands.squeeze_of(replace(kept, kept=(0.0, 1.0))) == (0, 0)
    assert stands.squeeze_of(replace(kept, kept=())) == (0, None)


@pytest.mark.slow
def test_too_few_candles_are_said_and_never_a_figure(client: Client, market: Source) -> None:
    cells = rows(client)["SOLUSDT"]["cells"]
    assert cells["rsi"].why == "Za mało danych: 12 z 200 świec"
    assert {cell.text for name, cell in cells.items() if name != "vwap"} == {""}
    assert rows(client, "?interwal=4h")["SOLUSDT"]["why"] == "jeszcze nie wyliczono"
    assert "dziennych nie ma" in text_of_page(client, f"{PATH}?interwal=1d")


@pytest.mark.slow
def test_the_order_stands_in_the_address_and_what_is_unknown_comes_last(client: Client, market: Source) -> None:
    def codes(query: str) -> list[str]:
        return list(rows(client, query))

    assert codes("") == ["BTCUSDT", "DOGEUSDT", "SOLUSDT"]
    by_rsi = codes("?sort=rsi")
    assert by_rsi[-1] == "SOLUSDT"
    assert codes("?sort=-rsi") == [*reversed(by_rsi[:-1]), "SOLUSDT"]
    assert codes("?sort=-cena") == ["BTCUSDT", "SOLUSDT", "DOGEUSDT"]
    assert codes("?sort=zmiana") == ["DOGEUSDT", "BTCUSDT", "SOLUSDT"]
    for nonsense in ("?sort=nic", "?sort=--rsi", "?sort=", "?interwal=7h", "?sort=%00"):
        assert codes(nonsense) == codes(""), nonsense
    response = client.get(f"{PATH}?sort=-rsi&interwal=4h&inne=1", headers={"HX-Request": "true"})
    content = response.content.decode()
    assert 'hx-get="/krypto/?interwal=4h&amp;sort=-rsi"' in content
    assert content.startswith('<div id="skaner"')
    assert '<th role="columnheader" scope="col" class="number" aria-sort="descending"><a id="sort-rsi"' in content


@pytest.mark.slow
def test_a_hidden_source_is_named_with_its_switch_and_official_rates_stand_in(
    client: Client, market: Source, nbp: Source, job: Job
) -> None:
    polygon = coin_market.polygon()
    coin_market.official(nbp, job)
    coin_market.ecb(job)
    content = text_of_page(client, PATH)
    for secret in ("2666", "1,23456", "1,3 "):
        assert secret not in content
    assert "Massive: licencja tego źródła nie pozwala pokazywać jego cen publicznie." in content
    assert "pokazywane publicznie" in content
    beside = {row["code"]: row for row in client.get(PATH).context["beside"]}
    assert (beside["EURUSD"]["price"]["value"], beside["EURUSD"]["price"]["percent"]) == ("1,1711", "+0,96%")
    ounce = (Decimal("512.34") / Decimal("3.9293") * Decimal("31.1034768")).quantize(Decimal("0.01"))
    assert beside["XAUUSD"]["price"]["value"] == f"{ounce}".replace(".", ",") == "4055,57"
    assert beside["XAUUSD"]["derived"] == (
        "wyliczone: złoto NBP 512,34 zł/g z 26.10.2026 × 31,1034768 g / kurs USD 3,9293 zł (26/A/NBP/2026 z 26.10.2026)"
    )
    assert "Obserwowane bez publicznej ceny: GBPUSD" in content
    Source.objects.filter(pk=polygon.pk).update(public_display=True)
    assert "2666,66" in text_of_page(client, PATH)
    assert "nie pozwala" not in text_of_page(client, PATH)


@pytest.mark.slow
def test_indicators_of_a_coin_that_a_hidden_source_lists_too_are_not_shown(client: Client, market: Source) -> None:
    coin_market.polygon()
    create = Source.objects.get(code="polygon").listings
    create.create(instrument=instrument("BTCUSDT"), ticker="X:BTCUSDT", tracked=True)
    assert rows(client)["BTCUSDT"]["why"] == "wskaźniki niepubliczne: licencja źródła"
    assert rows(client)["DOGEUSDT"]["why"] == ""


@pytest.mark.slow
def test_a_coin_without_candles_leads_to_the_pair_that_has_them(client: Client, market: Source) -> None:
    save_prices([price("101", 1)], source("coingecko", ["BTC"]))
    row = rows(client)["BTCUSD"]
    assert (row["why"], row["decided"]) == ("źródło nie podaje świec", "BTCUSDT")


@pytest.mark.slow
def test_states_of_sources_are_said_above_the_last_prices(
    client: Client, market: Source, at: Callable[[str], None]
) -> None:
    Problem.objects.create(kind="source_failed", subject="binance.quotes", opened_at=clock.now(), seen_at=clock.now())
    Job.objects.create(
        job_type="binance.candles", source=market, status="running", trigger="schedule", started_at=clock.now(),
        windows=98, windows_done=37, lease_until=clock.now() + timedelta(minutes=1),
    )  # fmt: skip
    content = text_of_page(client, PATH)
    assert re.search(r"Binance.US: pobieranie się nie udaje od 26.10.2026, 12:00", content)
    assert "Wczytuję historię Binance.US: 37 z 98 zakresów dat." in content
    response = client.get(PATH)
    assert "nieaktualna" not in response.content.decode()
    until = response.until  # type: ignore[attr-defined]
    assert until == clock.now() + timedelta(seconds=120), "30 s old, fresh for 150 s"
    at("2026-10-26 12:10")
    later = rows(client)
    assert {row["price"]["old"] for row in later.values()} == {True}


def test_nothing_followed_is_a_sentence(client: Client, nbp: Source) -> None:
    for row in Source.objects.all():
        row.listings.update(tracked=False)
    assert "Brak obserwowanych kryptowalut" in text_of_page(client, PATH)


@pytest.mark.slow
def test_a_coin_without_any_price_keeps_its_row(client: Client, market: Source) -> None:
    Quote.objects.filter(instrument__code="DOGEUSDT").delete()
    assert rows(client)["DOGEUSDT"]["why_no_price"] == "brak danych"
    assert rows(client, "?sort=cena")["DOGEUSDT"]["price"] is None
    Source.objects.filter(code="binance").update(enabled=False)
    assert rows(client)["DOGEUSDT"]["why_no_price"] == "brak danych: źródło jest wyłączone"


@pytest.mark.slow
def test_the_page_listens_to_events_only_where_there_is_redis(client: Client, market: Source, settings: Any) -> None:
    settings.REDIS_URL = ""
    assert 'data-every="15" data-stream=""' in client.get(PATH).content.decode()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert 'data-stream="/api/v1/stream?kinds=prices"' in client.get(PATH).content.decode()


@pytest.mark.slow
def test_the_tile_of_bitcoin_takes_two_statements(market: Source) -> None:
    gecko = source("coingecko", ["BTC"])
    save_prices([price(f"{100 + day}", 60 * 24 * day + 5) for day in range(30)], gecko)
    with CaptureQueriesContext(connection) as made:
        found, until = tile()
    row: dict[str, Any] = dict(found)
    assert len(made) == 2
    assert (row["value"], row["unit"], row["percent"]) == ("100,00", "USD", "−0,99%")
    assert row["said"] == "Ostatnie 30 dni: najniżej 100,00, najwyżej 128,00."
    assert row["chip"]["text"] in {"KUP", "TRZYMAJ", "SPRZEDAJ"}
    assert until > clock.now()
    Quote.objects.all().delete()
    assert tile()[0]["why"] == "brak danych"


@pytest.mark.slow
def test_a_rule_that_is_not_installed_does_not_apply(market: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "RULES", {})
    shown = scan_cells.cells({}, "1h", scan_cells.known_rules())
    assert {cell.why for name, cell in shown.items() if name != scan_cells.RATING} == {"nie dotyczy"}
    assert followed.asset("a\0b") is None
