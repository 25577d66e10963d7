"""GET /provenance/{kind}/{id}: where figures, documents, corrections, jobs and decisions came from."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from markets import clock
from markets.jobs import runs
from markets.models import Job, Override, Publication, Rate, Revision, Source
from markets.records import RateRecord, Table
from markets.store import overrides
from markets.store.prices import save_bars
from markets.store.publish import publish
from signals import tasks
from signals.models import Signal
from tests.cases import walk
from tests.market import bar, instrument, source
from tests.test_api_errors import error
from tests.test_engine import wave
from tests.test_known import JAN_2, archived, published
from tests.test_revisions_api import get, mid, usd

pytestmark = pytest.mark.django_db

At = Callable[[str], None]
KINDS = ["publication", "rate", "revision", "override", "job"]


@pytest.fixture
def told(nbp: Source, archive: Source, job: Job, at: At) -> None:
    """USD of 2 January: from the archive, then official, corrected, and another figure set beside it."""
    at("2024-01-03 12:00")
    publish([archived(JAN_2, USD="3.9432")], archive, runs.start("nbp_archive.mid", archive, Job.Trigger.COMMAND))
    at("2024-01-04 12:00")
    publish([published(JAN_2, USD="3.9432", EUR="4.3434")], nbp, job)
    at("2024-01-05 12:00")
    publish([published(JAN_2, sha="b", number="002/A/NBP/2024/K", USD="3.9501", EUR="4.3434")], nbp, job)
    at("2024-01-05 13:00")
    overrides.add(usd(), "A", JAN_2, mid("3.9500"), "Misprint", "anna")


def rate(code: str = "USD") -> Rate:
    return Rate.objects.get(instrument__code=code)


def test_a_rate_says_its_table_hash_job_archive_corrections_and_licence(
    told: None, client: Client, archive: Source, job: Job
) -> None:
    found = get(client, f"/provenance/rate/{rate().pk}")
    assert (found["kind"], found["id"]) == ("rate", rate().pk)
    assert found["rate"] == {
        "id": rate().pk, "code": "USD", "mid": "3.9501", "bid": None, "ask": None, "table": "A",
        "effective_date": "2024-01-02",
    }  # fmt: skip
    assert (found["source"]["code"], found["source"]["licence"]) == ("nbp", rate().source.licence)
    assert found["source"]["attribution"] == rate().source.attribution != ""
    assert found["publication"] == {
        "id": Publication.objects.get().pk, "table": "A", "table_no": "002/A/NBP/2024/K",
        "effective_date": "2024-01-02", "trading_date": None, "url": "https://nbp.example/", "sha256": "b" * 64,
        "known_from": "2024-01-04T11:00:00Z", "fetched_at": "2024-01-05T11:00:00Z", "job": job.pk,
    }  # fmt: skip
    assert found["archive"] == {
        "source": "nbp_archive", "edition": archive.edition, "read_at": "2024-01-03T11:00:00Z",
    }  # fmt: skip
    assert found["known_from"] == "2024-01-05T11:00:00Z"
    assert [(one["kind"], one["old"]["mid"], one["new"]["mid"]) for one in found["revisions"]] == [
        ("correction", "3.9432", "3.9501")
    ]
    assert [(one["mid"], one["override"]["author"]) for one in found["overrides"]] == [("3.9500", "anna")]


def test_a_figure_of_the_archive_has_its_edition_and_no_publication(archive: Source, client: Client, at: At) -> None:
    at("2024-01-03 12:00")
    publish([archived(JAN_2, USD="3.9432")], archive, runs.start("nbp_archive.mid", archive, Job.Trigger.COMMAND))
    Source.objects.filter(pk=archive.pk).update(edition="of tomorrow")
    found = get(client, f"/provenance/rate/{rate().pk}")
    assert (found["publication"], found["known_from"]) == (None, "2024-01-03T11:00:00Z")
    assert found["archive"]["edition"] == archive.edition, "the one that was read, not the one of today"


def test_what_nothing_recorded_is_null_and_not_invented(told: None, client: Client) -> None:
    row = rate("EUR")
    Rate.objects.filter(pk=row.pk).update(publication=None, table="B")
    found = get(client, f"/provenance/rate/{row.pk}")
    assert (found["publication"], found["archive"], found["known_from"]) == (None, None, None)


def test_a_publication_lists_its_figures(told: None, client: Client) -> None:
    pk = Publication.objects.get().pk
    found = get(client, f"/provenance/publication/{pk}")
    assert [(row["id"], row["code"], row["mid"]) for row in found["rates"]] == [
        (rate("EUR").pk, "EUR", "4.3434"), (rate("USD").pk, "USD", "3.9501"),
    ]  # fmt: skip
    assert found["publication"]["sha256"] == "b" * 64


def test_an_address_shows_no_key(told: None, client: Client, settings: Any) -> None:
    settings.POLYGON_API_KEY = "pk-very-secret-1"
    Publication.objects.update(url="https://user:word@nbp.example/?apiKey=pk-very-secret-1&day=2")
    for kind, pk in (("publication", Publication.objects.get().pk), ("rate", rate().pk)):
        url = get(client, f"/provenance/{kind}/{pk}")["publication"]["url"]
        assert "day=2" in url
        assert not any(secret in url for secret in ("secret", "word", "user"))


def test_a_correction_and_a_manual_figure_are_as_their_lists_have_them(told: None, client: Client) -> None:
    manual, correction = get(client, "/revisions")["items"]
    assert get(client, correction["provenance"])["revision"] == correction
    found = get(client, manual["provenance"])
    assert found["override"] == get(client, "/overrides")["items"][0]
    assert found["published"] == [rate().pk]


def test_a_job_says_what_it_brought(told: None, client: Client, job: Job) -> None:
    found = get(client, f"/provenance/job/{job.pk}")
    assert (found["job"]["job_type"], found["source"]["code"]) == ("nbp.A", "nbp")
    assert (found["publications"], found["revisions"]) == (1, 1)


def test_a_job_without_a_source_has_none(client: Client) -> None:
    row = Job.objects.create(job_type="prune", status="success", started_at=clock.now())
    assert get(client, f"/provenance/job/{row.pk}")["source"] is None


@walk("kind", [*KINDS, "signal"])
@walk("number", [2**31 - 1, 2**63 - 1])
def test_a_number_of_no_row_is_404(client: Client, kind: str, number: int) -> None:
    assert error(client.get(f"/provenance/{kind}/{number}"), 404)["code"] == "not_found"


@pytest.mark.slow
@walk("kind", [*KINDS, "signal", "nothing"])
@walk("number", ["-1", "1_0", "+1", "%201", "1.0", "１", "x", "1%00"])
def test_what_is_no_number_is_no_address(client: Client, kind: str, number: str) -> None:
    assert error(client.get(f"/provenance/{kind}/{number}"), 404)["code"] == "not_found"


@walk("kind", [*KINDS, "signal", "nothing"])
@walk("number", ["0", "00", str(2**63), "9" * 60])
def test_a_number_that_no_row_can_have_is_refused(client: Client, kind: str, number: str) -> None:
    error(client.get(f"/provenance/{kind}/{number}"), 422)


def test_an_unknown_kind_names_the_kinds(client: Client) -> None:
    found = error(client.get("/provenance/rates/1"), 404)
    assert found["detail"]["nearest"][0] == "rate"
    assert found["detail"]["kinds"] == [*KINDS, "signal"]
    for kind in ("delivery", "RATE", "rate%00", "ｒate"):
        assert error(client.get(f"/provenance/{kind}/1"), 404)["code"] == "not_found"
    error(client.get(f"/provenance/{'r' * 33}/1"), 422)


@walk("path", ["/provenance", "/provenance/rate", "/provenance/rate/1/2", "/provenance//1"])
def test_half_an_address_is_404(client: Client, path: str) -> None:
    error(client.get(path), 404)


def test_there_are_no_parameters(told: None, client: Client) -> None:
    error(client.get(f"/provenance/rate/{rate().pk}?bogus=1"), 422)


def test_another_notation_is_no_correction(told: None, client: Client) -> None:
    Revision.objects.update(notation=True)
    error(client.get(f"/provenance/revision/{Revision.objects.get().pk}"), 404)


def test_what_the_licence_keeps_from_the_public_is_403_and_operators_see_it(
    told: None, client: Client, settings: Any
) -> None:
    settings.API_TOKEN = "let-me-in"
    Source.objects.filter(code="nbp").update(public_api=False)
    pks = {"rate": rate().pk, "publication": Publication.objects.get().pk, "revision": Revision.objects.get().pk}
    for kind, pk in pks.items():
        assert error(client.get(f"/provenance/{kind}/{pk}"), 403)["code"] == "not_public"
        answer = client.get(f"/provenance/{kind}/{pk}", headers={"Authorization": "Bearer let-me-in"})
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "private, no-store")


@walk(("kind", "most"), [("publication", 2), ("rate", 6), ("revision", 2), ("override", 2), ("job", 4)])
def test_the_number_of_statements_is_fixed(
    told: None, client: Client, job: Job, django_assert_num_queries: Any, kind: str, most: int
) -> None:
    pks = {
        "publication": Publication.objects.get().pk,
        "rate": rate().pk,
        "revision": Revision.objects.get().pk,
        "override": Override.objects.get().pk,
        "job": job.pk,
    }
    with django_assert_num_queries(most):
        get(client, f"/provenance/{kind}/{pks[kind]}")


# Decisions


@pytest.fixture
def decided(nbp: Source, job: Job, at: At) -> Signal:
    """The newest BUY of USD."""
    at("2026-11-20 13:00")
    tables = [
        Table("A", day, [RateRecord("USD", mid=value)], number=f"{day:%j}/A/NBP/{day:%Y}", sha256="a" * 64)
        for day, value in wave(400)
    ]
    publish(tables, nbp, job)
    Job.objects.update(status=Job.Status.SUCCESS, lease_until=None)
    tasks.catch_up()
    return Signal.objects.filter(signal="BUY").order_by("-as_of")[0]


def test_a_decision_says_its_bars_rule_and_hashes(decided: Signal, client: Client) -> None:
    found = get(client, f"/provenance/signal/{decided.pk}")
    day = decided.as_of.date()
    figure = Rate.objects.get(effective_date=day)
    assert found["bars"][-1] == {
        "as_of": day.isoformat(), "close": f"{figure.published('mid')}", "source": "nbp",
        "table_no": f"{day:%j}/A/NBP/{day:%Y}", "sha256": "a" * 64,
        "provenance": f"/api/v1/provenance/rate/{figure.pk}",
    }  # fmt: skip
    assert [one["as_of"] for one in found["bars"]] == [(day - timedelta(days=1)).isoformat(), day.isoformat()]
    assert found["rule"]["parameters"] == {"fast": "12", "slow": "26", "signal": "9"}
    assert (found["signal"]["inputs"], found["signal"]["params"]) == (decided.inputs, decided.params)
    assert [one["id"] for one in found["editions"]] == [decided.pk]
    assert get(client, found["bars"][-1]["provenance"])["rate"]["mid"] == found["bars"][-1]["close"]


def test_all_versions_of_the_bar_are_named(decided: Signal, client: Client) -> None:
    first = decided.pk
    decided.pk, decided.version, decided.signal = None, 2, "HOLD"
    decided.save(force_insert=True)
    found = get(client, f"/provenance/signal/{first}")
    assert [(one["edition"], one["signal"]) for one in found["editions"]] == [(1, "BUY"), (2, "HOLD")]
    assert found["signal"]["superseded"] is True


def test_a_rule_that_is_configured_no_more_has_no_parameters(decided: Signal, client: Client) -> None:
    Signal.objects.filter(pk=decided.pk).update(rule="macd_signal_cross_1_2_3")
    rule = get(client, f"/provenance/signal/{decided.pk}")["rule"]
    assert rule == {"name": "macd_signal_cross_1_2_3", "label": None, "parameters": None}


def test_a_decision_on_candles_names_them_and_their_source(client: Client, db: None, at: At) -> None:
    at("2026-10-26 13:00")
    save_bars([bar("2026-10-26 09:00"), bar("2026-10-26 10:00")], source("binance", ["BTCUSDT"], enabled=True))
    row = Signal.objects.create(
        instrument=instrument("BTCUSDT"), rule="rsi", timeframe="1h", as_of="2026-10-26T10:00:00Z", signal="BUY",
        horizon_days=5, generated_at=clock.now(),
    )  # fmt: skip
    bars = get(client, f"/provenance/signal/{row.pk}")["bars"]
    assert [(one["as_of"], one["close"], one["source"], one["provenance"]) for one in bars] == [
        ("2026-10-26T09:00:00Z", "105", "binance", None), ("2026-10-26T10:00:00Z", "105", "binance", None),
    ]  # fmt: skip


def test_a_decision_that_may_not_be_shown_is_404(decided: Signal, client: Client) -> None:
    Source.objects.filter(code="nbp").update(public_api=False)
    error(client.get(f"/provenance/signal/{decided.pk}"), 404)


def test_statements_about_a_decision_are_five(decided: Signal, client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(5):
        get(client, f"/provenance/signal/{decided.pk}")


def test_a_trading_day_and_two_sides_are_told(nbp: Source, job: Job, client: Client) -> None:
    sides = RateRecord("USD", bid=Decimal("3.9010"), ask=Decimal("3.9800"))
    table = Table("C", JAN_2, [sides], number="001/C/NBP/2024", sha256="c", trading_date=date(2023, 12, 29))
    publish([table], nbp, job)
    found = get(client, f"/provenance/rate/{rate().pk}")
    assert (found["rate"]["mid"], found["rate"]["bid"], found["rate"]["ask"]) == (None, "3.9010", "3.9800")
    assert found["publication"]["trading_date"] == "2023-12-29"
