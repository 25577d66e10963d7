"""The pages of one currency and of gold, as a visitor reads them, in every state they can be in."""

import html
import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from math import sin
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils.html import strip_tags
from django_q.models import Schedule

from charon.pages import charts
from markets import clock
from markets.jobs import runs
from markets.models import Instrument, Job, Publication, Source
from markets.queries import calendars
from markets.records import RateRecord, Table
from markets.store.publish import publish
from signals import tasks
from signals.models import Signal

FRIDAY = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def saturday(at: Callable[[str], None]) -> None:
    at("2026-11-21 09:00")


def working_days(count: int, until: date = FRIDAY) -> list[date]:
    days: list[date] = []
    while len(days) < count:
        if calendars.is_working(until):
            days.append(until)
        until -= timedelta(days=1)
    return days[::-1]


def mid(number: int) -> Decimal:
    return Decimal(f"{4 + 0.3 * sin(number / 12) + 0.05 * sin(number / 3.1):.4f}")


def save(source: Source, tables: list[Table]) -> None:
    job = runs.start(f"{source.code}.{tables[0].table}", source, Job.Trigger.COMMAND)
    publish(tables, source, job)
    Job.objects.filter(pk=job.pk).update(status="success", requests=1, finished_at=clock.now())


def table(day: date, figure: RateRecord, letter: str = "A") -> Table:
    number = "" if letter == "gold" else f"{day:%j}/{letter}/NBP/{day:%Y}"
    kind = "metal" if letter == "gold" else "currency"
    return Table(letter, day, [figure], number, None, f"https://nbp.example/{letter}/{day}", "a" * 64, kind)


def history(source: Source, code: str = "USD", count: int = 300, letter: str = "A", until: date = FRIDAY) -> None:
    days = working_days(count, until)
    save(source, [table(day, RateRecord(code, mid=mid(number)), letter) for number, day in enumerate(days)])


def band(source: Source, day: date = FRIDAY) -> None:
    save(source, [table(day, RateRecord("USD", bid=Decimal("3.8938"), ask=Decimal("3.9724")), "C")])


def text_of(content: str) -> str:
    spaced = re.sub(r"</(td|th|p|h1|h2|dt|dd|caption|a|summary)>", " ", content)
    return re.sub(r"\s+", " ", html.unescape(strip_tags(spaced)))


def page(client: Client, path: str = "/waluty/USD/") -> str:
    response = client.get(path)
    assert response.status_code == 200
    return text_of(response.content.decode())


def payload(client: Client, path: str = "/waluty/USD/") -> dict[str, Any]:
    """What the page's chart asks for."""
    found = re.search(r'id="wykres"[^>]* data-src="([^"]+)"', client.get(path).content.decode())
    assert found is not None
    return dict(client.get(html.unescape(found[1])).json())


def test_the_head_names_figure_change_table_day_and_fetch(client: Client, nbp: Source) -> None:
    history(nbp, count=3)
    shown = page(client)
    assert "USD · dolar amerykański" in shown
    assert f"{mid(2)}".replace(".", ",") + " zł ▲ +0,0390 +0,97% kurs średni za 1 USD" in shown
    assert "Tabela 324/A/NBP/2026 Z dnia 20.11.2026 (dziś brak notowań: sobota)" in shown
    assert f"Źródło Narodowy Bank Polski Pobrano 21.11.2026, 09:00 SHA-256 {'a' * 64}" in shown
    content = client.get("/waluty/USD/").content.decode()
    assert '<a href="/tabele/A/2026-11-20/">324/A/NBP/2026</a>' in content
    assert '<a href="https://nbp.example/A/2026-11-20" rel="noreferrer">Narodowy Bank Polski</a>' in content
    assert '<time datetime="2026-11-21T08:00:00Z" data-rel>' in content


def test_a_small_unit_stands_as_the_nbp_prints_it(client: Client, nbp: Source) -> None:
    save(nbp, [table(FRIDAY, RateRecord("JPY", mid=Decimal("0.024728")))])
    shown = page(client, "/waluty/JPY/").replace("\u00a0", " ")
    assert "0,024728 zł brak poprzedniego notowania kurs średni za 1 JPY Tak ogłasza NBP: 100 JPY = 2,4728 zł" in shown


def test_the_question_for_tax_has_the_code_and_gold_has_none(client: Client, nbp: Source) -> None:
    history(nbp, count=1)
    asked = client.get("/waluty/USD/").content.decode().partition('<form class="ask"')[2].partition("</form>")[0]
    assert 'action="/kurs-podatkowy/"' in asked
    assert 'name="waluta" value="USD"' in asked
    assert 'class="ask"' not in client.get("/zloto/").content.decode()


