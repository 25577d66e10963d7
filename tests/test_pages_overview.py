"""The pulpit beside its signals: tiles, chips in every state, drawings, recent turns, what the page may load."""

import gzip
import html
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils.html import strip_tags

from charon.pages import sparkline
from markets import clock, formats
from markets.jobs import runs
from markets.models import Instrument, Job, Source
from markets.queries.freshness import Facts, judge
from markets.records import RateRecord, Table
from markets.store.publish import publish
from signals import queries, rules, tasks
from signals.models import AnalysisSnapshot, Signal

FRIDAY, THURSDAY = date(2026, 11, 20), date(2026, 11, 19)
RULE = "macd_signal_cross_12_26_9"


@pytest.fixture(autouse=True)
def saturday(at: Callable[[str], None]) -> None:
    at("2026-11-21 09:00")


def save(source: Source, day: date, letter: str = "A", **figures: str) -> None:
    lines = [RateRecord(code, mid=Decimal(value)) for code, value in figures.items()]
    kind = "metal" if letter == "gold" else "currency"
    proof: dict[str, Any] = {"number": f"1/{letter}/NBP/2026", "url": "https://nbp.example/", "sha256": "a" * 64}
    job = runs.start(f"{source.code}.{letter}", source, Job.Trigger.COMMAND)
    publish([Table(letter, day, lines, kind=kind, **proof)], source, job)
    Job.objects.filter(pk=job.pk).update(status="success", requests=1, finished_at=clock.now())


def stand(code: str, status: str = "ok", **stats: Any) -> None:
    """A state as the brain leaves it: HOLD on Friday, bought on 15 October."""
    usual = {"as_of": "2026-11-20", "signal": "HOLD", "turned": "BUY", "turned_on": "2026-10-15", "bars": 8000}
    values = usual | {"warm_up": 250, "min": 3.5045, "max": 3.9293} | stats
    instrument = Instrument.objects.get(code=code)
    kept = {name: value for name, value in values.items() if value is not ...}
    AnalysisSnapshot.objects.create(
        instrument=instrument, rule=RULE, window="365d", status=status, stats=kept, generated_at=clock.now()
    )


def turn(code: str, label: str, day: date, **more: Any) -> Signal:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    common: dict[str, Any] = {"rule": RULE, "macd": 1, "signal_line": 1, "histogram": 0, "horizon_days": 5}
    instrument = Instrument.objects.get(code=code)
    return Signal.objects.create(
        **common | {"instrument": instrument, "signal": label, "as_of": midnight, "generated_at": clock.now()} | more
    )


def text_of(markup: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(strip_tags(markup.replace("<td", " <td")))).strip()


def content_of(client: Client, address: str = "/") -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def tile_of(client: Client, code: str) -> str:
    tiles = re.findall(r'<article class="tile.*?</article>', content_of(client), re.S)
    return str(next(tile for tile in tiles if f"<b>{code}</b>" in tile))


def cell_of(client: Client, code: str, column: str = "signal") -> str:
    rows = re.findall(r"<tr[^>]*>(?:(?!</tr>).)*</tr>", content_of(client, "/?tabela=wszystkie"), re.S)
    row = next(row for row in rows if f">{code}</a></th>" in row)
    return str(re.findall(rf'<td role="cell" class="{column}".*?</td>', row, re.S)[0])


def test_a_tile_has_figure_change_signal_rule_and_its_day(client: Client, nbp: Source) -> None:
    save(nbp, THURSDAY, USD="3.7635")
    save(nbp, FRIDAY, USD="3.7747")
    stand("USD", signal="BUY", turned_on="2026-11-20")
    tile = tile_of(client, "USD")
    assert text_of(tile) == (
        "USD dolar amerykański 3,7747 zł ▲ +0,0112 +0,30% Ostatnie 30 dni: najniżej 3,7635, najwyżej 3,7747."
        " 20.11.2026 ▲ KUP: USD, wyjaśnienie sygnału MACD 12/26/9 od 20.11.2026"
    )
    assert '<a href="/waluty/USD/"><b>USD</b>' in tile
    assert 'class="chip buy" href="/waluty/USD/#sygnal"' in tile


