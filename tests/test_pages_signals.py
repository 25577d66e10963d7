"""The page of signals: the newest BUY and SELL of every rule, its filters, its pages, and who may see what."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import sin
from typing import Any

import pytest
from django.test import Client

from charon.pages import signals
from markets.licence import Audience
from markets.models import Instrument, Job, Source
from markets.records import RateRecord, Table
from markets.store.prices import save_bars
from markets.store.publish import publish
from signals import crossings, engine, rules, tasks
from signals.crossings import Crossing
from signals.explain_rows import explanation
from signals.models import Signal
from signals.rules.bollinger_reentry import BollingerReentry
from signals.rules.macd_cross import MacdCross
from signals.rules.stoch_rsi_cross import StochRsiCross
from signals.rules.vwap_side import VwapSide
from tests.market import bar as candle
from tests.market import decision, instrument, source
from tests.test_engine import wave
from tests.test_pages_instrument import page as page_text
from tests.test_pages_instrument import text_of

pytestmark = pytest.mark.django_db
PATH = "/sygnaly/"
Row = dict[str, Any]
FEW = (MacdCross, BollingerReentry, StochRsiCross)


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts rules into the registry, which the tests keep to MACD."""

    def put(*added: Any) -> None:
        monkeypatch.setattr(rules, "RULES", {one.__module__.rpartition(".")[2]: one.configured for one in added})

    return put


@pytest.fixture
def dollar(nbp: Source, job: Job, at: Callable[[str], None], register: Callable[..., None]) -> Instrument:
    """600 days under three rules."""
    at("2026-11-20 13:00")
    register(*FEW)
    publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in wave(600)], nbp, job)
    Job.objects.update(status=Job.Status.SUCCESS, lease_until=None)
    tasks.catch_up()
    return instrument("USD")


@pytest.fixture
def bitcoin(at: Callable[[str], None], register: Callable[..., None]) -> Instrument:
    """Thirty days of hours under two rules."""
    at("2026-10-26 12:30")
    register(MacdCross, VwapSide)
    opens = [datetime(2026, 9, 26, 12, tzinfo=UTC) + timedelta(hours=n) for n in range(720)]
    closes = [f"{100 + 3 * sin(n / 2) + 10 * sin(n / 37):.4f}" for n in range(720)]
    rows = [candle(f"{time:%Y-%m-%d %H:%M}", *[close] * 4) for time, close in zip(opens, closes, strict=True)]
    save_bars(rows, source("binance", ["BTCUSDT"]))
    found = Instrument.objects.get(code="BTCUSDT")
    engine.decide(found, "1h")
    return found


def shown(client: Client, **asked: str) -> list[Row]:
    return list(client.get(PATH, asked).context["crossings"])


def columns(client: Client, name: str, **asked: str) -> set[object]:
    return {row[name] for row in shown(client, **asked)}


def of_each(listed: list[Crossing]) -> list[Crossing]:
    """The oldest and the newest BUY and SELL of each rule: the API looks for what would flip each of them."""
    oldest = {(one.row.rule, one.row.signal): one for one in listed}
    newest = {(one.row.rule, one.row.signal): one for one in listed[::-1]}
    return [*oldest.values(), *newest.values()]


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_every_rule_is_listed_newest_first_with_its_reason(client: Client) -> None:
    rows = shown(client)
    assert {row["rule"] for row in rows} == {"MACD 12/26/9", "Wstęgi Bollingera 20/2", "StochRSI 14/14/3/3"}
    days = [row["iso"] for row in rows]
    assert days == sorted(days, reverse=True)
    assert len(rows) == crossings.wanted(Audience.PAGE).count() > 30
    content = page_text(client, PATH)
    assert "USD ▲ KUP" in content
    assert "dlatego reguła mówi KUP." in content
    assert "TRZYMAJ" not in content
    assert "Nie jest to rekomendacja inwestycyjna" in content


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_the_reason_is_that_of_the_api() -> None:
    for one in of_each(crossings.explained(crossings.wanted(Audience.PAGE))):
        assert one.why == explanation(one.row)["sentence"]["pl"]


@pytest.mark.slow
def test_the_reason_of_a_candle_is_that_of_the_api(bitcoin: Instrument) -> None:
    listed = of_each(crossings.explained(crossings.wanted(Audience.PAGE, instrument=bitcoin)))
    assert {one.row.rule for one in listed} == {rule.name for rule in rules.active()}
    for one in listed:
        assert one.why == explanation(one.row)["sentence"]["pl"]