def test_the_history_is_of_the_asked_month_and_keeps_it_when_it_is_refreshed(client: Client, nbp: Source) -> None:
    history(nbp, count=60)
    path = "/waluty/USD/?zakres=3M&rok=2026&miesiac=10"
    content = client.get(path).content.decode()
    month = content.partition('id="historia"')[2]
    assert re.findall(r'<time datetime="(2026-..)-..">', month.partition("</table>")[0])[::21] == ["2026-10", "2026-10"]
    assert f'hx-get="{path}"'.replace("&", "&amp;") in content
    assert re.findall(r'href="(/api/v1/rates[^"]*)" download>CSV<', month)


def test_gold_has_a_page_of_its_own(client: Client, nbp: Source) -> None:
    save(nbp, [table(FRIDAY, RateRecord("XAU", mid=Decimal("522.40")), "gold")])
    assert client.get("/waluty/gold/").headers["Location"] == "/zloto/"
    shown = page(client, "/zloto/")
    assert "522,40 zł/g brak poprzedniego notowania 16 248,46 zł za uncję (31,1034768 g)" in shown
    assert "Notowanie cena złota NBP Z dnia 20.11.2026" in shown
    assert "pt. 20.11.2026 522,40 cena złota" in shown.replace("\u00a0", " ")


def test_a_currency_whose_source_may_not_be_shown_has_no_figure(client: Client, nbp: Source) -> None:
    history(nbp, count=3)
    Source.objects.update(public_display=False)
    shown = page(client)
    assert "Nie ma jeszcze kursów USD" in shown
    assert "4,0" not in shown


@pytest.mark.slow
def test_a_range_is_chosen_by_a_link_and_everything_else_is_a_year(client: Client, nbp: Source) -> None:
    history(nbp, count=300)
    assert [len(payload(client, f"/waluty/USD/?zakres={name}")["times"]) for name in ("1M", "3M", "1R", "Max")] == [
        23, 66, 253, 300,
    ]  # fmt: skip
    for odd in ("", "?zakres=", "?zakres=2R", "?zakres=1R&zakres=x"):
        assert len(payload(client, f"/waluty/USD/{odd}")["times"]) == 253
    content = client.get("/waluty/USD/?zakres=3M").content.decode()
    ranges = content.partition('class="ranges"')[2].partition("</nav>")[0]
    assert re.findall(r'href="(\S+)"[^>]* aria-current="true">(\w+)<', ranges) == [("/waluty/USD/?zakres=3M", "3M")]
    assert 'hx-get="/waluty/USD/?zakres=3M" hx-select="#kurs"' in content


@pytest.mark.slow
@pytest.mark.parametrize("query", ["", "?zakres=1M", "?zakres=Max", "?od=2026-01-05&do=2026-03-02"])
def test_the_days_that_the_page_has_read_make_the_same_chart_as_its_own_question(
    client: Client, nbp: Source, query: str
) -> None:
    history(nbp, count=300)
    tasks.catch_up()
    row = client.get(f"/waluty/USD/{query}").context["chart"]
    alone = charts.chart_row(QueryDict(query.lstrip("?")), "USD", page="/waluty/USD/", name="dolar amerykański")
    assert row == alone


def test_the_chart_holds_published_digits_and_the_band(client: Client, nbp: Source) -> None:
    history(nbp, count=60)
    band(nbp)
    drawn = payload(client)
    assert drawn["times"][-1] == "2026-11-20"
    assert drawn["mid"][-1] == str(mid(59))
    assert (drawn["bid"][-1], drawn["ask"][-1]) == ("3.8938", "3.9724")
    shown = page(client)
    assert "20.11.2026 " + f"{mid(59)} 3.8938 3.9724".replace(".", ",") in shown
    assert "324/A/NBP/2026 , 324/C/NBP/2026" in shown


def test_the_chart_stands_outside_of_what_is_refreshed(client: Client, nbp: Source) -> None:
    history(nbp, count=60)
    content = client.get("/waluty/USD/").content.decode()
    places = [content.index(part) for part in ('<div id="kurs"', '<form class="ask"', '<section class="card chart"',
                                               '<div id="szczegoly"')]  # fmt: skip
    assert places == sorted(places)
    assert "wykres" not in client.get("/waluty/USD/", headers={"HX-Request": "true"}).content.decode()