def test_gold_has_its_own_address_and_the_price_of_an_ounce(client: Client, nbp: Source) -> None:
    save(nbp, FRIDAY, letter="gold", XAU="522.40")
    stand("XAU", signal="SELL", turned="SELL", turned_on="2026-11-20")
    tile = tile_of(client, "XAU")
    assert "522,40 zł/g brak poprzedniego notowania 20.11.2026 · 16 248,46 zł/uncję ▼ SPRZEDAJ: XAU" in text_of(tile)
    assert 'href="/zloto/"' in tile
    assert 'class="chip sell" href="/zloto/#sygnal"' in tile


def test_the_six_places_on_top_are_kept_without_figures(client: Client, nbp: Source) -> None:
    save(nbp, FRIDAY, USD="3.7747")
    tiles = re.findall(r'<article class="tile.*?</article>', content_of(client), re.S)
    assert [re.findall(r"<b>(\w+)</b>", tile)[0] for tile in tiles] == ["EUR", "USD", "CHF", "GBP", "XAU", "BTC"]
    assert text_of(tiles[0]) == "EUR euro – Brak danych."
    assert text_of(tiles[4]) == "XAU złoto – Brak danych: cenę złota podaje tylko API NBP."


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"signal": "BUY", "turned_on": "2026-11-20"}, "▲ KUP od 20.11.2026"),
        ({"signal": "SELL", "turned": "SELL", "turned_on": "2026-11-20"}, "▼ SPRZEDAJ od 20.11.2026"),
        ({}, "■ TRZYMAJ po sygnale KUP z 15.10.2026"),
        ({"turned": "SELL"}, "■ TRZYMAJ po sygnale SPRZEDAJ z 15.10.2026"),
        ({"turned": ..., "turned_on": ...}, "■ TRZYMAJ"),
        ({"as_of": "2026-11-19"}, "■ TRZYMAJ po sygnale KUP z 15.10.2026"),
        ({"status": "warming_up", "signal": None, "bars": 120}, "Za mało danych: 120 z 250 świec"),
        ({"status": "not_applicable"}, "jeszcze nie wyliczono"),
    ],
)
def test_a_chip_says_what_was_decided_and_since_when(
    client: Client, nbp: Source, state: dict[str, Any], words: str
) -> None:
    save(nbp, FRIDAY, USD="3.7747")
    stand("USD", **state)
    assert text_of(cell_of(client, "USD")) == words


def test_a_code_without_a_state_waits_and_a_backfill_is_the_reason(client: Client, nbp: Source) -> None:
    save(nbp, FRIDAY, USD="3.7747")
    assert text_of(cell_of(client, "USD")) == "jeszcze nie wyliczono"
    job = runs.start("nbp.B", nbp, Job.Trigger.START)
    Job.objects.filter(pk=job.pk).update(windows=98)
    assert text_of(cell_of(client, "USD")) == "czeka na historię"
    assert "Sygnały pojawią się po wczytaniu historii." in content_of(client)


def test_the_daily_rule_does_not_apply_to_table_b(client: Client, nbp: Source) -> None:
    """Not even with decisions from the years when the code stood in table A."""
    save(nbp, FRIDAY, letter="B", AED="1.0200")
    stand("AED")
    assert text_of(cell_of(client, "AED")) == "nie dotyczy"
    assert text_of(cell_of(client, "AED", "span")) == "–"
    assert "Reguła dzienna nie dotyczy tabeli B" in content_of(client, "/?tabela=B")


def test_signals_on_old_figures_are_marked_and_the_figure_tells_its_age(client: Client, nbp: Source) -> None:
    save(nbp, date(2026, 10, 26), USD="3.7747")
    stand("USD", as_of="2026-10-26")
    tile = tile_of(client, "USD")
    assert 'class="tile old"' in tile
    assert "26.10.2026, 26 dni temu" in text_of(tile)
    assert 'class="chip hold old"' in tile
    assert "na starych danych" in text_of(tile)
    turn("USD", "BUY", date(2026, 10, 15))
    assert recent_of(client) == ["USD ▲ KUP 15.10.2026 (37 dni temu)"]
    assert 'class="chip buy old"' in content_of(client)


