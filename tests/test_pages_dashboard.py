"""The first page: the line of truth, gold and all currencies, as a visitor reads them."""

import html
import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils.html import strip_tags
from django_q.models import Schedule

from markets import clock
from markets.jobs import runs
from markets.models import Instrument, Job, Publication, Quote, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from signals.alerts.rows import OF_DECISIONS, OF_PRICES
from tests import market
from tests.alert_rows import alert_event

FRIDAY, THURSDAY = date(2026, 11, 20), date(2026, 11, 19)


@pytest.fixture(autouse=True)
def saturday(at: Callable[[str], None]) -> None:
    at("2026-11-21 09:00")


def save(source: Source, day: date, letter: str = "A", **figures: str) -> None:
    """One official table of a day, with number and proof."""
    kind = "metal" if letter == "gold" else "currency"
    lines = [RateRecord(code, mid=Decimal(value)) for code, value in figures.items()]
    proof = {"number": f"225/{letter}/NBP/2026", "url": "https://nbp.example/", "sha256": "a" * 64}
    store_table(source, Table(letter, day, lines, kind=kind, **proof))  # type: ignore[arg-type]


def save_old(archive: Source, day: date, **figures: str) -> None:
    """As the archive hands it over: no number, no proof."""
    store_table(archive, Table("A", day, [RateRecord(code, mid=Decimal(value)) for code, value in figures.items()]))


def store_table(source: Source, table: Table) -> None:
    job = runs.start(f"{source.code}.{table.table}", source, Job.Trigger.COMMAND)
    publish([table], source, job)
    Job.objects.filter(pk=job.pk).update(status="success", requests=1, finished_at=clock.now())


def text_of(content: bytes) -> str:
    return re.sub(r"\s+", " ", html.unescape(strip_tags(content.decode().replace("<td", " <td"))))


def page(client: Client, path: str = "/", **headers: str) -> str:
    response = client.get(path, headers=headers)
    assert response.status_code == 200
    return text_of(response.content)


def row_of(client: Client, code: str) -> str:
    """The row up to its change: what comes behind it is told in the tests of the signals."""
    rows = re.findall(r"<tr[^>]*>(?:(?!</tr>).)*</tr>", client.get("/?tabela=wszystkie").content.decode(), re.S)
    row = next(row for row in rows if f">{code}</a>" in row)
    return text_of(row.partition('<td role="cell" class="span"')[0].encode()).strip()


def codes_of(client: Client, query: str = "") -> list[str]:
    """Of the rows that are seen, in their order."""
    rows = r'<tr role="row"><th role="rowheader" scope="row" class="code"><a href="[^"]*">([^<]*)</a>'
    return re.findall(rows, client.get(f"/{query}").content.decode())


def test_the_line_of_truth_names_table_and_times(client: Client, nbp: Source) -> None:
    save(nbp, FRIDAY, USD="3.7747")
    Publication.objects.update(fetched_at=clock.now() - timedelta(hours=21, minutes=8))
    truth = page(client)
    assert (
        "Dane aktualne · Tabela A nr 225/A/NBP/2026 z 20.11.2026 · pobrano 20.11.2026, 11:52"
        " · następna: pon. 23.11, ok. 12:00"
    ) in truth
    assert "Dziś brak notowań NBP (sobota). Pokazuję tabelę z 20.11.2026." in truth