def test_too_few_days_make_no_chart(client: Client, nbp: Source) -> None:
    history(nbp, count=1)
    content = client.get("/waluty/USD/").content.decode()
    assert "W tym zakresie jest za mało notowań na wykres." in content
    assert "<canvas" not in content


@pytest.mark.slow
def test_the_last_signal_is_explained(client: Client, nbp: Source) -> None:
    history(nbp)
    tasks.catch_up()
    shown = page(client)
    assert re.search(
        r"Dlaczego ostatni sygnał to [▲▼] (KUP|SPRZEDAJ) z \d\d\.\d\d\.2026 "
        r"Stan na 20\.11\.2026 według reguły: TRZYMAJ po",
        shown,
    )
    assert re.search(r"Histogram MACD stał się (dodatni|ujemny): z [+\u2212]0,\d{6} \(\d\d\.\d\d\.2026\) na ", shown)
    assert re.search(r"Sygnał (KUP|SPRZEDAJ) pojawi się, gdy histogram (wzrośnie powyżej|spadnie poniżej) 0 \(", shown)
    assert "Świece, które zdecydowały" in shown
    assert "300 świec dziennych (decyzje od 250. świecy)" in shown.replace("\u00a0", " ")
    assert "MACD = EMA12 \u2212 EMA26" in shown
    assert "Nie jest to rekomendacja inwestycyjna ani porada." in shown
    assert "macd_signal_cross_12_26_9" in shown
    assert "wyliczony wstecz" in shown


@pytest.mark.slow
def test_signals_stand_in_the_table_and_on_the_chart(client: Client, nbp: Source) -> None:
    history(nbp)
    tasks.catch_up()
    drawn = payload(client)
    assert drawn["signals"]
    content, shown = client.get("/waluty/USD/").content.decode(), page(client)
    for signal in drawn["signals"]:
        assert signal["text"].rpartition(" ")[2] in shown
        assert f'scope="row"><a href="{signal["href"]}">' in content
    assert re.search(r"20\.11\.2026 ■ TRZYMAJ [\d,]+ [+\u2212]0,\d{6} ", shown)
    assert "Wszystkie; dzień prowadzi do wyjaśnienia." in shown
    assert 'href="/sygnaly/?instrument=USD&amp;regula=macd_signal_cross_12_26_9"' in content


@pytest.mark.slow
def test_of_many_decisions_the_newest_are_listed_and_the_last_turn_is_still_explained(
    client: Client, nbp: Source
) -> None:
    """From the first run on every day has a row: the last BUY or SELL may be none of the newest 20."""
    history(nbp)
    tasks.catch_up()
    turn, newest = Signal.objects.exclude(signal="HOLD").order_by("-as_of")[0], Signal.objects.order_by("-as_of")[0]
    for _day in range(25):
        newest.pk, newest.as_of = None, newest.as_of + timedelta(days=1)
        newest.save()
    shown = page(client)
    assert "20 najnowszych; dzień prowadzi do wyjaśnienia." in shown
    assert f"z {turn.as_of:%d.%m.%Y}" in shown.partition("Dlaczego ostatni sygnał to")[2][:40]
    assert f'href="/sygnaly/{turn.pk}/"' in client.get("/waluty/USD/").content.decode()


@pytest.mark.slow
def test_a_withdrawn_decision_stands_in_the_table_without_values(client: Client, nbp: Source, archive: Source) -> None:
    """Table B takes the place of the archive's row of a crossing: its bar leaves the daily series."""
    history(archive)
    tasks.catch_up()
    turn = Signal.objects.exclude(signal="HOLD").order_by("-as_of")[0].as_of.date()
    save(nbp, [table(turn, RateRecord("USD", mid=Decimal("3.9400")), "B")])
    tasks.catch_up()
    shown = page(client)
    assert re.search(rf"{turn:%d.%m.%Y} ■ TRZYMAJ – – ", shown)


def test_the_statistics_are_those_of_the_snapshots(client: Client, nbp: Source) -> None:
    history(nbp)
    tasks.catch_up()
    shown = page(client)
    month = [mid(300 - 21 + number) for number in range(21)]
    year = [mid(300 - 251 + number) for number in range(251)]
    assert "W zł; okresy kończące się 20.11.2026 30 dni 90 dni 365 dni" in shown
    lowest = re.search(r"Najniżej (\S+) \S+ (\S+) ", shown)
    assert lowest is not None
    assert lowest.groups() == tuple(str(min(values)).replace(".", ",") for values in (month, year))
    assert re.search(r"Liczba notowań 21 \d\d 2\d\d ", shown)