def test_that_signals_are_of_old_figures_is_said_once_above_the_table(client: Client, nbp: Source) -> None:
    save(nbp, date(2026, 10, 26), USD="3.7747", EUR="4.2497", CHF="4.5000")
    for code in ("USD", "EUR", "CHF"):
        stand(code, as_of="2026-10-26")
    table = content_of(client, "/waluty/").split('id="wszystkie"')[1]
    assert table.count("na starych danych") == 1
    assert table.count('aria-describedby="stare-dane"') == 3
    assert 'id="stare-dane"' in table.split("<table")[0]


def test_a_table_that_may_still_come_makes_nothing_old(client: Client, nbp: Source, at: Callable[[str], None]) -> None:
    save(nbp, THURSDAY, USD="3.7747")
    stand("USD", as_of="2026-11-19")
    at("2026-11-20 12:44")
    assert "na starych danych" not in content_of(client)
    at("2026-11-20 12:45")
    assert "na starych danych" in content_of(client)


@pytest.mark.parametrize(
    ("now", "fresh_from"),
    [
        ("2026-11-20 12:14", THURSDAY),
        ("2026-11-20 12:15", THURSDAY),
        ("2026-11-20 12:45", FRIDAY),
        ("2026-11-22 15:00", FRIDAY),
        ("2026-11-23 12:44", FRIDAY),
        ("2026-11-23 12:45", date(2026, 11, 23)),
    ],
)
def test_a_figure_is_fresh_until_the_next_one_should_be_here(now: str, fresh_from: date) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=clock.WARSAW)
    assert judge(Facts(), moment).fresh_from == fresh_from


def test_a_popular_currency_that_was_retired_says_so(client: Client, nbp: Source) -> None:
    save(nbp, date(2026, 6, 1), CHF="4.5000")
    save(nbp, FRIDAY, USD="3.7747")
    stand("CHF")
    tile = tile_of(client, "CHF")
    assert text_of(tile).endswith("01.06.2026, 5 mies. temu wycofana, ostatni kurs z 01.06.2026")
    assert "TRZYMAJ" not in tile


def test_a_changed_rule_shows_none_of_the_old_ones_words(client: Client, nbp: Source, settings: Any) -> None:
    save(nbp, FRIDAY, USD="3.7747")
    stand("USD")
    turn("USD", "BUY", FRIDAY)
    settings.MACD_FAST = 5
    content = content_of(client)
    assert "MACD 5/26/9" in content
    assert "TRZYMAJ" not in content
    assert "Nie ma jeszcze sygnałów KUP ani SPRZEDAJ" in content


@pytest.mark.slow
def test_the_brains_own_decision_reaches_the_page(client: Client, nbp: Source) -> None:
    figures = [(FRIDAY - timedelta(days=back), Decimal(4) + Decimal(back % 12) / 100) for back in range(259, -1, -1)]
    tables = [Table("A", day, [RateRecord("USD", mid=mid)], sha256="a" * 64) for day, mid in figures]
    job = runs.start("nbp.A", nbp, Job.Trigger.COMMAND)
    publish(tables, nbp, job)
    runs.finish(job, Job.Status.SUCCESS)
    tasks.catch_up()
    state = AnalysisSnapshot.objects.get(window="365d").stats
    newest = Signal.objects.filter(signal__in=["BUY", "SELL"]).latest("as_of")
    shown = text_of(cell_of(client, "USD"))
    assert str(Signal.Label(state["signal"]).label) in shown
    assert f"{newest.as_of:%d.%m.%Y}" in shown
    assert f"{newest.as_of:%d.%m.%Y}" in text_of(content_of(client).split("Ostatnie sygnały")[1].split("</ol>")[0])


def test_points_of_a_drawing_are_exact() -> None:
    values = [Decimal(text) for text in ("1", "3", "2")]
    assert sparkline.points(values) == "0.0,30.0 60.0,2.0 120.0,16.0"
    assert sparkline.points(values, width=10, height=14) == "0.0,12.0 5.0,2.0 10.0,7.0"


def test_a_constant_series_is_a_line_in_the_middle_and_one_value_is_none() -> None:
    assert sparkline.points([Decimal("4.2")] * 3) == "0.0,16.0 60.0,16.0 120.0,16.0"
    assert sparkline.points([Decimal("4.2")]) == sparkline.points([]) == ""