@pytest.mark.slow
def test_a_candle_has_its_hour_and_its_currency(client: Client, bitcoin: Instrument) -> None:
    row = shown(client)[0]
    assert row["timeframe"] == "1 godzina"
    assert row["when"].startswith("26.10.2026, ")
    assert row["price"].endswith("\u00a0USDT")
    assert row["href"] == "/krypto/BTCUSDT/"
    assert f'<time datetime="{row["opened"]:%Y-%m-%dT%H:%M:%SZ}" data-rel>' in client.get(PATH).content.decode()


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_each_filter_leaves_what_it_names(client: Client) -> None:
    assert columns(client, "rule", regula="bollinger_reentry") == {"Wstęgi Bollingera 20/2"}
    assert columns(client, "kind", sygnal="kup") == {"buy"}
    assert columns(client, "kind", sygnal="sprzedaj") == {"sell"}
    assert columns(client, "code", instrument="usd/pln") == {"USD"}
    assert columns(client, "backtested", tryb="wstecz") == {True}
    assert shown(client, tryb="na-zywo") == []
    assert shown(client, interwal="1h") == []
    content = client.get(PATH, {"regula": "bollinger_reentry_20_2", "sygnal": "kup"}).content.decode()
    assert '<option value="bollinger_reentry_20_2" selected>' in content
    assert '<option value="kup" selected>' in content


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_days_are_typed_as_people_write_them_and_both_are_included(client: Client) -> None:
    days = sorted(map(str, columns(client, "iso")))
    first, last = str(days[3]), str(days[-4])
    year, month, day = first.split("-")
    for typed in (first, f"{day}.{month}.{year}", f"{day} {month} {year}", f"{int(day)}/{int(month)}/{year}"):
        assert sorted(map(str, columns(client, "iso", od=typed, do=last))) == days[3:-3], typed
    content = client.get(PATH, {"od": first, "sygnal": "kup"}).content.decode()
    assert f'name="od" value="{day}.{month}.{year}"' in content
    assert f'hx-get="/sygnaly/?sygnal=kup&amp;od={day}.{month}.{year}"' in content
    assert f'name="od" value="{first}"' in client.get(f"/en{PATH}", {"od": first}).content.decode()


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_a_day_that_there_is_not_is_said_at_its_field_and_nothing_is_listed(client: Client) -> None:
    for wrong in ("31.02.2026", "x", "<b>", "\0" * 3 + "1", "9" * 300, "2026", "01.13.2026"):
        response = client.get(PATH, {"od": wrong, "regula": "macd_cross"})
        content = response.content.decode()
        assert response.status_code == 400, wrong
        assert "Nie ma takiego dnia" in content
        assert response.context["crossings"] == []
        assert re.search('name="od"[^>]* aria-invalid="true" aria-describedby="dni-blad"', content)
        assert '<option value="macd_signal_cross_12_26_9" selected>' in content
    content = client.get(PATH, {"od": "02.03.2026", "do": "01.03.2026"}).content.decode()
    assert "Dzień „od” jest późniejszy niż dzień „do”." in content
    assert client.get(PATH, {"od": "01.01.0001", "do": "31.12.9999"}).status_code == 200


@pytest.mark.usefixtures("dollar")
def test_filtered_to_nothing_keeps_the_filter_and_offers_to_clear_it(client: Client) -> None:
    response = client.get(PATH, {"tryb": "na-zywo"})
    assert response.status_code == 200
    content = response.content.decode()
    assert "Żaden sygnał nie spełnia tych warunków." in content
    assert '<a href="/sygnaly/">Wyczyść filtry</a>' in content
    assert '<option value="na-zywo" selected>' in content


@pytest.mark.usefixtures("dollar")
def test_an_unknown_instrument_is_answered_with_its_neighbours(client: Client) -> None:
    response = client.get(PATH, {"instrument": "USB", "sygnal": "kup"})
    assert response.status_code == 404
    content = response.content.decode()
    assert "Nie znamy instrumentu USB." in content
    assert '<a href="/sygnaly/?instrument=USD&amp;sygnal=kup">USD</a>' in content
    assert 'value="USB"' in content
    assert response.context["crossings"] == []


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\0", "x" * 5000, "🙂"]
)
def test_hostile_filters_are_shown_and_not_obeyed(client: Client, text: str) -> None:
    response = client.get(PATH, {"instrument": text, "regula": text, "interwal": text, "sygnal": text, "tryb": text})
    assert response.status_code == 404
    content = response.content.decode()
    assert "<script>alert" not in content
    assert "<img" not in content.replace('<img src="/static', "")
    assert len(content) < 20_000


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
@pytest.mark.parametrize("text", ["", "0", "-1", "x", "1.5", "१", "9" * 300, "99999999999"])
def test_a_page_number_that_is_none_is_the_first_page(client: Client, text: str) -> None:
    assert client.get(PATH, {"strona": text}).context["page"].number == 1


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_pages_follow_each_other_without_a_gap(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "ROWS_A_PAGE", 10)
    whole = list(crossings.wanted(Audience.PAGE).values_list("pk", flat=True))
    assert len(whole) > 30
    seen: list[int] = []
    response = client.get(PATH, {"instrument": "USD"})
    while older := response.context["page"].older:
        seen += [row["id"] for row in response.context["crossings"]]
        assert "instrument=USD" in older
        response = client.get(older)
    seen += [row["id"] for row in response.context["crossings"]]
    assert seen == whole
    assert 'rel="prev"' in response.content.decode()
    assert 'rel="next"' not in response.content.decode()