def test_before_the_warm_up_there_is_no_false_signal(client: Client, nbp: Source) -> None:
    history(nbp, count=120)
    tasks.catch_up()
    shown = page(client)
    assert "Za mało danych: 120 z 250 świec" in shown
    assert shown.count("Reguła zacznie dawać sygnały po 250 świecach; na razie jest ich 120.") == 2
    assert "Dlaczego" not in shown
    assert "TRZYMAJ po" not in shown


def test_table_b_is_told_that_the_rule_does_not_apply(client: Client, nbp: Source) -> None:
    history(nbp, "AED", count=5, letter="B")
    tasks.catch_up()
    shown = page(client, "/waluty/AED/")
    assert "Nie dotyczy (tabela B). Reguła potrzebuje kursu z każdego dnia roboczego" in shown
    assert "Nie dotyczy: waluta z tabeli B." in shown
    assert 'id="wykres-macd"' not in client.get("/waluty/AED/").content.decode()


@pytest.mark.slow
def test_a_currency_that_moved_to_table_b_keeps_its_history_of_signals(client: Client, nbp: Source) -> None:
    history(nbp, "RUB", until=date(2022, 3, 8))
    save(nbp, [table(FRIDAY - timedelta(days=9), RateRecord("RUB", mid=Decimal("0.0474")), "B")])
    tasks.catch_up()
    shown = page(client, "/waluty/RUB/")
    assert "Nie dotyczy (tabela B)." in shown
    assert "Dlaczego ostatnim sygnałem było" in shown
    assert "Świece, które zdecydowały" in shown
    assert "pojawi się, gdy" not in shown
    assert "okresy kończące się 08.03.2022" in shown


@pytest.mark.slow
def test_a_retired_currency_says_since_when_and_why_its_last_signal(client: Client, nbp: Source) -> None:
    history(nbp, "HRK", until=date(2022, 12, 30))
    history(nbp, "USD", count=1)
    tasks.catch_up()
    shown = page(client, "/waluty/HRK/")
    assert "Waluta nieaktualna od 31.12.2022: to ostatnie notowanie, historia zostaje." in shown
    assert "Waluta nieaktualna od 31.12.2022: nowych sygnałów nie będzie." in shown
    assert "Historia: grudzień 2022" in shown
    assert "Dlaczego ostatnim sygnałem było" in shown
    assert "pojawi się, gdy" not in shown
    assert "Dane nieaktualne" not in shown
    assert payload(client, "/waluty/HRK/?zakres=1M")["times"][-1] == "2022-12-30"


def test_a_gap_of_a_year_breaks_the_line_and_is_told(client: Client, nbp: Source) -> None:
    history(nbp, count=40, until=date(2025, 9, 30))
    history(nbp, count=40)
    drawn = payload(client, "/waluty/USD/?zakres=Max")
    assert drawn["times"].count("") == 1
    assert drawn["mid"][drawn["times"].index("")] is None
    assert "NBP nie ogłaszał kursów od 01.10.2025 do 24.09.2026." in page(client, "/waluty/USD/?zakres=Max")


@pytest.mark.slow
def test_stale_figures_are_marked_with_their_age(client: Client, nbp: Source) -> None:
    history(nbp, until=date(2026, 10, 26))
    tasks.catch_up()
    shown = page(client)
    assert "Dane nieaktualne · pokazuję ostatnią znaną wartość, z 26.10.2026 (26 dni temu)" in shown
    assert "Brakuje tabel z ostatnich 18 dni roboczych." in shown
    assert "na starych danych" in shown
    assert "Wyliczono na starych danych." in shown
    assert "headline old" in client.get("/waluty/USD/").content.decode()


def test_table_b_is_fresh_for_a_week_and_old_after_two(client: Client, nbp: Source) -> None:
    history(nbp, "AED", count=1, letter="B", until=FRIDAY - timedelta(days=9))
    history(nbp, count=1)
    assert "Dane nieaktualne" not in page(client, "/waluty/AED/")
    Source.objects.filter(code="nbp").update(paused_until=clock.now() + timedelta(hours=1))
    assert "Pobieranie z NBP jest wstrzymane do 10:00." in page(client, "/waluty/AED/")


def test_a_source_that_is_down_is_named_with_the_next_try(client: Client, nbp: Source) -> None:
    history(nbp, count=3)
    job = runs.start("nbp.A", nbp, Job.Trigger.START)
    runs.finish(job, Job.Status.FAILED, Job.Reason.UNREACHABLE, "no road")
    Schedule.objects.update(next_run=clock.now() + timedelta(hours=1))
    shown = page(client)
    assert "NBP nieosiągalny" in shown
    assert "NBP jest nieosiągalny od 09:00; następna próba 21.11.2026, 10:00." in shown