def test_the_drawing_holds_the_thirty_days_up_to_the_figure(client: Client, nbp: Source) -> None:
    save(nbp, THURSDAY, CHF="4.5000")  # another day's window must not widen this one
    save(nbp, FRIDAY - timedelta(days=30), USD="9.0000")
    save(nbp, FRIDAY - timedelta(days=29), USD="3.0000")
    save(nbp, FRIDAY, USD="4.0000")
    tile = tile_of(client, "USD")
    assert '<polyline points="0.0,30.0 120.0,2.0"/>' in tile
    assert 'aria-hidden="true" focusable="false"><polygon points="0,32 0.0,30.0 120.0,2.0 120,32"/>' in tile


@pytest.mark.parametrize(
    ("low", "high", "words", "x"),
    [
        (3.5747, 3.9747, "3,5747 3,9747", "32.0"),
        (3.7747, 3.7747, "3,7747 3,7747", "32.0"),
        (3.5747, 3.7647, "3,5747 3,7747", "60.0"),
        (3.7847, 3.9747, "3,7747 3,9747", "4.0"),
    ],
)
def test_the_range_of_52_weeks_holds_the_newest_figure(
    client: Client, nbp: Source, low: float, high: float, words: str, x: str
) -> None:
    save(nbp, FRIDAY, USD="3.7747")
    stand("USD", min=low, max=high)
    cell = cell_of(client, "USD", "span")
    assert text_of(cell) == words
    assert f'<circle cx="{x}"' in cell


def recent_of(client: Client) -> list[str]:
    return [text_of(item) for item in re.findall(r"<li>.*?</li>", content_of(client), re.S)]


def test_the_five_newest_turns_are_told_with_day_and_age(client: Client, nbp: Source) -> None:
    save(nbp, FRIDAY, USD="3.7747", EUR="4.2497")
    save(nbp, FRIDAY, letter="gold", XAU="522.40")
    for back in range(6):
        turn("EUR", "SELL", date(2026, 9, 10) - timedelta(days=back))
    turn("USD", "BUY", FRIDAY)
    turn("USD", "HOLD", date(2026, 11, 18))
    turn("XAU", "SELL", date(2026, 11, 18))
    assert recent_of(client) == [
        "USD ▲ KUP 20.11.2026 (wczoraj)",
        "XAU ▼ SPRZEDAJ 18.11.2026 (3 dni temu)",
        "EUR ▼ SPRZEDAJ 10.09.2026 (2 mies. temu)",
        "EUR ▼ SPRZEDAJ 09.09.2026 (2 mies. temu)",
        "EUR ▼ SPRZEDAJ 08.09.2026 (2 mies. temu)",
    ]
    gold = Signal.objects.get(instrument__code="XAU")
    assert f'<a href="/sygnaly/{gold.pk}/"><b>XAU</b>' in content_of(client)


def test_a_decision_that_a_correction_took_back_is_not_told(client: Client, nbp: Source) -> None:
    save(nbp, FRIDAY, USD="3.7747")
    turn("USD", "BUY", THURSDAY)
    turn("USD", "HOLD", THURSDAY, version=2)
    turn("USD", "SELL", FRIDAY)
    turn("USD", "BUY", FRIDAY, version=2)
    assert recent_of(client) == ["USD ▲ KUP 20.11.2026 (wczoraj)"]


def test_retired_and_hidden_instruments_have_no_recent_turns(client: Client, nbp: Source) -> None:
    save(nbp, date(2026, 9, 1), HRK="0.6200")
    save(nbp, FRIDAY, USD="3.7747")
    turn("HRK", "BUY", date(2026, 9, 1))
    turn("USD", "BUY", FRIDAY)
    assert recent_of(client) == ["USD ▲ KUP 20.11.2026 (wczoraj)"]
    Source.objects.update(public_display=False)
    assert recent_of(client) == []
    assert 'class="chip buy' not in content_of(client)


def test_what_a_hidden_archive_helped_to_decide_is_not_told(client: Client, nbp: Source, archive: Source) -> None:
    """As on the page of signals: the archive and the bank are one series."""
    save(nbp, FRIDAY, USD="3.7747")
    turn("USD", "BUY", FRIDAY)
    assert recent_of(client) == ["USD ▲ KUP 20.11.2026 (wczoraj)"]
    Source.objects.filter(pk=archive.pk).update(public_display=False)
    assert recent_of(client) == []
    assert "3,7747" in content_of(client)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 11, 21), "dziś"),
        (date(2026, 11, 20), "wczoraj"),
        (date(2026, 11, 19), "2 dni temu"),
        (date(2026, 9, 23), "59 dni temu"),
        (date(2026, 9, 22), "2 mies. temu"),
        (date(2024, 11, 21), "2\u00a0lata temu"),
        (date(2012, 5, 31), "14\u00a0lat temu"),
    ],
)
def test_the_age_of_a_day_is_told_in_days_and_then_in_months(day: date, words: str) -> None:
    assert formats.days_ago(day, date(2026, 11, 21)) == words


