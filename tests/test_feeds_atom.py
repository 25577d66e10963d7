"""The Atom feeds: what each holds, names that last, whose figures they show, and readers that misuse them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from markets import problems
from markets.instruments.create import find_or_create
from markets.messages import Message
from markets.models import Problem, Revision, Source
from markets.records import RateRecord, Table
from signals.models import Signal
from tests import feed_reading
from tests.alert_rows import alert_event
from tests.cases import walk
from tests.feed_reading import ATOM, FEEDS, entries, root_of
from tests.market import decision, instrument, source
from tests.test_pages_instrument import save

pytestmark = pytest.mark.django_db
DAY = date(2026, 10, 26)


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None], nbp: Source) -> None:
    at("2026-10-26 12:00")
    find_or_create({"USD"}, "currency")


def table(figure: RateRecord, letter: str = "A", number: str = "208/A/NBP/2026", day: date = DAY) -> Table:
    return Table(letter, day, [figure], number, None, "https://nbp.example/", number[:1] * 64, "currency")


def corrected(nbp: Source) -> None:
    save(nbp, [table(RateRecord("USD", mid=Decimal("3.8647")))])
    save(nbp, [table(RateRecord("USD", mid=Decimal("3.8650")), number="209/A/NBP/2026")])


def test_a_signal_is_an_entry_with_its_reason_and_its_page(client: Client, nbp: Source, settings: Any) -> None:
    settings.PUBLIC_URL = "https://rates.example.org"
    save(nbp, [table(RateRecord("USD", mid=Decimal("3.8647")), day=date(2026, 10, 14))])
    decision()
    (entry,) = entries(client, "/feeds/signals.atom")
    assert entry.title == "USD: SPRZEDAJ (MACD 12/26/9)"
    assert "MACD" in entry.summary
    assert entry.summary.replace("\u00a0", " ").endswith("(dzienny, 3,9000 zł)")
    assert entry.id == "tag:rates.example.org,2026:signal/USD/macd_signal_cross_12_26_9/1d/2026-10-15"
    assert entry.link == "https://rates.example.org/sygnaly/17391/"
    assert (entry.updated, entry.published) == ("2026-10-15T00:00:00+00:00",) * 2


def test_a_corrected_decision_is_the_same_entry_with_a_later_moment(client: Client) -> None:
    row = decision()
    before = entries(client, "/feeds/signals.atom")
    row.pk, row.version, row.signal, row.generated_at = None, 2, "BUY", datetime(2026, 10, 20, tzinfo=UTC)
    row.save(force_insert=True)
    (after,) = entries(client, "/feeds/signals.atom")
    assert [after.id] == [entry.id for entry in before]
    assert (after.title, after.updated) == ("USD: KUP (MACD 12/26/9)", "2026-10-20T00:00:00+00:00")


def test_a_feed_has_at_most_fifty_entries_and_the_newest(client: Client) -> None:
    first = decision()
    rows = [
        Signal(instrument=first.instrument, rule=first.rule, as_of=first.as_of - timedelta(days=number), signal="BUY",
               values={"close": 3.9}, horizon_days=5, generated_at=first.generated_at)
        for number in range(1, 60)
    ]  # fmt: skip
    Signal.objects.bulk_create(rows)
    found = entries(client, "/feeds/signals.atom")
    assert len(found) == 50
    assert found[0].published > found[-1].published == "2026-08-27T00:00:00+00:00"
    assert len({entry.id for entry in found}) == 50


def test_what_is_no_turn_is_no_news(client: Client) -> None:
    row = decision()
    Signal.objects.filter(pk=row.pk).update(signal="HOLD")
    assert entries(client, "/feeds/signals.atom") == []


def test_the_feed_of_an_instrument_has_its_own_alone(client: Client) -> None:
    decision()
    find_or_create({"EUR"}, "currency")
    assert len(entries(client, "/feeds/signals/usd.atom")) == 1
    assert entries(client, "/feeds/signals/EUR.atom") == []


def test_an_alert_that_is_over_is_the_same_entry(client: Client, settings: Any) -> None:
    settings.PUBLIC_URL = "https://rates.example.org"
    source("coingecko", ["BTC"])
    event = alert_event(id=12)
    (before,) = entries(client, "/feeds/alerts.atom")
    assert before.title.replace("\u00a0", " ") == "BTCUSD: +5,24% w 60 min, cena 67 321,50 USD (próg 5%)"
    assert before.summary == "Od 26.10.2026, 12:00."
    assert before.link == "https://rates.example.org/alerty/?instrument=BTCUSD"
    event.resolved_at = event.created_at + timedelta(hours=1)
    event.save()
    (after,) = entries(client, "/feeds/alerts.atom")
    assert after.id == before.id == "tag:rates.example.org,2026:alert/12"
    assert after.published == before.updated == "2026-10-26T11:00:00+00:00"
    assert after.updated == "2026-10-26T12:00:00+00:00"
    assert after.summary.endswith("Ustąpił 26.10.2026, 13:00.")


def test_what_operators_watch_is_no_alert_of_the_feed(client: Client) -> None:
    source("coingecko", ["BTC"])
    alert_event(kind="disk")
    assert entries(client, "/feeds/alerts.atom") == []


def test_a_correction_says_what_it_was_and_what_it_is(client: Client, nbp: Source) -> None:
    corrected(nbp)
    (entry,) = entries(client, "/feeds/revisions.atom")
    assert entry.title == "USD z 26.10.2026 (A): korekta"
    assert entry.summary.replace("\u00a0", " ") == (
        "kurs średni 3,8647 → 3,8650 zł. Było: Narodowy Bank Polski 208/A/NBP/2026. "
        "Jest: Narodowy Bank Polski 209/A/NBP/2026."
    )
    assert entry.link.endswith("/waluty/USD/")


def test_a_correction_of_the_bank_names_both_sides(client: Client, nbp: Source) -> None:
    for bid, ask in (("3.80", "3.90"), ("3.81", "3.90")):
        save(nbp, [table(RateRecord("USD", bid=Decimal(bid), ask=Decimal(ask)), "C")])
    (entry,) = entries(client, "/feeds/revisions.atom")
    assert entry.summary.replace("\u00a0", " ").startswith("kupno 3,80 → 3,81 zł. ")


def test_another_notation_is_no_correction(client: Client, nbp: Source) -> None:
    corrected(nbp)
    Revision.objects.update(notation=True)
    assert entries(client, "/feeds/revisions.atom") == []


def test_a_problem_says_what_it_harms_and_when_it_went(client: Client, at: Callable[[str], None]) -> None:
    problems.report("source_stale", "nbp", Message.of("https://secret.example refused"))
    (opened,) = entries(client, "/feeds/problems.atom")
    assert opened.title == "Problem: Dane ze źródła są nieaktualne: Narodowy Bank Polski"
    assert "Na stronach są starsze kursy" in opened.summary
    assert "secret" not in client.get("/feeds/problems.atom").content.decode()
    at("2026-10-26 13:30")
    problems.close("source_stale", "nbp")
    (gone,) = entries(client, "/feeds/problems.atom")
    assert gone.id == opened.id
    assert gone.title.startswith("Ustąpiło: ")
    assert gone.summary.endswith("Od 26.10.2026, 12:00. Ustąpił 26.10.2026, 13:30.")
    assert gone.updated > opened.updated


def test_what_a_private_problem_is_about_is_for_operators(client: Client) -> None:
    problems.report("channel_broken", "nbp")
    (entry,) = entries(client, "/feeds/problems.atom")
    assert entry.title == "Problem: Kanał alertów nie działa"


@pytest.mark.slow
@walk("path", ["/feeds/signals.atom", "/feeds/signals/USD.atom", "/feeds/revisions.atom"])
def test_a_source_that_may_not_be_given_away_is_in_no_feed(client: Client, nbp: Source, path: str) -> None:
    decision()
    corrected(nbp)
    assert entries(client, path)
    Source.objects.filter(code="nbp").update(public_api=False)
    assert entries(client, path) == []
    assert "Źródło: Narodowy Bank Polski" not in client.get(path).content.decode()


@pytest.mark.parametrize("closed", ["nbp", "nbp_archive"])
def test_a_correction_is_shown_where_both_of_its_sources_may_be(
    client: Client, nbp: Source, archive: Source, closed: str
) -> None:
    save(archive, [table(RateRecord("USD", mid=Decimal("3.8647")))])
    save(nbp, [table(RateRecord("USD", mid=Decimal("3.8650")))])
    assert len(entries(client, "/feeds/revisions.atom")) == 1
    Source.objects.filter(code=closed).update(public_api=False)
    assert entries(client, "/feeds/revisions.atom") == []


def test_alerts_of_a_closed_source_are_in_no_feed(client: Client) -> None:
    source("coingecko", ["BTC"])
    alert_event()
    assert entries(client, "/feeds/alerts.atom")
    Source.objects.filter(code="coingecko").update(public_api=False)
    assert entries(client, "/feeds/alerts.atom") == []


@walk("name", ["<b>&amp;</b>", "a\x01\x08\x1fb", "\ufffe\uffff", "]]>", "\U0001f4b1", "\"'"])
def test_no_name_breaks_the_xml(client: Client, name: str) -> None:
    problems.report("source_stale", "nbp")
    Source.objects.filter(code="nbp").update(name=name, attribution=name)
    (entry,) = entries(client, "/feeds/problems.atom")
    shown = "".join("\ufffd" if one in "\x01\x08\x1f\ufffe\uffff" else one for one in name)
    assert entry.title.endswith(f": {shown}")
    assert shown in (root_of(client, "/feeds/signals.atom").findtext(f"{ATOM}rights") or "")


def test_a_summary_is_html_of_which_nothing_is_a_tag(client: Client, nbp: Source) -> None:
    corrected(nbp)
    Source.objects.filter(code="nbp").update(name="<script>x</script>")
    (entry,) = entries(client, "/feeds/revisions.atom")
    assert "&lt;script&gt;" in entry.summary
    assert "<" not in entry.summary


@pytest.mark.slow
@walk("path", FEEDS)
def test_a_feed_is_whole_by_the_standard(client: Client, nbp: Source, path: str) -> None:
    decision()
    corrected(nbp)
    source("coingecko", ["BTC"])
    alert_event()
    problems.report("queue")
    root = root_of(client, path)
    for name in ("title", "id", "updated", "author"):
        assert len(root.findall(f"{ATOM}{name}")) == 1, name
    links = {link.get("rel"): link.get("href", "") for link in root.findall(f"{ATOM}link")}
    assert links["self"] == f"http://testserver{path}"
    assert links["alternate"].startswith("http://testserver/")
    assert client.get(links["alternate"].removeprefix("http://testserver")).status_code == 200
    found = [feed_reading.read(entry) for entry in root.findall(f"{ATOM}entry")]
    assert found
    for entry in found:
        assert all([entry.title, entry.id, entry.updated, entry.summary])
        assert client.get(entry.link.removeprefix("http://testserver").partition("#")[0]).status_code == 200


@pytest.mark.slow
@walk(
    ("path", "queries"),
    [("/feeds/signals.atom", 3), ("/feeds/signals/USD.atom", 4), ("/feeds/alerts.atom", 2),
     ("/feeds/revisions.atom", 2), ("/feeds/problems.atom", 2)],
)  # fmt: skip
def test_a_feed_asks_as_often_however_much_is_in_it(
    client: Client, nbp: Source, path: str, queries: int, django_assert_num_queries: Any
) -> None:
    source("coingecko", ["BTC"])
    for number in range(12):
        row = decision(1000 + number)
        Signal.objects.filter(pk=row.pk).update(as_of=row.as_of - timedelta(days=number + 1))
        alert_event(minutes_ago=number)
        Problem.objects.create(kind="gap", subject=f"nbp.{number}", opened_at=row.as_of, seen_at=row.as_of)
    corrected(nbp)
    with django_assert_num_queries(queries):
        client.get(path)


def test_an_empty_feed_has_the_same_bytes_all_day(client: Client, at: Callable[[str], None]) -> None:
    for path in FEEDS:
        at("2026-10-26 00:00")
        begun = client.get(path)
        at("2026-10-26 23:59")
        assert client.get(path).content == begun.content


def test_the_language_is_the_one_of_the_address(client: Client) -> None:
    decision()
    english = entries(client, "/feeds/signals.atom?lang=en")
    assert english[0].title == "USD: SELL (MACD 12/26/9)"
    assert english[0].summary.startswith("The MACD histogram turned negative")
    assert entries(client, "/feeds/signals.atom?lang=pl")[0].title == "USD: SPRZEDAJ (MACD 12/26/9)"
    response = client.get("/feeds/signals.atom?lang=en", headers={"Accept-Language": "pl"})
    assert response.headers["Content-Language"] == "en"
    assert root_of(client, "/feeds/signals.atom").get("{http://www.w3.org/XML/1998/namespace}lang") == "pl"


def test_a_demo_says_so(client: Client, settings: Any) -> None:
    settings.DEMO = True
    assert root_of(client, "/feeds/signals.atom").findtext(f"{ATOM}title") == "DEMO · Charon: sygnały"


def test_a_signal_of_a_market_leads_to_its_page(client: Client) -> None:
    source("coingecko", ["BTC"])
    row = decision()
    Signal.objects.filter(pk=row.pk).update(instrument=instrument("BTCUSD"), timeframe="1h")
    (entry,) = entries(client, "/feeds/signals.atom")
    assert entry.id.endswith("signal/BTCUSD/macd_signal_cross_12_26_9/1h/2026-10-15T00-00")
    assert entry.link == "http://testserver/sygnaly/17391/"