@pytest.mark.slow
def test_a_backfill_is_told_and_looked_at_more_often(client: Client, nbp: Source) -> None:
    history(nbp, count=3, until=date(2012, 5, 31))
    running = runs.start("nbp.A", nbp, Job.Trigger.START)
    Job.objects.filter(pk=running.pk).update(windows=98, windows_done=37, reached=date(2012, 5, 31))
    response = client.get("/waluty/USD/")
    shown = text_of(response.content.decode())
    assert "Wczytuję historię NBP: 37 z 98 zakresów dat (tabela A, do 31.05.2012). Pierwsze kursy już są." in shown
    assert "czeka na historię" in shown
    assert "Sygnały pojawią się po wczytaniu historii." in shown
    assert "Statystyki pojawią się po wczytaniu historii." in shown
    assert b'data-every="15"' in response.content


def test_figures_of_the_archive_say_that_they_have_no_number_yet(client: Client, archive: Source) -> None:
    save(archive, [Table("A", FRIDAY, [RateRecord("USD", mid=Decimal("3.9293"))])])
    shown = page(client)
    assert "Tabela tabela A (archiwum) , numer tabeli po pobraniu z NBP Z dnia 20.11.2026" in shown
    assert f"Źródło {archive.name}" in shown
    assert "SHA-256" not in shown
    assert "20.11.2026 3,9293 tabela A (archiwum)" in shown
    assert "Kursy z archiwum: numer tabeli po pobraniu z NBP." in shown


def test_markup_in_a_name_is_shown_and_not_obeyed(client: Client, nbp: Source) -> None:
    history(nbp, count=3)
    Instrument.objects.update(name_pl='</script><script>alert("1")</script>')
    content = client.get("/waluty/USD/").content.decode()
    assert "<script>alert" not in content


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "/waluty/USD/",
        "/waluty/USD/?od=2026-01-05&do=2026-03-02",
        "/waluty/HRK/?zakres=Max",
        "/waluty/AED/",
        "/zloto/",
        "/waluty/USB/",
    ],
)
def test_a_page_asks_at_most_eight_questions(
    client: Client, nbp: Source, archive: Source, django_assert_max_num_queries: Any, path: str
) -> None:
    history(nbp)
    history(nbp, "HRK", count=40, until=date(2021, 12, 30))
    history(nbp, "HRK", until=date(2022, 12, 30))
    history(nbp, "AED", count=3, letter="B")
    history(nbp, "XAU", letter="gold")
    band(nbp)
    tasks.catch_up()
    runs.finish(runs.start("nbp.B", nbp, Job.Trigger.START), Job.Status.FAILED, Job.Reason.UNREACHABLE, "x")
    running = runs.start("nbp.C", nbp, Job.Trigger.START)
    Job.objects.filter(pk=running.pk).update(windows=98)
    client.get(path)
    with django_assert_max_num_queries(8):
        client.get(path)


@pytest.mark.parametrize("path", ["/waluty/USD/", "/zloto/", "/waluty/"])
def test_the_pages_are_only_read(client: Client, nbp: Source, path: str) -> None:
    assert client.post(path).status_code == 405


def test_nothing_but_the_cdn_is_loaded_from_elsewhere(client: Client, nbp: Source, settings: Any) -> None:
    history(nbp, count=30)
    Publication.objects.update(url="")
    settings.CDN_ENABLED = True
    content = client.get("/waluty/USD/").content.decode()
    assert set(re.findall(r"https?://[\w.]+", content)) == {"https://cdn.jsdelivr.net"}
    assert 'data-libraries="' in content
    settings.CDN_ENABLED = False
    assert not re.search(r"https?://", client.get("/waluty/USD/").content.decode())


def test_the_proof_on_top_is_of_the_mid_also_when_table_c_is_a_day_ahead(client: Client, nbp: Source) -> None:
    history(nbp, count=3, until=FRIDAY - timedelta(days=1))
    band(nbp)
    sides = Publication.objects.get(table="C")
    mids = Publication.objects.get(table="A", effective_date=FRIDAY - timedelta(days=1))
    Publication.objects.filter(pk=sides.pk).update(sha256="c" * 64)
    Publication.objects.filter(pk=mids.pk).update(sha256="a" * 64)
    content = page(client)
    assert "a" * 64 in content
    assert "c" * 64 not in content