def test_before_noon_the_page_is_calm(client: Client, nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 09:00")
    save(nbp, THURSDAY, USD="3.7747")
    truth = page(client)
    assert "Dane aktualne" in truth
    assert "dzisiejsza tabela A ok. 12:00" in truth
    assert "Brakuje" not in truth


def test_a_late_table_is_waited_for(client: Client, nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 12:20")
    save(nbp, THURSDAY, USD="3.7747")
    truth = page(client)
    assert "Czekam na dzisiejszą tabelę" in truth
    assert "Dzisiejszej tabeli A jeszcze nie ma, sprawdzam co 10 minut." in truth


def test_old_figures_tell_their_age_in_working_days(client: Client, nbp: Source) -> None:
    save(nbp, date(2026, 10, 26), USD="3.7747")
    truth = page(client)
    assert "Dane nieaktualne" in truth
    assert "Brakuje tabel z ostatnich 18 dni roboczych." in truth


def test_one_missing_table_is_told_in_the_singular(client: Client, nbp: Source) -> None:
    save(nbp, THURSDAY, USD="3.7747")
    for path in ("/", "/waluty/USD/"):
        assert "Brakuje tabeli z 1 dnia roboczego." in page(client, path)


def test_without_the_bank_the_archive_serves_and_says_when_we_try_again(
    client: Client, nbp: Source, archive: Source
) -> None:
    save_old(archive, date(2026, 10, 26), USD="3.9293")
    job = runs.start("nbp.A", nbp, Job.Trigger.START)
    job.requests = 4
    runs.finish(job, Job.Status.FAILED, Job.Reason.UNREACHABLE, "no road")
    Schedule.objects.update(next_run=clock.now() + timedelta(hours=1))
    truth = page(client)
    assert f"NBP nieosiągalny · {archive.name}, wydanie {archive.edition}, kursy do 26.10.2026" in truth
    assert "NBP jest nieosiągalny od 21.11.2026, 09:00; następna próba 21.11.2026, 10:00." in truth
    assert row_of(client, "USD").startswith("USD dolar amerykański 1 USD 3,9293")


def test_an_official_figure_ends_the_talk_of_the_archive(client: Client, nbp: Source, archive: Source) -> None:
    save_old(archive, date(2026, 10, 26), USD="3.9293")
    assert archive.name in page(client).split("EUR euro")[0]
    save(nbp, FRIDAY, USD="3.7747")
    assert archive.name not in page(client).split("EUR euro")[0]


def test_other_failures_are_named_with_their_reason(client: Client, nbp: Source) -> None:
    runs.finish(runs.start("nbp.A", nbp, Job.Trigger.START), Job.Status.FAILED, Job.Reason.UNREADABLE, "<b>broken</b>")
    Schedule.objects.all().delete()
    truth = page(client)
    assert "Pobieranie z NBP nie udaje się od 21.11.2026, 09:00 (nieczytelna odpowiedź źródła)" in truth
    assert "następnej próby nie zaplanowano." in truth


def test_a_backfill_shows_how_far_it_is_and_is_looked_at_more_often(client: Client, nbp: Source) -> None:
    save(nbp, date(2012, 5, 31), USD="3.5777")
    running = runs.start("nbp.A", nbp, Job.Trigger.START)
    Job.objects.filter(pk=running.pk).update(windows=98, windows_done=37, reached=date(2012, 5, 31))
    response = client.get("/")
    truth = text_of(response.content)
    assert ("Wczytuję historię NBP: 37 z 98 zakresów dat (tabela A, do 31.05.2012). Pierwsze kursy już są.") in truth
    assert b'<progress value="37" max="98"' in response.content
    assert b'data-every="15"' in response.content


def test_the_first_minute_loads_the_archive_and_says_so(client: Client, archive: Source) -> None:
    running = runs.start("nbp_archive.mid", archive, Job.Trigger.START)
    Job.objects.filter(pk=running.pk).update(windows=32, windows_done=0)
    truth = page(client)
    assert "Wczytuję archiwum kursów NBP: 0 z 32 zakresów dat (kursy średnie)." in truth
    assert "Pierwsze kursy już są." not in truth


def test_the_empty_page_says_what_happens_next(client: Client, nbp: Source) -> None:
    Schedule.objects.update(next_run=clock.now() + timedelta(minutes=20))
    truth = page(client)
    assert "Nie ma jeszcze kursów z tabeli A. Pobieranie zacznie się samo: 21.11.2026, 09:20." in truth
    assert "Tabela kursów pojawi się tutaj sama, gdy tylko coś się wczyta." in truth


@pytest.mark.django_db
def test_a_database_without_sources_is_a_page_too(client: Client) -> None:
    assert "Brak danych" in page(client)


def test_a_source_that_is_off_or_paused_is_told(client: Client, nbp: Source) -> None:
    save(nbp, FRIDAY, USD="3.7747")
    Source.objects.filter(pk=nbp.pk).update(paused_until=clock.now() + timedelta(minutes=30))
    assert "Pobieranie z NBP jest wstrzymane do 21.11.2026, 09:30." in page(client)
    Source.objects.filter(pk=nbp.pk).update(enabled=False)
    assert "Pobieranie z NBP jest wyłączone." in page(client)


def test_a_row_has_figure_change_and_day_with_all_published_digits(client: Client, nbp: Source) -> None:
    save(nbp, THURSDAY, USD="3.7635", CHF="4.5012", JPY="0.022900")
    save(nbp, FRIDAY, USD="3.7747", CHF="4.5000", JPY="0.022963")
    assert row_of(client, "USD") == "USD dolar amerykański 1 USD 3,7747 ▲ +0,0112 +0,30%"
    assert row_of(client, "CHF") == "CHF frank szwajcarski 1 CHF 4,5000 ▼ \u22120,0012 \u22120,03%"
    assert row_of(client, "JPY") == "JPY jen japoński 1 JPY 100 JPY = 2,2963 zł 0,022963 ▲ +0,000063 +0,28%"
    assert b'<time datetime="2026-11-20">20.11.2026</time>' in client.get("/").content


def test_an_unchanged_rate_has_no_sign_and_a_first_one_no_change(client: Client, nbp: Source) -> None:
    save(nbp, THURSDAY, USD="3.7747")
    save(nbp, FRIDAY, USD="3.7747", EUR="4.2497")
    assert row_of(client, "USD") == "USD dolar amerykański 1 USD 3,7747 0,0000 0,00%"
    assert row_of(client, "EUR") == "EUR euro 1 EUR 4,2497 –"
    assert Quote.objects.get(instrument__code="EUR").previous is None


def test_a_step_over_months_is_not_called_a_change(client: Client, nbp: Source) -> None:
    save(nbp, date(2026, 8, 3), USD="3.6000")
    save(nbp, FRIDAY, USD="3.7747")
    assert row_of(client, "USD") == "USD dolar amerykański 1 USD 3,7747 –"


@pytest.mark.parametrize(
    ("value", "many"),
    [
        ("0.0641", ""),
        ("0.010734", " 100 HUF = 1,0734 zł"),
        ("0.02948", " 100 HUF = 2,9480 zł"),
        ("0.00022407", " 10\u00a0000 HUF = 2,2407 zł"),
        ("0.0000028", " 10\u00a0000 HUF = 0,0280 zł"),
    ],
)
def test_small_units_are_also_shown_as_the_bank_prints_them(client: Client, nbp: Source, value: str, many: str) -> None:
    save(nbp, FRIDAY, HUF=value)
    shown = value.replace(".", ",")
    assert row_of(client, "HUF") == f"HUF forint węgierski 1 HUF{many} {shown} –".replace("\u00a0", " ")


def test_popular_currencies_stand_first_then_the_alphabet(client: Client, nbp: Source) -> None:
    save(nbp, FRIDAY, AUD="2.5", CHF="4.5", EUR="4.2", GBP="5.0", USD="3.7")
    save(nbp, date(2026, 11, 18), letter="B", AED="1.02")
    assert codes_of(client, "?tabela=wszystkie") == ["EUR", "USD", "CHF", "GBP", "AED", "AUD"]


def test_a_currency_that_left_the_tables_is_marked_and_set_apart(client: Client, nbp: Source) -> None:
    save(nbp, date(2022, 12, 29), HRK="0.6200")
    save(nbp, date(2022, 12, 30), HRK="0.6210")
    save(nbp, date(2026, 11, 4), letter="B", XCG="2.0")
    save(nbp, date(2026, 11, 18), letter="B", AED="1.02")
    save(nbp, FRIDAY, USD="3.7747")
    current, retired = client.get("/?tabela=wszystkie").content.decode().split('<details id="nieaktualne"')
    assert "HRK" not in current
    assert "XCG" in current
    assert "HRK kuna chorwacka 0,6210 wycofana, ostatni kurs z 30.12.2022" in text_of(retired.encode())
    assert "+0,0010" not in retired


def test_gold_is_shown_per_gram(client: Client, nbp: Source) -> None:
    save(nbp, THURSDAY, letter="gold", XAU="520.11")
    save(nbp, FRIDAY, letter="gold", XAU="522.40")
    shown = page(client)
    assert "XAU złoto 522,40 zł/g ▲ +2,29 +0,44%" in shown
    assert "20.11.2026 · 16 248,46 zł/uncję" in shown


def test_table_c_is_not_taken_for_a_mid(client: Client, nbp: Source) -> None:
    job = runs.start("nbp.C", nbp, Job.Trigger.COMMAND)
    figure = RateRecord("USD", bid=Decimal("3.70"), ask=Decimal("3.80"))
    publish([Table("C", FRIDAY, [figure], sha256="b" * 64)], nbp, job)
    assert "3,70" not in page(client)


def test_a_source_that_may_not_be_shown_stays_unseen(client: Client, nbp: Source) -> None:
    save(nbp, FRIDAY, USD="3.7747")
    Source.objects.filter(pk=nbp.pk).update(public_display=False)
    shown = page(client)
    assert "3,7747" not in shown
    assert nbp.attribution not in shown


def test_the_foot_names_the_sources(client: Client, nbp: Source) -> None:
    assert nbp.attribution in page(client)


def test_markup_in_a_name_is_shown_and_not_obeyed(client: Client, nbp: Source) -> None:
    save(nbp, FRIDAY, USD="3.7747")
    Instrument.objects.update(name_pl="<script>alert(1)</script>")
    content = client.get("/").content.decode()
    assert "<script>alert" not in content
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in content


def test_htmx_gets_the_region_alone_and_a_boosted_link_the_page(client: Client, nbp: Source) -> None:
    save(nbp, FRIDAY, USD="3.7747")
    whole = client.get("/").content.decode()
    part = client.get("/", headers={"HX-Request": "true"})
    assert part.content.decode().strip().startswith('<div id="kursy"')
    assert part.content.decode().strip() in whole
    assert client.get("/", headers={"HX-Request": "true", "HX-Boosted": "true"}).content.decode() == whole
    assert "HX-Request" in part.headers["Vary"]


def test_an_unchanged_page_costs_no_bytes(client: Client, nbp: Source) -> None:
    save(nbp, FRIDAY, USD="3.7747")
    first = client.get("/", headers={"HX-Request": "true"})
    again = client.get("/", headers={"HX-Request": "true", "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    save(nbp, date(2026, 11, 21), USD="3.7800")
    changed = client.get("/", headers={"HX-Request": "true", "If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


@pytest.mark.slow
def test_the_page_asks_at_most_eight_questions(
    client: Client, nbp: Source, archive: Source, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    figures: dict[str, str] = {f"{first}{second}Z": "1.2345" for first in "ABCDEFGHIJ" for second in "ABCDEFGHIJ"}
    save_old(archive, THURSDAY, **figures)
    save(nbp, FRIDAY, **figures)
    save(nbp, FRIDAY, letter="gold", XAU="522.40")
    runs.finish(runs.start("nbp.B", nbp, Job.Trigger.START), Job.Status.FAILED, Job.Reason.UNREACHABLE, "x")
    running = runs.start("nbp.C", nbp, Job.Trigger.START)
    Job.objects.filter(pk=running.pk).update(windows=98)
    with django_assert_max_num_queries(8):  # type: ignore[attr-defined]
        assert client.get("/").status_code == 200


@pytest.mark.django_db
def test_the_page_is_only_read(client: Client) -> None:
    assert client.post("/").status_code == 405


def test_the_newest_alerts_say_what_happened(client: Client, nbp: Source) -> None:
    save(nbp, FRIDAY, USD="3.7747")
    market.source("coingecko")
    details = {"level": "60000", "signal": "BUY", "rule": "macd_cross", "timeframe": "1h"}
    for number, kind in enumerate((*OF_PRICES, *OF_DECISIONS)):
        alert_event(kind=kind, details=details, key=f"of {number}")
    shown = page(client)
    for words in ("+5,24%", "nowy sygnał KUP", "poziomu"):
        assert words in shown