def test_the_standing_note_is_there_with_and_without_signals(client: Client, nbp: Source) -> None:
    note = "Wynik wyliczenia wskaźników. Nie jest to rekomendacja inwestycyjna ani porada."
    save(nbp, FRIDAY, USD="3.7747")
    assert content_of(client).count(note) == 1
    turn("USD", "BUY", FRIDAY)
    assert content_of(client).count(note) == 1


def test_columns_can_be_sorted_by_values_and_not_by_what_is_printed(client: Client, nbp: Source) -> None:
    save(nbp, THURSDAY, USD="3.7635", JPY="0.022900")
    save(nbp, FRIDAY, USD="3.7747", JPY="0.022963")
    stand("USD", min=3.5747, max=3.9747)
    content = content_of(client)
    headers = re.findall(r'<th role="columnheader"([^>]*)>(.*?)</th>', content, re.S)
    assert [name for attributes, name in headers if 'aria-sort="none" data-key=' not in attributes] == ["Jednostka"]
    row = next(row for row in re.findall(r"<tr[^>]*>(?:(?!</tr>).)*</tr>", content, re.S) if ">USD</a></th>" in row)
    assert re.findall(r'data-v="([^"]*)"', row) == ["3.7747", "0.297595", "0.5000", "2", "2026-11-20"]


def test_names_are_shown_and_never_obeyed(client: Client, nbp: Source) -> None:
    save(nbp, FRIDAY, USD="3.7747")
    save(nbp, FRIDAY, letter="gold", XAU="522.40")
    turn("USD", "BUY", FRIDAY)
    stand("USD")
    Instrument.objects.update(name_pl="<img src=x onerror=alert(1)>")
    content = content_of(client)
    assert "<img src=x" not in content
    assert content.count("&lt;img src=x onerror=alert(1)&gt;") == 3  # two tiles and a row


@pytest.mark.slow
def test_the_page_with_its_signals_asks_at_most_ten_questions(
    client: Client, nbp: Source, archive: Source, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    figures = {f"{first}{second}Z": "1.2345" for first in "ABCDEFGHIJ" for second in "ABCDEFGHIJ"}
    popular = {"EUR": "4.2497", "USD": "3.7747", "CHF": "4.5", "GBP": "5.0"}
    save(nbp, THURSDAY, **figures, **popular)
    save(nbp, FRIDAY, **figures, **popular)
    save(nbp, FRIDAY, letter="gold", XAU="522.40")
    for code in (*figures, *popular, "XAU"):
        stand(code)
        turn(code, "SELL", FRIDAY)
    runs.finish(runs.start("nbp.B", nbp, Job.Trigger.START), Job.Status.FAILED, Job.Reason.UNREACHABLE, "x")
    Job.objects.filter(pk=runs.start("nbp.C", nbp, Job.Trigger.START).pk).update(windows=98)
    with django_assert_max_num_queries(8):
        content = content_of(client)
    assert "NBP nieosiągalny" in content
    assert "Wczytuję historię NBP" in content
    assert content.count("▼</span> SPRZEDAJ") == 5


def test_the_rule_is_named_as_people_call_it(settings: Any) -> None:
    assert (queries.rule_label(), rules.primary().name) == ("MACD 12/26/9", RULE)
    settings.MACD_SLOW = 30
    assert queries.rule_label() == "MACD 12/30/9"


@pytest.mark.slow
def test_150_rows_with_signals_are_a_light_page(client: Client, nbp: Source) -> None:
    figures = {f"{first}{second}Z": "0.012345" for first in "ABCDEFGHIJKLMNO" for second in "ABCDEFGHIJ"}
    save(nbp, THURSDAY, **figures)
    save(nbp, FRIDAY, **figures)
    for code in figures:
        stand(code)
    assert len(gzip.compress(content_of(client).encode())) < 40_000