@pytest.mark.usefixtures("dollar")
def test_a_page_behind_the_end_leads_back(client: Client) -> None:
    content = client.get(PATH, {"strona": "90"}).content.decode()
    assert "Tak dawnych sygnałów już nie ma." in content
    assert 'href="/sygnaly/?strona=89"' in content


def test_a_database_without_signals_says_what_is_missing(client: Client, nbp: Source) -> None:
    shown_text = page_text(client, PATH)
    assert "Nie ma jeszcze sygnałów Pojawią się tutaj same" in shown_text


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_a_page_asks_the_same_few_questions_however_many_rows_it_has(
    client: Client, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(3):  # the rows, the bars before them, the attributions
        client.get(PATH)
    with django_assert_num_queries(4):  # and the instrument
        client.get(PATH, {"instrument": "USD"})


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_what_may_not_be_shown_on_pages_is_left_out(client: Client) -> None:
    assert shown(client)
    Source.objects.update(public_api=False)
    assert shown(client), "pages have a choice of their own"
    Source.objects.update(public_display=False)
    assert shown(client) == []


@pytest.mark.slow
def test_candles_that_may_not_be_shown_are_left_out(client: Client, bitcoin: Instrument) -> None:
    assert shown(client)
    Source.objects.filter(code="binance").update(public_display=False)
    assert shown(client) == []


def test_a_decision_that_was_taken_back_is_not_listed(client: Client, nbp: Source) -> None:
    row = decision()
    assert [one["id"] for one in shown(client)] == [row.pk]
    row.pk, row.version, row.signal = None, 2, Signal.Label.HOLD
    row.save()
    assert shown(client) == []


def test_a_rule_that_is_no_longer_configured_is_listed_under_its_stored_name(client: Client, nbp: Source) -> None:
    Signal.objects.filter(pk=decision().pk).update(rule="macd_signal_cross_5_<b>")
    content = client.get(PATH).content.decode()
    assert "macd_signal_cross_5_&lt;b&gt;" in content
    assert "Reguły z tymi parametrami nie ma już wśród włączonych." in content


def test_a_withdrawn_decision_has_no_price_and_says_so(client: Client, nbp: Source) -> None:
    Signal.objects.filter(pk=decision().pk).update(values={"withdrawn": True})
    [row] = shown(client)
    assert row["price"] == "–"
    assert row["why"].startswith("Decyzję wycofano")


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_htmx_gets_the_list_alone_and_head_the_head(client: Client) -> None:
    whole = client.get(f"{PATH}?sygnal=kup")
    part = client.get(f"{PATH}?sygnal=kup", headers={"HX-Request": "true"})
    assert part.content.decode().startswith('<div id="lista-sygnalow" hx-get="/sygnaly/?sygnal=kup"')
    assert part.content.decode().strip() in whole.content.decode()
    assert "HX-Request" in part.headers["Vary"]
    again = client.get(f"{PATH}?sygnal=kup", headers={"If-None-Match": whole.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = client.head(f"{PATH}?sygnal=kup")
    assert (head.status_code, head.content) == (200, b"")
    assert client.post(PATH).status_code == 405


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_each_row_links_to_its_instrument_and_to_the_whole_explanation(client: Client) -> None:
    [row, *_] = shown(client)
    content = client.get(PATH).content.decode()
    assert '<a href="/waluty/USD/">USD</a>' in content
    assert f'<a class="whole" href="/sygnaly/{row["id"]}/">' in content
    english = client.get(f"/en{PATH}").content.decode()
    assert f'<a class="whole" href="/en/sygnaly/{row["id"]}/">' in english
    assert "wyliczony wstecz" in text_of(content)
