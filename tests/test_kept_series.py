"""A currency that is asked for often stands ready: new questions about its days cost no statement."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from charon.kept import series
from charon.kept.series import ReadySeriesShelf
from charon.kept.shelves import Shelves
from markets.api import ready_series
from markets.api.ready_series import ReadySeries
from markets.api.responses import page
from markets.models import Alias, Rate, Source
from markets.queries import rate_texts
from tests.front_fakes import Proto
from tests.kept_front import Site, running
from tests.market import instrument
from tests.test_pages_instrument import history

OWN = {"x-request-id", "ratelimit"}
# Of the sixty days of a test the newest is 2026-11-21.
PERIODS = [
    ("2026-10-01", "2026-11-20"),
    ("2026-10-01", "2026-10-01"),
    ("2026-11-20", "2026-12-31"),
    ("2024-11-21", "2026-11-21"),
    ("2019-01-01", "2019-12-31"),
    ("2026-12-01", "2027-01-31"),
]


def asked(code: str = "USD", start: str = "2026-10-01", end: str = "2026-11-20", limit: int = 366) -> str:
    return f"/rates?code={code}&from={start}&to={end}&limit={limit}"


@pytest.fixture
def site(nbp: Source, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    at("2026-11-21 09:00")
    monkeypatch.setattr(series, "WORTH", 3)
    for code in ("USD", "EUR"):
        history(nbp, code, count=60)
    with running(monkeypatch) as one:
        yield one


def make_ready(site: Site, code: str = "USD") -> None:
    for day in range(1, series.WORTH + 1):
        assert site.get(asked(code, f"2026-09-0{day}")).status == 200
    assert code in site.front.keeper.series.ready
    site.django.environs.clear()


def told(proto: Proto) -> tuple[int, dict[str, str], bytes]:
    return proto.status, {name: text for name, text in proto.headers.items() if name not in OWN}, bytes(proto.body)


@pytest.mark.parametrize(("start", "end"), PERIODS)
@pytest.mark.parametrize("pairs", [[], [("accept-encoding", "br")], [("if-none-match", "*")]])
def test_a_new_period_costs_no_statement_and_is_what_django_answers(
    site: Site, start: str, end: str, pairs: list[tuple[str, str]]
) -> None:
    path = asked(start=start, end=end)
    django = told(site.get(path, *pairs))
    make_ready(site)
    site.front.keeper.shelves = Shelves()
    site.django.away = site.clock_stands = True
    with CaptureQueriesContext(connection) as queries:
        ready = told(site.get(path, *pairs))
    assert (ready, len(queries)) == (django, 0)


@pytest.mark.parametrize("limit", [1, 49, 50, 51, 52, 100, 10_000])
def test_whatever_the_limit_it_is_what_django_answers(site: Site, client: Client, limit: int) -> None:
    make_ready(site)
    path = asked(limit=limit)
    assert bytes(site.get(path).body) == client.get(path).content


def test_what_is_asked_again_is_not_made_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    make_ready(site)
    first = told(site.get(asked()))
    monkeypatch.setattr(site.front.keeper.series, "ready", None)
    site.django.away = True
    assert told(site.get(asked())) == first


@pytest.mark.parametrize("path", [asked(limit=7), "/api/v1/rates?limit=20&to=2026-11-20&code=usd&from=2025-11-01"])
def test_the_next_page_is_named_as_django_names_it(site: Site, path: str) -> None:
    django = told(site.get(path))
    assert "offset" in django[1]["link"]
    make_ready(site)
    site.front.keeper.shelves = Shelves()
    site.django.away = True
    assert told(site.get(path)) == django


def test_a_new_figure_and_a_correction_are_in_the_next_answer(site: Site, nbp: Source) -> None:
    make_ready(site)
    before = site.get(asked()).body
    Rate.objects.filter(instrument__code="USD", effective_date=date(2026, 11, 20)).update(mid="9.8765")
    nbp.save()  # raises every generation, as the writer does
    after = site.get(asked()).body
    assert b"9.8765" not in before
    assert b"9.8765" in after
    assert "USD" not in site.front.keeper.series.ready


def test_a_currency_is_made_ready_once_it_is_worth_it_and_not_before(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    shelf = site.front.keeper.series

    def noted(code: str) -> ReadySeries | None:
        made.append(code)
        return ReadySeries.of(code)

    monkeypatch.setattr(shelf, "make", noted)
    for start in ("2026-09-01", "2026-09-02"):
        site.get(asked("usd", start))
    assert made == []
    site.all([site.scope(asked("USD", f"2026-09-{day}"), []) for day in range(10, 20)])
    assert made == ["USD"]


def test_one_that_was_much_asked_for_is_made_ready_again_after_a_change(site: Site, nbp: Source) -> None:
    make_ready(site)
    make_ready(site, "EUR")
    for day in range(1, series.WORTH + 1):
        site.get(asked(start=f"2026-10-0{day}"))
    assert site.asked == 0
    nbp.save()
    for code in ("USD", "EUR"):
        site.get(asked(code, end="2026-11-19"))
    assert list(site.front.keeper.series.ready) == ["USD"]


def test_the_same_code_in_small_letters_is_the_same_currency(site: Site) -> None:
    make_ready(site)
    assert site.get(asked("usd")).body == site.get(asked("USD", end="2026-11-20")).body
    assert site.asked == 0


def test_one_that_is_not_asked_for_goes_when_there_is_no_room(site: Site) -> None:
    make_ready(site)
    shelf = site.front.keeper.series
    shelf.limit = shelf.size + 10
    make_ready(site, "EUR")
    assert (list(shelf.ready), shelf.size) == (["EUR"], shelf.ready["EUR"].series.size)
    assert shelf.asked["USD"] == 0


def test_one_that_is_larger_than_all_the_room_is_not_kept(site: Site) -> None:
    shelf = ReadySeriesShelf(limit=100)
    shelf.put("USD", ReadySeries.of("USD"), ())
    assert (shelf.size, list(shelf.ready)) == (0, [])


def test_a_series_that_is_too_long_is_read_from_the_tables(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready_series, "MOST_DAYS", 60)
    assert ReadySeries.of("USD") is None


def test_rows_of_every_kind_are_told_as_they_are(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more sources than there are bytes for the texts between figures, with what JSON must escape."""
    first, odd = date(2026, 1, 1), ('a"b', "c\\d", "\x01\n", "żółć\u2028", "", None)
    rows = [
        {
            "code": "USD",
            "base": "USD",
            "quote": "PLN",
            "effective_date": (first + timedelta(days=number // 2)).isoformat(),
            "mid": f"3.{number:010}",
            "bid": None if number % 3 else "0.0000000001",
            "ask": "1E" if number % 5 else None,
            "unit": number % 2,
            "source": f"source {number % 40}",
            "table": "AB"[number % 2],
            "table_no": odd[number % len(odd)],
        }
        for number in range(200)
    ]
    monkeypatch.setattr(rate_texts, "rows", lambda *_: rows)
    found = ReadySeries.of("USD")
    assert found is not None
    assert len(found.marks) == len(ready_series.MARKS)
    assert found.body(date.min, date.max, 200) == (msgspec.json.encode(page(rows, 200)), 200)
    assert found.body(date.min, date.max, 50) == (msgspec.json.encode(page(rows[:50], 200)), 200)
    assert found.body(first, first, 2) == (msgspec.json.encode(page(rows[:2], 2)), 2)


def test_a_database_that_goes_away_meanwhile_takes_no_answer_with_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(code: str) -> Any:
        raise OperationalError(f"password of {code}")

    monkeypatch.setattr(site.front.keeper.series, "make", away)
    for day in range(1, 4):
        assert site.get(asked(start=f"2026-09-0{day}")).status == 200
    assert [record.getMessage() for record in caplog.records] == [
        "The days of USD were not made ready: OperationalError"
    ]
    assert site.front.keeper.series.asked["USD"] == 0


def test_the_next_day_its_headers_are_learned_anew(site: Site, at: Callable[[str], None]) -> None:
    make_ready(site)
    at("2026-11-22 00:00")
    site.get(asked())
    assert site.asked == 1
    site.get(asked(start="2026-10-02"))
    assert site.asked == 1


def test_over_https_it_waits_for_an_answer_of_django_over_https(site: Site, settings: Any) -> None:
    make_ready(site)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 1000
    site.django.django.load_middleware()
    forwarded = ("x-forwarded-proto", "https")
    found = [site.get(asked(start=f"2026-10-0{day}"), forwarded, client="127.0.0.1:1").headers for day in (1, 2)]
    assert ["strict-transport-security" in headers for headers in found] == [True, True]
    assert site.asked == 1
    assert "strict-transport-security" not in site.get(asked(start="2026-10-03")).headers


def test_a_question_counts_towards_its_callers_limit(site: Site, settings: Any) -> None:
    make_ready(site)
    settings.LIMIT_READS = 1
    statuses = [site.get(asked(start=f"2026-10-{day}")).status for day in range(10, 22)]
    assert statuses == [200] * 10 + [429] * 2


def test_an_alias_that_asks_first_leaves_a_code_ready_for_the_day(site: Site, at: Callable[[str], None]) -> None:
    Alias.objects.create(name="DOL", instrument=instrument("USD"))
    site.get(asked("DOL"))  # of which the headers, and how long they hold, are learned
    make_ready(site)
    at("2026-11-21 09:01")
    site.clock_stands = True
    with CaptureQueriesContext(connection) as queries:
        assert site.get(asked("USD", "2026-10-02")).status == 200
    assert not queries


def test_the_zloty_is_no_series(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    for day in range(1, series.WORTH + 2):
        assert site.get(asked("PLN", f"2026-09-0{day}")).status == 200
    assert not site.front.keeper.series.ready
    assert not [one for one in caplog.records if "not made ready" in one.message]
